"""What an application would change at the gateway, and whether somebody has to approve it first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from assay.domain import Location, UsageError
from assay.gateway.ir import Mode

Effect = Literal["tightening", "loosening", "neutral"]
EFFECTS: tuple[Effect, ...] = ("loosening", "tightening", "neutral")

ON = "\x00"
"""Stands in a change's headline for what it happens on, so that the same change on many operations reads as one."""

_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between the applied policy and the next one.

    Attributes:
        effect: whether the gateway refuses more (tightening), less (loosening), or neither.
        control: id of the control that asked for it.
        subject: ``API/OPERATION``, ``API``, or the kind and name of what belongs to the whole gateway.
        headline: the sentence with :data:`ON` in place of what it happens on.
        on: the words that go there.
        source: where the declaration says so (of the old declaration, for something removed).
        before, after: the old and the new value in short; empty when there was or is none.
        mode: whether the piece enforces or only observes after the change.
        production: whether it concerns an API of a production environment.
        certain: False for a loosening that merely could not be shown to be tighter.
    """

    effect: Effect
    control: str
    subject: str
    headline: str
    on: str
    source: Location
    before: str = ""
    after: str = ""
    mode: Mode = Mode.ENFORCE
    production: bool = True
    certain: bool = True

    @property
    def sentence(self) -> str:
        """What changes, for a person."""
        return self.headline.replace(ON, self.on)

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "effect": self.effect,
            "control": self.control,
            "subject": self.subject,
            "sentence": self.sentence,
            "before": self.before,
            "after": self.after,
            "mode": str(self.mode),
            "production": self.production,
            "certain": self.certain,
            "location": {"file": self.source.file, "line": self.source.line, "column": self.source.column},
        }


@dataclass(frozen=True, slots=True)
class Observing:
    """A control that only watches on some operations of an API (``api`` empty: of the whole gateway)."""

    control: str
    api: str
    operations: tuple[str, ...]
    """Ids of the operations; empty when a piece of the whole API observes."""

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {"control": self.control, "api": self.api, "operations": list(self.operations)}


@dataclass(frozen=True, slots=True)
class Group:
    """The same change on several subjects, told once."""

    effect: Effect
    control: str
    sentence: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Every difference between two policies.

    ``old`` is the digest of the applied policy, empty when nothing was applied yet: then there is nothing to loosen,
    and every change is neutral.
    """

    old: str
    new: str
    changes: tuple[Change, ...]
    observing: tuple[Observing, ...] = ()
    operations: int = 0

    @property
    def initial(self) -> bool:
        """Whether nothing has been applied before."""
        return not self.old

    @property
    def digest(self) -> str:
        """Names this plan, and no other: what a person types to approve it (16 hexadecimal digits)."""
        return self.fingerprint[:_DIGEST_LENGTH]

    @property
    def fingerprint(self) -> str:
        """All of the SHA-256 that :attr:`digest` is the beginning of: what a signed approval is bound to."""
        parts = [self.old, self.new, *(f"{c.effect} {c.subject} {c.sentence}" for c in self.changes)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def counts(self) -> dict[Effect, int]:
        """How many changes there are of each effect."""
        found = Counter(c.effect for c in self.changes)
        return {e: found[e] for e in EFFECTS}

    @property
    def needs_approval(self) -> tuple[Change, ...]:
        """The changes that a person must approve: what loosens an API of a production environment."""
        return tuple(c for c in self.changes if c.effect == "loosening" and c.production)

    def groups(self) -> tuple[Group, ...]:
        """The changes as people read them: loosening first, and one entry for a change that many operations share."""
        gathered: dict[tuple[str, str, str, str], list[Change]] = {}
        for change in self.changes:
            api, of_operation, _ = change.subject.partition("/")
            headline = change.headline if of_operation else change.sentence
            gathered.setdefault((change.effect, change.control, api, headline), []).append(change)
        found = [
            Group(
                same[0].effect,
                same[0].control,
                same[0].sentence
                if len(same) == 1
                else same[0].headline.replace(ON, f"each of {len(same)} operations of {api}"),
                tuple(same),
            )
            for (_, _, api, _), same in gathered.items()
        ]
        return tuple(sorted(found, key=lambda g: EFFECTS.index(g.effect)))

    def as_json(self) -> dict[str, object]:
        """The published shape of ``assay plan --format json`` (version 1)."""
        return {
            "version": 1,
            "digest": self.digest,
            "initial": self.initial,
            "policy": {"applied": self.old or None, "next": self.new},
            "operations": self.operations,
            "counts": dict(self.counts()),
            "needs_approval": bool(self.needs_approval),
            "changes": [c.as_json() for c in self.changes],
            "observing": [o.as_json() for o in self.observing],
        }


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who approved which plan, and when it was applied (UTC). Kept with the version it allowed.

    ``decision`` is the id of the signed decision; empty where somebody merely typed the digest.
    """

    plan: str
    by: str
    at: datetime
    decision: str = ""


Signed = Callable[[Plan, datetime], tuple[Approval, ...]]
"""The approvals of a plan that people signed and that still count at a moment; asked only for a plan that needs one."""


def refuse_loosening(
    plan: Plan, approve: Iterable[str], *, by: str, at: datetime, signed: Signed | None = None
) -> tuple[Approval, ...]:
    """The approvals to keep with the version, when the plan may be applied.

    Args:
        plan: what would change.
        approve: plan digests that the person typed.
        by: who they are.
        at: when.
        signed: where decisions are signed by declared people: who signed. Typing the digest is not enough then.

    Raises:
        UsageError: the plan loosens an API of a production environment and its digest was not given; or a digest was
            given that is not this plan's, so what was approved is not what would be applied.
    """
    given = tuple(approve)
    for digest in given:
        if digest != plan.digest:
            raise UsageError(
                f"`{digest}` approves another plan; this one is `{plan.digest}`",
                fix="read `assay plan` again, and approve what it shows now",
            )
    needed = plan.needs_approval
    if not needed:
        return ()
    typed = (Approval(plan.digest, by, at),) if given else ()
    approvals: tuple[Approval, ...] = typed if signed is None else signed(plan, at)
    if not approvals:
        more = len(needed) - 1
        raise UsageError(
            f"this loosens a production environment: {needed[0].sentence}"
            + (f" (and {more} more)" if more else "")
            + ("; nobody has signed an approval of it that still counts" if signed is not None else ""),
            fix=f"undo it, or have it approved: `{approving(plan, signed=signed is not None)}`",
            location=needed[0].source,
        )
    return approvals


def approving(plan: Plan, *, signed: bool) -> str:
    """The command that approves a plan; ``signed``: where people are declared who sign for it."""
    return f"assay approve {plan.digest} --as PERSON --key FILE" if signed else f"assay apply --approve {plan.digest}"
