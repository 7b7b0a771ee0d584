"""A risk computed again from the inputs that an assessment carries: at another moment, or with something changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from assay.risk.ageing import Rise, next_rise
from assay.risk.formula import assurance, freshness, lower_bound, rate, reading
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


def rise(assessment: Assessment, now: datetime) -> Rise | None:
    """When age alone makes the rating that evidence supports a higher one, with the results that count now.

    Later, fewer and newer results may be worth more than all of them together; so it may come later, never sooner.
    """
    return next_rise(lambda at: rate(evidenced(assessment, at)), now)
