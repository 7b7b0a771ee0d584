"""What changed between two moments: fixed, new, still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.assurance.facts import Measured
from assay.domain import Outcome


@dataclass(frozen=True, slots=True)
class Trend:
    """Failures by what became of them, in the order of their cases. ``unknown``: failed before, not concluded now.

    They are still failures, and count as such; what is unknown is only whether they were mended.
    """

    fixed: tuple[Measured, ...] = ()
    new: tuple[Measured, ...] = ()
    still_open: tuple[Measured, ...] = ()
    unknown: tuple[Measured, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Case ids by what became of them."""
        return {
            "fixed": [m.key for m in self.fixed],
            "new": [m.key for m in self.new],
            "still_open": [m.key for m in self.still_open],
            "unknown": [m.key for m in self.unknown],
        }


def trend(before: Mapping[str, Measured], now: Mapping[str, Measured]) -> Trend:
    """Compares the failures of two moments, by case. Only a pass fixes: what was not concluded is unknown."""
    fixed: list[Measured] = []
    new: list[Measured] = []
    still: list[Measured] = []
    unknown: list[Measured] = []
    for key in sorted({*before, *now}):
        was = key in before and _open(before[key])
        fact = now.get(key)
        if was and fact is not None and fact.unsettled:
            unknown.append(fact)
        elif fact is not None and _open(fact):
            (still if was else new).append(fact)
        elif was and fact is not None and (fact.excepted_by or fact.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)):
            fixed.append(fact)
        elif was:
            unknown.append(fact or before[key])
    return Trend(tuple(fixed), tuple(new), tuple(still), tuple(unknown))


def _open(fact: Measured) -> bool:
    return fact.outcome is Outcome.FAIL and not fact.excepted_by
