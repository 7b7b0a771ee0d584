"""What was found, kept as evidence, and read back for reports: every verdict and every applied configuration."""

from __future__ import annotations

import getpass
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from assay import __version__
from assay.app.addresses import Clock, now
from assay.app.git import source_of
from assay.app.project import Project
from assay.declare.quantities import parse_duration
from assay.domain import AssayError, IncompleteError, Location, Outcome, Verdict
from assay.evidence.blobs import Blob
from assay.evidence.keys import KeyDirectory
from assay.evidence.ledger import Ledger, LogBusy
from assay.evidence.reading import Reading
from assay.evidence.record import Kind, Method, Record
from assay.gateway.state import Applied, Paths, meta_of, read_applied
from assay.gateway.supervisor.events import (
    ConfigurationApplied,
    ConfigurationRejected,
    Event,
    EvidenceNotKept,
    KeysRefreshed,
)
from assay.prove.result import Exchange, Proof, RunResult

COLLECTOR = f"assay {__version__}"
_RESULT, _EXCHANGES = "result", "exchanges"
_PATIENCE = 10.0
RUNS = 200
"""So many of the newest runs are looked at by what judges: one that is older shows next to nothing any more, unless it
failed. Runs of parts may follow each other quickly, and must not push a fresh run of everything out of sight."""

T = TypeVar("T")


def evidence_directory(project: Project) -> Path:
    """Where the log of a project is. Its private keys are in a directory beside it."""
    return project.state / "evidence"


def origin(project: Project) -> str:
    """The log's name: it stands in every checkpoint, so that one log is not taken for another.

    A log keeps the name that it began with, whatever becomes of the directory's.
    """
    begun = Ledger.name(evidence_directory(project))
    if begun:
        return begun
    parts = (project.declaration.model.organisation.name, "assay", project.declaration.root.resolve().name)
    return "/".join(filter(None, map(_plain, parts)))


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-")[:60]


def open_ledger(project: Project, *, clock: Clock = now, patience: float = _PATIENCE) -> Ledger:
    """The log, for writing. Waits a little for another command that writes.

    Raises:
        AssayError: another process writes for longer than ``patience`` seconds, or the log cannot be used.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return Ledger.open(evidence_directory(project), clock=clock, origin=origin(project), collector=COLLECTOR)
        except LogBusy:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def keep_run(
    project: Project,
    run: RunResult,
    design: Sequence[Verdict],
    ages: Mapping[str, str],
    *,
    clock: Clock = now,
) -> RunResult:
    """Writes a run, and the tests of design as they were at the time, into the log. Returns it with evidence ids.

    ``ages`` is, by control, how long its evidence says something. Raises :class:`AssayError` when the log or the disk
    refuse; nothing of the run counts as kept then.
    """
    with open_ledger(project, clock=clock) as ledger:
        ledger.begin(
            subject=run.target,
            population=run.planned,
            sample=len(run.proofs),
            declaration=run.declaration_digest,
            configuration=run.configuration_digest,
            details={
                "run": run.id,
                "seed": run.seed,
                "via": run.via,
                "requests": run.requests,
                "writes": run.writes,
                "stopped": run.stopped,
                "authorised": run.authorised,
                "started": run.started.isoformat(),
                "finished": run.finished.isoformat(),
                "by": _who(),
            },
        )
        for verdict in design:
            ledger.record(_examined(verdict))
        kept = [replace(p, evidence=(ledger.record(_tested(p, ages), _blobs(p)),)) for p in run.proofs]
        complete = replace(run, proofs=tuple(kept))
        light = replace(complete, proofs=tuple(replace(p, exchanges=()) for p in kept))
        ledger.end(details={"run": run.id}, blobs=[Blob(_RESULT, "application/json", msgspec.json.encode(light))])
    return complete


def keep_application(project: Project, applied: Applied | None, sentence: str, outcome: Outcome) -> str:
    """Writes that a configuration was applied and confirmed, or refused; ``applied`` is what is live then.

    Returns the evidence id. Raises :class:`AssayError` when the log or the disk refuse.
    """
    details: dict[str, object] = {"by": _who()}
    if applied:
        details |= {
            "number": applied.number,
            "envoy": applied.configuration,
            "files": applied.files,
            "readback": applied.readback,
            "confirmed": applied.confirmed.isoformat() if applied.confirmed else None,
            "version": _version(project, applied.number),
        }
    details["source"] = source_of(project.everything)
    with open_ledger(project) as ledger:
        return ledger.record(
            Record(
                kind=Kind.CONFIGURATION,
                subject="gateway",
                method=Method.EXAMINE,
                outcome=outcome,
                sentence=sentence,
                declaration=project.declaration.digest,
                configuration=applied.policy if applied else "",
                details=details,
            )
        )


def _version(project: Project, number: int) -> dict[str, object]:
    """What the note of a version says, with its digest: whoever changes the note later cannot change this."""
    state = project.state.resolve()
    try:
        meta, digest = meta_of(Paths(state, state / "run"), number)
    except AssayError as error:
        return {"none": error.sentence}
    return {
        "note": digest,
        "created": meta.created.isoformat(),
        "by": meta.by,
        "plan": meta.plan,
        "changes": dict(meta.changes),
        "approvals": [{"plan": a.plan, "by": a.by, "at": a.at.isoformat()} for a in meta.approvals],
        "restores": meta.restores,
    }


def keeping_applications(project: Project, paths: Paths, emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """``emit``, and beside it every configuration that Envoy took or refused goes into the log.

    In threads of their own: a supervisor must not wait for a disk. What cannot be kept is said, and changes nothing.
    """

    def keep(event: Event) -> None:
        try:
            outcome = Outcome.FAIL if isinstance(event, ConfigurationRejected) else Outcome.PASS
            keep_application(project, read_applied(paths), event.sentence, outcome)
        except AssayError as error:
            emit(EvidenceNotKept(error.sentence))

    def told(event: Event) -> None:
        emit(event)
        if isinstance(event, ConfigurationApplied | ConfigurationRejected | KeysRefreshed):
            threading.Thread(target=keep, args=(event,), name="evidence").start()

    return told


def kept_runs(project: Project, *, limit: int = RUNS) -> tuple[RunResult, ...]:
    """The newest runs, oldest first, without their exchanges. A run whose attachments were shredded is left out.

    Each call reads and opens what is kept; what it says is decoded once for all that ask about a declaration.

    Raises:
        IncompleteError: the log is damaged, or what a run found is gone: with an older run in its place, what failed
            in it would hold again.
    """
    directory = evidence_directory(project)
    if not directory.is_dir():
        return ()
    reading, keys = Ledger.read(directory), _keys(directory)
    sealed = Ledger.sealed(directory)  # first, because somebody may be writing
    if reading.entries() < sealed:
        raise _gone(directory, f"The evidence is shorter than its checkpoint of {sealed:,} entries says.")
    records = [r for r in reading.records(kind=Kind.RUN) if r.details.get("phase") == "end"]
    found = []
    for record in records[-limit:]:
        content = reading.attachment(record, _RESULT, keys)
        if content is not None:
            found.append(_run(project, content, directory))
        elif any(ref.name == _RESULT for ref in record.blobs) and record.run not in _shredded(reading):
            when = f" of {record.time:%Y-%m-%d %H:%M} UTC" if record.time else ""
            raise _gone(directory, f"What the run `{record.run}`{when} found is gone or damaged.")
    return tuple(found)


def unaltered(project: Project) -> None:
    """Returns when what is kept is what was sealed, as far as the tree of the log tells; signatures are not verified.

    Raises:
        IncompleteError: somebody changed, removed or put in a record: nothing may be concluded from the others.
    """
    directory = evidence_directory(project)
    if not Ledger.unchanged(directory):
        raise _gone(directory, "The evidence was altered: its records are not those that were sealed.")


def _run(project: Project, content: bytes, directory: Path) -> RunResult:
    key = ("kept run", hashlib.sha256(content).digest())
    return project.everything.once(key, lambda: _decode(content, RunResult, directory))


def _gone(directory: Path, sentence: str) -> IncompleteError:
    fix = "`assay verify` says what happened to the evidence; put a copy of it back"
    return IncompleteError(sentence, fix=fix, location=Location(str(directory)))


def _shredded(reading: Reading) -> frozenset[str]:
    """The runs whose attachments were made unreadable on purpose, and on record."""
    return frozenset(str(r.details.get("run")) for r in reading.records(kind=Kind.ERASURE))


def with_exchanges(project: Project, proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """The proofs with what was sent and seen, where that is still kept."""
    directory = evidence_directory(project)
    reading, keys = Ledger.read(directory), _keys(directory)
    wanted = {e: p for p in proofs for e in p.evidence}
    found: dict[str, tuple[Exchange, ...]] = {}
    for record in reading.records(kind=Kind.VERDICT):
        if record.id in wanted:
            content = reading.attachment(record, _EXCHANGES, keys)
            if content is not None:
                found[record.id] = _decode(content, tuple[Exchange, ...], directory)
    return tuple(replace(p, exchanges=next((found[e] for e in p.evidence if e in found), ())) for p in proofs)


def _keys(directory: Path) -> KeyDirectory:
    return KeyDirectory(Ledger.read(directory).files.private)


def _decode(content: bytes, kind: type[T], directory: Path) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise IncompleteError(
            "A kept run cannot be read by this version of Assay.",
            fix="prove again, or use the version that wrote it",
            location=Location(str(directory)),
        ) from error


def _examined(verdict: Verdict) -> Record:
    return Record(
        kind=Kind.VERDICT,
        subject=verdict.subject,
        control=verdict.control,
        check=verdict.check,
        method=Method.EXAMINE,
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        details={"location": str(verdict.location), "excepted_by": verdict.excepted_by},
    )


def _tested(proof: Proof, ages: Mapping[str, str]) -> Record:
    verdict = proof.verdict
    return Record(
        kind=Kind.VERDICT,
        subject=verdict.subject,
        control=verdict.control,
        check=verdict.check,
        method=Method.TEST,
        identity=proof.identity,
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        expires=_expiry(proof.started, ages.get(verdict.control, "")),
        details={
            "case": proof.case,
            "via": proof.via,
            "severity": str(verdict.severity),
            "refused_by": proof.refused_by,
            "let_through_by": proof.let_through_by,
            "facts": dict(proof.facts),
            "requests": proof.requests,
            "started": proof.started.isoformat(),
            "excepted_by": verdict.excepted_by,
        },
    )


def _expiry(started: datetime, age: str) -> datetime | None:
    return started + timedelta(seconds=parse_duration(age)) if age else None


def _blobs(proof: Proof) -> list[Blob]:
    return [Blob(_EXCHANGES, "application/json", msgspec.json.encode(proof.exchanges))] if proof.exchanges else []


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
