"""What to do next: each step with what would remain if it succeeded, the most relief for an hour first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from tests.risk.risk_values import LIVE, NOW, evidence, fact, place, remedy, scenario, subject

from assay.assurance.facts import Measured
from assay.domain import Location, Outcome, Severity
from assay.prove.case import Case, Judged, Lab, Test
from assay.risk.assess import Board, board
from assay.risk.facts import Live
from assay.risk.next_ import ADD, MEND, Kind, Step, steps
from assay.risk.words import Remedy

OWNER = remedy("owner", exploits=("owner-proof",))
LIMIT = remedy("limit", "limiting", 0.4)
GUARDS = {"owner": "o", "limit": "l"}
PLACES = ("a", "b")


async def _never(lab: Lab) -> Judged:
    raise AssertionError("nothing is sent")


def case(control: str, name: str, number: int = 0) -> Case:
    test = Test(control, f"{control}-proof", "…", Severity.HIGH, "…", "…")
    return Case(
        test=test, subject=subject(name), at=Location("assay.yaml"), api="", variant=f"{name}/{number}", run=_never
    )


def passed(one: Case, *, days: float = 0, outcome: Outcome = Outcome.PASS) -> Measured:
    name = one.subject.rpartition(".")[2]
    return replace(fact(one.test.control, name, days=days, outcome=outcome), key=one.id)


CASES = [case(control, name, n) for control in GUARDS for name in PLACES for n in range(4)]


def situation(facts: Iterable[Measured], *, live: Live = LIVE, remedies: Sequence[Remedy] = (OWNER, LIMIT)) -> Board:
    places = [place(name, {c: d + name for c, d in GUARDS.items()}) for name in PLACES]
    return board([scenario(places)], remedies, evidence(facts, live))


def told(found: Board, *, options: str = "", cases: Sequence[Case] = tuple(CASES)) -> tuple[Step, ...]:
    return steps(found, cases, lambda some: 1.5 * len(some), options=options)


def test_a_missing_proof_is_worth_what_its_own_cases_would_show() -> None:
    before = situation(passed(c) for c in CASES if c.test.control == "limit")
    (only,) = told(before)
    assert (only.kind, only.command) == (Kind.PROVE, "assay prove --control owner")
    assert only.sentence == "prove owner: 8 cases, none of them shown on what is live now"
    then = situation(passed(c) for c in CASES).assessments[0]
    assert only.gains[0].after == then.evidenced
    assert only.effort == pytest.approx(10 / 60 + 8 * 1.5 / 3600)


def test_what_was_just_proven_is_not_proposed_again() -> None:
    assert told(situation(passed(c) for c in CASES)) == ()


def test_old_evidence_is_worth_proving_again() -> None:
    found = told(situation(passed(c, days=30) for c in CASES))
    assert [(s.kind, s.control) for s in found] == [(Kind.PROVE, ""), (Kind.PROVE, "owner"), (Kind.PROVE, "limit")]
    assert found[0].drop > found[1].drop > found[2].drop
    assert found[0].command == "assay prove"


def test_no_run_makes_a_failure_go_away_and_mending_it_does() -> None:
    broken = CASES[0]
    facts = [passed(c, outcome=Outcome.FAIL if c is broken else Outcome.PASS, days=1) for c in CASES]
    (only,) = told(situation(facts))
    assert (only.kind, only.control, only.about) == (Kind.FIX, "owner", "owner was seen to fail")
    assert only.command == f"assay prove --replay {broken.id}"
    assert only.effort == pytest.approx(MEND, abs=0.5)
    assert only.gains[0].before.likelihood >= 0.9
    assert only.gains[0].after == situation(passed(c) for c in CASES).assessments[0].evidenced


def test_what_lowers_places_that_are_not_the_worst_is_told_too() -> None:
    facts = [passed(c, outcome=Outcome.FAIL, days=1) for c in CASES[:1]]
    found = {s.kind: s for s in told(situation(facts), cases=[c for c in CASES if c.test.control == "owner"])}
    prove = found[Kind.PROVE]
    assert found[Kind.FIX].drop > 0
    assert (prove.drop, prove.relieves) == (0, 3)
    assert prove.eased > 0


def test_a_control_that_is_not_declared_everywhere_is_offered() -> None:
    other = remedy("other")
    (only,) = told(situation((passed(c) for c in CASES), remedies=(OWNER, LIMIT, other)))
    assert (only.kind, only.command) == (Kind.ADD, "assay explain other")
    assert "at 2 places at most" in only.sentence
    assert only.effort == pytest.approx(ADD, abs=0.5)


@pytest.mark.parametrize("live", [Live(NOW, "", False), Live(NOW, "", True), Live(NOW, "live", False)])
def test_before_anything_is_applied_steps_suppose_that_it_was(live: Live) -> None:
    found = told(situation((passed(c) for c in CASES), live=live))
    assert found[0].sentence == "prove everything: 16 cases, none of them shown on what is live now"
    assert found[0].gains[0].after == situation(passed(c) for c in CASES).assessments[0].evidenced


def test_commands_are_for_the_environment_that_was_asked_about() -> None:
    assert {s.command.partition(" --env")[2] for s in told(situation([]), options="--environment x")} == {"ironment x"}


def test_every_step_lowers_something_and_raises_nothing() -> None:
    facts = [passed(c, outcome=Outcome.FAIL if n == 3 else Outcome.PASS, days=n) for n, c in enumerate(CASES)]
    found = told(situation(facts, remedies=(OWNER, LIMIT, remedy("other"))))
    assert {s.kind for s in found} == set(Kind)
    for step in found:
        assert step.drop > 0 or step.eased > 0
        assert all(g.after.score <= g.before.score + 1e-9 for g in step.gains)
    assert found == tuple(sorted(found, key=lambda s: -s.relieves))
