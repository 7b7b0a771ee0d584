"""Anchors are read into numbers once, so that a level is a comparison and no opinion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import AssayError
from assay.maturity.anchors import DAY, read_anchors
from assay.maturity.grade import by_anchors
from assay.maturity.survey import rules, survey
from assay.maturity.words import By, Unit


def test_shares_ages_counts_and_what_stands_beside_them_are_read() -> None:
    shares, falling = read_anchors("50% / 80% / 95% / 100% and drift <=1%", Unit.SHARE)
    assert [a.threshold for a in shares] == [0.5, 0.8, 0.95, 1.0]
    assert (shares[3].also, falling) == ("drift <=1%", False)
    ages, falling = read_anchors("unknown / tested yearly / tested monthly / tested weekly, 0", Unit.AGE)
    assert [a.threshold for a in ages] == [None, 366 * DAY, 31 * DAY, 7 * DAY]
    assert (ages[3].also, falling) == ("0", True)
    counts, _ = read_anchors("declared / n>=20 / n>=60 / n>=299 and monitored", Unit.COUNT)
    assert [a.threshold for a in counts] == [None, 20, 60, 299]
    ladder, _ = read_anchors("no / by hand / computed / computed, enforced", Unit.RUNG)
    assert [a.threshold for a in ladder] == [1, 2, 3, 4]
    hours, _ = read_anchors("yearly / quarterly / <=7 d / <=24 h", Unit.AGE)
    assert [a.threshold for a in hours][2:] == [7 * DAY, DAY]


@pytest.mark.parametrize("text", ["", "1 / 2 / 3", "10% / 5% / 20% / 30%", "a /  / b / c"])
def test_anchors_that_are_not_four_rising_ones_are_refused(text: str) -> None:
    with pytest.raises(AssayError):
        read_anchors(text, Unit.SHARE)


@given(st.text(max_size=60), st.sampled_from(Unit))
def test_no_text_breaks_the_reader(text: str, unit: Unit) -> None:
    try:
        anchors, _ = read_anchors(text, unit)
    except AssayError:
        return
    assert len(anchors) == 4


def test_every_question_has_a_measure_or_says_why_it_has_none() -> None:
    asked = survey()
    assert len(asked.questions) == 35
    assert [sum(q.by is by for q in asked.questions) for by in By] == [28, 5, 2]
    assert set(rules()) == {q.id for q in asked.questions}
    assert all(bool(rule.measure) != bool(rule.none) for rule in rules().values())
    assert all(rule.ceiling == 4 or rule.ceiling_because for rule in rules().values())
    assert [q.id for q in asked.questions if q.gate] == ["D2.2", "D3.2", "D4.2", "D5.1"]
    unmeasured = [q.id for q in asked.questions if not rules()[q.id].measure]
    assert unmeasured == ["D6.3", "D7.3", "D7.4", "D7.5", "D7.6"]


@given(st.sampled_from(survey().questions), st.floats(0, 400), st.floats(0, 400))
def test_a_better_value_is_never_a_lower_level(question: object, one: float, other: float) -> None:
    from assay.maturity.words import Question

    assert isinstance(question, Question)
    worse, better = sorted((one, other), reverse=question.falling)
    assert by_anchors(question, worse) <= by_anchors(question, better)
