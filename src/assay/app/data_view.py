"""What the `assay data` commands show: the labels of a declaration, with what proofs have verified so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assay.app.data_verified import kept_transforms
from assay.app.project import Project
from assay.declare.declaration import Declaration
from assay.domain import UsageError, did_you_mean
from assay.sensitivity.blend import Blend, blend
from assay.sensitivity.closure import Closure, VerifiedTransform, closure
from assay.sensitivity.principals import PrincipalReach
from assay.sensitivity.reach import reach
from assay.sensitivity.whatif import WhatIf, what_ifs

_WHAT_IFS = 50
"""So many blends are told with what would make them less, when all are asked for."""


@dataclass(frozen=True, slots=True)
class View:
    """A declaration, its labels, and who reaches what."""

    declaration: Declaration
    verified: tuple[VerifiedTransform, ...]
    closure: Closure
    reached: tuple[PrincipalReach, ...]


def view(project: Project, now: datetime) -> View:
    """The labels at a moment; transformations that the project's own evidence shows to work count as verified."""
    verified = kept_transforms(project, now)
    closed = closure(project.declaration, verified)
    return View(project.declaration, verified, closed, reach(project.declaration, closed))


@dataclass(frozen=True, slots=True)
class Told:
    """A blend with the changes that would bring it under the clearance."""

    blend: Blend
    what_ifs: tuple[WhatIf, ...]

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        b = self.blend
        return {
            "principal": {"kind": b.principal.kind, "id": b.principal.id, "clearance": b.principal.clearance},
            "objects": [
                {"data": o.data, "place": o.place, "grants": [g.text for g in o.grants], "forms": dict(o.forms)}
                for o in b.objects
            ],
            "joined_by": list(b.on),
            "claimed": b.claimed.level,
            "verified": b.verified.level,
            "bits": round(b.claimed.bits, 1),
            "k": b.claimed.k,
            "unknown": list(b.claimed.unknown),
            "above_clearance": b.above,
            "above_until_verified": b.verified_above,
            "steps": [{"rule": s.rule, "sentence": s.sentence, "level": s.level} for s in b.steps],
            "what_ifs": [
                {"sentence": w.sentence, "becomes": w.label.level, "changes": [c.sentence for c in w.changes]}
                for w in self.what_ifs
            ],
        }


def blends(seen: View, principal: str | None = None) -> tuple[Told, ...]:
    """What principals can put together, the ones above their clearance first; of one principal, or of all.

    ``principal`` is an id, or ``KIND ID`` where several kinds share one. Without it, what would help is looked for
    only for the gravest, since each search takes some time.

    Raises:
        UsageError: there is none of that name.
    """
    found = [b for reached in choose(seen.reached, principal) for b in blend(reached, seen.closure.rules)]
    found.sort(key=lambda b: (not b.above, not b.verified_above, -b.claimed.rank, -b.verified.rank, b.principal))
    told = len(found) if principal is not None else _WHAT_IFS
    return tuple(Told(b, what_ifs(b) if number < told else ()) for number, b in enumerate(found))


def choose(reached: tuple[PrincipalReach, ...], principal: str | None) -> tuple[PrincipalReach, ...]:
    """Those of a name, which is an id or ``KIND ID``; all of them without one.

    Raises:
        UsageError: there is none of that name.
    """
    chosen = tuple(r for r in reached if principal in (None, r.principal.id, r.principal.name))
    if principal is not None and not chosen:
        names = {r.principal.id or r.principal.name for r in reached}
        raise UsageError(
            f"nobody and nothing that reaches data is called `{principal}`",
            fix=did_you_mean(principal, names, what="principal"),
        )
    return chosen
