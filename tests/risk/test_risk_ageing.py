"""Risk rises by itself as evidence ages, and the register says when."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk.risks_made import DOS, NOW, assessment, bola, denial, effect, factors, later

from assay.risk import replay
from assay.risk.ageing import next_rise
from assay.risk.formula import rate
from assay.risk.words import Rating


def test_the_moment_is_exact_to_the_second() -> None:
    def rated(at: datetime) -> Rating:
        return Rating.LOW if at < later(3.25) else Rating.HIGH

    found = next_rise(rated, NOW)
    assert found is not None
    assert (found.at, found.to) == (later(3.25), Rating.HIGH)


def test_what_cannot_get_worse_never_rises() -> None:
    assert next_rise(lambda _: Rating.NOTE, NOW) is None
    assert replay.rise(bola(), NOW) is None  # an exploit was demonstrated: it is as bad as it gets


def test_a_proven_group_rises_once_its_evidence_has_faded_enough() -> None:
    one = assessment(DOS, "apis.x", factors(7, 7, 8, 8), [(["apis.x.operations.a"], [effect("c", tried=400)], ())])
    found = replay.rise(one, NOW)
    assert found is not None
    before, after = found.at - timedelta(seconds=1), found.at
    assert rate(replay.evidenced(one, before)) is rate(one.evidenced)
    assert rate(replay.evidenced(one, after)) is found.to


def test_looked_at_by_the_day_it_is_never_later_than_it_is() -> None:
    one = assessment(DOS, "apis.x", factors(7, 7, 8, 8), [(["apis.x.operations.a"], [effect("c", tried=400)], ())])
    exact, roughly = replay.rise(one, NOW), replay.rise(one, NOW, step=86400)
    assert exact is not None
    assert roughly is not None
    assert exact.at - timedelta(days=1) <= roughly.at <= exact.at
    assert (exact.earliest, roughly.earliest, roughly.to) == (False, True, exact.to)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 60), st.floats(0, 60))
def test_time_never_lowers_risk(first: float, more: float) -> None:
    for one in (bola(bypassed=False), denial()):
        assert replay.evidenced(one, later(first + more)).score >= replay.evidenced(one, later(first)).score - 1e-12


def test_at_the_moment_of_assessment_it_is_what_was_assessed() -> None:
    for one in (bola(), denial()):
        assert replay.evidenced(one, NOW) == one.evidenced
