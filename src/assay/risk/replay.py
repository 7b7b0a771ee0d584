"""A risk computed again from the inputs that an assessment carries: at another moment, or with something changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from assay.risk.ageing import Rise, next_rise
from assay.risk.formula import assurance, freshness, lower_bound, rate, reading
from assay.risk.formula import remaining as formula_remaining
from assay.risk.words import Assessment, Effect, PlaceRisk, Rating, Reading

_RANKS = {rating: number for number, rating in enumerate(Rating)}


def failed(effect: Effect) -> bool:
    """Whether a control is worth nothing because tests of it failed."""
    return effect.assurance == 0 and effect.failures > 0


def disproven(effect: Effect) -> bool:
    """Whether what was tried does not count at these places, such as for a control that failed there itself."""
    return effect.assurance == 0 and effect.bound * effect.reliability * effect.freshness > 0


def again(effect: Effect, at: datetime) -> Effect:
    """The effect at a moment, computed from its inputs."""
    return computed(effect, at, counts=not disproven(effect))


def computed(effect: Effect, at: datetime, *, counts: bool) -> Effect:
    """The effect from its inputs alone: capability, failures, tried, reliability, when it was measured, its age.

    ``counts``: whether what was tried counts at these places.
    """
    bound = lower_bound(effect.failures, effect.tried)
    if effect.measured is not None:
        fresh = freshness(max(0.0, (at - effect.measured).total_seconds()), effect.evidence_age)
    else:
        fresh = 0.0 if bound else 1.0  # what was never measured has not aged, and what was must say when
    sure = assurance(bound, effect.reliability, fresh) if counts else 0.0
    return replace(effect, bound=bound, freshness=fresh, assurance=sure, effectiveness=effect.capability * sure)


def claimed(effect: Effect) -> Effect:
    """The effect as it is claimed: as if it were shown to work always."""
    return replace(effect, assurance=1.0, effectiveness=effect.capability)


def remaining(inherent: Reading, group: PlaceRisk, at: datetime) -> Reading:
    """What remains at a group of places at a moment, from what is known now."""
    return reading(inherent, (again(e, at) for e in group.effects), exploited=bool(group.exploited))


def worst(readings: Iterable[Reading], otherwise: Reading) -> Reading:
    """The worst of several readings: by rating, then by score, then by likelihood; ``otherwise`` if there is none."""
    return max(readings, key=lambda r: (_RANKS[rate(r)], r.score, r.likelihood), default=otherwise)


def evidenced(assessment: Assessment, at: datetime) -> Reading:
    """What evidence supports at a moment, from what is known now."""
    here = assessment.inherent
    return worst((remaining(here, g, at) for g in assessment.groups), here)


def rise(assessment: Assessment, now: datetime, *, step: int = 1) -> Rise | None:
    """When age alone makes the rating that evidence supports a higher one, with the results that count now.

    Later, fewer and newer results may be worth more than all of them together; so it may come later, never sooner.
    ``step``: in seconds, how finely it is looked at.
    """
    return next_rise(_Fading(assessment).rating, now, step=step)


class _Fading:
    """An assessment as the clock sees it: what each effect is worth at a moment is computed once for all places."""

    def __init__(self, assessment: Assessment) -> None:
        self._start = assessment.inherent
        effects = {id(e): e for g in assessment.groups for e in g.effects}
        self._effects = [(e, e.capability * lower_bound(e.failures, e.tried) * e.reliability) for e in effects.values()]
        self._effects = [(e, 0.0 if disproven(e) else most) for e, most in self._effects]
        place = {key: number for number, key in enumerate(effects)}
        groups = (
            (tuple((e.kind, e.domain, place[id(e)]) for e in g.effects), bool(g.exploited)) for g in assessment.groups
        )
        self._groups = tuple(dict.fromkeys(groups))

    def rating(self, at: datetime) -> Rating:
        """The worst rating at a moment."""
        worth = [most * _fresh(e, at) if most else 0.0 for e, most in self._effects]
        found = Rating.NOTE
        for effects, exploited in self._groups:
            known = ((kind, domain, worth[place]) for kind, domain, place in effects)
            rating = rate(formula_remaining(self._start, known, exploited=exploited))
            if _RANKS[rating] > _RANKS[found]:
                found = rating
                if found is Rating.CRITICAL:
                    break
        return found if self._groups else rate(self._start)


def _fresh(effect: Effect, at: datetime) -> float:
    if effect.measured is None:
        return 0.0
    return freshness(max(0.0, (at - effect.measured).total_seconds()), effect.evidence_age)
