"""An objective is effective only while that is shown; everything less has a name of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.assurance.deviations import upper_bound
from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied, Status, in_scope, standing
from assay.assurance.trend import trend
from assay.declare.model import Objective
from assay.domain import Location, Outcome, Severity, Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OBJECTIVE = Objective.model_validate(
    {
        "category": "authentication-authorisation",
        "statement": "Only owners read their records.",
        "scope": {"apis": ["shop"], "operations": ["get*"]},
        "controls": ["authorisation"],
        "target": {"coverage": "100%", "evidence_age": "24h"},
    }
)
LIVE = Applied(live="abc", wanted="abc")
HERE = Location("assay.yaml", 1, 1)


def designed(outcome: Outcome = Outcome.PASS, *, excepted: str | None = None) -> Verdict:
    return Verdict(
        control="authorisation",
        check="operation-without-owner-rule",
        subject="apis.shop.operations.getOrder",
        outcome=outcome,
        sentence="as designed",
        location=HERE,
        excepted_by=excepted,
    )


def fact(outcome: Outcome = Outcome.PASS, *, hours: float = 1, where: str = "getOrder", **more: object) -> Measured:
    made = Measured(
        key=f"authorisation/x/shop.{where}/alice",
        control="authorisation",
        check="x",
        subject=f"apis.shop.operations.{where}",
        identity="alice",
        outcome=outcome,
        severity=Severity.HIGH,
        sentence=f"measured {outcome}",
        at=NOW - timedelta(hours=hours),
        configuration="abc",
        evidence=("e1",),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def status(design: list[Verdict], facts: list[Measured], applied: Applied = LIVE) -> Status:
    return standing("o", OBJECTIVE, design, facts, applied, now=NOW).status


@pytest.mark.parametrize(
    ("design", "facts", "applied", "expected"),
    [
        ([], [], Applied(), Status.NOT_ASSESSED),
        ([designed(Outcome.INCONCLUSIVE)], [], LIVE, Status.CLAIMED),
        ([designed()], [], Applied(), Status.DESIGNED),
        ([designed()], [], Applied(live="old", wanted="abc"), Status.DESIGNED),
        ([designed()], [], LIVE, Status.APPLIED),
        ([designed()], [fact()], LIVE, Status.EFFECTIVE),
        ([designed()], [fact(hours=25)], LIVE, Status.STALE),
        ([designed()], [fact(configuration="old")], LIVE, Status.STALE),
        ([designed()], [fact()], Applied(live="abc", wanted="new"), Status.STALE),
        ([designed()], [fact()], Applied(wanted="abc"), Status.STALE),
        ([designed()], [fact()], replace(LIVE, altered="another wrote it"), Status.STALE),
        ([designed()], [], replace(LIVE, altered="another wrote it"), Status.DESIGNED),
        ([designed()], [fact(Outcome.FAIL)], Applied(wanted="abc"), Status.FAILED),
        ([designed()], [fact(Outcome.FAIL)], LIVE, Status.FAILED),
        ([designed()], [fact(), fact(Outcome.FAIL, where="getItem")], LIVE, Status.FAILED),
        ([designed(Outcome.FAIL)], [fact()], LIVE, Status.DEVIATION),
        ([designed(Outcome.FAIL, excepted="exceptions.0")], [fact()], LIVE, Status.EXCEPTED),
        (
            [designed()],
            [fact(), fact(Outcome.FAIL, where="getItem", excepted_by="exceptions.0")],
            LIVE,
            Status.EXCEPTED,
        ),
        ([designed()], [fact(), fact(Outcome.INCONCLUSIVE, where="getItem")], LIVE, Status.APPLIED),
        ([designed()], [fact(Outcome.INCONCLUSIVE)], LIVE, Status.APPLIED),
        ([designed()], [fact(Outcome.FAIL, where="deleteOrder")], LIVE, Status.APPLIED),
    ],
)
def test_each_status_means_what_it_says(design, facts, applied, expected) -> None:
    assert status(design, facts, applied) is expected


def test_a_failure_that_is_old_is_still_a_failure() -> None:
    assert status([designed()], [fact(Outcome.FAIL, hours=900)]) is Status.FAILED


def test_the_age_is_that_of_the_oldest_thing_it_rests_on() -> None:
    found = standing("o", OBJECTIVE, [designed()], [fact(hours=2), fact(hours=5, where="getItem")], LIVE, now=NOW)
    assert found.evidence_age == 5 * 3600
    assert found.expires == NOW + timedelta(hours=19)


def test_a_control_of_which_nothing_was_shown_is_not_covered_by_another() -> None:
    both = OBJECTIVE.model_copy(update={"controls": ("authorisation", "authentication")})
    found = standing("o", both, [designed()], [fact()], LIVE, now=NOW)
    assert found.status is Status.APPLIED
    assert "authentication" in found.operating.sentence


def test_what_concerns_the_whole_gateway_concerns_every_api() -> None:
    assert in_scope(OBJECTIVE, "gateway")
    assert in_scope(OBJECTIVE, "apis.shop")
    assert not in_scope(OBJECTIVE, "apis.other.operations.getOrder")
    assert not in_scope(OBJECTIVE, "apis.shop.operations.deleteOrder")


@given(st.lists(st.sampled_from(list(Outcome)), max_size=6), st.integers(0, 50), st.data())
def test_taking_evidence_away_never_makes_an_objective_effective(outcomes, hours, data) -> None:
    facts = [fact(o, hours=hours, where=f"get{i}") for i, o in enumerate(outcomes)]
    if status([designed()], facts) is Status.EFFECTIVE or not facts:
        return
    failed_or_old = status([designed()], facts) in (Status.FAILED, Status.STALE)
    removed = data.draw(st.sampled_from(range(len(facts))))
    left = facts[:removed] + facts[removed + 1 :]
    # Leaving out an inconclusive place would make the rest look complete: so runs list what they did not conclude.
    if failed_or_old or facts[removed].outcome is Outcome.PASS:
        assert status([designed()], left) is not Status.EFFECTIVE or facts[removed].outcome is not Outcome.PASS


@given(st.integers(0, 500))
def test_time_alone_makes_effective_stale_and_nothing_makes_it_effective_again(hours) -> None:
    later = standing("o", OBJECTIVE, [designed()], [fact(hours=0)], LIVE, now=NOW + timedelta(hours=hours))
    assert later.status is (Status.EFFECTIVE if hours < 24 else Status.STALE)


@pytest.mark.parametrize(
    ("deviations", "sample", "expected"), [(0, 59, 0.0495), (0, 1, 0.95), (1, 20, 0.2161), (0, 298, 0.0100)]
)
def test_the_bound_is_the_textbook_one(deviations, sample, expected) -> None:
    assert upper_bound(deviations, sample, population=10**6) == pytest.approx(expected, abs=5e-4)


def test_a_population_that_was_tried_in_full_needs_no_bound() -> None:
    assert upper_bound(0, 10, population=10) == 0
    assert upper_bound(0, 0, population=10) == 1


def test_only_a_pass_fixes_a_failure() -> None:
    failed, passed, vague = fact(Outcome.FAIL), fact(), fact(Outcome.INCONCLUSIVE)
    assert trend({failed.key: failed}, {passed.key: passed}).fixed == (passed,)
    assert trend({failed.key: failed}, {vague.key: vague}).unknown == (vague,)
    assert trend({failed.key: failed}, {}).unknown == (failed,)
    assert trend({}, {failed.key: failed}).new == (failed,)
    assert trend({failed.key: failed}, {failed.key: failed}).still_open == (failed,)
