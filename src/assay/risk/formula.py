"""The formula: from factors to likelihood and impact, from results to assurance, from both to what remains at risk.

Version 1. A stored score names its version, so that it can be computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from math import exp, lgamma, log, log1p, prod

from assay.risk.words import Effect, Factor, Factors, Rating, Reading

VERSION = 1
CONFIDENCE = 0.95
LEAST_LIKELIHOOD = 0.02
LEAST_IMPACT = 0.10
DEMONSTRATED = 0.9
"""The likelihood of what was demonstrated, at least."""


class Band(StrEnum):
    """A third of an axis (OWASP Risk Rating Methodology, step 4)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_TABLE: Mapping[tuple[Band, Band], Rating] = {
    (Band.LOW, Band.LOW): Rating.NOTE,
    (Band.LOW, Band.MEDIUM): Rating.LOW,
    (Band.LOW, Band.HIGH): Rating.MEDIUM,
    (Band.MEDIUM, Band.LOW): Rating.LOW,
    (Band.MEDIUM, Band.MEDIUM): Rating.MEDIUM,
    (Band.MEDIUM, Band.HIGH): Rating.HIGH,
    (Band.HIGH, Band.LOW): Rating.MEDIUM,
    (Band.HIGH, Band.MEDIUM): Rating.HIGH,
    (Band.HIGH, Band.HIGH): Rating.CRITICAL,
}
"""By (likelihood, impact): OWASP Risk Rating Methodology, step 4, "Determining Severity"."""


def band(share: float) -> Band:
    """Which third of its axis a likelihood or an impact (0 to 1) is in."""
    if share < 3 / 9:
        return Band.LOW
    return Band.MEDIUM if share < 6 / 9 else Band.HIGH


def rate(reading: Reading) -> Rating:
    """The cell of the matrix that a reading is in."""
    return _TABLE[band(reading.likelihood), band(reading.impact)]


def inherent(factors: Factors) -> Reading:
    """L0 and I0: without any control.

    ``L0 = (mean(threat agent) + mean(vulnerability)) / 2 / 9``; ``I0 = max(mean(technical), mean(business)) / 9``.
    """
    likelihood = (_mean(factors.agent) + _mean(factors.vulnerability)) / 2 / 9
    return Reading(likelihood, max(_mean(factors.technical), _mean(factors.business)) / 9)


def _mean(factors: tuple[Factor, ...]) -> float:
    return sum(f.value for f in factors) / len(factors)


@lru_cache(maxsize=65536)
def lower_bound(failures: int, tried: int) -> float:
    """LB95: the least share that holds, at 95 % confidence, when ``failures`` of ``tried`` failed; 0 for none tried.

    The exact one-sided bound of Clopper and Pearson, Biometrika 26 (1934): one minus the share of failures at which so
    few would be seen in 5 of 100 samples. What was tried is taken for a sample, because a control can meet more than
    was tried.
    """
    if tried <= 0 or failures >= tried:
        return 0.0
    if failures <= 0:
        return float((1 - CONFIDENCE) ** (1 / tried))
    low, high = failures / tried, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(failures, tried, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return 1 - high


def _at_most(k: int, n: int, p: float) -> float:
    """The chance of at most ``k`` failures in ``n``, for ``p`` above ``k / n``: its terms fall from the last on."""
    if p >= 1.0:
        return 0.0
    term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
    total, odds = term, (1 - p) / p
    for i in range(k, 0, -1):
        term *= i / (n - i + 1) * odds
        total += term
        if term < total * 1e-17:
            break
    return total


def freshness(age: float, evidence_age: float) -> float:
    """1 up to the evidence age T, then halved with every further T: ``2^-((age - T) / T)``. Both in seconds."""
    if age <= evidence_age:
        return 1.0
    if evidence_age <= 0:
        return 0.0
    return float(2 ** -min((age - evidence_age) / evidence_age, 1074.0))


def assurance(bound: float, reliability: float, fresh: float) -> float:
    """How far a control's working is shown: ``LB95 × reliability × freshness``."""
    return bound * reliability * fresh


def reading(start: Reading, effects: Iterable[Effect], *, exploited: bool = False) -> Reading:
    """What remains at one place: L and I after controls, whose best counts in each failure domain.

    ``exploited``: the threat was demonstrated there, which sets the likelihood to at least .9.
    """
    return remaining(start, [(e.kind, e.domain, e.effectiveness) for e in effects], exploited=exploited)


def remaining(start: Reading, worth: Iterable[tuple[str, str, float]], *, exploited: bool = False) -> Reading:
    """As :func:`reading`, of (kind, failure domain, effectiveness)."""
    preventive: dict[str, float] = {}
    limiting: dict[str, float] = {}
    for kind, domain, value in worth:
        best = preventive if kind == "preventive" else limiting
        if value > best.get(domain, 0.0):
            best[domain] = value
    # In a fixed order, so that rounding does not depend on the order in which controls are met.
    prevented = prod(sorted([1 - value for value in preventive.values()]))
    limited = prod(sorted([1 - value for value in limiting.values()]))
    likelihood = max(LEAST_LIKELIHOOD, start.likelihood * prevented)
    if exploited:
        likelihood = max(DEMONSTRATED, likelihood)
    return Reading(likelihood, max(LEAST_IMPACT, start.impact * limited))
