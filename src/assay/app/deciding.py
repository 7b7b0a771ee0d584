"""Decisions of people in a project: signed, kept as a file beside the declaration, and written into the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.app.addresses import Clock, now
from assay.app.keeping import evidence_directory, open_ledger
from assay.app.project import Project
from assay.decisions import Decision, Signed, read, sign
from assay.decisions.exceptions import WITHDRAWAL, consents
from assay.domain import AssayError, IncompleteError, UsageError
from assay.evidence.decided import Stated, opened
from assay.evidence.ledger import Ledger
from assay.evidence.record import Kind
from assay.gateway.plan import Approval, Plan
from assay.gateway.plan import Signed as SignedPlans
from assay.gateway.state import Paths, every_number, meta_of

POLICY_APPROVAL = "policy-approval"
_LATE = timedelta(hours=1)
"""How long after the moment it says a decision is kept in the log, before that is worth saying."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made: what was signed, and the id of the record that the log keeps of it."""

    signed: Signed
    evidence: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision in the log: ``time`` is when it was kept, ``stated.at`` when it was signed by the signer's word."""

    id: str
    stated: Stated
    time: datetime
    evidence: str

    @property
    def late(self) -> bool:
        """Whether it was kept well after, or before, the moment it says: it may be back-dated, or a clock is wrong."""
        return abs(self.time - self.stated.at) > _LATE


def decide(
    project: Project,
    key: Ed25519PrivateKey,
    *,
    kind: str,
    subject: str,
    digest: str,
    person: str,
    reason: str,
    at: datetime,
    clock: Clock = now,
) -> Decided:
    """Signs a decision, writes it into the log, and keeps it as a file in ``decisions/`` beside the declaration.

    Raises:
        UsageError: the person or the key may not decide.
        AssayError: the log or the disk refuse. Where only the file is refused, the log has the decision, and says so.
    """
    signed = sign(
        project.everything, key, kind=kind, subject=subject, digest=digest, person=person, reason=reason, at=at
    )
    with open_ledger(project, clock=clock) as ledger:
        evidence = ledger.record(signed.record)
    _keep(project, signed)
    return Decided(signed, evidence)


def _keep(project: Project, signed: Signed) -> None:
    path = project.declaration.root / signed.file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(signed.data)
    except FileExistsError:
        return  # its name is its digest: the very same decision, signed within the same second
    except OSError as error:
        raise IncompleteError(
            f"`{signed.file}` cannot be written: {error.strerror}", fix="free the disk or the folder, and decide again"
        ) from error


def logged(project: Project) -> dict[str, Logged]:
    """The decisions in the log, by id (see :class:`assay.decisions.Decision`), oldest first; none without a log.

    Raises:
        IncompleteError: the log is damaged.
    """
    directory = evidence_directory(project)
    return {each.id: each for each in _logged(directory)} if directory.is_dir() else {}


def _logged(directory: Path) -> Iterator[Logged]:
    for record in Ledger.read(directory).records(kind=Kind.DECISION):
        try:
            stated, _, _ = opened(record)
        except AssayError:
            continue  # `assay verify` names it
        if record.time is not None:
            yield Logged(hashlib.sha256(stated.payload).hexdigest()[:12], stated, record.time, record.id)


def revoked(project: Project, at: datetime) -> frozenset[str]:
    """Exceptions (``exceptions.INDEX``) that count by their files, and that the log knows to be withdrawn since.

    Whoever removes the file of a withdrawal does not bring back what was withdrawn.

    Raises:
        IncompleteError: the log is damaged.
    """
    declaration = project.everything
    holding = [
        (index, consent, consent.approved.time)
        for index, consent in enumerate(consents(declaration, at.date()))
        if consent.holds and consent.approved is not None
    ]
    if not holding:
        return frozenset()
    ended: dict[str, datetime] = {}
    for each in logged(project).values():
        if each.stated.kind == WITHDRAWAL and each.stated.at <= at:
            ended[each.stated.subject] = max(ended.get(each.stated.subject, each.stated.at), each.stated.at)
    return frozenset(
        f"exceptions.{index}"
        for index, consent, signed in holding
        if ended.get(f"exceptions.{consent.id}", signed) > signed
    )


def signed_approvals(project: Project, by: str = "") -> SignedPlans | None:
    """Who signed an approval of a plan that still counts; None where no people are declared who could.

    An approval is for one application: one that an applied version rests on already does not count again. Nor does one
    of the person who applies.

    Args:
        by: the account that applies; a person has the accounts under their ``logins``, and one called like their id.
            Whose account it is otherwise, nobody can know.
    """
    people = project.everything.model.people
    if not people:
        return None
    applying = {name for name, person in people.items() if by and by in (name, *person.logins)}

    def approvals(plan: Plan, at: datetime) -> tuple[Approval, ...]:
        found = read(project.everything, at.date()).decided(POLICY_APPROVAL, plan_subject(plan), plan.fingerprint)
        used = _used(project)
        counting = [d for d in found if d.id not in used]
        others = [d for d in counting if d.person not in applying]
        if counting and not others:
            raise UsageError(
                f"`{counting[0].person}` approved this and would apply it as `{by}`: that is one person, not two",
                fix="have somebody else apply it, or approve it",
                location=project.everything.locate("people", counting[0].person),
            )
        return tuple(Approval(plan.digest, d.person, at, d.id) for d in others)

    return approvals


def plan_subject(plan: Plan) -> str:
    """The subject of decisions on a plan."""
    return f"plans.{plan.digest}"


def _used(project: Project) -> frozenset[str]:
    """Decisions that an applied version rests on."""
    state = project.state.resolve()
    if not state.is_dir():
        return frozenset()
    paths = Paths(state, state / "run")
    metas = (meta_of(paths, number)[0] for number in every_number(paths))
    return frozenset(a.decision for meta in metas for a in meta.approvals if a.decision)


def approve_plan(
    project: Project, plan: Plan, key: Ed25519PrivateKey, *, person: str, reason: str, at: datetime, clock: Clock = now
) -> Decided:
    """Signs the approval of a plan that loosens production.

    Raises:
        AssayError: as :func:`decide`.
    """
    return decide(
        project,
        key,
        kind=POLICY_APPROVAL,
        subject=plan_subject(plan),
        digest=plan.fingerprint,
        person=person,
        reason=reason,
        at=at,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class Traces:
    """What the log says about the decisions beside the declaration.

    Attributes:
        only_files: they count, and the log does not know them: they were signed elsewhere, or before this log.
        only_log: they are in the log, and their file is gone.
        late: kept long after (or before) the moment that they say.
    """

    only_files: tuple[Decision, ...] = ()
    only_log: tuple[Logged, ...] = ()
    late: tuple[Logged, ...] = ()


def traces(project: Project, at: datetime) -> Traces:
    """Compares files and log.

    Raises:
        IncompleteError: the log is damaged.
    """
    files = {d.id: d for d in read(project.everything, at.date()).counted}
    kept = logged(project)
    return Traces(
        tuple(d for id_, d in files.items() if id_ not in kept),
        tuple(each for id_, each in kept.items() if id_ not in files),
        tuple(each for id_, each in kept.items() if id_ in files and each.late),
    )
