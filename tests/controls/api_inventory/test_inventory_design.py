"""The inventory by design: versions, dates, addresses and forgotten contracts, on what golden pairs do not show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.api_inventory.design import design
from assay.controls.api_inventory.facts import completeness
from assay.controls.api_inventory.lifecycle import _disorder
from assay.controls.api_inventory.versions import _agree
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Product
from assay.domain import Verdict

TODAY = date(2026, 7, 1)
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production}}
apis:
  shop: {owner: shop, exposure: internal, environment: test, contract: shop.yaml, upstream: "http://10.0.0.1:8000"EXTRA}
"""
DAYS = st.none() | st.dates(date(2025, 1, 1), date(2027, 12, 31))


def found(declaration: Declaration, check: str) -> list[Verdict]:
    context = Context(declaration, TODAY, frozenset())
    return [v for v in design(context) if v.check == check]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("2", "2.1.4", True), ("v2", "2.0", True), ("2.1", "2.10", False), ("1", "2", False), ("2.1-rc", "2.1", True)],
)
def test_a_version_agrees_with_a_longer_form_of_itself(one: str, other: str, same: bool) -> None:
    assert _agree(one, other) is same
    assert _agree(other, one) is same


@given(since=DAYS, until=DAYS, state=st.sampled_from(["design", "beta", "live", "deprecated", "retired"]))
def test_any_dates_are_either_in_order_or_named(since: date | None, until: date | None, state: str) -> None:
    problem = _disorder(Product(lifecycle=state, deprecated=since, sunset=until), TODAY)
    assert problem is None or problem[0] in ("lifecycle", "deprecated", "sunset")
    if since and until and until < since:
        assert problem is not None


def test_a_number_for_a_version_is_a_version(declared: Callable[..., Declaration]) -> None:
    contract = "openapi: 3.0.3\ninfo: {title: Shop, version: 2.0}\npaths: {}\n"
    (verdict,) = found(declared(HEAD.replace("EXTRA", ""), contract), "version-contradiction")
    assert verdict.outcome == "pass"


def test_the_share_of_known_facts_grows_with_what_is_declared(declared: Callable[..., Declaration]) -> None:
    shares = [
        completeness(declared(HEAD.replace("EXTRA", extra)), "shop").share
        for extra in ("", ", product: {support: me}", ", product: {support: me, audience: [all], lifecycle: live}")
    ]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_file_that_a_contract_refers_to_is_no_orphan(declared: Callable[..., Declaration], tmp_path: Path) -> None:
    contract = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /a: {get: {operationId: a, responses: {"200": {$ref: "shared.yaml#/components/responses/Ok"}}}}
"""
    shared = (
        'openapi: 3.0.3\ninfo: {title: S, version: "1"}\npaths: {}\ncomponents: {responses: {Ok: {description: ok}}}\n'
    )
    declaration = declared(HEAD.replace("EXTRA", ""), contract, **{"shared.yaml": shared})
    assert [v.outcome for v in found(declaration, "orphan-contract")] == ["pass"]
    (tmp_path / "left.json").write_text('{\n  "openapi": "3.1.0", "paths": {}}')
    (tmp_path / "minified.json").write_text('{"swagger":"2.0"}')
    (tmp_path / "notes.yaml").write_text("text: about openapi\n")
    orphaned = [v.location.file.rpartition("/")[2] for v in found(declaration, "orphan-contract")]
    assert orphaned == ["left.json", "minified.json"]


def test_two_hosts_do_not_meet_at_one_path(declared: Callable[..., Declaration]) -> None:
    two = HEAD.replace("EXTRA", ", hosts: [a.example]") + (
        "  gone: {owner: shop, exposure: internal, environment: test, contract: shop.yaml,"
        ' upstream: "http://10.0.0.1:8000", hosts: [b.example], product: {lifecycle: retired}}\n'
    )
    assert [v.outcome for v in found(declared(two), "retired-still-reached")] == ["pass"]
    same = two.replace("b.example", "a.example")
    assert [v.outcome for v in found(declared(same), "retired-still-reached")] == ["fail"]
