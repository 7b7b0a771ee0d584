"""From what was measured and answered to levels. Every level comes with the sentences that lead to it.

The rules, in their order:

1. The number decides by the anchors. Level 4 also takes what its anchor asks beside the number.
2. The declaration alone speaks for levels up to ``declared`` (mostly 3): what was not seen on the running system is
   declared, not verified. Where a proof contradicts it, no more than level 1 is left.
3. Evidence that is older than it may be takes one level away for each time that its age has passed.
4. Measurement decides over what people answered. Of a question that is measured in part, the lower of both counts.
5. What is not measured counts as people answered; what nobody answered either counts as 0. Where it could be measured
   and was not, an answer speaks for level 2 at most: somebody's word is less than a declaration. An answer counts for
   a year, and loses a level for each year that has passed: what was so then may not be so now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import floor

from assay.maturity.facts import Facts
from assay.maturity.measures import MEASURES
from assay.maturity.survey import Rule, rules
from assay.maturity.words import TOP, Anchor, Answer, By, Found, Graded, Question, Source, Survey

_CLOSE = 1e-9
_YEAR = 366
"""Days that an answer counts for."""
_WORD = 2
"""The highest level that an answer alone speaks for, where it could be measured."""


def graded(survey: Survey, facts: Facts, answers: Mapping[str, Answer]) -> tuple[Graded, ...]:
    """Every question with its level, in the survey's order."""
    known = rules()
    return tuple(grade(q, known[q.id], measure(known[q.id], facts), answers.get(q.id), facts) for q in survey.questions)


def measure(rule: Rule, facts: Facts) -> Found:
    """What measuring one question finds."""
    if not rule.measure:
        return Found(None, rule.none)
    return MEASURES[rule.measure](facts, rule.arguments or {})


def grade(question: Question, rule: Rule, found: Found, answer: Answer | None, facts: Facts) -> Graded:
    """One question's level."""
    steps: list[str] = []
    fresh, measured = _measured(question, rule, found, facts, steps)
    perceived = answer.level if answer else None
    most = rule.ceiling if rule.measure else 0
    level, source, worth = _decided(question, rule, answer, measured, facts.now.date(), steps)
    return Graded(question, level, source, perceived, measured, found, fresh, most, worth, tuple(steps))


def _measured(
    question: Question, rule: Rule, found: Found, facts: Facts, steps: list[str]
) -> tuple[int | None, int | None]:
    """The level by measurement, before and after stale evidence is taken off."""
    if found.value is None:
        steps.append(f"not measured: {found.sentence}")
        return None, None
    level = by_anchors(question, found.value)
    steps.append(f"measured: {found.sentence}: level {level} ({anchor_text(question, level)})")
    if rule.proxy:
        steps.append(f"measured in its place: {rule.proxy}")
    top = question.anchors[-1]
    if level == TOP and top.also:
        steps.append(f"level {TOP} also asks “{top.also}”: {found.top_sentence or 'nothing shows it'}")
        level = level if found.topped else TOP - 1
    if found.contradicted and level > 1:
        steps.append("it is contradicted, or was never tested everywhere: level 1 is left")
        level = 1
    elif not found.proven and level > rule.declared:
        steps.append(
            f"the declaration alone speaks for level {rule.declared} at most, until every proof of it has held"
        )
        level = rule.declared
    if level > rule.ceiling:
        steps.append(f"level {rule.ceiling} is the highest that is measured: {rule.ceiling_because}")
        level = rule.ceiling
    drop = _drop(found, facts)
    if drop:
        times = "as old" if drop == 1 else f"{drop} times as old"
        steps.append(f"its evidence is {times} as it may be ({_days(found.age or 0.0)}): {min(drop, level)} off")
    return level, max(0, level - drop)


def by_anchors(question: Question, value: float) -> int:
    """The highest level whose number a value reaches; 0 for none of them."""
    return max((a.level for a in question.anchors if reaches(question, a, value)), default=0)


def reaches(question: Question, anchor: Anchor, value: float) -> bool:
    """Whether a value is as good as an anchor's number asks."""
    if anchor.threshold is None:
        return True
    if question.falling:
        return value <= anchor.threshold + _CLOSE
    return value >= anchor.threshold - _CLOSE


def anchor_text(question: Question, level: int) -> str:
    """What a level takes, in the survey's words."""
    return question.anchors[level - 1].text if level else "nothing of it"


def _drop(found: Found, facts: Facts) -> int:
    """How many times over its evidence is as old as it may be."""
    if found.at is None or not found.age:
        return 0
    return max(0, floor((facts.now - found.at).total_seconds() / found.age))


def _days(seconds: float) -> str:
    return f"{seconds / 86400:g} days" if seconds != 86400 else "1 day"


def _decided(
    question: Question, rule: Rule, answer: Answer | None, measured: int | None, today: date, steps: list[str]
) -> tuple[int | None, Source, float]:
    off = answer_drop(answer, today) if answer else 0
    aged = f", {off} off for the {'year' if off == 1 else f'{off} years'} since" if off else ""
    if measured is not None and question.by is By.PART:
        if answer is None or answer.level is None:
            steps.append("measured in part, and nobody answered the rest")
            return measured, Source.PART, 0.5
        steps.append(f"measured in part ({measured}) and answered ({answer.level}{aged}): the lower counts")
        return min(measured, max(0, answer.level - off)), Source.PART, 0.5
    if measured is not None:
        if answer is not None and answer.level is not None:
            steps.append(f"answered {answer.level}; what is measured decides: {measured}")
        return measured, Source.MEASURED, 1.0
    if answer is None:
        steps.append("nobody answered it: 0")
        return 0, Source.NOTHING, 0.0
    if answer.level is None:
        steps.append(f"{answer.by} says that it does not apply: {answer.note}")
        return None, Source.NOT_APPLICABLE, 0.0
    steps.append(f"{answer.by} answered {answer.level} on {answer.on} ({anchor_text(question, answer.level)}){aged}")
    level = max(0, answer.level - off)
    if rule.measure and level > _WORD:
        steps.append(f"it could be measured, and was not: an answer alone speaks for level {_WORD} at most")
        level = _WORD
    return level, Source.ANSWERED, 0.0


def answer_drop(answer: Answer, today: date) -> int:
    """How many levels an answer has lost by its age."""
    return max(0, (today - answer.on).days // _YEAR)
