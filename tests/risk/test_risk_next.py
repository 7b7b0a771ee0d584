"""What to do next: each step with what would remain if it succeeded, the most relief for an hour first."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.risk.risks_made import REMEDIES, bola, denial, over

from assay.risk.formula import rate
from assay.risk.next_ import ADD, MEND, Kind, steps
from assay.risk.words import Assessment, Rating


def mendable() -> Assessment:
    """Four operations proven often, one with a way around."""
    one = bola(tried=400)
    return replace(one, groups=tuple(g for g in one.groups if g.effects[0].tried))


def test_mending_what_was_shown_comes_first_and_takes_the_worst_rating_away() -> None:
    found = steps([over(), denial(), mendable()], REMEDIES)
    first = found[0]
    assert (first.kind, first.control) == (Kind.FIX, "authorisation")
    assert first.about == "the record of c-1002 was read as c-1001 through op6"
    assert first.command == "assay prove --control authorisation"
    assert first.effort == pytest.approx(MEND, abs=0.5)
    (gain,) = first.gains
    assert (rate(gain.before), rate(gain.after)) == (Rating.CRITICAL, Rating.MEDIUM)


def test_what_is_as_bad_elsewhere_is_told_after_what_lowers_the_worst() -> None:
    fix, prove = steps([bola()], REMEDIES)
    assert (fix.kind, prove.kind) == (Kind.FIX, Kind.PROVE)
    assert (prove.drop, prove.relieves) == (0, -1)
    assert prove.eased > 0


def test_a_proof_that_is_missing_or_stale_costs_minutes() -> None:
    found = {(s.kind, s.control): s for s in steps([denial(), bola(bypassed=False)], REMEDIES)}
    stale, missing = found[Kind.PROVE, "rate_limiting"], found[Kind.PROVE, "authorisation"]
    assert stale.effort < 1
    assert missing.effort < 1
    assert missing.gains[0].after.likelihood < missing.gains[0].before.likelihood
    # The run is about the place that was never tried, not about the four that were.
    assert missing.places == 1


def test_no_run_makes_a_failure_go_away() -> None:
    assert [s.kind for s in steps([mendable()], REMEDIES)] == [Kind.FIX]


def test_a_control_that_nobody_declared_is_offered_where_it_fits() -> None:
    (only,) = steps([over()], REMEDIES)
    assert (only.kind, only.command, only.places) == (Kind.ADD, "assay explain least_privilege", 1)
    assert only.effort == pytest.approx(ADD, abs=0.5)


def test_what_is_proven_and_fresh_needs_nothing() -> None:
    one = mendable()
    proven = replace(one, groups=tuple(g for g in one.groups if not g.exploited))
    assert steps([proven], REMEDIES) == ()


def test_the_order_of_risks_does_not_matter() -> None:
    risks = [bola(), denial(), over()]
    expected = steps(risks, REMEDIES)
    for seed in range(3):
        random.Random(seed).shuffle(risks)  # noqa: S311
        assert steps(risks, REMEDIES) == expected


def test_every_step_lowers_something_and_raises_nothing() -> None:
    for step in steps([bola(), denial(), over()], REMEDIES):
        assert step.drop > 0 or step.eased > 0
        assert all(g.after.score <= g.before.score and g.eased >= 0 for g in step.gains)
