"""The score: gates cap, weak dimensions weigh, no answer raised lowers it, and every number says how it came about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.maturity.surveyed import NOW

from assay.maturity.grade import grade
from assay.maturity.score import overall_of, score
from assay.maturity.steps import next_steps
from assay.maturity.survey import Rule, rules, survey
from assay.maturity.words import Answer, By, Found, Graded, Source

ASKED = survey()
LEVELS = st.lists(st.sampled_from([None, 0, 1, 2, 3, 4]), min_size=35, max_size=35)


def made(levels: list[int | None]) -> tuple[Graded, ...]:
    """The survey, answered with these levels."""
    return tuple(
        Graded(q, level, Source.ANSWERED if level is not None else Source.NOT_APPLICABLE, level, None, Found(None, ""))
        for q, level in zip(ASKED.questions, levels, strict=True)
    )


@given(LEVELS, st.integers(0, 34))
def test_raising_an_answer_never_lowers_the_overall_level(levels: list[int | None], index: int) -> None:
    before = overall_of(ASKED.dimensions, made(levels))
    level = levels[index]
    raised = [*levels[:index], None if level is None else min(4, level + 1), *levels[index + 1 :]]
    assert overall_of(ASKED.dimensions, made(raised)) >= before - 1e-12


@given(LEVELS, st.randoms(use_true_random=False))
def test_the_order_of_the_questions_does_not_matter(levels: list[int | None], random: object) -> None:
    from random import Random

    assert isinstance(random, Random)
    graded = made(levels)
    mixed = list(graded)
    random.shuffle(mixed)
    one, other = score(ASKED.dimensions, graded), score(ASKED.dimensions, mixed)
    assert one.overall == pytest.approx(other.overall)
    assert [d.level for d in one.dimensions] == pytest.approx([d.level for d in other.dimensions], nan_ok=True)


@given(LEVELS)
def test_a_dimension_is_never_above_its_gate_nor_its_mean(levels: list[int | None]) -> None:
    graded = made(levels)
    for dimension in score(ASKED.dimensions, graded).dimensions:
        mine = [g for g in graded if g.question.dimension == dimension.number]
        gates = [g.level for g in mine if g.question.gate and g.level is not None]
        assert (dimension.level is None) == all(g.level is None for g in mine)
        if dimension.level is not None and dimension.mean is not None:
            assert dimension.level <= min([dimension.mean, *gates]) + 1e-12
            assert set(dimension.capped_by) == {
                g.question.id for g in mine if g.question.gate and g.level is not None and g.level < dimension.mean
            }


def test_the_whole_is_half_the_mean_and_half_the_minimum() -> None:
    levels: list[int | None] = [4 if q.dimension != 6 else 2 for q in ASKED.questions]
    found = score(ASKED.dimensions, made(levels))
    assert found.overall == pytest.approx((26 / 7 + 2) / 2)
    assert found.derivation[0].endswith("= 2.86")
    assert found.dimensions[5].derivation == "(3×2 + 2×2 + 3×2 + 2×2 + 2×2) / 12 = 2.00"
    assert found.floor == 0.0


def test_the_assurance_ratio_and_the_gap_are_by_weight() -> None:
    graded = [replace(g, level=2, perceived=3) for g in made([2] * 35)]
    graded[0] = replace(graded[0], measured=1, worth=1.0, source=Source.MEASURED)
    graded[1] = replace(graded[1], measured=2, worth=1.0, source=Source.MEASURED)
    part = next(i for i, g in enumerate(graded) if g.question.by is By.PART)
    graded[part] = replace(graded[part], measured=3, worth=0.5, source=Source.PART)
    found = score(ASKED.dimensions, graded)
    weights = sum(q.weight for q in ASKED.questions)
    assert found.assurance == pytest.approx((3 + 3 + 0.5 * 2) / weights)
    assert found.gap == pytest.approx((3 * 2 + 3 * 1 + 2 * 0) / 8)
    assert found.derivation[2].endswith("over the questions with both (3) = 9 / 8 = +1.12")
    assert found.derivation[3].endswith("not measured = 0.05")


def test_the_next_steps_are_those_that_gain_most_in_the_words_of_the_metric() -> None:
    levels: list[int | None] = [4] * 35
    graded = list(made(levels))
    first = Found(36 / 48, "36 of 48 fields", population=48, sample=48, good=36, what="fields")
    graded[0] = replace(graded[0], level=2, measured=2, fresh=2, source=Source.MEASURED, found=first, most=4)
    gate = next(i for i, g in enumerate(graded) if g.question.id == "D2.2")
    graded[gate] = replace(graded[gate], level=1)
    steps = next_steps(ASKED.dimensions, graded, rules())
    assert [s.questions for s in steps] == [("D2.2",), ("D1.1",)]
    assert "10 more of 48 fields" in steps[1].sentence
    assert "95%" in steps[1].sentence
    before = overall_of(ASKED.dimensions, graded)
    for step in steps:
        index = next(i for i, g in enumerate(graded) if g.question.id == step.questions[0])
        raised = [*graded]
        raised[index] = replace(graded[index], level=step.level)
        assert step.gain == pytest.approx(overall_of(ASKED.dimensions, raised) - before)
        assert step.command


@given(LEVELS)
def test_every_step_gains_and_none_is_promised_where_all_is_done(levels: list[int | None]) -> None:
    steps = next_steps(ASKED.dimensions, made(levels), rules())
    assert len(steps) <= 3
    assert all(s.gain > 0 for s in steps)
    gains = [round(s.gain, 9) for s in steps]
    assert gains == sorted(gains, reverse=True)
    assert next_steps(ASKED.dimensions, made([4] * 35), rules()) == ()


@given(
    st.sampled_from(ASKED.questions),
    st.one_of(st.none(), st.floats(0, 1000)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(0, 4)),
)
def test_age_and_contradiction_never_raise_a_level(
    question: object, value: float | None, proven: bool, contradicted: bool, topped: bool, days: int, said: int | None
) -> None:
    from assay.maturity.words import Question

    class Later:
        now = NOW + timedelta(days=days)

    class Now:
        now = NOW

    assert isinstance(question, Question)
    rule = Rule(measure="held", arguments={}, declared=3)
    found = Found(value, "so", proven=proven, topped=topped, at=NOW, age=7 * 86400.0)
    answer = None if said is None else Answer(said, "anna", NOW.date())
    fresh = grade(question, rule, found, answer, Now())  # type: ignore[arg-type]
    old = grade(question, rule, replace(found, contradicted=contradicted), answer, Later())  # type: ignore[arg-type]
    assert (old.measured or 0) <= (fresh.measured or 0)
    assert all(0 <= (g.level or 0) <= 4 for g in (fresh, old))
    assert fresh.steps
    assert old.steps
