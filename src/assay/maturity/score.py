"""From levels to scores: dimensions, the whole, how much of it is measured, and how far people are from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from assay.maturity.words import DimensionScore, Graded, Score

Level = Callable[[Graded], float | None]


def score(dimensions: Mapping[int, str], graded: Sequence[Graded]) -> Score:
    """The score of a survey.

    A dimension is the mean of its questions by weight, and no higher than its lowest gate. The whole is half the mean
    of the dimensions and half their minimum: one weak dimension is what an attacker looks for.
    """
    scored = tuple(
        _dimension(n, name, [g for g in graded if g.question.dimension == n]) for n, name in dimensions.items()
    )
    overall = whole(d.level for d in scored)
    floor = _overall(dimensions, graded, lambda g: None if g.level is None else (g.measured or 0))
    perceived = whole(d.perceived for d in scored)
    applicable = [g for g in graded if g.level is not None]
    weights = sum(g.question.weight for g in applicable)
    measured = sum(g.question.weight * g.worth for g in applicable)
    return Score(
        scored,
        overall or 0.0,
        floor or 0.0,
        perceived,
        measured / weights if weights else 0.0,
        _gap(graded),
        (*_derivation(scored, overall, measured, weights), *_apart(graded, floor)),
    )


def overall_of(dimensions: Mapping[int, str], graded: Sequence[Graded]) -> float:
    """The overall level alone; what :func:`score` computes of it."""
    return _overall(dimensions, graded, lambda g: g.level) or 0.0


def whole(levels: Iterable[float | None]) -> float | None:
    """Half the mean, half the minimum, of those that there are."""
    known = [level for level in levels if level is not None]
    return (sum(known) / len(known) + min(known)) / 2 if known else None


def _overall(dimensions: Mapping[int, str], graded: Sequence[Graded], level: Level) -> float | None:
    by: dict[int, list[Graded]] = {n: [] for n in dimensions}
    for one in graded:
        by[one.question.dimension].append(one)
    return whole(capped(some, level) for some in by.values())


def mean(graded: Iterable[Graded], level: Level) -> float | None:
    """The mean by weight of those that have a level."""
    known = [(g.question.weight, found) for g in graded if (found := level(g)) is not None]
    weights = sum(weight for weight, _ in known)
    return sum(weight * found for weight, found in known) / weights if weights else None


def capped(graded: Sequence[Graded], level: Level) -> float | None:
    """The mean by weight, and no more than the lowest gate."""
    found = mean(graded, level)
    gates = [one for g in graded if g.question.gate and (one := level(g)) is not None]
    return found if found is None else min(found, *gates) if gates else found


def _dimension(number: int, name: str, graded: Sequence[Graded]) -> DimensionScore:
    level = capped(graded, lambda g: g.level)
    plain = mean(graded, lambda g: g.level)
    holding = tuple(
        g.question.id
        for g in graded
        if g.question.gate and g.level is not None and plain is not None and g.level < plain
    )
    applicable = [g for g in graded if g.level is not None]
    weights = sum(g.question.weight for g in applicable)
    return DimensionScore(
        number,
        name,
        level,
        plain,
        holding,
        capped(graded, lambda g: g.perceived),
        capped(graded, lambda g: g.measured),
        sum(g.question.weight * g.worth for g in applicable) / weights if weights else 0.0,
        _gap(graded),
        _sum(applicable, plain, level, holding),
    )


def _gap(graded: Iterable[Graded]) -> float | None:
    """The mean by weight of perceived − measured, of the questions that have both."""
    return mean(
        graded, lambda g: None if g.perceived is None or g.measured is None else float(g.perceived - g.measured)
    )


def _sum(graded: Sequence[Graded], plain: float | None, level: float | None, holding: Sequence[str]) -> str:
    if plain is None or level is None:
        return "no question of it applies"
    terms = " + ".join(f"{g.question.weight}×{g.level}" for g in graded)
    weights = sum(g.question.weight for g in graded)
    held = f", held at {level:.2f} by {', '.join(holding)}" if holding else ""
    return f"({terms}) / {weights} = {plain:.2f}{held}"


def _derivation(
    scored: Sequence[DimensionScore], overall: float | None, measured: float, weights: int
) -> Iterable[str]:
    known = [d.level for d in scored if d.level is not None]
    if known and overall is not None:
        terms = " + ".join(f"{level:.2f}" for level in known)
        yield (
            f"overall = ½ · mean + ½ · minimum = ½ · ({terms}) / {len(known)} + ½ · {min(known):.2f} = {overall:.2f}"
        )
    yield f"assurance ratio = weight that is measured / weight = {measured:g} / {weights}"


def _apart(graded: Sequence[Graded], floor: float | None) -> Iterable[str]:
    """Where the two numbers beside the level come from, which no column of a table adds up to."""
    both = [g for g in graded if g.perceived is not None and g.measured is not None]
    gap = _gap(both)
    if gap is not None:
        total = sum(g.question.weight * ((g.perceived or 0) - (g.measured or 0)) for g in both)
        weights = sum(g.question.weight for g in both)
        yield (
            "perception gap = weight × (said − measured) / weight, over the"
            f" questions with both ({len(both)}) = {total:g} / {weights} = {gap:+.2f}"
        )
    if floor is not None:
        yield f"if only measurement counted = overall, with 0 for each question that was not measured = {floor:.2f}"
