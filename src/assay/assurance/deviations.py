"""How many may still fail, given how many were tried: the exact one-sided 95 % bound."""

from __future__ import annotations

from math import comb

CONFIDENCE = 0.95


def upper_bound(deviations: int, sample: int, *, population: int | None = None) -> float:
    """The greatest share of failures that is compatible with what was seen, at 95 % confidence.

    Clopper and Pearson, Biometrika 26 (1934): the share at which so few deviations would be seen in 5 of 100 samples.
    When the sample is the whole population there is nothing to estimate, and the share seen is the answer.
    """
    if population is not None and sample >= population:
        return deviations / sample if sample else 1.0
    if sample <= 0 or deviations >= sample:
        return 1.0
    low, high = deviations / sample, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(deviations, sample, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(k: int, n: int, p: float) -> float:
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
