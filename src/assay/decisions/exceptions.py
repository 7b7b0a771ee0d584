"""Whether the people who had to agree to an exception did, and to this very text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from assay.decisions.reading import read
from assay.decisions.words import Decision, Decisions
from assay.declare.declaration import Declaration
from assay.declare.model import Exception_
from assay.evidence.canonical import canonical

REQUEST, APPROVAL, WITHDRAWAL = "exception-request", "exception-approval", "withdrawal"
_SHORT = 12


class Stage(StrEnum):
    """How far the agreement to an exception is."""

    CLAIMED = "claimed"
    """No ``people:`` are declared: whoever wrote the entry says that it is approved."""
    UNSIGNED = "unsigned"
    ALTERED = "altered since"
    REQUESTED = "requested"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who agreed to an exception.

    Attributes:
        id: how decisions name it. digest: of its content. stage: how far it is.
        requested, approved, withdrawn: the decisions that say so.
        missing: what is still missing, in words; empty when nothing is. command: what brings it about.
    """

    id: str
    digest: str
    stage: Stage
    requested: Decision | None = None
    approved: Decision | None = None
    withdrawn: Decision | None = None
    missing: str = ""
    command: str = ""

    @property
    def holds(self) -> bool:
        """Whether the exception may cover anything, as far as people are concerned; its days are another question."""
        return self.stage in (Stage.CLAIMED, Stage.APPROVED)


def exception_digest(entry: Exception_) -> str:
    """SHA-256 over everything that an exception says but its id, in canonical JSON (RFC 8785).

    What it leaves at its default is left out, so that a word which a later version adds changes no digest.
    """
    said = entry.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)
    return hashlib.sha256(canonical(said)).hexdigest()


def exception_id(entry: Exception_) -> str:
    """How decisions name an exception: by its ``id``, or by the first 12 digits of its digest."""
    return entry.id or exception_digest(entry)[:_SHORT]


def exception_subject(entry: Exception_) -> str:
    """The subject of decisions on an exception."""
    return f"exceptions.{exception_id(entry)}"


def days_left(entry: Exception_, today: date) -> int:
    """How many days an exception still holds after today; 0 on its last day, negative once it has expired."""
    return (entry.expires - today).days


def consents(declaration: Declaration, today: date) -> tuple[Consent, ...]:
    """The agreement to every exception, in the order of the declaration."""

    def made() -> tuple[Consent, ...]:
        entries = declaration.model.exceptions
        if not entries:
            return ()
        if not declaration.model.people:
            return tuple(_claimed(e) for e in entries)
        decisions = read(declaration, today)
        return tuple(consent(e, decisions) for e in entries)

    return declaration.once(("consents", today), made)


def _claimed(entry: Exception_) -> Consent:
    return Consent(exception_id(entry), exception_digest(entry), Stage.CLAIMED)


def consent(entry: Exception_, decisions: Decisions) -> Consent:
    """The agreement to one exception where people are declared. Pure.

    It holds when its request and its approval are signed over exactly this content by two different persons, the
    second of them the declared approver, and nobody withdrew it since.
    """
    id_, digest, subject = exception_id(entry), exception_digest(entry), exception_subject(entry)
    requests = decisions.decided(REQUEST, subject, digest)
    approvals = decisions.decided(APPROVAL, subject, digest)
    mine = [d for d in approvals if d.person == entry.approved_by]
    pair = next(((r, a) for a in mine for r in requests if r.person != a.person), None)
    if pair is not None:
        return Consent(id_, digest, Stage.APPROVED, *pair)
    approve = f"assay exception approve {id_} --as {entry.approved_by} --key FILE"
    request = f"assay exception request {id_} --as PERSON --key FILE"
    others = [r for r in requests if r.person != entry.approved_by]
    if others:
        missing = f"`{entry.approved_by}` has not approved it"
        if approvals:
            missing += f" (`{approvals[-1].person}` did, and is not the approver that it names)"
        return Consent(id_, digest, Stage.REQUESTED, others[-1], missing=missing, command=approve)
    if requests:
        missing = (
            f"`{entry.approved_by}` requested it, and whoever requests cannot approve: somebody else has to request it"
        )
        return Consent(id_, digest, Stage.REQUESTED, requests[-1], missing=missing, command=request)
    ended = decisions.withdrawn(subject)
    if ended is not None:
        return Consent(id_, digest, Stage.WITHDRAWN, withdrawn=ended, missing=f"`{ended.person}` withdrew it")
    if any(d.digest != digest for d in decisions.about(subject)):
        missing = "it was altered since it was signed, so what was signed does not hold for it"
        return Consent(id_, digest, Stage.ALTERED, missing=missing, command=request)
    missing = "nobody has signed a request for it"
    if mine:
        missing = f"`{entry.approved_by}` approved it, and {missing}"
    return Consent(id_, digest, Stage.UNSIGNED, missing=missing, command=request)
