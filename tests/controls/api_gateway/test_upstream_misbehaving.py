"""Proof that a failing service harms nobody: what hangs, breaks or tells too much is seen as that, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls._lib.misplayed import Policy, behind_gateway, played
from tests.controls.proving.desk import desk_surface

from assay.controls.api_gateway.prove import prove
from assay.domain import Outcome
from assay.prove.surface import Surface

_TESTS = (
    ("upstream-hang-waited-for", ""),
    ("broken-answer-passed-on", "reset"),
    ("broken-answer-passed-on", "cut"),
    ("upstream-banner-passed-on", ""),
    ("internal-address-passed-on", ""),
)


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return behind_gateway(tmp_path / "desk")


@pytest.mark.parametrize(("test", "variant"), _TESTS)
def test_a_gateway_that_stands_in_the_way_passes(surface: Surface, test: str, variant: str) -> None:
    found = played(surface, prove, test, Policy(), variant)
    assert found.outcome is Outcome.PASS, found.sentence
    assert found.facts["mirrored_policy"] == "p"


@pytest.mark.parametrize(
    ("test", "variant", "flaw"),
    [
        ("upstream-hang-waited-for", "", "hang-forever"),
        ("upstream-hang-waited-for", "", "hang-late"),
        ("upstream-hang-waited-for", "", "hang-ok"),
        ("broken-answer-passed-on", "reset", "reset-ok"),
        ("broken-answer-passed-on", "cut", "cut-ok"),
        ("upstream-banner-passed-on", "", "banner"),
        ("internal-address-passed-on", "", "location-kept"),
    ],
)
def test_one_that_lets_it_through_fails(surface: Surface, test: str, variant: str, flaw: str) -> None:
    assert played(surface, prove, test, Policy(frozenset({flaw})), variant).outcome is Outcome.FAIL


@pytest.mark.parametrize(("test", "variant"), _TESTS)
def test_a_gateway_that_refuses_before_or_refuses_everything_proves_nothing(
    surface: Surface, test: str, variant: str
) -> None:
    early = played(surface, prove, test, Policy(answers_itself=True), variant)
    assert early.outcome is Outcome.INCONCLUSIVE
    assert "`network_ranges/shop`" in early.sentence
    assert played(surface, prove, test, Policy(spoils_everything=True), variant).outcome is Outcome.INCONCLUSIVE
    assert played(surface, prove, test, None, variant).outcome is Outcome.INCONCLUSIVE


def test_what_services_may_have_reason_to_send_is_told_and_no_finding(surface: Surface) -> None:
    found = played(surface, prove, "upstream-banner-passed-on", Policy())
    assert found.facts["others_passed_on"] == ["set-cookie", "access-control-allow-origin", "x-backend"]


def test_an_address_that_nobody_follows_is_told_and_no_finding(surface: Surface) -> None:
    found = played(surface, prove, "internal-address-passed-on", Policy(frozenset({"content-location-kept"})))
    assert found.outcome is Outcome.PASS
    assert found.facts["named_by"] == ["content-location"]


def test_nothing_is_played_where_there_is_no_gateway_of_ours(tmp_path: Path) -> None:
    names = {c.test.id for c in prove(desk_surface(tmp_path / "desk"))}
    assert not names & {test for test, _ in _TESTS}
