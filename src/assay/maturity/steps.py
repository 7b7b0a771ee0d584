"""What would raise the score most: what the next level of each question takes, and what the whole gains by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, floor

from assay.maturity.grade import anchor_text, by_anchors
from assay.maturity.score import overall_of
from assay.maturity.survey import Rule
from assay.maturity.words import TOP, Graded, Source, Step, Unit

_CLOSE = 1e-9
PROVE = "assay prove"


def next_steps(
    dimensions: Mapping[int, str], graded: Sequence[Graded], rules: Mapping[str, Rule], most: int = 3
) -> tuple[Step, ...]:
    """The steps that raise the overall level most, the greatest gain first; equal gains in the order of the survey.

    Everything that waits for nothing but proofs is one step: one run does it all.
    """
    before = overall_of(dimensions, graded)
    found: list[Step] = []
    waiting: list[Graded] = []
    for index, one in enumerate(graded):
        if one.level is None or one.level >= TOP:
            continue
        rule = rules[one.question.id]
        if _awaits_proof(one, rule):
            waiting.append(one)
            continue
        if not _can_rise(one, rule):
            continue
        level = one.level + 1
        raised = (*graded[:index], replace(one, level=level), *graded[index + 1 :])
        gain = overall_of(dimensions, raised) - before
        found.append(_step(one, rule, level, gain))
    if waiting:
        found.append(_prove(dimensions, graded, waiting, before))
    order = {g.question.id: number for number, g in enumerate(graded)}
    found.sort(key=lambda s: (-round(s.gain, 9), order[s.questions[0]]))
    return tuple(s for s in found if s.gain > _CLOSE)[:most]


def _awaits_proof(one: Graded, rule: Rule) -> bool:
    """Whether only a run is missing: no proof yet, evidence too old, or the declaration at the end of its say."""
    found = one.found
    if one.source is Source.PART and one.perceived is not None and one.perceived < (one.measured or 0):
        return False
    if found.value is None:
        return found.awaits
    if found.contradicted or one.measured is None or one.fresh is None:
        return False
    more = rule.command == PROVE or by_anchors(one.question, found.value) > one.fresh
    return one.measured < one.fresh or (found.awaits and more)


def _can_rise(one: Graded, rule: Rule) -> bool:
    """Whether a person can do something that this survey would see."""
    if one.source is Source.NOTHING:
        return False
    if one.measured is not None and one.source is not Source.PART:
        return one.level is not None and one.level < rule.ceiling
    return True


def _prove(dimensions: Mapping[int, str], graded: Sequence[Graded], waiting: Sequence[Graded], before: float) -> Step:
    ids = {g.question.id for g in waiting}
    raised = [
        replace(g, level=max(g.fresh or 0, min(TOP, (g.level or 0) + 1))) if g.question.id in ids else g for g in graded
    ]
    names = ", ".join(g.question.id for g in waiting)
    return Step(
        tuple(g.question.id for g in waiting),
        None,
        f"prove it on the running system, or prove it again: {names} wait for nothing else",
        overall_of(dimensions, raised) - before,
        PROVE,
        "docs/how-to/prove-on-a-schedule.md",
    )


def _step(one: Graded, rule: Rule, level: int, gain: float) -> Step:
    question = one.question
    wanted = f"level {level} takes “{anchor_text(question, level)}”"
    if one.measured is None or one.level is None or (one.source is Source.PART and one.measured > one.level):
        told = f"{question.text.rstrip('?')}: {wanted}"
    else:
        told = f"{_needed(one, rule, level)} ({wanted})"
    command = rule.otherwise if rule.otherwise and not one.found.todo else rule.command
    return Step((question.id,), level, told, gain, command, rule.guide)


def _needed(one: Graded, rule: Rule, level: int) -> str:
    """What is missing, in the metric's own units."""
    question, found = one.question, one.found
    anchor, value = question.anchors[level - 1], found.value or 0.0
    text = rule.step or question.text
    if by_anchors(question, value) >= level > rule.declared and not found.proven and not found.contradicted:
        return f"let proofs see it: {found.sentence}"
    if anchor.threshold is None or by_anchors(question, value) >= level:
        beside = f"; {found.top_sentence}" if found.top_sentence else ""
        return _first(one, "reach what is asked beside the number" + beside)
    if question.unit is Unit.SHARE and found.good is not None:
        share = 1 - anchor.threshold if question.falling else anchor.threshold
        return text.format(n=max(1, ceil(share * found.population - _CLOSE) - found.good), of=found.population)
    if question.unit is Unit.COUNT:
        more = value - floor(anchor.threshold) if question.falling else ceil(anchor.threshold) - value
        return text.format(n=max(1, int(more)), of=int(value))
    if question.unit is Unit.RATIO:
        bad = found.population - found.good if found.good is not None else 0
        return f"{text.format(n=max(1, bad), of=found.population)}: from {value:.2f} to {anchor.threshold:g} at most"
    if question.unit is Unit.RUNG:
        return found.sentence
    if question.unit is Unit.DAYS:
        return f"{text}: from {value:.0f} to {anchor.threshold:g} days in the median"
    return text.format(n=len(found.todo), of=max(found.population, len(found.todo)))


def _first(one: Graded, otherwise: str) -> str:
    """What is in the way, by name, where it is known."""
    if one.found.contradicted and one.found.todo:
        return f"mend what proofs found: {', '.join(one.found.todo[:3])}"
    if one.found.todo:
        return f"{otherwise}: {', '.join(one.found.todo[:3])}"
    return otherwise
