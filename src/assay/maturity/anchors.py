"""Anchors of the survey, read into numbers that can be compared: ``<=5%``, ``n>=60``, ``tested monthly``, ``100%``."""

from __future__ import annotations

import re

from assay.domain import AssayError
from assay.maturity.words import TOP, Anchor, Unit

DAY = 86400.0
_NUMBER = re.compile(r"(?:n|Curity)?\s*(<=|>=)?\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%|d\b|h\b)?(.*)", re.DOTALL)
_RHYTHM = re.compile(r"(?:tested|scanned)?\s*(half-yearly|yearly|quarterly|monthly|weekly)\b(.*)", re.DOTALL)
_EVERY = {"yearly": 366, "half-yearly": 184, "quarterly": 92, "monthly": 31, "weekly": 7}
"""Days that lie between two of them at most."""
_FALLING = frozenset({Unit.AGE, Unit.DAYS})


def read_anchors(text: str, unit: Unit) -> tuple[tuple[Anchor, ...], bool]:
    """The four anchors of ``25% / 60% / 95% / 100%``, and whether less is better.

    Shares become 0 to 1, ages seconds. An anchor of words alone has no threshold; on a ladder (``Unit.RUNG``) it is
    as high as its level.

    Raises:
        AssayError: there are not four, or their numbers do not rise (or fall).
    """
    parts = [part.strip() for part in text.split(" / ")]
    if len(parts) != TOP or not all(parts):
        raise AssayError(f"`{text}` is not four anchors, with ` / ` between them", fix="write what 1, 2, 3 and 4 take")
    anchors = tuple(_anchor(level, part, unit) for level, part in enumerate(parts, start=1))
    falling = unit in _FALLING or any((m := _NUMBER.fullmatch(part)) and m[1] == "<=" for part in parts)
    numbers = [a.threshold for a in anchors if a.threshold is not None]
    if numbers != sorted(numbers, reverse=falling):
        raise AssayError(f"the anchors `{text}` do not become harder from one to the next", fix="order them")
    return anchors, falling


def _anchor(level: int, text: str, unit: Unit) -> Anchor:
    found = _RHYTHM.fullmatch(text) if unit is Unit.AGE else None
    if found:
        return Anchor(level, text, _EVERY[found[1]] * DAY, _rest(found[2]))
    number = _NUMBER.fullmatch(text)
    if number is None:
        return Anchor(level, text, float(level) if unit is Unit.RUNG else None)
    return Anchor(level, text, _in_unit(float(number[2]), number[3] or "", unit), _rest(number[4]))


def _in_unit(value: float, written: str, unit: Unit) -> float:
    if written == "%":
        return value / 100
    if unit is Unit.AGE:
        return value * (3600.0 if written == "h" else DAY)
    return value


def _rest(text: str) -> str:
    return re.sub(r"^\s*(?:,|and\b)?\s*", "", text).strip()
