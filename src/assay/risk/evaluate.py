"""What the results that speak about a scenario are worth at a moment. Only the clock can make it worse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.assurance.facts import Measured
from assay.risk.effects import Counted, Pool, counted, effect
from assay.risk.formula import inherent, rate, reading, remaining
from assay.risk.prepare import Group, Key, Prepared
from assay.risk.words import Assessment, Effect, PlaceRisk, Rating, Reading

RANK = {rating: position for position, rating in enumerate(Rating)}
"""Ratings as numbers, rising."""

_Badness = tuple[int, float]


def badness(found: Reading) -> _Badness:
    """What puts the worst reading first."""
    return -RANK[rate(found)], -found.score


@dataclass(frozen=True, slots=True)
class _Worth:
    """A pool, what counts of it at a moment, and what its control is worth where it was not seen to fail."""

    pool: Pool
    counted: Counted
    sound: Effect


@dataclass(frozen=True, slots=True)
class _Judged:
    """A group of places, with its risk."""

    group: Group
    controls: tuple[str, ...]
    badness: _Badness
    risk: PlaceRisk


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An assessment with what it was put together from, so that the next one needs less. Made by :func:`evaluated`."""

    assessment: Assessment
    at: datetime
    worth: Mapping[Key, _Worth]
    judged: Mapping[int, _Judged]

    def still(self, now: datetime, key: Key, pool: Pool) -> _Worth | None:
        """What a pool was worth, if neither results nor time have changed that."""
        known = self.worth.get(key)
        if known is None or known.pool is not pool or now < self.at:
            return None
        until = known.counted.until
        return known if until is None or now <= until else None


def evaluate(prepared: Prepared, now: datetime) -> Assessment:
    """What the results are worth at a moment. Only the clock can make this worse for the same results."""
    return evaluated(prepared, now).assessment


def evaluated(prepared: Prepared, now: datetime, before: Evaluated | None = None) -> Evaluated:
    """As :func:`evaluate`.

    Args:
        before: the same scenario with the same remedies, maybe with other results at another moment. What is
            the same is taken from it.
    """
    start = inherent(prepared.scenario.factors)
    if before is not None and before.assessment.inherent != start:
        before = None
    worth: dict[Key, _Worth] = {}
    same: set[Key] = set()
    for key, pool in prepared.pools.items():
        known = before.still(now, key, pool) if before else None
        if known is None:
            remedy = prepared.remedies[key[0]]
            found = counted(pool, remedy.evidence_age, now)
            known = _Worth(pool, found, effect(remedy, found, pool.failed, None))
        else:
            same.add(key)
        worth[key] = known
    judged = _Judging(prepared, start, worth).judged(before.judged if before and same else {}, same)
    return Evaluated(_assessment(prepared, start, judged, worth), now, worth, {id(j.group): j for j in judged})


class _Judging:
    def __init__(self, prepared: Prepared, start: Reading, worth: Mapping[Key, _Worth]) -> None:
        self._prepared, self._start, self._worth = prepared, start, worth
        self._broken: dict[tuple[Key, str], Effect] = {}
        self._claims: dict[tuple[str, ...], Reading] = {}

    def judged(self, before: Mapping[int, _Judged], same: set[Key]) -> Sequence[_Judged]:
        found = []
        for group in self._prepared.groups:
            known = before.get(id(group))
            if known is None or known.group is not group or not same.issuperset(group.pools):
                known = self._judge(group)
            found.append(known)
        return found

    def _judge(self, group: Group) -> _Judged:
        effects = tuple([self._worth[key].sound for key in group.pools])
        if any(group.failed_here):
            effects = tuple(
                self._failed(key, here) if here else self._worth[key].sound
                for key, here in zip(group.pools, group.failed_here, strict=True)
            )
        controls = tuple([key[0] for key in group.pools])
        claimed = self._claims.get(controls)
        if claimed is None:
            worth = [(e.kind, e.domain, e.capability) for e in effects]
            claimed = self._claims[controls] = remaining(self._start, worth)
        found = reading(self._start, effects, exploited=bool(group.exploited))
        risk = PlaceRisk(group.places, found, rate(found), effects, group.exploited, claimed, group.accepted)
        return _Judged(group, controls, badness(found), risk)

    def _failed(self, key: Key, here: Measured) -> Effect:
        """The effect of a control at a place where it was seen to fail."""
        name = key, here.key
        if name not in self._broken:
            known = self._worth[key]
            remedy = self._prepared.remedies[key[0]]
            self._broken[name] = effect(remedy, known.counted, known.pool.failed, here)
        return self._broken[name]


def _assessment(
    prepared: Prepared, start: Reading, judged: Sequence[_Judged], worth: Mapping[Key, _Worth]
) -> Assessment:
    groups = tuple(j.risk for j in sorted(judged, key=lambda j: (*j.badness, j.risk.places)))
    claims: dict[tuple[str, ...], Reading] = {}
    sizes: dict[Rating, int] = defaultdict(int)
    for one in judged:
        claims.setdefault(one.controls, one.risk.claimed)
        sizes[one.risk.rating] += len(one.risk.places)
    total = sum(sizes.values()) or 1
    return Assessment(
        scenario=prepared.scenario,
        inherent=start,
        claimed=min(claims.values(), key=badness, default=start),
        evidenced=groups[0].evidenced if groups else start,
        groups=groups,
        breadth={rating: sizes[rating] / total for rating in reversed(Rating) if rating in sizes},
        changes=min((w.counted.until for w in worth.values() if w.counted.until is not None), default=None),
    )
