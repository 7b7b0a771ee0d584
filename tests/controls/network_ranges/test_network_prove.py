"""Proof of network ranges: refused and allowed addresses, and addresses that are only claimed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.shop import CUSTOMER, HEAD, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.network_ranges.prove import prove
from assay.prove.surface import Persona, Surface

DENIES = HEAD + "networks: {deny: [127.66.6.0/24]}\n"
ALLOWS = HEAD.replace("upstream:", "networks: {allow: [127.0.0.0/24]}\n    upstream:")


def gateway(tmp_path: Path, head: str, *personas: Persona) -> Surface:
    return surface_in(tmp_path / "shop", head=head, personas=personas or (CUSTOMER,), via="gateway", fronted=True)


def denying(*, believes: bool = False, asleep: bool = False) -> Shop:
    """Refuses 127.66.6.0/24, by what the connection says or (``believes``) by what a header does."""

    def answer(asked: Asked) -> Said | None:
        address = asked.source or ""
        if believes and "x-forwarded-for" in asked.headers:
            address = asked.headers["x-forwarded-for"]
        if address.startswith("127.66.6.") and not asleep:
            return refused("network_ranges/gateway/ranges/denied")
        return allowed({"status": "ok"})

    return Shop(gateway=True, wants=answer)


TESTS = [
    ("call-from-refused-network", ""),
    ("call-from-allowed-network-refused", ""),
    ("forged-address-believed", "as-allowed"),
    ("forged-address-believed", "as-denied"),
]


@pytest.mark.parametrize(("test", "variant"), TESTS)
def test_ranges_that_hold_pass(tmp_path: Path, test: str, variant: str) -> None:
    surface = gateway(tmp_path, DENIES)
    (case,) = named(list(prove(surface)), test, variant=variant)
    judged = run(case, denying(), surface)
    assert judged.outcome == "pass", judged.sentence


@pytest.mark.parametrize("variant", ["as-allowed", "as-denied"])
def test_headers_that_decide_are_found(tmp_path: Path, variant: str) -> None:
    surface = gateway(tmp_path, DENIES)
    (case,) = named(list(prove(surface)), "forged-address-believed", variant=variant)
    assert run(case, denying(believes=True), surface).outcome == "fail"


def test_ranges_that_are_not_applied_are_found(tmp_path: Path) -> None:
    surface = gateway(tmp_path, DENIES)
    (case,) = named(list(prove(surface)), "call-from-refused-network")
    assert run(case, denying(asleep=True), surface).outcome == "fail"


def test_ranges_that_only_observe_are_found(tmp_path: Path) -> None:
    surface = gateway(tmp_path, ALLOWS)
    (case,) = named(list(prove(surface)), "call-from-refused-network")
    shop = Shop(wants=lambda asked: allowed({}, 200, "rule", "network_ranges/shop/ranges/not-allowed"))
    judged = run(case, shop, surface)
    assert judged.outcome == "fail"
    assert "only observe" in judged.sentence


def test_an_allow_list_is_tried_from_outside_and_from_inside(tmp_path: Path) -> None:
    surface = gateway(tmp_path, ALLOWS)

    def answer(asked: Asked) -> Said:
        inside = (asked.source or "").startswith("127.0.0.")
        return allowed({}) if inside else refused("network_ranges/shop/ranges/not-allowed")

    for test, variant in TESTS:
        for case in named(list(prove(surface)), test, variant=variant):
            assert run(case, Shop(wants=answer), surface).outcome == "pass"


def test_another_refusal_from_inside_says_nothing_about_networks(tmp_path: Path) -> None:
    surface = gateway(tmp_path, DENIES)
    (case,) = named(list(prove(surface)), "call-from-allowed-network-refused")
    shop = Shop(wants=lambda asked: refused("authentication/no-accepted-credential", 401))
    assert run(case, shop, surface).outcome == "inconclusive"


def test_networks_without_an_address_on_this_machine_stay_open_questions(tmp_path: Path) -> None:
    surface = gateway(tmp_path, HEAD + "networks: {deny: [203.0.113.0/24]}\n")
    (case,) = named(list(prove(surface)), "call-from-refused-network")
    assert run(case, denying(), surface).outcome == "inconclusive"


def test_behind_proxies_the_address_travels_as_they_write_it(tmp_path: Path) -> None:
    head = DENIES.replace("apis:", "gateway: {trusted_hops: 2}\napis:", 1)
    surface = gateway(tmp_path, head)
    seen: list[str] = []

    def answer(asked: Asked) -> Said:
        seen.append(asked.headers["x-forwarded-for"])
        caller = asked.headers["x-forwarded-for"].split(", ")[-2]
        return refused("network_ranges/gateway/ranges/denied") if caller.startswith("127.66.6.") else allowed({})

    for test, variant in TESTS:
        (case,) = named(list(prove(surface)), test, variant=variant)
        judged = run(case, Shop(wants=answer), surface)
        assert judged.outcome == "pass", judged.sentence
    assert all(chain.endswith(", 127.0.0.1") for chain in seen)


def test_a_consumer_is_bound_to_its_own_networks(tmp_path: Path) -> None:
    head = HEAD.replace("client: app, scopes: [read, write]}}}", "client: app}}, networks: {allow: [127.0.0.0/24]}}")
    partner = Persona("app", "app", ("customer",), ("token",), ("read", "write"), sources=("127.0.0.0/24",))
    surface = gateway(tmp_path, head, partner)
    cases = list(prove(surface))
    assert {c.subject for c in cases} == {"consumers.app"}

    def answer(asked: Asked) -> Said:
        inside = (asked.source or "").startswith("127.0.0.")
        return allowed({}) if inside else refused("network_ranges/consumer/app")

    for case in cases:
        assert run(case, Shop(wants=answer), surface).outcome == "pass"


def test_what_everybody_is_refused_for_does_not_speak_for_a_consumers_own_networks(tmp_path: Path) -> None:
    head = DENIES.replace("client: app, scopes: [read, write]}}}", "client: app}}, networks: {allow: [127.0.0.0/24]}}")
    partner = Persona("app", "app", ("customer",), ("token",), ("read", "write"), sources=("127.0.0.0/24",))
    surface = gateway(tmp_path, head, partner)
    cases = [
        c for c in prove(surface) if c.subject == "consumers.app" and c.test.id != "call-from-allowed-network-refused"
    ]
    assert len(cases) == 2
    for case in cases:
        assert run(case, denying(), surface).outcome == "fail", "only the list of everybody is applied"


def test_without_declared_networks_there_is_nothing_to_try(tmp_path: Path) -> None:
    assert not list(prove(gateway(tmp_path, HEAD)))
