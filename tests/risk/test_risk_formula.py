"""The published example and the published table come out of the formula to the last digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk.risk_values import BOLA, DAY, LIVE, NOW, evidence, fact, factors, place, remedy, scenario, subject

from assay.assurance.deviations import upper_bound
from assay.domain import Outcome
from assay.risk.assess import assess
from assay.risk.derivation import derivation
from assay.risk.formula import Band, band, freshness, lower_bound, rate, remaining
from assay.risk.words import Assessment, Rating, Reading


@pytest.mark.parametrize(
    ("tried", "bound"),
    [(5, 0.549), (10, 0.741), (20, 0.861), (40, 0.928), (59, 0.950), (100, 0.970), (299, 0.990)],
)
def test_so_many_clean_probes_show_so_much(tried: int, bound: float) -> None:
    assert round(lower_bound(0, tried), 3) == bound


# The figures of this example are published without the inputs that they come from. The inputs here are ours, chosen so
# that they are natural and that the published figures are what they must give: integer factors on the methodology's
# scales (57/72 and 32/36 are the only ones that give 70.4), three probes for each of the 36 proven operations, and
# beside the owner rule two preventive and two limiting controls. The bypass goes around all that the gateway enforces;
# what is encrypted in the store stays so.
FACTORS = factors([5, 9, 7, 6], [7, 5, 9, 9], [9, 7, 5, 1], [7, 9, 7, 9])
OWNERS = remedy("owner-rule", reliability=1.0, exploits=("owner-rule-proof",))
REMEDIES = (
    OWNERS,
    remedy("authentication", capability=0.25, reliability=0.95, evidence_age=14 * DAY),
    remedy("testing", capability=0.25, reliability=0.95, evidence_age=14 * DAY),
    remedy("limits", "limiting", 0.40, reliability=0.95),
    remedy("store", "limiting", 0.40, reliability=0.95),
)
PROVEN = [f"proven-{n}" for n in range(36)]
UNTESTED = [f"untested-{n}" for n in range(4)]
INSIDE = {"authentication": "gateway", "testing": "gateway", "limits": "gateway", "store": "store"}
PLACES = (
    *(place(name, {**INSIDE, "owner-rule": "a"}) for name in PROVEN),
    *(place(name, {**INSIDE, "owner-rule": "b"}) for name in UNTESTED),
    place("bypassed", {c: "store" if c == "store" else "around" for c in (*INSIDE, "owner-rule")}),
)
FACTS = (
    *(fact("owner-rule", name, number=n) for name in PROVEN for n in range(3)),
    *(fact("authentication", PROVEN[n]) for n in range(32)),
    *(fact("testing", PROVEN[n]) for n in range(32)),
    *(fact("limits", name) for name in (*PROVEN, *UNTESTED)),
    fact("limits", PROVEN[0], number=1),
    *(fact("store", PROVEN[n // 5], number=n % 5) for n in range(180)),
    *(fact(c, "bypassed", outcome=Outcome.FAIL) for c in ("owner-rule", "authentication", "testing", "limits")),
)


def of(found: Assessment, name: str) -> tuple[Rating, float]:
    group = next(g for g in found.groups if subject(name) in g.places)
    return group.rating, round(group.evidenced.score, 1)


def test_the_published_example_comes_out_to_the_last_digit() -> None:
    (found,) = assess([scenario(PLACES, FACTORS)], REMEDIES, evidence(FACTS))
    assert (rate(found.inherent), round(found.inherent.score, 1)) == (Rating.CRITICAL, 70.4)
    claims = {rate(g.claimed): round(g.claimed.score, 1) for g in found.groups}
    assert claims == {Rating.NOTE: 0.7}
    assert of(found, "proven-0") == (Rating.LOW, 1.3)
    assert of(found, "untested-0") == (Rating.MEDIUM, 17.5)
    assert of(found, "bypassed") == (Rating.HIGH, 50.1)
    assert (rate(found.evidenced), round(found.gap, 1)) == (Rating.HIGH, 49.4)
    assert found.breadth == {Rating.HIGH: 1 / 41, Rating.MEDIUM: 4 / 41, Rating.LOW: 36 / 41}
    assert [len(g.places) for g in found.groups] == [1, 4, 36], "the worst first"


def test_the_published_example_rises_when_nobody_tests_for_28_days() -> None:
    later = replace(LIVE, now=NOW + timedelta(days=28))
    (found,) = assess([scenario(PLACES, FACTORS)], REMEDIES, evidence(FACTS, later))
    assert of(found, "proven-0") == (Rating.HIGH, 45.1)
    assert assess([scenario(PLACES, FACTORS)], REMEDIES, evidence(FACTS))[0].changes == NOW + timedelta(days=7)


def test_every_number_is_derived_in_words() -> None:
    (found,) = assess([scenario(PLACES, FACTORS)], REMEDIES, evidence(FACTS))
    lines = derivation(found)
    assert lines[0].startswith(f"{BOLA.title} ({BOLA.id}@apis.shop), formula 1")
    assert "  inherent   critical 70.4 = 100 × L 0.792 (high) × I 0.889 (high)" in lines
    assert "    demonstrated, so L is at least 0.9: owner-rule was seen to fail" in lines
    assert any("LB95(0 of 108) 0.973 × reliability 1 × fresh 1.000 = 0.924" in line for line in lines)
    assert any(line.startswith("    L = 0.792 × ") for line in lines)


@pytest.mark.parametrize(
    ("likelihood", "impact", "rating"),
    [
        (0.3, 0.3, Rating.NOTE),
        (0.3, 0.5, Rating.LOW),
        (0.3, 0.9, Rating.MEDIUM),
        (0.5, 0.3, Rating.LOW),
        (0.5, 0.5, Rating.MEDIUM),
        (0.5, 0.9, Rating.HIGH),
        (0.9, 0.3, Rating.MEDIUM),
        (0.9, 0.5, Rating.HIGH),
        (0.9, 0.9, Rating.CRITICAL),
    ],
)
def test_the_matrix_is_that_of_the_methodology(likelihood: float, impact: float, rating: Rating) -> None:
    assert rate(Reading(likelihood, impact)) is rating


def test_a_band_begins_at_its_bound() -> None:
    assert [band(x) for x in (2.99 / 9, 3 / 9, 5.99 / 9, 6 / 9)] == [Band.LOW, Band.MEDIUM, Band.MEDIUM, Band.HIGH]


def test_controls_that_fail_together_count_once() -> None:
    start = Reading(0.8, 0.8)
    apart = remaining(start, [("preventive", "a", 0.4), ("preventive", "b", 0.4)])
    together = remaining(start, [("preventive", "a", 0.4), ("preventive", "a", 0.25)])
    assert apart.likelihood == pytest.approx(0.8 * 0.36)
    assert together.likelihood == pytest.approx(0.8 * 0.6)


def test_no_control_takes_a_risk_to_nothing() -> None:
    least = remaining(Reading(0.8, 0.8), [("preventive", "a", 1.0), ("limiting", "b", 1.0)])
    assert (least.likelihood, least.impact) == (0.02, 0.10)


def test_what_was_demonstrated_stays_likely_whatever_stands_against_it() -> None:
    assert remaining(Reading(0.3, 0.8), [("preventive", "a", 0.95)], exploited=True).likelihood == 0.9
    assert remaining(Reading(1.0, 0.8), [], exploited=True).likelihood == 1.0


def test_evidence_is_fresh_up_to_its_age_and_halves_with_every_further_one() -> None:
    assert [freshness(days * DAY, 7 * DAY) for days in (0, 7, 14, 21, 28)] == [1, 1, 0.5, 0.25, 0.125]
    assert freshness(1e300, 1.0) >= 0.0
    assert freshness(1.0, 0.0) == 0.0


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bound_is_one_minus_the_exact_bound_of_failures(seen: tuple[int, int]) -> None:
    failures, tried = seen
    assert lower_bound(failures, tried) == pytest.approx(1 - upper_bound(failures, tried), abs=1e-9)


@given(st.integers(0, 40), st.integers(0, 100_000))
def test_more_that_held_shows_more_and_more_that_failed_less(failures: int, held: int) -> None:
    here = lower_bound(failures, failures + held)
    assert lower_bound(failures, failures + held + 1) >= here - 1e-12
    assert lower_bound(failures + 1, failures + held + 1) <= here + 1e-12
    assert 0 <= here < 1
