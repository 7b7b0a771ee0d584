"""Anybody may estimate a risk higher; lower only with approver, reason and an end, and never beyond it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.model import Estimate
from assay.risk.estimates import Approvers, judge

TODAY = date(2026, 11, 22)
FULL = {"reason": "behind a second factor", "approved_by": "ciso", "expires": TODAY}


def test_higher_counts_without_asking() -> None:
    found = judge("motive", 4, Estimate(value=9), TODAY)
    assert (found.counts, found.value) == (True, 9)


def test_lower_counts_with_approver_reason_and_end_and_says_so() -> None:
    found = judge("motive", 4, Estimate(value=1, **FULL), TODAY)
    assert (found.counts, found.value, found.computed) == (True, 1, 4)
    assert found.because == "estimated lower, approved by ciso until 2026-11-22: behind a second factor"


@pytest.mark.parametrize("missing", ["reason", "approved_by", "expires"])
def test_lower_without_one_of_them_is_ignored_and_names_it(missing: str) -> None:
    given_ = {name: value for name, value in FULL.items() if name != missing}
    found = judge("motive", 4, Estimate(value=1, **given_), TODAY)
    assert (found.counts, found.value) == (False, 4)
    assert f"`{missing}`" in found.because


@pytest.mark.parametrize("value", [1, 9])
def test_an_expired_estimate_is_ignored_in_either_direction(value: float) -> None:
    found = judge("motive", 4, Estimate(value=value, **FULL), date(2026, 11, 23))
    assert (found.counts, found.because) == (False, "the estimate expired on 2026-11-22")


@given(
    st.floats(0, 9),
    st.builds(
        Estimate,
        value=st.floats(0, 9),
        reason=st.none() | st.just("for a reason"),
        approved_by=st.none() | st.just("ciso"),
        expires=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    ),
)
def test_nothing_gets_lower_without_an_approver_and_an_end_ahead(computed: float, estimate: Estimate) -> None:
    found = judge("impact", computed, estimate, TODAY)
    if found.value < computed:
        assert estimate.approved_by
        assert estimate.reason
        assert estimate.expires is not None
        assert estimate.expires >= TODAY
    assert found.because


def test_lower_is_approved_by_somebody_who_is_declared_and_not_by_the_owner() -> None:
    lower = Estimate(value=1, **FULL)
    assert judge("motive", 4, lower, TODAY, Approvers({"ciso": 1, "ann": 2}, "ann")).counts
    stranger = judge("motive", 4, lower, TODAY, Approvers({"ann": 2}, "ann"))
    assert (stranger.value, stranger.because) == (4, "`ciso` is nobody under `people:`, so nobody approved it")
    alone = judge("motive", 4, lower, TODAY, Approvers({"ciso": 1}, "ciso"))
    assert (alone.value, "somebody else has to approve" in alone.because) == (4, True)
    assert judge("motive", 4, Estimate(value=5), TODAY, Approvers({"ann": 2}, "ann")).value == 5
