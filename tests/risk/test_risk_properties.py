"""What holds for every assessment: evidence that held never hurts, controls never hurt, time never helps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk.risk_values import LIVE, NOW, evidence, fact, place, remedy, scenario

from assay.assurance.facts import Measured
from assay.domain import Outcome
from assay.risk.assess import RANK, assess, board, refreshed
from assay.risk.facts import Live, extended
from assay.risk.formula import rate
from assay.risk.words import Assessment, Place, Reading, Remedy

few = settings(max_examples=60)
CONTROLS = ("authorisation", "authentication", "limits", "masking")
NAMES = ("a", "b", "c", "d")
REMEDIES = (
    remedy("authorisation", exploits=("authorisation-proof",)),
    remedy("authentication", capability=0.40, domain="shared", reliability=0.9),
    remedy("limits", "limiting", 0.40, domain="shared", evidence_age=86400.0),
    remedy("masking", "limiting", 0.25, evidence_age=14 * 86400.0),
)

guards = st.fixed_dictionaries({}, optional={c: st.sampled_from(("", "x", "y")) for c in CONTROLS})
places = st.fixed_dictionaries(dict.fromkeys(NAMES, guards)).map(lambda g: tuple(place(n, g[n]) for n in NAMES))
passes = st.builds(
    lambda c, n, number, days: fact(c, n, number=number, days=days),
    st.sampled_from(CONTROLS),
    st.sampled_from(NAMES),
    st.integers(0, 9),
    st.floats(0, 60),
)
failures = st.builds(
    lambda c, n, number: fact(c, n, number=10 + number, outcome=Outcome.FAIL),
    st.sampled_from(CONTROLS),
    st.sampled_from(NAMES),
    st.integers(0, 2),
)


def assessed(
    where: Sequence[Place], facts: Sequence[Measured], remedies: Sequence[Remedy] = REMEDIES, live: Live = LIVE
) -> Assessment:
    return assess([scenario(where)], remedies, evidence(facts, live))[0]


def badness(reading: Reading) -> tuple[int, float]:
    """How bad: by rating, then by score (with room for rounding)."""
    return RANK[rate(reading)], round(reading.score, 9)


def by_place(found: Assessment) -> dict[str, tuple[float, float]]:
    return {p: (round(g.evidenced.likelihood, 9), round(g.evidenced.impact, 9)) for g in found.groups for p in g.places}


def nowhere_lower(after: Assessment, before: Assessment) -> bool:
    here, there = by_place(after), by_place(before)
    return all(here[p][0] >= there[p][0] and here[p][1] >= there[p][1] for p in there) and badness(
        after.evidenced
    ) >= badness(before.evidenced)


@few
@given(places, st.lists(passes, max_size=25), st.lists(failures, max_size=3), st.data())
def test_removing_evidence_that_held_never_lowers_a_risk(
    where: tuple[Place, ...], held: list[Measured], failed: list[Measured], data: st.DataObject
) -> None:
    """Of a control that held. A failure is evidence against it: without it, less is known, and the risk that is shown
    falls to what it was before anybody looked (see the next test)."""
    distinct = list({f.key: f for f in held}.values())
    kept = [f for f in distinct if data.draw(st.booleans())]
    assert nowhere_lower(assessed(where, [*kept, *failed]), assessed(where, [*distinct, *failed]))


@few
@given(places, st.lists(passes, max_size=15), st.lists(failures, min_size=1, max_size=3))
def test_a_failure_never_lowers_a_risk(where: tuple[Place, ...], held: list[Measured], failed: list[Measured]) -> None:
    assert nowhere_lower(assessed(where, [*held, *failed]), assessed(where, held))


@few
@given(places, st.lists(passes, max_size=20), st.lists(failures, max_size=2), st.sampled_from(CONTROLS))
def test_adding_a_control_never_raises_a_risk(
    where: tuple[Place, ...], held: list[Measured], failed: list[Measured], control: str
) -> None:
    """One that is claimed somewhere. What its proofs find has nothing to do with whether it is claimed."""
    without = tuple(replace(p, guards=tuple(g for g in p.guards if g[0] != control)) for p in where)
    before, after = assessed(without, [*held, *failed]), assessed(where, [*held, *failed])
    assert nowhere_lower(before, after)
    assert badness(before.claimed) >= badness(after.claimed)
    assert before.inherent == after.inherent


@few
@given(places, st.lists(passes, max_size=25), st.lists(failures, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_everything_does_not_matter(
    where: tuple[Place, ...], held: list[Measured], failed: list[Measured], chance: random.Random
) -> None:
    facts = [*held, *failed]
    mixed, turned, others = list(facts), list(where), list(REMEDIES)
    for some in (mixed, turned, others):
        chance.shuffle(some)
    before, after = assessed(where, facts), assessed(turned, mixed, others)
    assert replace(before, scenario=after.scenario) == after


@few
@given(places, st.lists(passes, max_size=25), st.lists(failures, max_size=2), st.floats(0, 90), st.floats(0, 90))
def test_time_alone_never_lowers_a_risk(
    where: tuple[Place, ...], held: list[Measured], failed: list[Measured], first: float, more: float
) -> None:
    soon, later = (replace(LIVE, now=NOW + timedelta(days=d)) for d in (first, first + more))
    assert nowhere_lower(assessed(where, [*held, *failed], live=later), assessed(where, [*held, *failed], live=soon))


@few
@given(places, st.lists(passes, max_size=20), st.lists(failures, max_size=2))
def test_nothing_changes_before_the_moment_that_is_named(
    where: tuple[Place, ...], held: list[Measured], failed: list[Measured]
) -> None:
    before = assessed(where, [*held, *failed])
    until = before.changes or NOW + timedelta(days=365)
    at = max(NOW, min(until, NOW + timedelta(days=365)))
    assert by_place(assessed(where, [*held, *failed], live=replace(LIVE, now=at))) == by_place(before)


around = st.builds(
    lambda c, number, failed: fact(
        c, "all", number=number, outcome=Outcome.FAIL if failed else Outcome.PASS, subject="apis.shop"
    ),
    st.sampled_from(CONTROLS),
    st.integers(0, 1),
    st.booleans(),
)
again = st.builds(
    lambda c, n, number, failed: fact(c, n, number=number, outcome=Outcome.FAIL if failed else Outcome.PASS),
    st.sampled_from(CONTROLS),
    st.sampled_from(NAMES),
    st.integers(0, 2),
    st.booleans(),
)
runs = st.lists(st.lists(again | failures | around, max_size=5), min_size=1, max_size=4)


@few
@given(places, st.lists(passes | failures | around, max_size=20), runs, st.sampled_from([0.0, 1.0, 40.0]))
def test_brought_up_to_date_by_run_after_run_is_the_same_as_computed_anew(
    where: tuple[Place, ...], before: list[Measured], runs: list[list[Measured]], days: float
) -> None:
    """Results of operations and of the API around them; cases that fail, are mended, and fail again."""
    everything, stepwise = list(before), board([scenario(where)], REMEDIES, evidence(before))
    for number, run in enumerate(runs, start=1):
        moment = NOW + timedelta(days=number * (1 + days))
        fresh = [replace(f, at=moment - timedelta(hours=1)) for f in run]
        everything += fresh
        now = replace(LIVE, now=moment)
        more, changed = extended(stepwise.evidence, fresh, now)
        stepwise = refreshed(stepwise, more, changed)
        anew = board([scenario(where)], REMEDIES, evidence(everything, now))
        assert stepwise.assessments == anew.assessments
        assert stepwise.prepared == anew.prepared
        assert more.ignored == anew.evidence.ignored


def test_a_run_about_one_operation_makes_nothing_of_the_others_anew() -> None:
    """What 200 verdicts about all APIs cost is what they change, not what there is."""
    where = tuple(place(n, {"authorisation": "x" if n in "ab" else "y"}) for n in NAMES)
    known = [fact("authorisation", n, number=k, days=0.5) for n in NAMES for k in range(3)]
    before = board([scenario(where)], REMEDIES, evidence(known))
    more, changed = extended(before.evidence, [fact("authorisation", "a", number=0)], LIVE)
    after = refreshed(before, more, changed)
    (one,), (other,) = after.prepared.values(), before.prepared.values()
    assert one.pools["authorisation", "x"] is not other.pools["authorisation", "x"]
    assert one.pools["authorisation", "y"] is other.pools["authorisation", "y"]
    assert one.groups is other.groups
    untouched = [g for g in after.assessments[0].groups if "apis.shop.operations.c" in g.places]
    assert untouched[0] is next(g for g in before.assessments[0].groups if "apis.shop.operations.c" in g.places)
