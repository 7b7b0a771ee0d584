"""What people estimate against what is computed: higher at will, lower only with approver, reason and an end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from assay.declare.model import Estimate


@dataclass(frozen=True, slots=True)
class Judged:
    """An estimate beside the computed value, both on the scale of the factors (0 to 9).

    Attributes:
        name: a factor, ``likelihood`` or ``impact``.
        counts: whether the estimate is used; if not, ``because`` says why what is computed stands.
    """

    name: str
    computed: float
    estimated: float
    counts: bool
    because: str
    approved_by: str = ""
    expires: date | None = None

    @property
    def value(self) -> float:
        """The one that counts."""
        return self.estimated if self.counts else self.computed


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve a lower estimate: everybody declared under ``people:`` but the owner of the risk.

    Where nobody is declared, a name can only be taken as it is written.
    """

    people: Collection[str] = ()
    owner: str | None = None

    def objection(self, name: str) -> str:
        """Why this person's approval does not count; empty if it does."""
        if self.people and name not in self.people:
            return f"`{name}` is nobody under `people:`, so nobody approved it"
        if name == self.owner:
            return f"`{name}` owns the risk, and somebody else has to approve that it is estimated lower"
        return ""


def judge(name: str, computed: float, estimate: Estimate, today: date, approvers: Approvers = Approvers()) -> Judged:
    """Whether an estimate counts.

    Upwards it does, unless it has expired. Downwards it needs ``approved_by``, ``reason`` and an ``expires`` that lies
    not behind today; it holds through the day it expires on. Whatever is missing, what is computed stands.
    """
    counts, because = _weighed(computed, estimate, today, approvers)
    return Judged(name, computed, estimate.value, counts, because, estimate.approved_by or "", estimate.expires)


def _weighed(computed: float, estimate: Estimate, today: date, approvers: Approvers) -> tuple[bool, str]:
    if estimate.expires is not None and today > estimate.expires:
        return False, f"the estimate expired on {estimate.expires.isoformat()}"
    said = f": {estimate.reason}" if estimate.reason else ""
    if estimate.value >= computed:
        return True, f"estimated higher{said}" if estimate.value > computed else f"estimated the same{said}"
    wanted = {"approved_by": estimate.approved_by, "reason": estimate.reason, "expires": estimate.expires}
    missing = [word for word, value in wanted.items() if not value]
    if missing:
        return False, f"to estimate lower needs {' and '.join(f'`{word}`' for word in missing)}"
    objection = approvers.objection(estimate.approved_by or "")
    if objection:
        return False, objection
    until = estimate.expires.isoformat() if estimate.expires else ""
    return True, f"estimated lower, approved by {estimate.approved_by} until {until}{said}"
