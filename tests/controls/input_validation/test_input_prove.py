"""Proof of input validation: each attack finds its flaw, finds nothing without it, and is not fooled by traps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.controls.proving.desk import Desk, DeskLab, desk_surface, outcome
from tests.prove.scripted import Asked, Said, judge, refused

from assay.controls._lib.attempts import signs_in, spoils, without
from assay.controls._lib.inputs import admits, places
from assay.controls.input_validation.proofs.queries import looks, pairs
from assay.controls.input_validation.proofs.sizes import padded
from assay.controls.input_validation.prove import prove
from assay.domain import Outcome
from assay.gateway.decision import Decision
from assay.prove.case import Call, Judged, Seen
from assay.prove.surface import Surface

ATTACKS = [
    ("contract-not-enforced", "createNote", "loose"),
    ("content-type-not-enforced", "createNote", "loose"),
    ("sql-injection", "listNotes", "sql"),
    ("sql-injection", "updateNote", "sql-write"),
    ("code-injection", "updateNote", "template"),
    ("code-injection", "updateNote", "format"),
    ("server-side-request", "openLink", "ssrf"),
    ("xml-entities-obeyed", "importNames", "xxe"),
    ("xml-entities-obeyed", "importNames", "expands"),
    ("body-size-unbounded", "createNote", "large"),
    ("upload-size-unbounded", "importNames", "large"),
]


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return desk_surface(tmp_path / "desk")


@pytest.mark.parametrize(("test", "operation", "flaw"), ATTACKS)
class TestEachAttack:
    def test_finds_its_flaw_and_shows_the_exchange(
        self, surface: Surface, test: str, operation: str, flaw: str
    ) -> None:
        judged = outcome(surface, list(prove(surface)), test, Desk(frozenset({flaw})), operation)
        assert judged.outcome is Outcome.FAIL, judged.sentence
        assert judged.decisive

    def test_finds_nothing_in_a_safe_service(self, surface: Surface, test: str, operation: str, flaw: str) -> None:
        judged = outcome(surface, list(prove(surface)), test, Desk(), operation)
        assert judged.outcome is Outcome.PASS, judged.sentence


class TestTheLadderOut:
    def test_is_found_by_a_harmless_marker(self, surface: Surface) -> None:
        desk = Desk(frozenset({"traversal"}))
        assert outcome(surface, list(prove(surface)), "path-traversal", desk, "getPage").outcome is Outcome.FAIL

    def test_is_not_called_closed_when_no_page_is_known(self, surface: Surface) -> None:
        nothing = Desk(wants=lambda asked: Said(404) if asked.path == "/pages" else None)
        judged = outcome(surface, list(prove(surface)), "path-traversal", nothing, "getPage")
        assert judged.outcome is Outcome.INCONCLUSIVE


class TestWhoRefused:
    def test_is_said_when_the_gateway_did(self, surface: Surface) -> None:
        desk = Desk(frozenset({"sql"}), gateway="input_validation/injection-sql")
        judged = outcome(surface, list(prove(surface)), "sql-injection", desk, "listNotes")
        assert judged.outcome is Outcome.PASS
        assert "`input_validation/injection-sql`" in judged.sentence

    @pytest.mark.parametrize("policy", ["authentication/token", "authorisation/no-rule-allows", "network_ranges/allow"])
    def test_is_no_pass_when_it_was_another_control(self, surface: Surface, policy: str) -> None:
        judged = outcome(surface, list(prove(surface)), "sql-injection", Desk(gateway=policy), "listNotes")
        assert judged.outcome is Outcome.INCONCLUSIVE

    def test_is_no_pass_when_it_was_a_rate_limit(self, surface: Surface) -> None:
        judged = outcome(surface, list(prove(surface)), "contract-not-enforced", Desk(rate=1), "createNote")
        assert judged.outcome is Outcome.INCONCLUSIVE

    def test_is_no_finding_when_the_valid_request_fails_too(self, surface: Surface) -> None:
        broken = Desk(wants=lambda asked: Said(503, {}))
        for case in prove(surface):
            judged = outcome(surface, [case], case.test.id, broken)
            assert (
                judged.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.PASS)
                or "after" in judged.sentence
            )
            if judged.outcome is Outcome.PASS:
                assert case.test.id == "line-break-in-header"


class TestSqlInjection:
    def test_is_not_shown_by_a_failure_alone(self, surface: Surface) -> None:
        desk = Desk(wants=lambda asked: Said(500, {}) if "%27" in asked.target else None)
        judged = outcome(surface, list(prove(surface)), "sql-injection", desk, "listNotes")
        assert judged.outcome is not Outcome.FAIL

    def test_is_suspected_when_one_quote_fails_and_two_do_not(self, surface: Surface) -> None:
        judged = outcome(surface, list(prove(surface)), "sql-injection", Desk(frozenset({"torn"})), "listNotes")
        assert judged.outcome is Outcome.INCONCLUSIVE
        assert "sign" in judged.sentence

    def test_is_never_tried_with_always_true_conditions_on_operations_that_write(self, surface: Surface) -> None:
        target = surface.by_id["shop", "updateNote"]
        assert not looks(target)

    @given(st.integers(), st.one_of(st.none(), st.text(min_size=1, max_size=12), st.integers(0, 10**6)))
    def test_compares_inputs_of_equal_length_only(self, seed: int, now: object) -> None:
        place = places(_SURFACE.contract(_LIST), _LIST)[0]
        for pair in pairs(place, now, random.Random(seed), wide=True):  # noqa: S311
            assert len(pair.true) == len(pair.false)
            assert pair.true != pair.false

    @pytest.mark.parametrize("more", [1, 2, 7])
    def test_is_found_in_a_service_that_others_write_to_meanwhile(self, surface: Surface, more: int) -> None:
        judged = outcome(surface, list(prove(surface)), "sql-injection", growing(more, "sql"), "listNotes")
        assert judged.outcome is Outcome.FAIL, judged.sentence

    @pytest.mark.parametrize("more", [1, 2, 7])
    def test_is_no_false_alarm_in_a_service_that_others_write_to_meanwhile(self, surface: Surface, more: int) -> None:
        judged = outcome(surface, list(prove(surface)), "sql-injection", growing(more), "listNotes")
        assert judged.outcome is Outcome.PASS, judged.sentence

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_is_found_in_a_service_that_is_too_busy_now_and_then(self, surface: Surface, status: int) -> None:
        turns = iter(range(1_000))
        desk = Desk(frozenset({"sql"}), wants=lambda asked: Said(status, {}) if next(turns) % 3 == 0 else None)
        judged = outcome(surface, list(prove(surface)), "sql-injection", desk, "listNotes")
        assert judged.outcome is Outcome.FAIL, judged.sentence

    def test_is_not_ruled_out_by_a_service_that_is_too_busy(self, surface: Surface) -> None:
        desk = Desk(wants=lambda asked: Said(503, {}) if "=" in asked.query.get("q", "") else None)
        judged = outcome(surface, list(prove(surface)), "sql-injection", desk, "listNotes")
        assert judged.outcome is Outcome.INCONCLUSIVE
        assert "could not answer" in judged.sentence


class Paced(DeskLab):
    """Takes as long for an answer as ``pace`` says for its text."""

    pace: Callable[[str], float] = staticmethod(lambda text: 0.01)

    async def call(self, call: Call) -> Seen:
        seen = await super().call(call)
        return replace(seen, seconds=self.pace(call.target + (call.body or b"").decode()))


class TestCostlyText:
    @staticmethod
    def judged(surface: Surface, pace: Callable[[str], float]) -> Judged:
        case = next(c for c in prove(surface) if (c.test.id, c.operation) == ("superlinear-input", "createNote"))
        desk = Desk()
        desk.lab = lab = Paced(surface, desk, desk.things, store=b"", people=400)
        lab.pace = pace
        return judge(case, lab)

    def test_is_found_though_the_machine_pauses_once(self, surface: Surface) -> None:
        plain = iter([2.0])
        judged = self.judged(surface, lambda text: 2.0 if "aaaaaaaa" in text else next(plain, 0.01))
        assert judged.outcome is Outcome.FAIL, judged.sentence

    @pytest.mark.parametrize("at", range(4))
    def test_is_not_seen_in_a_pause_of_the_machine(self, surface: Surface, at: int) -> None:
        asked = iter(range(1_000))
        judged = self.judged(surface, lambda text: 3.0 if next(asked) == at else 0.01)
        assert judged.outcome is Outcome.PASS, judged.sentence

    def test_is_left_open_on_a_machine_where_everything_is_slow(self, surface: Surface) -> None:
        assert self.judged(surface, lambda text: 2.0).outcome is Outcome.INCONCLUSIVE


def growing(more: int, *flaws: str) -> Desk:
    """A desk where somebody adds so many notes before each question."""
    desk = Desk(frozenset(flaws))

    def add(asked: Asked) -> None:
        for _ in range(more):
            number = desk.notes.execute("SELECT COUNT(*) FROM notes").fetchone()[0] + 1
            desk.notes.execute("INSERT INTO notes VALUES (?, ?, 'DE1234567890', 'new')", (number, f"note {number}"))

    desk.wants = add
    return desk


class TestOperators:
    @pytest.mark.parametrize(("flawed", "expected"), [(True, Outcome.FAIL), (False, Outcome.PASS)])
    def test_are_found_by_what_they_match(self, surface: Surface, flawed: bool, expected: Outcome) -> None:
        def answer(asked: Asked) -> Said | None:
            if not flawed or "%24" not in asked.target:
                return None
            return Said(200, {"items": [{"id": "1"}] if "%24ne" in asked.target else []})

        judged = outcome(surface, list(prove(surface)), "nosql-injection", Desk(wants=answer), "listNotes")
        assert judged.outcome is expected


class TestHonestTexts:
    def test_pass_in_a_good_service(self, surface: Surface) -> None:
        judged = outcome(surface, list(prove(surface)), "honest-text-refused", Desk(), "createNote")
        assert judged.outcome is Outcome.PASS

    def test_are_a_finding_when_the_gateway_refuses_them(self, surface: Surface) -> None:
        def zealous(asked: Asked) -> Said | None:
            return refused("input_validation/injection-sql") if b"O'Brien" in asked.body else None

        judged = outcome(surface, list(prove(surface)), "honest-text-refused", Desk(wants=zealous), "createNote")
        assert judged.outcome is Outcome.FAIL
        assert "O'Brien" in judged.sentence

    def test_are_no_finding_when_the_service_has_its_own_reason(self, surface: Surface) -> None:
        desk = Desk(wants=lambda asked: Said(409, {}) if b"O'Brien" in asked.body else None)
        judged = outcome(surface, list(prove(surface)), "honest-text-refused", desk, "createNote")
        assert judged.outcome is Outcome.INCONCLUSIVE


class TestTwoKeys:
    @pytest.mark.parametrize(("flaw", "expected"), [("loose", Outcome.FAIL), ("", Outcome.PASS)])
    def test_are_judged_by_the_value_that_was_used(self, surface: Surface, flaw: str, expected: Outcome) -> None:
        judged = outcome(
            surface, list(prove(surface)), "duplicate-input-accepted", Desk(frozenset({flaw})), "updateNote"
        )
        assert judged.outcome is expected, judged.sentence


class TestThePlan:
    def test_leaves_out_what_would_lock_testers_out(self, surface: Surface) -> None:
        target = surface.by_id["shop", "createNote"]
        assert not spoils(target)
        assert not signs_in(target)

    def test_has_an_id_for_each_case_and_keeps_within_its_requests(self, surface: Surface) -> None:
        cases = list(prove(surface))
        assert len({c.id for c in cases}) == len(cases)
        assert all(0 < c.requests <= 60 for c in cases)

    def test_never_sends_more_than_planned(self, surface: Surface) -> None:
        for case in prove(surface):
            desk = Desk(frozenset({"sql", "loose", "template"}))
            outcome(surface, [case], case.test.id, desk)
            assert desk.lab is not None
            assert len(desk.lab.asked) <= case.requests, case.id


def test_a_padded_body_says_what_it_said_in_so_many_bytes() -> None:
    import json

    made = padded({"a": [1, "x y"]}, 5_000)
    assert len(made) == 5_000
    assert json.loads(made) == {"a": [1, "x y"]}


@given(st.text(min_size=1, max_size=40))
def test_what_an_answer_repeats_is_taken_out_of_it(text: str) -> None:
    import json

    assert without(json.dumps({"q": text}), text) == without(json.dumps({"q": ""}), text)


def test_a_decision_of_the_gateway_that_failed_is_no_verdict(surface: Surface) -> None:
    failing = Said(503, {}, decision=Decision("failed", "upstream_reset"))
    desk = Desk(wants=lambda asked: failing if "%27" in asked.target else None)
    assert outcome(surface, list(prove(surface)), "sql-injection", desk, "listNotes").outcome is Outcome.INCONCLUSIVE


def test_the_contract_says_what_a_place_admits(surface: Surface) -> None:
    target = surface.by_id["shop", "createNote"]
    note = next(p for p in places(surface.contract(target), target) if p.path == ("note",))
    assert admits(note, "hello", {}) is True
    assert admits(note, 7, {}) is False


def _shared() -> Surface:
    import tempfile

    return desk_surface(Path(tempfile.mkdtemp()) / "desk")


_SURFACE = _shared()
_LIST = _SURFACE.by_id["shop", "listNotes"]
