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
    """From this moment on the rating is a higher one, if nothing is measured again.

    ``earliest``: it may come later, and not sooner.
    """

    at: datetime
    to: Rating
    earliest: bool = False


def next_rise(
    rated: Callable[[datetime], Rating], now: datetime, *, not_before: datetime | None = None, step: int = 1
) -> Rise | None:
    """The first second after ``now`` at which the rating is higher than it is now; None if age alone never raises it.

    Args:
        rated: the rating at a moment, from what is known now; it never falls as time goes by.
        not_before: a moment before which it is known not to rise; looked at first, since it is mostly the one.
        step: look at every so many seconds only; then the moment is the earliest that is possible.
    """
    before, end = _RANKS[rated(now)], now + HORIZON
    low = 0  # not yet higher at low, higher at high
    if not_before is not None and now < not_before < end:
        if _RANKS[found := rated(not_before)] > before:
            return Rise(not_before, found)
        low = int((not_before - now).total_seconds()) // step
    if _RANKS[rated(end)] <= before:
        return None
    high = int(HORIZON.total_seconds()) // step
    while high - low > 1:
        middle = (low + high) // 2
        if _RANKS[rated(now + timedelta(seconds=middle * step))] > before:
            high = middle
        else:
            low = middle
    return Rise(now + timedelta(seconds=low * step + 1), rated(now + timedelta(seconds=high * step)), step > 1)
