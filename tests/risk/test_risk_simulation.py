"""What a year may cost follows from the register's own numbers, and is the same each time it is asked."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.risk.simulation import Ranges, Stake, frequency, quantile, simulate

RANGES = Ranges("EUR", (10_000, 400_000), (0.5, 5), (0.01, 10))
STAKES = (
    Stake("broken-object-authorisation@apis.customer-data", 0.9, 0.557, 1_200_000),
    Stake("denial-of-service@apis.customer-data", 0.2, 0.3, 0),
)


def test_the_same_seed_gives_the_same_numbers_whatever_the_order() -> None:
    assert simulate(STAKES, RANGES) == simulate(STAKES[::-1], RANGES)
    assert simulate(STAKES, RANGES, seed=1) != simulate(STAKES, RANGES, seed=2)


def test_what_one_risk_costs_does_not_change_when_another_goes_away() -> None:
    alone = simulate(STAKES[:1], RANGES).losses[0]
    assert alone == simulate(STAKES, RANGES).losses[0]


def test_frequency_is_logarithmic_between_its_declared_ends() -> None:
    assert frequency(0, (0.01, 10)) == pytest.approx(0.01)
    assert frequency(1, (0.01, 10)) == pytest.approx(10)
    assert frequency(1 / 3, (0.01, 10)) == pytest.approx(0.1)


def test_the_drawn_mean_is_the_mean_that_can_be_computed() -> None:
    stake = Stake("x@y", 2 / 3, 0.5, 1000)
    found = simulate([stake], RANGES, draws=40_000).together

    def mean(low: float, high: float) -> float:
        mu, sigma = (log(low) + log(high)) / 2, (log(high) - log(low)) / (2 * 1.6448536)
        return exp(mu + sigma**2 / 2)

    expected = 1.0 * 0.5 * (mean(10_000, 400_000) + 1000 * mean(0.5, 5))
    assert found.mean == pytest.approx(expected, rel=0.05)
    assert found.none == pytest.approx(exp(-1), abs=0.02)


def test_a_declared_range_is_a_ninety_percent_interval() -> None:
    certain = Ranges("EUR", (10_000, 400_000), None, (1e-9, 1e-9))
    # Once in a thousand million years nothing happens: the years that were drawn cost nothing.
    assert simulate([Stake("x@y", 1, 1, 1)], certain, draws=1000).together.high == 0
    often = replace(certain, frequency=(200.0, 200.0))
    assert simulate([Stake("x@y", 1, 1, 1)], often, draws=300).together.median > 200 * 10_000


def test_the_curve_falls_and_nobody_at_stake_costs_nothing() -> None:
    found = simulate(STAKES, RANGES)
    shares = [share for _, share in found.exceedance]
    assert shares == sorted(shares, reverse=True)
    assert found.together.low <= found.together.median <= found.together.high
    nothing = simulate([], RANGES)
    assert (nothing.together.mean, nothing.exceedance) == (0, ())


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 1),
    st.floats(0.1, 1),
    st.floats(0, 1),
    st.integers(0, 10**7),
)
def test_a_lower_impact_never_costs_more(likelihood: float, impact: float, share: float, subjects: int) -> None:
    stake = Stake("x@y", likelihood, impact, subjects)
    more = simulate([stake], RANGES, draws=200).together
    less = simulate([replace(stake, impact=impact * share)], RANGES, draws=200).together
    assert less.mean <= more.mean * (1 + 1e-9)
    assert less.high <= more.high * (1 + 1e-9)


def test_quantiles_lie_between_neighbours() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    assert quantile(values, 0.5) == 2.5
    assert (quantile(values, 0), quantile(values, 1)) == (1, 4)
    assert fmean(values) == 2.5
