"""How risk rises by itself: what was measured fades, and one day the rating is the next higher one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.risk.words import Rating

HORIZON = timedelta(days=3650)
"""After ten years nothing is left of evidence; what has not risen by then never will."""

_RANKS: Mapping[Rating, int] = {rating: number for number, rating in enumerate(Rating)}


@dataclass(frozen=True, slots=True)
class Rise:
    """From this moment on the rating is a higher one, if nothing is measured again."""

    at: datetime
    to: Rating


def next_rise(rated: Callable[[datetime], Rating], now: datetime) -> Rise | None:
    """The first second after ``now`` at which the rating is higher than it is now; None if age alone never raises it.

    Args:
        rated: the rating at a moment, from what is known now; it never falls as time goes by.
    """
    before, last = _RANKS[rated(now)], int(HORIZON.total_seconds())
    if _RANKS[rated(now + HORIZON)] <= before:
        return None
    low, high = 0, last  # not yet higher at low, higher at high
    while high - low > 1:
        middle = (low + high) // 2
        if _RANKS[rated(now + timedelta(seconds=middle))] > before:
            high = middle
        else:
            low = middle
    at = now + timedelta(seconds=high)
    return Rise(at, rated(at))
