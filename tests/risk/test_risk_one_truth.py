"""Objectives and risks speak of the same failures: neither forgets one that the other still counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assurance.test_assurance_facts import proof, run

from assay.assurance.facts import latest, measured
from assay.domain import Outcome
from assay.prove.result import RunResult
from assay.risk.facts import Live, gather

CASES = ("a", "b", "c")
outcomes = st.dictionaries(st.sampled_from(CASES), st.sampled_from(Outcome))


@st.composite
def several(draw: st.DrawFn) -> list[RunResult]:
    """Runs one after another; two of the three cases are tests of the same subject by different callers."""
    runs = []
    for number, found in enumerate(draw(st.lists(outcomes, min_size=1, max_size=6))):
        made = run(on=draw(st.sampled_from(("live", "older", "other"))), hours=number)
        proofs = []
        for case, outcome in found.items():
            one = proof("getOrder" if case in "ab" else "getItem", outcome, made.started)
            proofs.append(replace(one, case=case, verdict=replace(one.verdict, sentence=f"{case} {outcome}")))
        runs.append(replace(made, proofs=tuple(proofs)))
    return runs


@settings(max_examples=300)
@given(several())
def test_the_same_failures_stand_for_objectives_and_for_risks(runs: list[RunResult]) -> None:
    judged = {f.key for f in latest(runs, "live").values() if f.outcome is Outcome.FAIL}
    live = Live(runs[-1].started + timedelta(hours=1), "live")
    known = gather((f for one in runs for f in measured(one)), live, lambda subject: subject)
    counted = {
        f.key for about in known.about.values() for some in about.values() for f in some if f.outcome is Outcome.FAIL
    }
    assert judged == counted


@settings(max_examples=300)
@given(several())
def test_nothing_inconclusive_takes_a_failure_away(runs: list[RunResult]) -> None:
    def failing(some: list[RunResult]) -> set[str]:
        return {f.key for f in latest(some, "live").values() if f.outcome is Outcome.FAIL}

    vague = frozenset({Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.SKIPPED})
    last = replace(runs[-1], proofs=tuple(p for p in runs[-1].proofs if p.verdict.outcome in vague))
    assert failing([*runs[:-1], last]) == failing(runs[:-1])
