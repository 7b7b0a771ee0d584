"""How much of what an account may do it does not need: the privilege excess index, weighted by what could be done.

``PEI = 1 − Σ w(used) / Σ w(granted)`` with ``w = (level + 1) × operation × log10(1 + records)``: 0 when every right is
used, towards 1 when rights over much sensitive data lie idle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from assay.privilege.rights import NO_ROWS, Grant, Operation, Use, covers, matches, touches

WEIGHTS: Final[Mapping[Operation, int]] = {
    "read": 1,
    "write": 2,
    # What a function or action does with more rights than its caller's is not known; that it changes things is likely.
    "execute": 2,
    "delete": 3,
    "admin": 5,
    "impersonate": 5,
    "grant": 5,
}
WINDOW: Final = 90
"""Days within which a right must have been used, unless its use is declared to be seasonal."""
MODERATE: Final = 0.2
"""The excess that an account may have (objective CO-PRV-01)."""
SUPER: Final = 0.5
"""The excess from which an account that reaches restricted data is privileged."""
UNKNOWN_RECORDS: Final = 9
"""Records of an object of which nobody knows how many it holds: log10(1 + 9) is 1, so they weigh neither way."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What rights weigh.

    Attributes:
        level: by object, how sensitive what it holds is, 0 to 4.
        records: by object, how many records it holds.
    """

    level: Callable[[str], int]
    records: Callable[[str], int | None]

    def of(self, grant: Grant) -> float:
        """The weight of one right."""
        if grant.rows == NO_ROWS:
            return 0.0
        records = self.records(grant.object)
        known = UNKNOWN_RECORDS if records is None else max(0, records)
        return (self.level(grant.object) + 1) * WEIGHTS[grant.operation] * math.log10(1 + known)


@dataclass(frozen=True, slots=True)
class Excess:
    """What is too much.

    Attributes:
        index: 0 to 1; None: there is nothing to judge.
        judged: the rights that are old enough.
        unused: those of them that nothing needs or uses.
        too_wide: those of them that are used in part: by a pattern, or on objects that it was not needed for.
        young: rights that are younger than the window, and not judged.
        missing: what is needed or was used, and no right covers.
    """

    index: float | None
    judged: tuple[Grant, ...] = ()
    unused: tuple[Grant, ...] = ()
    too_wide: tuple[Grant, ...] = ()
    young: tuple[Grant, ...] = ()
    missing: tuple[Grant | Use, ...] = ()


def excess_of(
    grants: Iterable[Grant],
    used: Iterable[Grant | Use],
    weighing: Weighing,
    *,
    today: date,
    window: int = WINDOW,
) -> Excess:
    """The excess of rights over what is used or needed.

    Rights without a date, or with one that is yet to come, count as old: they would else excuse everything. The same
    right that comes by several ways is weighed once. A right that is wider than its use (``*`` where one object is
    used) counts as used by the weight of what is used, and never by more than its own.

    Args:
        used: what was used, or what is needed.
        window: days; rights that are younger are left out.
    """
    used = tuple(dict.fromkeys(used))
    newest = today - timedelta(days=window)
    all_grants = tuple(grants)
    # A day that is yet to come says nothing about how long a right is held.
    judged = tuple(g for g in all_grants if g.since is None or g.since <= newest or g.since > today)
    young = tuple(g for g in all_grants if g.since is not None and newest < g.since <= today)
    index: dict[str, list[Grant | Use]] = {}
    for item in used:
        index.setdefault(item.operation, []).append(item)
    granted = spent = 0.0
    unused: list[Grant] = []
    wide: list[Grant] = []
    seen: set[tuple[str, str, str, bool]] = set()
    for grant in judged:
        touched = [u for u in index.get(grant.operation, ()) if touches(grant, u)]
        if not touched:
            unused.append(grant)
        elif not any(_whole(grant, u) for u in touched):
            wide.append(grant)
        key = (grant.object, grant.operation, grant.right, grant.future)
        if key in seen:
            continue
        seen.add(key)
        weight = weighing.of(grant)
        granted += weight
        spent += _spent(grant, touched, weight, weighing)
    missing = tuple(u for u in used if not any(covers(g, u) for g in all_grants))
    if granted == 0:
        # Rights that weigh nothing are rights over nothing; rights that are not there cannot be too many.
        return Excess(0.0 if judged and not unused else None, judged, tuple(unused), tuple(wide), young, missing)
    return Excess(1 - spent / granted, judged, tuple(unused), tuple(wide), young, missing)


def _whole(grant: Grant, use: Grant | Use) -> bool:
    """Whether a use takes all of a right."""
    if grant.future or not matches(use.object, grant.object):
        return False
    return not use.right or grant.right == use.right or "*" not in grant.right


def _spent(grant: Grant, touched: list[Grant | Use], weight: float, weighing: Weighing) -> float:
    if not touched:
        return 0.0
    if any(_whole(grant, u) for u in touched):
        return weight
    parts = {(u.object, u.right): u for u in touched}
    total = sum(
        weighing.of(Grant(grant.principal, u.object, u.operation, u.right))
        for u in parts.values()
        if matches_part(grant, u)
    )
    # A wildcard over what nobody counted weighs as one object; a part of it is then never all of it.
    return min(total, weight / 2)


def matches_part(grant: Grant, use: Grant | Use) -> bool:
    """Whether what is used lies inside the right, rather than the right inside what is used."""
    return covers(grant, use)
