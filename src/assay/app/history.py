"""Which policy was live since when: who applied it, from which commit, who reviewed and who approved it.

Three sources are laid side by side: the stored versions, the evidence log, and version control. What only one of them
says, is said to be so: a version that no record speaks of may have been put there by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from assay.app.keeping import evidence_directory
from assay.app.project import Project
from assay.controls.governance.declared import declared_files
from assay.controls.governance.git import Change, Repository, repository_of
from assay.controls.governance.review import Reviewed, keys_of, reviewed
from assay.decisions import read as read_decisions
from assay.domain import AssayError
from assay.evidence.ledger import Ledger
from assay.evidence.record import Kind, Record
from assay.gateway import state
from assay.gateway.state import Meta, Paths

APPROVAL = "policy-approval"
Eyes = Literal["two", "claimed", "one", "unknown"]


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval of a plan. ``signed``: by the key of a declared person; without, it is what somebody typed."""

    by: str
    at: datetime
    signed: bool

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {"by": self.by, "at": self.at.isoformat(), "signed": self.signed}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the evidence log says about a version, in its first record of it.

    Attributes:
        evidence: the record's id. note: SHA-256 of the version's note when it was recorded; empty in old records.
        commit: what was checked out. clean: whether the declaration was as committed; None: not known.
        source: why no commit is known.
    """

    evidence: str
    at: datetime
    by: str
    declaration: str
    policy: str
    note: str = ""
    commit: str = ""
    clean: bool | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the policy. Everything but ``number`` may be missing where its note is.

    Attributes:
        change: the last change of the declaration as of the commit that was recorded.
        review: who is behind that change. eyes: whether two people are behind the version, by all that is known.
        problems: sentences about what does not fit together. older: it is from before the evidence log began.
    """

    number: int
    meta: Meta | None
    recorded: Recorded | None
    live: bool = False
    whole: bool = True
    approvals: tuple[Approved, ...] = ()
    change: Change | None = None
    review: Reviewed | None = None
    eyes: Eyes = "unknown"
    people: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    older: bool = False

    @property
    def at(self) -> datetime | None:
        """When it was applied (UTC), as far as is known."""
        if self.meta is not None:
            return self.meta.created
        return self.recorded.at if self.recorded is not None else None

    @property
    def loosened(self) -> int:
        """How many changes let more through, in production or elsewhere."""
        return self.meta.changes.get("loosening", 0) if self.meta else 0

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        meta, recorded, change, review = self.meta, self.recorded, self.change, self.review
        return {
            "number": self.number,
            "live": self.live,
            "whole": self.whole,
            "policy": meta.policy if meta else (recorded.policy if recorded else None),
            "applied_at": self.at.isoformat() if self.at else None,
            "applied_by": meta.by if meta else (recorded.by if recorded else None),
            "changes": dict(meta.changes) if meta else None,
            "restores": meta.restores if meta else None,
            "plan": (meta.plan or None) if meta else None,
            "approvals": [a.as_json() for a in self.approvals],
            "declaration": recorded.declaration if recorded else None,
            "evidence": recorded.evidence if recorded else None,
            "commit": (recorded.commit or None) if recorded else None,
            "clean": recorded.clean if recorded else None,
            "change": None
            if change is None or review is None
            else {
                "commit": change.commit.id,
                "subject": change.commit.subject,
                "author": review.author,
                "committer": str(change.commit.committer),
                "at": change.commit.at.isoformat(),
                "signature": change.commit.signature.state,
                "signed_by": change.commit.signature.person or None,
                "claimed_reviewers": [str(r) for r in change.commit.reviewers],
                "merged_by": [m.signature.person or str(m.committer) for m in change.merges],
            },
            "eyes": self.eyes,
            "people": list(self.people),
            "problems": list(self.problems),
        }


@dataclass(frozen=True, slots=True)
class History:
    """Every version, newest first, and what could not be looked at."""

    versions: tuple[Version, ...] = ()
    notes: tuple[str, ...] = ()
    began: datetime | None = None
    """When the evidence log began."""


def history(project: Project, *, now: datetime, environ: Mapping[str, str] | None = None) -> History:
    """What is known of every policy that was ever applied to the gateway of a project.

    Reads state, log and version control; changes nothing. What is damaged is told among the problems and notes.

    Args:
        now: decisions that are dated later do not count.
        environ: the environment that git is run in; default: this process's.
    """
    if not project.state.is_dir():
        return History()
    root = project.state.resolve()
    paths = Paths(root, root / "run")
    notes: list[str] = []
    records = _records(project, notes)
    stored = state.every_number(paths)
    live = _live(paths, notes)
    first: dict[int, Recorded] = {}
    for record in records:
        first.setdefault(record[0], record[1])
    changes = _changes(project, (r.commit for r in first.values()), notes, environ)
    began = _began(project) if records else None
    oldest = min(first, default=None)
    versions = tuple(
        _version(project, paths, number, first.get(number), number == live, stored, changes, (began, oldest), now)
        for number in sorted({*stored, *first}, reverse=True)
    )
    if changes is not None:
        # Rewritten history, a shallow clone, or another repository: what is gone shows nothing, and proves nothing.
        gone = ((v.number, v.recorded.commit) for v in versions if v.recorded and v.recorded.commit not in changes)
        notes += [f"commit {c[:12]} of version {n} is not in this repository" for n, c in gone if c]
    return History(versions, tuple(dict.fromkeys(notes)), began)


def _live(paths: Paths, notes: list[str]) -> int | None:
    try:
        applied = state.read_applied(paths)
    except AssayError as error:
        notes.append(error.sentence)
        return None
    return applied.number if applied else None


def _records(project: Project, notes: list[str]) -> list[tuple[int, Recorded]]:
    """What the log says of versions, oldest first. A record that is not about one that was written is left out."""
    directory = evidence_directory(project)
    if not directory.is_dir():
        notes.append("there is no evidence log, so nothing shows when a version was applied")
        return []
    found = []
    try:
        for record in Ledger.read(directory).records(kind=Kind.CONFIGURATION):
            number = record.details.get("number")
            if isinstance(number, int) and record.time is not None:
                found.append((number, _recorded(record, record.time)))
    except AssayError as error:
        notes.append(f"the evidence log cannot be read: {error.sentence}")
    return found


def _began(project: Project) -> datetime | None:
    return next((r.time for r in Ledger.read(evidence_directory(project)).records()), None)


def _recorded(record: Record, at: datetime) -> Recorded:
    source, version = _mapping(record.details.get("source")), _mapping(record.details.get("version"))
    clean = source.get("clean")
    return Recorded(
        evidence=record.id,
        at=at,
        by=str(record.details.get("by", "")),
        declaration=record.declaration,
        policy=record.configuration,
        note=str(version.get("note", "")),
        commit=str(source.get("commit", "")),
        clean=clean if isinstance(clean, bool) else None,
        source=str(source.get("none", "")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _changes(
    project: Project, commits: Iterable[str], notes: list[str], environ: Mapping[str, str] | None
) -> Mapping[str, Change] | None:
    """The last change as of each commit; None where version control cannot be looked at."""
    wanted = {c for c in commits if c}
    declaration = project.everything
    repository: Repository | str = repository_of(declaration.root, environ)
    if isinstance(repository, str):
        notes.append(f"version control was not looked at: {repository}")
        return None
    if repository.shallow:
        notes.append("a part of the repository's history is not here, so a change may be told of a later commit")
    try:
        return repository.last_change(declared_files(declaration), wanted, keys_of(declaration.model))
    except AssayError as error:
        notes.append(f"version control was not looked at: {error.sentence}")
        return None


def _version(
    project: Project,
    paths: Paths,
    number: int,
    recorded: Recorded | None,
    live: bool,
    stored: Iterable[int],
    changes: Mapping[str, Change] | None,
    log: tuple[datetime | None, int | None],
    now: datetime,
) -> Version:
    problems: list[str] = []
    meta, digest = None, ""
    if number in stored:
        try:
            meta, digest = state.meta_of(paths, number)
        except AssayError as error:
            problems.append(error.sentence)
    else:
        problems.append(f"version {number} is in the evidence log, and not on the disk any more")
    older = meta is not None and recorded is None and _older(meta, number, *log)
    if meta is not None and recorded is None and not older:
        problems.append(f"no record in the evidence log says that version {number} was applied")
    if meta is not None and recorded is not None:
        if recorded.note and recorded.note != digest:
            problems.append(f"the note of version {number} is not as it was when that was recorded")
        elif recorded.policy and recorded.policy != meta.policy:
            problems.append(f"version {number} has another policy than the record says")
    if meta is not None and meta.number != number:
        problems.append(f"the note of version {number} is that of version {meta.number}")
    change = changes.get(recorded.commit) if recorded and changes else None
    review = reviewed(change, project.everything.model.people) if change else None
    approvals = _approvals(project, meta, now)
    eyes, people = _eyes(review, approvals, recorded)
    return Version(
        number=number,
        meta=meta,
        recorded=recorded,
        live=live,
        whole=number in stored and (paths.versions / f"{number:04}").is_dir(),
        approvals=approvals,
        change=change,
        review=review,
        eyes=eyes,
        people=people,
        problems=tuple(problems),
        older=older,
    )


def _older(meta: Meta, number: int, began: datetime | None, oldest: int | None) -> bool:
    """Whether a version is from before the log began; numbers rise, whatever a note says of its time."""
    return number < oldest if oldest is not None else (began is not None and meta.created < began)


def _approvals(project: Project, meta: Meta | None, now: datetime) -> tuple[Approved, ...]:
    """Signed decisions on the version's plan, and what was typed when it was applied."""
    if meta is None:
        return ()
    plans = dict.fromkeys(p for p in (meta.plan, *(a.plan for a in meta.approvals)) if p)
    decisions = read_decisions(project.everything, now.astimezone(UTC).date())
    decided = {
        d.id: d
        for plan in plans
        for d in decisions.about(f"plans.{plan}")
        if d.kind == APPROVAL and d.digest.startswith(plan)
    }
    standing = {d.id for plan in plans for d in decisions.decided(APPROVAL, f"plans.{plan}")}
    # Those that it rests on, and those of before: who signed after it was applied did not approve it before.
    resting = {a.decision for a in meta.approvals if a.decision}
    signed = [d for d in decided.values() if d.id in resting or (d.id in standing and d.time <= meta.created)]
    typed = [Approved(a.by, a.at, signed=False) for a in meta.approvals if a.decision not in decided]
    return (*(Approved(d.person, d.time, signed=True) for d in signed), *typed)


def _eyes(
    review: Reviewed | None, approvals: Iterable[Approved], recorded: Recorded | None
) -> tuple[Eyes, tuple[str, ...]]:
    """Whether two people are behind a version: two signatures show it, one beside a claim is a claim."""
    clean = recorded is not None and recorded.clean is True
    signed = {a.by for a in approvals if a.signed}
    if review is not None and clean:
        # What was not committed, nobody has signed.
        signed |= ({review.author} if review.signed else set()) | ({review.reviewer} if review.eyes == "two" else set())
    if len(signed) > 1:
        return "two", tuple(sorted(signed))
    claimed = {a.by for a in approvals} | signed
    if review is not None:
        claimed |= {review.author} | ({review.reviewer} if review.reviewer else set())
    if len(claimed) > 1:
        return "claimed", tuple(sorted(claimed))
    return ("one" if claimed else "unknown"), tuple(claimed)


__all__ = ["APPROVAL", "Approved", "History", "Recorded", "Version", "history"]
