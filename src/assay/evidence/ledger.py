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
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.evidence import envelope, keys
from assay.evidence.blobs import Blob, BlobState, BlobStore, examine
from assay.evidence.checkpoint import Checkpoint, check_name, parse, sign, verifies
from assay.evidence.export import Exported, export
from assay.evidence.files import LogFiles
from assay.evidence.keys import Epoch, KeyDirectory
from assay.evidence.log import Log, Recovered
from assay.evidence.reading import Reading
from assay.evidence.record import Kind, Record, decode, encode, ulid, utc
from assay.evidence.redact import Redactor
from assay.identity.files import present, read_public, write_private

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
        self._epochs = self._published()
        self._log = Log(directory, accept=self._accept)
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
            AssayError: another process writes; a directory is not private; the log is another one's.
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
        return self._epochs

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

    def end(self, run: str = "", *, details: Mapping[str, Any] | None = None) -> str:
        """Ends a run: writes how many records it has, by outcome, and seals. Returns the id of that record."""
        name = run or self._current
        return self._end(name, {**(details or {}), "state": "complete"})

    def seal(self) -> Checkpoint:
        """Brings everything to the disk under a new signed checkpoint. Raises :class:`IncompleteError`."""
        if self._log.unsealed or self._log.sealed is None:
            self._log.seal(self._sign, sync=self._blobs.sync)
            write_private(self.keys.head, self.checkpoint.text.encode())
        self._sealed_at = utc(self._clock())
        return self.checkpoint

    def rotate(self) -> Epoch:
        """Begins an epoch: a new key, introduced by the old one, which is erased then."""
        before = self._epochs[-1]
        number = before.number + 1
        key = self.keys.create(number)
        record = keys.key_record(number, key.public_key().public_bytes_raw(), origin=self.origin)
        self._append(record)
        self.seal()
        self._take(key, number)
        self._publish()
        self.keys.erase(before.number)
        return self._epochs[-1]

    def shred(self, run: str, *, reason: str) -> str:
        """Makes every attachment of a run unreadable for good, and records that and why. Returns the record's id."""
        if run in self._runs:
            raise UsageError("a run cannot be shredded before it has ended", fix="end it first")
        if self.keys.run_key(run) is None:
            raise UsageError(f"there is no key of run `{run}` here", fix="it was shredded before, or is another log's")
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

    def export(self, directory: Path, *, runs: Iterable[str] | None = None, attachments: bool = True) -> Exported:
        """Writes a folder that a stranger verifies offline; see :func:`assay.evidence.export.export`."""
        self.seal()
        return export(self.files.root, directory, self.keys, at=utc(self._clock()), runs=runs, attachments=attachments)

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
        epoch = self._epochs[-1] if self._epochs else None
        signer = epoch.keyid if epoch else keys.key_id(self._key.public_key().public_bytes_raw())
        self._log.append(envelope.seal(encode(stored), self._key, signer).line)
        return stored

    def _end(self, name: str, details: Mapping[str, Any]) -> str:
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
            )
        )
        del self._runs[name]
        self._current = next(reversed(self._runs), "")
        self.seal()
        return stored.id

    def _sign(self, size: int, root: bytes) -> Checkpoint:
        return sign(self.origin, size, root, self._key)

    def _ready(self) -> None:
        """Finds the key that signs, finishes what a crash left half done, and begins a log that is new."""
        self._sealed_at = utc(self._clock())
        if self._log.size == 0:
            self._begin_log()
            return
        self._not_rolled_back()
        self._finish_epochs()
        if self._log.unsealed or self._log.recovered:
            self.seal()
        self._finish_runs()
        introduced = decode(envelope.parse(self._epochs[-1].line).payload).time
        if introduced and utc(self._clock()) - introduced > KEY_LIFE:
            self.rotate()

    def _begin_log(self) -> None:
        if present(self.keys.head):
            self._gone("it is empty")
        for number in self.keys.numbers():
            self.keys.erase(number)
        self._key = self.keys.create(1)
        self._append(keys.key_record(1, self._key.public_key().public_bytes_raw(), origin=self.origin))
        self.seal()
        self._epochs = self._introductions()
        self._publish()

    def _not_rolled_back(self) -> None:
        """A log that is shorter than what this key signed last must not be continued: that would make two histories."""
        sealed = self._log.sealed
        if sealed is None:
            # The very first seal was interrupted, unless a checkpoint was signed before.
            if present(self.keys.head):
                self._gone("it has no checkpoint")
        elif sealed.origin != self.origin:
            raise UsageError(
                f"The log in `{self.files.root}` is that of `{sealed.origin}`, not of `{self.origin}`.",
                fix="open it under its own name, or begin another in a new directory",
                location=Location(str(self.files.root)),
            )
        elif present(self.keys.head):
            head = parse(read_public(self.keys.head, what="last checkpoint").decode("utf-8", "replace"))
            if head.size > sealed.size or (head.size == sealed.size and head.root != sealed.root):
                self._gone(f"it ends at entry {sealed.size:,}, and {head.size:,} were signed")

    def _gone(self, what: str) -> None:
        raise IncompleteError(
            f"The evidence log in `{self.files.root}` was rolled back: {what}.",
            fix="bring it back from a backup; or begin another, with another directory for its keys",
            location=Location(str(self.files.root)),
        )

    def _finish_epochs(self) -> None:
        held = self.keys.numbers()
        if not self._epochs or len(held) != 1 or held[0] != self._epochs[-1].number:
            self._epochs = self._introductions()
        if not self._epochs or self._epochs[-1].number not in held:
            raise IncompleteError(
                f"The key that signs for `{self.files.root}` is not in `{self.keys.path}`.",
                fix="bring the key directory back from a backup; or begin another log in a new directory",
                location=Location(str(self.keys.path)),
            )
        number = self._epochs[-1].number
        self._key = self.keys.load(number)
        if keys.key_id(self._key.public_key().public_bytes_raw()) != self._epochs[-1].keyid:
            raise IncompleteError(f"The key in `{self.keys.path}` is not the one of this log.")
        self._publish()
        for other in held:
            if other != number:
                self.keys.erase(other)

    def _finish_runs(self) -> None:
        """Ends the runs that a crash interrupted, and erases the keys that were to be erased."""
        if self._log.recovered is None:
            return
        for record in Reading(self.files.root).records():
            if record.kind is Kind.RUN and record.details.get("phase") == "start":
                self._runs[record.run] = _Run(record.subject, record.declaration, record.configuration, None)
            elif record.kind is Kind.RUN:
                self._runs.pop(record.run, None)
            elif record.kind is Kind.ERASURE:
                self.keys.erase_run(str(record.details.get("run", "")))
            elif record.run in self._runs:
                self._runs[record.run].records += 1
                self._runs[record.run].outcomes[str(record.outcome or record.kind)] += 1
        for name in list(self._runs):
            self._end(name, {"state": "interrupted"})

    def _take(self, key: Ed25519PrivateKey, number: int) -> None:
        self._key = key
        self._epochs = self._introductions()
        if self._epochs[-1].number != number:
            raise IncompleteError("the new key was not introduced")

    def _introductions(self) -> tuple[Epoch, ...]:
        """The epochs, from the log itself."""
        marker = b'"kind":"key"'
        return keys.chain(line for _, line in Reading(self.files.root).lines() if marker in line)

    def _published(self) -> tuple[Epoch, ...]:
        if not present(self.files.keys):
            return ()
        return keys.published(read_public(self.files.keys, limit=64 << 20, what="list of keys"))

    def _publish(self) -> None:
        data = keys.publish(self._epochs, origin=self.origin)
        if not present(self.files.keys) or read_public(self.files.keys, limit=64 << 20) != data:
            write_private(self.files.keys, data)

    def _accept(self, line: bytes, index: int) -> bool:
        """Whether a line that no checkpoint covers is whole: place, signature, and attachments on disk."""
        try:
            entry = envelope.parse(line)
            record = decode(entry.payload)
            epochs = self._epochs or keys.chain([line])
            public = {e.keyid: e.public for e in epochs}.get(entry.keyid)
            good = (
                public is not None
                and record.seq == index
                and record.origin == self.origin
                and verifies(public, entry.signature, envelope.pae(entry.payload))
            )
            states = (examine(self.files.blobs, record.run, ref, None) for ref in record.blobs if good)
            return good and all(state is BlobState.SEALED for state in states)
        except AssayError:
            return False


__all__ = ["Blob", "Clock", "Exported", "Ledger", "Reading", "Record"]
