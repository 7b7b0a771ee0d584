"""What a control is worth at a place, from the results of its proofs; every number with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.assurance.facts import Measured
from assay.risk.formula import assurance, freshness, lower_bound
from assay.risk.words import Effect, Remedy


@dataclass(frozen=True, slots=True)
class Pool:
    """Results about one control at places that are guarded alike: what passed, newest first, and what failed."""

    passed: tuple[Measured, ...] = ()
    failed: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of a pool's results count, and how fresh they are.

    ``until``: from when on other numbers follow from the same results; None: none ever will.
    """

    tried: int
    bound: float
    fresh: float
    measured: datetime | None
    passed: tuple[Measured, ...]
    until: datetime | None


def counted(pool: Pool, evidence_age: float, now: datetime) -> Counted:
    """The results that show most: as fresh as the oldest that is counted, and older ones left out where that is better.

    So another result that passed never makes a control look worse, however old it is. Failures count at any age.
    """
    failures = len(pool.failed)
    if not pool.passed:
        return Counted(failures, 0.0, 1.0, None, (), None)
    everything = lower_bound(failures, failures + len(pool.passed))
    best: tuple[float, int, float, float] = (-1.0, 0, 0.0, 1.0)
    for number, fresh in _cuts(pool, evidence_age, now):
        if fresh * everything <= best[0]:
            break
        bound = lower_bound(failures, failures + number)
        if bound * fresh > best[0]:
            best = bound * fresh, number, bound, fresh
    _, number, bound, fresh = best
    oldest = pool.passed[number - 1].at
    changes = max(now, oldest + timedelta(seconds=evidence_age)) if bound else None
    return Counted(failures + number, bound, fresh, oldest, pool.passed[:number], changes)


def _cuts(pool: Pool, evidence_age: float, now: datetime) -> Iterator[tuple[int, float]]:
    """How many of the newest results may be counted together, each with the freshness of the oldest among them."""
    last = len(pool.passed) - 1
    before: float | None = None
    for index, fact in enumerate(pool.passed):
        fresh = freshness((now - fact.at).total_seconds(), evidence_age)
        if before is not None and fresh != before:
            yield index, before
        before = fresh
        if index == last:
            yield index + 1, fresh


def effect(remedy: Remedy, found: Counted, failed: tuple[Measured, ...], here: Measured | None) -> Effect:
    """What a control is worth.

    Args:
        found: what counts of the results of places guarded alike; ``failed``: the failures among them.
        here: a failure at this place: the control was falsified here.
    """
    sure = 0.0 if here else assurance(found.bound, remedy.reliability, found.fresh)
    ids = dict.fromkeys(e for fact in (*failed, *found.passed) for e in fact.evidence)
    return Effect(
        control=remedy.control,
        kind=remedy.kind,
        domain=remedy.domain,
        capability=remedy.capability,
        failures=len(failed),
        tried=found.tried,
        bound=found.bound,
        reliability=remedy.reliability,
        freshness=found.fresh,
        assurance=sure,
        effectiveness=remedy.capability * sure,
        because=_because(found, failed, here),
        measured=found.measured,
        evidence=tuple(ids),
        evidence_age=remedy.evidence_age,
    )


def _because(found: Counted, failed: tuple[Measured, ...], here: Measured | None) -> str:
    if here:
        return f"it was seen to fail here: {here.sentence}"
    if not found.tried:
        return "no proof of it was made here, or none that still counts"
    held = found.tried - len(failed)
    if not held:
        return "every proof of it failed where it is enforced in the same way"
    said = f"{held} of {found.tried} proofs held" if failed else f"{held} {'proof' if held == 1 else 'proofs'} held"
    return f"{said}, the oldest of {found.measured:%Y-%m-%d %H:%M} UTC"
