"""What risks may cost in a year: a simulation over the same likelihood and impact that the register shows.

How often: a Poisson number of incidents a year, whose mean lies between the two ends of the declared ``frequency`` on a
logarithmic scale, at the likelihood. Both ends are an assumption of whoever declares them; nothing measures them.

How much: log-normal amounts. A declared range ``[low, high]`` is a 90 % interval, its ends are the 5 % and 95 % points
(Hubbard and Seiersen, How to Measure Anything in Cybersecurity Risk, 2016, chapter 3). The ranges speak of the worst
case, and the impact is the share of it that remains: controls that limit harm lower it here as they do in the register.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, floor, log, sqrt
from random import Random

Z95 = 1.6448536269514722
"""The 95 % point of the standard normal distribution."""

DRAWS = 10_000
SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Stake:
    """One risk as the simulation takes it: likelihood and impact as shares, and how many people it concerns."""

    scenario: str
    likelihood: float
    impact: float
    subjects: int


@dataclass(frozen=True, slots=True)
class Ranges:
    """What is declared under ``losses``: 90 % intervals, and incidents a year at likelihood 0 and 1."""

    currency: str
    per_incident: tuple[float, float] | None
    per_record: tuple[float, float] | None
    frequency: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a year may cost. ``low`` and ``high`` are the 5 % and 95 % points of the years that were drawn.

    ``likely`` is the mean number of incidents a year; ``none`` the share of years without any.
    """

    scenario: str
    likely: float
    mean: float
    median: float
    low: float
    high: float
    none: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """The risks one by one, all together, and how likely a year is that costs at least so much."""

    currency: str
    draws: int
    seed: int
    losses: tuple[Loss, ...]
    together: Loss
    exceedance: tuple[tuple[float, float], ...]


def frequency(likelihood: float, ends: tuple[float, float]) -> float:
    """Incidents a year at a likelihood from 0 to 1: between the ends on a logarithmic scale."""
    low, high = ends
    return exp(log(low) + min(max(likelihood, 0.0), 1.0) * (log(high) - log(low)))


def simulate(stakes: Iterable[Stake], ranges: Ranges, *, draws: int = DRAWS, seed: int = SEED) -> Simulated:
    """Draws ``draws`` years. The same stakes, ranges and seed give the same numbers, in whatever order stakes come.

    Each scenario has a stream of its own, seeded with its id: what one risk costs does not change when another is
    added or goes away.
    """
    ordered = sorted(stakes, key=lambda s: s.scenario)
    together = [0.0] * draws
    losses = []
    for stake in ordered:
        random = Random(f"{seed}/{stake.scenario}")  # noqa: S311 - to be drawn again, not to be secret
        years = _years(stake, ranges, draws, random)
        together = [a + b for a, b in zip(together, years, strict=True)]
        losses.append(_loss(stake.scenario, frequency(stake.likelihood, ranges.frequency), years))
    all_of_them = _loss("", sum(each.likely for each in losses), together)
    losses.sort(key=lambda each: (-each.mean, each.scenario))
    return Simulated(ranges.currency, draws, seed, tuple(losses), all_of_them, _exceedance(together))


def _years(stake: Stake, ranges: Ranges, draws: int, random: Random) -> list[float]:
    """What each year costs. All incidents of all years are drawn at once, and each falls into one year or another: a
    Poisson number for every year, without a draw for the many in which nothing happens."""
    fixed, each = _lognormal(ranges.per_incident), _lognormal(ranges.per_record)
    years = [0.0] * draws
    for _ in range(_poisson(frequency(stake.likelihood, ranges.frequency) * draws, random)):
        year = int(random.random() * draws)
        amount = random.lognormvariate(*fixed) if fixed else 0.0
        if each and stake.subjects:
            amount += random.lognormvariate(*each) * stake.subjects
        years[year] += amount * stake.impact
    return years


def _lognormal(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    """Mean and standard deviation of the logarithm, from the 5 % and 95 % points."""
    if ends is None:
        return None
    low, high = log(ends[0]), log(ends[1])
    return (low + high) / 2, (high - low) / (2 * Z95)


_MANY = 30.0


def _poisson(mean: float, random: Random) -> int:
    """Knuth's product of uniforms (The Art of Computer Programming 2, 3.4.1); beyond 30, the normal approximation."""
    if mean > _MANY:
        return max(0, floor(random.gauss(mean, sqrt(mean)) + 0.5))
    count, product, none = 0, random.random(), exp(-mean)
    while product > none:
        count += 1
        product *= random.random()
    return count


def _loss(scenario: str, likely: float, years: Sequence[float]) -> Loss:
    ordered = sorted(years)
    return Loss(
        scenario,
        likely,
        sum(ordered) / len(ordered),
        quantile(ordered, 0.5),
        quantile(ordered, 0.05),
        quantile(ordered, 0.95),
        sum(1 for y in ordered if y == 0) / len(ordered),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The point below which a share of the values lies, linear between neighbours (type 7 of Hyndman and Fan, 1996)."""
    place = (len(ordered) - 1) * share
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _exceedance(years: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """(amount, share of years that cost at least that), at 1, 2 and 5 of each power of ten that years reach."""
    most = max(years, default=0.0)
    found: list[tuple[float, float]] = []
    for power in range(-2, 18):
        for step in (1, 2, 5):
            amount = step * 10.0**power
            share = sum(1 for y in years if y >= amount) / len(years)
            if amount > most:
                return tuple(found)
            if share > 0 and (not found or share < found[-1][1]):
                found.append((amount, share))
    return tuple(found)
