"""Proof of data exposure: who sees too much is found by the value, wherever it stands, and nobody else is accused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.desk import BOSS, CLERK, CONTRACT, HEAD, Desk, desk_surface, outcome
from tests.controls.proving.shop import surface_in
from tests.prove.scripted import Asked, Said

from assay.controls.data_exposure.prove import prove
from assay.domain import Outcome, Severity
from assay.prove.case import Judged
from assay.prove.surface import Surface


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return desk_surface(tmp_path / "desk")


def judged(surface: Surface, test: str, desk: Desk, operation: str = "", identity: str = "") -> Judged:
    cases = [c for c in prove(surface) if identity in (c.identity, "")]
    return outcome(surface, cases, test, desk, operation)


class TestClassifiedFields:
    def test_in_clear_are_found(self, surface: Surface) -> None:
        found = judged(surface, "field-shown-in-clear", Desk(frozenset({"clear"})), "getNote", "till")
        assert found.outcome is Outcome.FAIL
        assert "`iban`" in found.sentence

    def test_are_found_under_another_name_too(self, surface: Surface) -> None:
        def answer(asked: Asked) -> Said | None:
            if asked.method != "GET":
                return None
            boss = asked.who is not None and asked.who.persona == "boss"
            body = (
                {"id": "1", "iban": "DE1234567890"} if boss else {"id": "1", "iban": "***", "note": "of DE1234567890"}
            )
            return Said(200, body)

        assert judged(surface, "field-shown-in-clear", Desk(wants=answer), "getNote", "till").outcome is Outcome.FAIL

    def test_that_are_masked_pass(self, surface: Surface) -> None:
        assert judged(surface, "field-shown-in-clear", Desk(), "getNote", "till").outcome is Outcome.PASS

    def test_in_clear_for_who_may_see_them_pass(self, surface: Surface) -> None:
        assert judged(surface, "field-shown-in-clear", Desk(), "getNote", "boss").outcome is Outcome.PASS

    def test_masked_for_who_may_see_them_are_a_small_finding(self, surface: Surface) -> None:
        desk = Desk(wants=lambda asked: Said(200, {"id": "1", "iban": "***"}))
        found = judged(surface, "field-shown-in-clear", desk, "getNote", "boss")
        assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.LOW)

    def test_of_which_no_value_is_known_prove_nothing(self, surface: Surface) -> None:
        desk = Desk(wants=lambda asked: Said(200, {"id": "1"}))
        assert judged(surface, "field-shown-in-clear", desk, "getNote", "till").outcome is Outcome.INCONCLUSIVE

    def test_whose_value_everybody_may_see_elsewhere_are_no_finding(self, surface: Surface) -> None:
        def answer(asked: Asked) -> Said:
            boss = asked.who is not None and asked.who.persona == "boss"
            return Said(200, {"id": "DE1234567890", "iban": "DE1234567890" if boss else "***"})

        found = judged(surface, "field-shown-in-clear", Desk(wants=answer), "getNote", "till")
        assert found.outcome is Outcome.INCONCLUSIVE


class TestUndeclaredProperties:
    @pytest.mark.parametrize(("flaw", "expected"), [("hash", Outcome.FAIL), ("", Outcome.PASS)])
    def test_are_found(self, surface: Surface, flaw: str, expected: Outcome) -> None:
        found = judged(surface, "undeclared-property-sent", Desk(frozenset({flaw})), "getNote")
        assert found.outcome is expected, found.sentence
        assert (found.severity is Severity.HIGH) == (flaw == "hash")


class TestPropertiesThatNobodySets:
    def test_are_found_by_their_effect(self, surface: Surface) -> None:
        found = judged(surface, "property-set-by-caller", Desk(frozenset({"assign"})), "updateNote")
        assert found.outcome is Outcome.FAIL
        assert "`state`" in found.sentence

    def test_that_are_refused_pass(self, surface: Surface) -> None:
        assert judged(surface, "property-set-by-caller", Desk(), "updateNote").outcome is Outcome.PASS

    def test_that_are_merely_repeated_are_no_finding(self, surface: Surface) -> None:
        found = judged(surface, "property-set-by-caller", Desk(frozenset({"echo", "loose"})), "updateNote")
        assert found.outcome is Outcome.PASS, found.sentence


@pytest.mark.parametrize(
    ("test", "operation", "flaw"),
    [
        ("error-gives-away", "listNotes", "error"),
        ("page-without-end", "listNotes", "pages"),
        ("response-header-missing", "getNote", "headers"),
    ],
)
def test_what_goes_with_answers_is_looked_at(surface: Surface, test: str, operation: str, flaw: str) -> None:
    assert judged(surface, test, Desk(frozenset({flaw})), operation).outcome is Outcome.FAIL
    safe = judged(surface, test, Desk(), operation)
    assert safe.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE), safe.sentence


class TestOtherOrigins:
    @pytest.mark.parametrize(
        ("credentials", "expected"), [("true", Outcome.FAIL), ("false", Outcome.PASS)], ids=["with", "without"]
    )
    def test_are_a_finding_only_with_credentials(self, surface: Surface, credentials: str, expected: Outcome) -> None:
        def reflects(asked: Asked) -> Said | None:
            origin = asked.headers.get("origin")
            more = {"access-control-allow-origin": origin, "access-control-allow-credentials": credentials}
            return Said(200, {"items": []}, more) if origin else None

        assert judged(surface, "foreign-origin-allowed", Desk(wants=reflects)).outcome is expected

    def test_that_end_like_ours_are_tried(self, surface: Surface) -> None:
        def careless(asked: Asked) -> Said | None:
            origin = asked.headers.get("origin", "")
            if not origin.endswith("desk.example"):
                return None
            return Said(200, {}, {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"})

        assert judged(surface, "foreign-origin-allowed", Desk(wants=careless)).outcome is Outcome.FAIL

    def test_a_list_of_a_whole_domain_is_not_taken_for_a_trick_with_endings(self, tmp_path: Path) -> None:
        contract = CONTRACT.replace("https://desk.example", "https://api.desk.example")
        assert contract != CONTRACT

        def wide(asked: Asked) -> Said | None:
            origin = asked.headers.get("origin", "")
            if not origin.endswith(".desk.example"):
                return None
            return Said(200, {}, {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"})

        surface = surface_in(tmp_path / "desk", head=HEAD, contract=contract, personas=(CLERK, BOSS))
        assert judged(surface, "foreign-origin-allowed", Desk(wants=wide)).outcome is Outcome.PASS


def test_ids_of_cases_are_unique_and_requests_stay_within_the_plan(surface: Surface) -> None:
    cases = list(prove(surface))
    assert len({c.id for c in cases}) == len(cases)
    for case in cases:
        desk = Desk(frozenset({"assign", "error"}))
        outcome(surface, [case], case.test.id, desk)
        assert desk.lab is not None
        assert len(desk.lab.asked) <= case.requests, case.id
