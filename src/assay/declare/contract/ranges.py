"""Ranges of whole numbers as regular expressions, for values that only a route's expression looks at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from assay.declare.contract.keywords import WIDTHS

DIGITS = 19
"""The longest whole number that a path may hold; an `int64` has no more."""
_MOST = 10**DIGITS - 1


def bounds(schema: Mapping[str, object]) -> tuple[int, int] | None:
    """The least and greatest whole number that a schema allows, or None where it states neither, or no number fits.

    A width of 64 bits states nothing here: its digits are counted anyway, and its exact expression is long.
    """
    lows, highs = [-_MOST], [_MOST]
    width = WIDTHS.get(str(schema.get("format")))
    if width and width[1] < 2**32:
        lows.append(width[0])
        highs.append(width[1])
    elif width and width[0] == 0:
        lows.append(0)
    least, most = _number(schema.get("minimum")), _number(schema.get("maximum"))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None:
        lows.append(math.floor(least) + 1 if above is True else math.ceil(least))
    if most is not None:
        highs.append(math.ceil(most) - 1 if below is True else math.floor(most))
    if (beyond := _number(above)) is not None:
        lows.append(math.floor(beyond) + 1)
    if (under := _number(below)) is not None:
        highs.append(math.ceil(under) - 1)
    low, high = max(lows), min(highs)
    return None if (low, high) == (-_MOST, _MOST) or low > high else (low, high)


def whole_numbers(low: int, high: int) -> str:
    """An RE2 expression for whole numbers from ``low`` to ``high``, both within 19 digits; leading zeros may be."""
    choices = []
    if low < 0:
        choices.append(f"-{_positive(max(1, -high), -low)}")
    if high >= 0:
        choices.append(_positive(max(0, low), high))
    return "(?:" + "|".join(choices) + ")"


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _positive(low: int, high: int) -> str:
    return f"0{{0,{DIGITS - 1}}}(?:" + "|".join(_by_length(low, high)) + ")"


def _by_length(low: int, high: int) -> Iterator[str]:
    """One choice for each number of digits; those that are allowed whole are told together."""
    shortest, longest = len(str(low)), len(str(high))
    whole: list[int] = []
    for length in range(shortest, longest + 1):
        first, last = (10 ** (length - 1) if length > 1 else 0), 10**length - 1
        if length > 1 and low <= first and last <= high:
            whole.append(length)
        else:
            yield _between(str(max(low, first)), str(min(high, last)))
    if whole:
        yield f"[1-9][0-9]{{{whole[0] - 1},{whole[-1] - 1}}}"


def _between(low: str, high: str) -> str:
    """Numbers of the same length."""
    if low == high:
        return low
    rest = len(low) - 1
    if rest == 0:
        return f"[{low}-{high}]"
    if low[0] == high[0]:
        return low[0] + _between(low[1:], high[1:])
    first, last, choices = int(low[0]), int(high[0]), []
    if low[1:] != "0" * rest:
        choices.append(low[0] + _between(low[1:], "9" * rest))
        first += 1
    if high[1:] != "9" * rest:
        choices.append(high[0] + _between("0" * rest, high[1:]))
        last -= 1
    if first <= last:
        choices.append(f"[{first}-{last}][0-9]{{{rest}}}")
    return "(?:" + "|".join(choices) + ")"
