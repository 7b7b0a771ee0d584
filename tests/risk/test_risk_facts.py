"""What earns nothing is left out and said; what failed stands until the same is shown to hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.risk.risk_values import LIVE, NOW, evidence, fact, place, remedy, scenario, subject

from assay.assurance.facts import Measured
from assay.domain import Outcome
from assay.risk.assess import assess
from assay.risk.facts import AHEAD, ELSEWHERE, GONE, OUTDATED, extended
from assay.risk.words import Assessment

REMEDY = remedy("authorisation", exploits=("authorisation-proof",))
ONE = [scenario([place("a", {"authorisation": "x"})])]


def assessed(*facts: Measured) -> Assessment:
    return assess(ONE, [REMEDY], evidence(facts))[0]


def counted(found: Assessment) -> int:
    return found.groups[0].effects[0].tried


def test_what_passed_on_another_configuration_earns_nothing_and_is_said() -> None:
    found = evidence([fact("authorisation", "a", configuration="before")])
    assert assess(ONE, [REMEDY], found)[0].evidenced == assess(ONE, [REMEDY], evidence([]))[0].evidenced
    assert [(i.reason, i.count, i.subjects) for i in found.ignored] == [(ELSEWHERE, 1, (subject("a"),))]


def test_nothing_is_earned_while_what_is_declared_is_not_what_is_applied() -> None:
    found = evidence([fact("authorisation", "a")], replace(LIVE, current=False))
    assert counted(assess(ONE, [REMEDY], found)[0]) == 0
    assert [i.reason for i in found.ignored] == [OUTDATED]


def test_what_is_about_something_that_is_gone_is_said() -> None:
    found = evidence([fact("authorisation", "gone"), fact("authorisation", "a")])
    assert [(i.reason, i.count) for i in found.ignored] == [(GONE, 1)]


def test_what_is_dated_after_the_moment_does_not_count_until_then() -> None:
    ahead = fact("authorisation", "a", days=-2)
    found = evidence([ahead])
    assert counted(assess(ONE, [REMEDY], found)[0]) == 0
    assert [i.reason for i in found.ignored] == [AHEAD]
    then, changed = extended(found, [], replace(LIVE, now=NOW + timedelta(days=3)))
    assert counted(assess(ONE, [REMEDY], then)[0]) == 1
    assert changed == {subject("a")} and not then.ignored


def test_of_a_case_the_newest_conclusive_result_counts() -> None:
    older = fact("authorisation", "a", days=2, outcome=Outcome.FAIL)
    assert assessed(older).groups[0].exploited
    assert not assessed(older, fact("authorisation", "a", days=1)).groups[0].exploited
    assert assessed(older, fact("authorisation", "a", days=1, outcome=Outcome.INCONCLUSIVE)).groups[0].exploited
    assert assessed(older, fact("authorisation", "a", days=1, outcome=Outcome.ERROR)).groups[0].exploited


def test_a_failure_on_an_earlier_configuration_stands_until_the_same_holds_on_the_live_one() -> None:
    older = fact("authorisation", "a", number=1, days=2, outcome=Outcome.FAIL, configuration="before")
    assert assessed(older).groups[0].exploited
    assert assessed(older, fact("authorisation", "a", number=2, days=3)).groups[0].exploited, "it held before"
    assert not assessed(older, fact("authorisation", "a", number=2, days=1)).groups[0].exploited


def test_an_accepted_failure_lowers_no_risk_and_is_named() -> None:
    plain = assessed(fact("authorisation", "a", outcome=Outcome.FAIL))
    accepted = assessed(fact("authorisation", "a", outcome=Outcome.FAIL, excepted_by="exceptions.0"))
    assert accepted.evidenced == plain.evidenced
    assert accepted.groups[0].accepted == ("exceptions.0",) and not plain.groups[0].accepted


def test_a_failure_where_the_same_guard_stands_lowers_what_is_shown_elsewhere() -> None:
    places = [scenario([place("a", {"authorisation": "x"}), place("b", {"authorisation": "x"})])]
    held = [fact("authorisation", "a", number=n) for n in range(50)]
    before = assess(places, [REMEDY], evidence(held))[0]
    after = assess(places, [REMEDY], evidence([*held, fact("authorisation", "b", outcome=Outcome.FAIL)]))[0]
    (only,) = before.groups
    worst, other = after.groups
    assert worst.exploited and worst.effects[0].assurance == 0
    assert 0 < other.effects[0].assurance < only.effects[0].assurance
    assert (other.effects[0].failures, other.effects[0].tried) == (1, 51)


def test_a_place_without_a_digest_stands_alone() -> None:
    places = [scenario([place("a", {"authorisation": ""}), place("b", {"authorisation": ""})])]
    found = assess(places, [REMEDY], evidence([fact("authorisation", "a", number=n) for n in range(20)]))[0]
    assert {g.places[0]: g.effects[0].tried for g in found.groups} == {subject("a"): 20, subject("b"): 0}


def test_results_about_the_whole_api_speak_about_each_of_its_operations_once() -> None:
    places = [scenario([place("a", {"authorisation": "x"}), place("b", {"authorisation": "x"})])]
    whole = fact("authorisation", "a", subject="apis.shop")
    found = assess(places, [REMEDY], evidence([whole]))[0]
    assert [(g.places, g.effects[0].tried) for g in found.groups] == [((subject("a"), subject("b")), 1)]


def test_old_results_are_left_out_where_new_ones_show_more_without_them() -> None:
    new = [fact("authorisation", "a", number=n) for n in range(20)]
    old = [fact("authorisation", "a", number=100 + n, days=60) for n in range(20)]
    effect = assessed(*new, *old).groups[0].effects[0]
    assert (effect.tried, effect.freshness, effect.measured) == (20, 1.0, NOW)
    aged = assessed(*old, fact("authorisation", "a")).groups[0].effects[0]
    assert aged.tried == 1, "one of today shows more than twenty of two months ago"


@given(
    st.lists(
        st.builds(
            lambda o, n, d, c: fact("authorisation", "a", outcome=o, number=n, days=d, configuration=c),
            st.sampled_from(list(Outcome)),
            st.integers(0, 3),
            st.floats(-10, 100),
            st.sampled_from(["live", "before"]),
        ),
        max_size=12,
    )
)
def test_any_mixture_of_results_can_be_assessed(facts: list[Measured]) -> None:
    found = assessed(*facts)
    assert 0.02 <= found.evidenced.likelihood <= 1 and 0.1 <= found.evidenced.impact <= 1


def test_a_failure_on_what_is_live_again_is_not_erased_by_a_pass_on_what_was_live_between() -> None:
    failed = fact("authorisation", "a", days=2, outcome=Outcome.FAIL)
    elsewhere = fact("authorisation", "a", days=1, configuration="between")
    assert assessed(failed, elsewhere).groups[0].exploited
    assert assessed(elsewhere, failed).groups[0].exploited
    assert evidence([failed, elsewhere]).ignored == ()
    assert not assessed(failed, elsewhere, fact("authorisation", "a")).groups[0].exploited


def test_a_failing_case_that_is_still_planned_is_mended_by_no_other_one() -> None:
    failed = fact("authorisation", "a", number=1, days=2, outcome=Outcome.FAIL, configuration="before")
    other = fact("authorisation", "a", number=2, days=1)
    left_out = fact("authorisation", "a", number=1, days=1, outcome=Outcome.SKIPPED)
    assert not assessed(failed, other).groups[0].exploited, "nothing says that the case is still planned"
    assert assessed(failed, other, left_out).groups[0].exploited
    assert not assessed(failed, other, left_out, fact("authorisation", "a", number=1)).groups[0].exploited
    again = fact("authorisation", "a", number=1, outcome=Outcome.FAIL)
    assert assessed(failed, again).groups[0].effects[0].failures == 1, "one case fails once"
