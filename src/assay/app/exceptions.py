"""Exceptions in a project: requested, approved and withdrawn by people who sign, and listed with what they cover."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.app.addresses import Clock, now
from assay.app.deciding import Decided, decide, revoked
from assay.app.keeping import kept_runs
from assay.app.once import tests_of_design
from assay.app.project import Project, open_project
from assay.controls.exceptions import findings_of
from assay.controls.registry import controls
from assay.decisions.exceptions import (
    APPROVAL,
    REQUEST,
    WITHDRAWAL,
    Consent,
    Stage,
    consents,
    days_left,
    exception_id,
    exception_subject,
)
from assay.decisions.signing import may_sign
from assay.declare.model import Exception_
from assay.declare.patch import apply_edits
from assay.declare.yaml_places import read_yaml
from assay.domain import DeclarationError, Edit, Location, Outcome, UsageError, Verdict, did_you_mean

STATES = ("active", "approved", "requested", "unsigned", "altered since", "matches nothing", "expired", "withdrawn")
"""What an exception can be. ``approved``: agreed to, and nothing was tested yet that it could cover."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An exception as it stands today.

    Attributes:
        index: its place in the declaration, as in ``exceptions.0``. state: one of :data:`STATES`.
        signed: whether people have to sign for it; otherwise its approval is only claimed.
        days: how many days it still holds; negative once it has expired.
        design, proven: findings of the tests of design, and of the newest proofs, that it is about.
    """

    index: int
    entry: Exception_
    consent: Consent
    state: str
    signed: bool
    days: int
    design: tuple[Verdict, ...]
    proven: tuple[Verdict, ...]
    location: Location


def listing(project: Project, at: datetime) -> tuple[Listed, ...]:
    """Every exception, in the order of the declaration.

    Raises:
        AssayError: the log is damaged.
    """
    declaration, today = project.everything, at.date()
    entries = declaration.model.exceptions
    if not entries:
        return ()
    verdicts = tests_of_design(project, today)
    untried = {v.subject for v in verdicts if v.control == "declaration" and v.outcome is Outcome.SKIPPED}
    proofs = _newest(project)
    gone = revoked(project, at)
    return tuple(
        _listed(project, index, entry, consent, verdicts, proofs, gone, f"exceptions.{index}" in untried, at)
        for index, (entry, consent) in enumerate(zip(entries, consents(declaration, today), strict=True))
    )


def _newest(project: Project) -> tuple[Verdict, ...]:
    """The newest verdict of each proof through the gateway."""
    newest: dict[str, Verdict] = {}
    for run in kept_runs(project):
        if run.via == "gateway":
            newest.update({p.case: p.verdict for p in run.proofs if p.verdict.outcome is not Outcome.SKIPPED})
    return tuple(newest.values())


def _listed(
    project: Project,
    index: int,
    entry: Exception_,
    consent: Consent,
    verdicts: Sequence[Verdict],
    proofs: Sequence[Verdict],
    gone: Collection[str],
    untried: bool,
    at: datetime,
) -> Listed:
    declaration = project.everything
    left = days_left(entry, at.date())
    design, proven = findings_of(declaration, verdicts, entry), findings_of(declaration, proofs, entry)
    if consent.stage is Stage.WITHDRAWN or f"exceptions.{index}" in gone:
        state = "withdrawn"
    elif left < 0:
        state = "expired"
    elif not consent.holds:
        state = str(consent.stage)
    elif design or proven:
        state = "active"
    else:
        state = "approved" if untried else "matches nothing"
    signed = consent.stage is not Stage.CLAIMED
    where = declaration.locate("exceptions", index)
    return Listed(index, entry, consent, state, signed, left, design, proven, where)


def find(project: Project, id_: str) -> tuple[int, Exception_]:
    """The exception that decisions call so.

    Raises:
        UsageError: there is none; the fix names the closest match.
    """
    ids = [exception_id(entry) for entry in project.everything.model.exceptions]
    if id_ not in ids:
        fix = did_you_mean(id_, ids, what="exception")
        raise UsageError(f"there is no exception `{id_}`", fix=fix, location=project.everything.locate("exceptions"))
    return ids.index(id_), project.everything.model.exceptions[ids.index(id_)]


def request(
    project: Project, entry: Exception_, key: Ed25519PrivateKey, *, person: str, at: datetime, clock: Clock = now
) -> Decided:
    """Signs the request for an exception as it stands.

    Raises:
        UsageError: the person is the one who is to approve it, or may not sign; it has expired; or it is approved.
    """
    two_persons(entry.approved_by, person)
    _not_over(project, entry, at)
    _waits(project, entry, at)
    return _decide(project, entry, key, REQUEST, person, entry.reason, at, clock)


def two_persons(approver: str, person: str) -> None:
    """Returns when the one who requests is not the one who is to approve. Raises :class:`UsageError` otherwise."""
    if person == approver:
        raise UsageError(
            f"`{person}` is to approve it, and whoever requests an exception cannot approve it",
            fix="let somebody else request it, or name another approver",
        )


def add(
    project: Project, path: Path, entry: Mapping[str, object], key: Ed25519PrivateKey, *, person: str, at: datetime
) -> Project:
    """Writes an entry into the declaration at ``path``, comments kept, and returns the project as it reads then.

    The file is put back when the declaration does not read with the entry in it.

    Raises:
        UsageError: the entry says something that cannot be, or the person may not sign for it.
    """
    declaration = project.everything
    may_sign(declaration, person, key.public_key().public_bytes_raw(), at)
    two_persons(str(entry.get("approved_by")), person)
    _there_is(str(entry.get("control")), entry.get("check"))
    place = declaration.places.at("exceptions", max(0, len(declaration.model.exceptions) - 1))
    named = bool(declaration.model.exceptions) and place.value.file in declaration.sources
    file = place.value.file if named else next(iter(declaration.sources))
    text = declaration.sources[file]
    held = read_yaml(text, file).value
    known = held.get("exceptions") if isinstance(held, dict) else None
    edit = Edit(file, ("exceptions", len(known)), entry) if known else Edit(file, ("exceptions",), [entry])
    changed = apply_edits(declaration.sources, [edit])
    project.rewrite(file, changed[file])
    try:
        return open_project(path)
    except DeclarationError as error:
        project.rewrite(file, text)
        raise UsageError(f"this cannot be requested: {error.sentence}", fix=error.fix) from error


def _there_is(name: str, check: object) -> None:
    """Returns when a control has this check or proof; of an unknown control, the declaration speaks."""
    about = next((c.about for c in controls() if c.id == name), None)
    if about is None or check is None:
        return
    known = (*about.checks, *about.proofs)
    if check not in known:
        fix = did_you_mean(str(check), known, what="check")
        raise UsageError(f"this cannot be requested: `{name}` has no check or proof `{check}`", fix=fix)


def approve(
    project: Project,
    entry: Exception_,
    key: Ed25519PrivateKey,
    *,
    person: str,
    reason: str,
    at: datetime,
    clock: Clock = now,
) -> Decided:
    """Signs the approval of an exception as it stands.

    Raises:
        UsageError: they are not its approver, nobody else requested this text, or it ended already.
    """
    approvable(project, entry, person=person, at=at)
    return _decide(project, entry, key, APPROVAL, person, reason, at, clock)


def _not_over(project: Project, entry: Exception_, at: datetime) -> None:
    if days_left(entry, at.date()) < 0:
        where = project.everything.locate("exceptions", project.everything.model.exceptions.index(entry), "expires")
        fix = "write a new `expires`, and request it again"
        raise UsageError(f"it expired on {entry.expires.isoformat()}", fix=fix, location=where)


def _waits(project: Project, entry: Exception_, at: datetime) -> None:
    """Returns when an approval is still wanted: nobody asks for what is agreed to, and no second record is needed."""
    index = project.everything.model.exceptions.index(entry)
    held = consents(project.everything, at.date())[index].stage is Stage.APPROVED
    if held and f"exceptions.{index}" not in revoked(project, at):
        raise UsageError(
            "it is approved already",
            fix="`assay exception list` shows it; to have it longer, or otherwise, change its entry first",
            location=project.everything.locate("exceptions", index, "approved_by"),
        )


def approvable(project: Project, entry: Exception_, *, person: str, at: datetime) -> Consent:
    """How far an exception is, if this person may approve it now.

    Raises:
        UsageError: as :func:`approve`.
    """
    declaration = project.everything
    index = declaration.model.exceptions.index(entry)
    where = declaration.locate("exceptions", index, "approved_by")
    if person != entry.approved_by:
        raise UsageError(
            f"its approver is `{entry.approved_by}`, not `{person}`",
            fix=f"let `{entry.approved_by}` approve it; or correct `approved_by` and request it again",
            location=where,
        )
    found = consents(declaration, at.date())[index]
    _not_over(project, entry, at)
    if found.stage is Stage.APPROVED:
        raise UsageError("it is approved already", fix="`assay exception list` shows it", location=where)
    if found.stage is Stage.REQUESTED and found.requested is not None and found.requested.person != person:
        return found
    again = f"`assay exception request {found.id} --as PERSON --key FILE`"
    if found.stage is Stage.REQUESTED:
        fix = f"let somebody else request it: {again}"
        raise UsageError("whoever requests an exception cannot approve it", fix=fix, location=where)
    raise UsageError(f"there is nothing to approve: {found.missing}", fix=again, location=where)


def withdraw(
    project: Project,
    entry: Exception_,
    key: Ed25519PrivateKey,
    *,
    person: str,
    reason: str,
    at: datetime,
    clock: Clock = now,
) -> Decided:
    """Signs that an exception ends now. Everybody under ``people:`` may: it only brings findings back.

    Raises:
        UsageError: it is withdrawn already, or the person may not sign.
    """
    index = project.everything.model.exceptions.index(entry)
    found = consents(project.everything, at.date())[index]
    if found.stage is Stage.WITHDRAWN:
        raise UsageError(
            f"it is withdrawn already: {found.missing}",
            fix="remove its entry from the declaration when its findings are mended",
            location=project.everything.locate("exceptions", index),
        )
    return _decide(project, entry, key, WITHDRAWAL, person, reason, at, clock)


def _decide(
    project: Project,
    entry: Exception_,
    key: Ed25519PrivateKey,
    kind: str,
    person: str,
    reason: str,
    at: datetime,
    clock: Clock,
) -> Decided:
    index = project.everything.model.exceptions.index(entry)
    digest = consents(project.everything, at.date())[index].digest
    subject = exception_subject(entry)
    return decide(
        project, key, kind=kind, subject=subject, digest=digest, person=person, reason=reason, at=at, clock=clock
    )
