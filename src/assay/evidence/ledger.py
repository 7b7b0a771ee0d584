"""The evidence of a project: what commands write verdicts into, and reports read them from.

::

    with Ledger.open(directory, clock=now, origin="example.com/evidence") as ledger:
        ledger.begin(subject="apis.customer-data", population=120, declaration=digest)
        evidence = ledger.record(Record(kind=Kind.VERDICT, …), [Blob("exchange", "application/http", content)])
        ledger.end()

What :meth:`Ledger.record` returns is the evidence's id. It is on disk, signed and under a checkpoint, when
:meth:`Ledger.seal` or :meth:`Ledger.end` has returned.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from assay.domain import IncompleteError, UsageError
from assay.evidence import envelope
from assay.evidence.blobs import Blob, BlobStore
from assay.evidence.checkpoint import Checkpoint, check_name, parse
from assay.evidence.export import Exported, export
from assay.evidence.files import LogFiles
from assay.evidence.keys import Epoch, KeyDirectory
from assay.evidence.log import Log, LogBusy, Recovered
from assay.evidence.reading import Reading
from assay.evidence.record import Kind, Record, decode, encode, ulid, utc
from assay.evidence.redact import Redactor
from assay.evidence.signing import Signing
from assay.evidence.tree import CompactRange, leaf_hash
from assay.identity.files import present, read_public

Clock = Callable[[], datetime]

SEAL_AFTER = timedelta(seconds=2)
KEY_LIFE = timedelta(days=90)
_SEAL_EVERY = 1_000
_RUN_KEY = 32


@dataclass(slots=True)
class _Run:
    subject: str
    declaration: str
    configuration: str
    key: bytes | None
    records: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class Ledger:
    """An evidence log that is open for writing; one process at a time, one thread at a time."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        origin: str,
        private: Path | None,
        collector: str,
        redactor: Redactor | None,
        entropy: Callable[[int], bytes],
        seal_every: int,
    ) -> None:
        self.files = LogFiles(directory)
        self.origin = check_name(origin)
        self._clock, self._collector, self._redactor, self._entropy = clock, collector, redactor, entropy
        self._seal_every = seal_every
        self._runs: dict[str, _Run] = {}
        self._current = ""
        self.keys = KeyDirectory(private or self.files.private)
        self._blobs = BlobStore(self.files.blobs, entropy=entropy)
        self._signing = Signing(self.files, self.keys, self.origin)
        self._log = Log(directory, accept=self._signing.accepts)
        try:
            self._ready()
        except BaseException:
            self._log.close()
            raise

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Clock,
        origin: str,
        keys: Path | None = None,
        collector: str = "assay",
        redactor: Redactor | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        seal_every: int = _SEAL_EVERY,
    ) -> Ledger:
        """Opens the log in ``directory``, beginning it if there is none, and recovers it after a crash.

        Args:
            clock: the time, with a zone. origin: the log's name, like an address without a scheme.
            keys: the private directory; ``DIRECTORY-keys`` beside the log unless given.
            collector: tool and version that stand in records which name none.
            redactor: goes over every attachment again before it is stored.
            entropy: random bytes. seal_every: a checkpoint after so many records at the latest.

        Raises:
            LogBusy: another process writes.
            AssayError: a directory is not private; the log is another one's.
            IncompleteError: sealed evidence is gone, or a key is.
        """
        return cls(
            directory,
            clock=clock,
            origin=origin,
            private=keys,
            collector=collector,
            redactor=redactor,
            entropy=entropy,
            seal_every=seal_every,
        )

    @staticmethod
    def name(directory: Path) -> str:
        """The name that the log in ``directory`` goes by, to open it under; empty where there is none."""
        path = LogFiles(directory).checkpoint
        if not present(path):
            return ""
        return parse(read_public(path, what="checkpoint").decode("utf-8", "replace")).origin

    @staticmethod
    def sealed(directory: Path) -> int:
        """How many entries the last checkpoint of the log in ``directory`` is over; none where there is none."""
        path = LogFiles(directory).checkpoint
        if not present(path):
            return 0
        return parse(read_public(path, what="checkpoint").decode("utf-8", "replace")).size

    @staticmethod
    def unchanged(directory: Path) -> bool:
        """Whether the entries that the last checkpoint is over are still those, by the root of their tree.

        The quick part of :func:`assay.evidence.verify.verify`: no signature is verified. Somebody may be writing.
        """
        path = LogFiles(directory).checkpoint
        if not present(path):
            return True
        sealed = parse(read_public(path, what="checkpoint").decode("utf-8", "replace"))
        tree = CompactRange()
        for _, line in islice(Reading(directory).lines(), sealed.size):
            tree.append(leaf_hash(line))
        return tree.size == sealed.size and tree.root() == sealed.root

    @staticmethod
    def read(directory: Path) -> Reading:
        """The records in ``directory``, for reading. Nothing is verified; anybody may read while somebody writes."""
        return Reading(directory)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def recovered(self) -> Recovered | None:
        """What a crash before this opening cost; None when there was none."""
        return self._log.recovered

    @property
    def checkpoint(self) -> Checkpoint:
        """The last checkpoint."""
        if self._log.sealed is None:
            raise IncompleteError("the evidence log has no checkpoint")
        return self._log.sealed

    @property
    def size(self) -> int:
        """How many records there are."""
        return self._log.size

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The public keys, oldest first."""
        return self._signing.epochs

    def begin(
        self,
        *,
        subject: str,
        population: int | None = None,
        sample: int | None = None,
        declaration: str = "",
        configuration: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> str:
        """Begins a run and returns its id. Records belong to the run begun last unless they name another.

        ``population`` is how many things the run speaks about, ``sample`` how many of them it means to look at.
        """
        run = ulid(utc(self._clock()), self._entropy(10))
        key = self._entropy(_RUN_KEY)
        self.keys.create_run(run, key)
        self._runs[run] = _Run(subject, declaration, configuration, key)
        self._current = run
        self._append(
            Record(
                kind=Kind.RUN,
                subject=subject,
                population=population,
                sample=sample,
                declaration=declaration,
                configuration=configuration,
                details={**(details or {}), "phase": "start"},
                run=run,
            )
        )
        self.seal()
        return run

    def record(self, record: Record, blobs: Iterable[Blob] = ()) -> str:
        """Adds a record with its attachments and returns the evidence's id.

        What the record leaves open (declaration, configuration) is that of its run. Raises :class:`AssayError` for a
        record that is not complete, :class:`IncompleteError` when the disk refuses.
        """
        name = record.run or self._current
        run = self._runs.get(name)
        if run is None and (name or blobs or record.kind is Kind.VERDICT):
            raise UsageError("evidence belongs to a run that was begun", fix="call `begin` first")
        if run is not None:
            record = msgspec.structs.replace(
                record,
                run=name,
                declaration=record.declaration or run.declaration,
                configuration=record.configuration or run.configuration,
            )
        stored = self._append(record, blobs, run)
        if run is not None:
            run.records += 1
            run.outcomes[str(stored.outcome or record.kind)] += 1
        if self._log.unsealed >= self._seal_every or utc(self._clock()) - self._sealed_at >= SEAL_AFTER:
            self.seal()
        return stored.id

    def end(self, run: str = "", *, details: Mapping[str, Any] | None = None, blobs: Iterable[Blob] = ()) -> str:
        """Ends a run: writes how many records it has, by outcome, and seals. Returns the id of that record.

        ``blobs`` are attached to that record: what sums up the run.
        """
        name = run or self._current
        return self._end(name, {**(details or {}), "state": "complete"}, blobs)

    def seal(self) -> Checkpoint:
        """Brings everything to the disk under a new signed checkpoint. Raises :class:`IncompleteError`."""
        if self._log.unsealed or self._log.sealed is None:
            self._signing.remember(self._log.seal(self._signing.checkpoint, sync=self._blobs.sync))
        self._sealed_at = utc(self._clock())
        return self.checkpoint

    def rotate(self) -> Epoch:
        """Begins an epoch: a new key, introduced by the old one, which is erased then."""
        record, key = self._signing.next()
        self._append(record)
        self.seal()
        self._signing.take(key)
        return self.epochs[-1]

    def shred(self, run: str, *, reason: str) -> str:
        """Makes every attachment of a run unreadable for good, and records that and why. Returns the record's id."""
        if run in self._runs:
            raise UsageError("a run cannot be shredded before it has ended", fix="end it first")
        if self.keys.run_key(run) is None:
            raise UsageError(f"there is no key of run `{run}` here", fix="it was shredded before, or is another log's")
        self.keys.condemn_run(run)
        return self._erase(run, reason)

    def export(self, directory: Path, *, runs: Iterable[str] | None = None, attachments: bool = True) -> Exported:
        """Writes a folder that a stranger verifies offline; see :func:`assay.evidence.export.export`."""
        self.seal()
        return export(
            self.files.root,
            directory,
            self.keys,
            sign=self._signing.detached,
            at=utc(self._clock()),
            runs=runs,
            attachments=attachments,
        )

    def close(self) -> None:
        """Ends what still runs as interrupted, seals, and lets go. After a refusal of the disk it only lets go."""
        try:
            if not self._log.closed:
                for name in list(self._runs):
                    self._end(name, {"state": "interrupted"})
                self.seal()
        finally:
            self._blobs.close()
            self._log.close()

    def _append(self, record: Record, blobs: Iterable[Blob] = (), run: _Run | None = None) -> Record:
        now = utc(self._clock())
        refs = []
        for blob in blobs:
            if run is None or run.key is None:
                raise UsageError("an attachment belongs to a run", fix="call `begin` first")
            content = self._redactor.redact(blob.content) if self._redactor else blob.content
            refs.append(self._blobs.put(record.run, run.key, Blob(blob.name, blob.media, content)))
        stored = msgspec.structs.replace(
            record,
            id=ulid(now, self._entropy(10)),
            seq=self._log.size,
            time=now,
            origin=self.origin,
            blobs=tuple(refs),
            collector=record.collector or self._collector,
        )
        self._log.append(self._signing.line(encode(stored)))
        return stored

    def _end(self, name: str, details: Mapping[str, Any], blobs: Iterable[Blob] = ()) -> str:
        run = self._runs.get(name)
        if run is None:
            raise UsageError("there is no run to end", fix="call `begin` first")
        stored = self._append(
            Record(
                kind=Kind.RUN,
                subject=run.subject,
                declaration=run.declaration,
                configuration=run.configuration,
                details={
                    **details,
                    "outcomes": dict(sorted(run.outcomes.items())),
                    "phase": "end",
                    "records": run.records,
                },
                run=name,
            ),
            blobs,
            run,
        )
        del self._runs[name]
        self._current = next(reversed(self._runs), "")
        self.seal()
        self.keys.close_run(name)
        return stored.id

    def _erase(self, run: str, reason: str) -> str:
        stored = self._append(
            Record(
                kind=Kind.ERASURE,
                subject=f"evidence-log.{self.origin}.runs.{run}",
                sentence="The key of this run's attachments was erased.",
                details={"reason": reason, "run": run},
            )
        )
        self.seal()
        self.keys.erase_run(run)
        return stored.id

    def _ready(self) -> None:
        """Begins a log that is new; otherwise finishes what a crash left half done."""
        self._sealed_at = utc(self._clock())
        if self._log.size == 0:
            self._append(self._signing.begin())
            self.seal()
            self._signing.publish()
            return
        self._signing.resume(self._log.sealed)
        self.seal()
        if self.keys.runs("open") or self.keys.runs("shred"):
            self._finish()
        introduced = decode(envelope.parse(self.epochs[-1].line).payload).time
        if introduced and utc(self._clock()) - introduced > KEY_LIFE:
            self.rotate()

    def _finish(self) -> None:
        """Ends the runs that were interrupted, and erases the keys that were to be erased."""
        erased = set()
        for record in Reading(self.files.root).records():
            if record.kind is Kind.RUN and record.details.get("phase") == "start":
                self._runs[record.run] = _Run(record.subject, record.declaration, record.configuration, None)
            elif record.kind is Kind.RUN:
                self._runs.pop(record.run, None)
            elif record.kind is Kind.ERASURE:
                erased.add(record.details.get("run"))
            elif record.run in self._runs:
                self._runs[record.run].records += 1
                self._runs[record.run].outcomes[str(record.outcome or record.kind)] += 1
        for name in list(self._runs):
            self._end(name, {"state": "interrupted"})
        for name in self.keys.runs("open"):
            self.keys.close_run(name)
        for name in self.keys.runs("shred"):
            if name in erased:
                self.keys.erase_run(name)
            else:
                self._erase(name, "It was begun before a crash, and finished after it.")


__all__ = ["Blob", "Clock", "Exported", "Ledger", "LogBusy", "Reading", "Record"]
