"""Sets of networks are compared as sets of addresses, and lists are read to the last line or not at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.base import Site
from assay.controls.network_ranges.enforce import enforce
from assay.controls.network_ranges.lists import parse_list, read_list
from assay.controls.network_ranges.ranges import Ranges, redundant
from assay.declare.declaration import Declaration
from assay.domain import AssayError, DeclarationError
from assay.gateway import ir

SITE = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:9400")
# Small prefixes within 10.0.0.0/28, so that the tests can count addresses one by one.
SMALL = st.builds(
    lambda start, length: str(ipaddress.ip_network((0x0A000000 + start, length), strict=False)),
    st.integers(0, 15),
    st.integers(28, 32),
)


def _addresses(networks: list[str]) -> set[int]:
    return {int(a) for n in networks for a in ipaddress.ip_network(n)}


@given(st.lists(SMALL, max_size=8), SMALL)
def test_covering_and_touching_agree_with_counting_addresses(held: list[str], network: str) -> None:
    inside, mine = _addresses(held), _addresses([network])
    assert Ranges(held).covers(network) == (mine <= inside)
    assert Ranges(held).touches(network) == bool(mine & inside)


@given(st.lists(SMALL, max_size=8))
def test_removing_what_is_redundant_changes_no_address(networks: list[str]) -> None:
    found = redundant(networks)
    gone = {inner for inner, _ in found}
    kept = [n for i, n in enumerate(networks) if i not in gone]
    assert _addresses(kept) == _addresses(networks)
    assert redundant(kept) == []
    assert all(_addresses([networks[inner]]) <= _addresses([networks[outer]]) for inner, outer in found)


def test_versions_are_never_mixed() -> None:
    assert not Ranges(["::/0"]).covers("10.0.0.0/8")
    assert not Ranges(["0.0.0.0/0"]).touches("2001:db8::/32")
    assert redundant(["0.0.0.0/0", "::/0"]) == []


@given(st.text(max_size=300))
def test_any_text_is_a_list_or_a_list_of_problems(text: str) -> None:
    listed = parse_list(text, name="bad.netset")
    for network in listed.networks:
        ipaddress.ip_network(network)
    lines = text.split("\n")
    assert all(1 <= p.at.line <= len(lines) for p in listed.problems)


@given(st.lists(SMALL, max_size=8))
def test_a_list_means_the_same_addresses_after_collapsing(networks: list[str]) -> None:
    listed = parse_list("# head\n" + "\n".join(f"  {n} # why" for n in networks), name="bad.netset")
    assert listed.problems == ()
    assert _addresses(list(listed.networks)) == _addresses(networks)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"\x00" * 3], ids=["missing", "no UTF-8", "no network"])
def test_a_list_that_cannot_be_read_stops_the_gateway_from_being_compiled(
    tmp_path: Path, declared: Callable[..., Declaration], content: bytes | None
) -> None:
    declaration = declared(
        """\
assay: 1
organisation: {name: Shop}
environments: {demo: {tier: non-production}}
networks: {deny: [{list: bad.netset}]}
apis: {shop: {owner: s, exposure: public, environment: demo, contract: shop.yaml, upstream: "http://127.0.0.1:1"}}
""",
        **{"bad.netset": ""},
    )
    file = tmp_path / "bad.netset"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DeclarationError) as error:
        list(enforce(declaration, SITE))
    assert "bad.netset" in error.value.diagnosis()


def test_every_bad_line_is_named(tmp_path: Path, declared: Callable[..., Declaration]) -> None:
    declaration = declared(
        """\
assay: 1
organisation: {name: Shop}
environments: {demo: {tier: non-production}}
networks: {deny: [{list: bad.netset}]}
apis: {shop: {owner: s, exposure: public, environment: demo, contract: shop.yaml, upstream: "http://127.0.0.1:1"}}
""",
        **{"bad.netset": "10.0.0.0/8\nevil.example\n 10.0.0.0/99\n"},
    )
    with pytest.raises(DeclarationError) as error:
        list(enforce(declaration, SITE))
    assert [str(v.location) for v in error.value.verdicts] == ["bad.netset:2:1", "bad.netset:3:2"]


def test_a_directory_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(AssayError):
        read_list(tmp_path, ".")


def test_the_gateways_rule_holds_the_lists_and_the_networks_together(declared: Callable[..., Declaration]) -> None:
    declaration = declared(
        """\
assay: 1
organisation: {name: Shop}
environments: {demo: {tier: non-production}}
networks: {deny: [{list: bad.netset}, 192.0.2.0/24]}
apis: {shop: {owner: s, exposure: public, environment: demo, contract: shop.yaml, upstream: "http://127.0.0.1:1"}}
""",
        **{"bad.netset": "10.0.0.0/9\n10.128.0.0/9\n192.0.2.0/24\n"},
    )
    (rule,) = enforce(declaration, SITE)
    assert isinstance(rule, ir.NetworkRule)
    assert (rule.api, rule.deny) == ("", ("10.0.0.0/8", "192.0.2.0/24"))
