"""Reading records: all of them, those of a run, the latest of each check. Reading verifies nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from assay.domain import IncompleteError, Location
from assay.evidence import envelope
from assay.evidence.blobs import read_sealed, unseal
from assay.evidence.canonical import canonical
from assay.evidence.files import LogFiles
from assay.evidence.keys import KeyDirectory
from assay.evidence.record import Kind, Record, decode

_BLOCK = 8 << 20


class Subject(NamedTuple):
    """What makes two verdicts verdicts on the same thing at different times."""

    control: str
    check: str
    subject: str
    identity: str


class _Key(msgspec.Struct):
    kind: str
    subject: str
    control: str = ""
    check: str = ""
    identity: str = ""


class _Inside(msgspec.Struct):
    predicate: _Key


class _Line(msgspec.Struct):
    statement: _Inside


_KEY = msgspec.json.Decoder(_Line)


class Reading:
    """The records in a directory of evidence, the live one or an exported one."""

    def __init__(self, directory: Path) -> None:
        self.files = LogFiles(directory)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Index and line of every whole entry, without its newline. Raises :class:`IncompleteError`."""
        rest, index = b"", 0
        for block in self._blocks():
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield index, line
                index += 1

    def entries(self) -> int:
        """How many whole entries there are. Raises :class:`IncompleteError`."""
        return sum(block.count(b"\n") for block in self._blocks())

    def _blocks(self) -> Iterator[bytes]:
        try:
            with self.files.records.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except FileNotFoundError:
            return
        except OSError as error:
            raise IncompleteError(
                f"`{self.files.records}` cannot be read: {error.strerror}.", location=Location(str(self.files.records))
            ) from error

    def records(
        self,
        *,
        kind: Kind | None = None,
        run: str = "",
        control: str = "",
        subject: str = "",
    ) -> Iterator[Record]:
        """The records, oldest first; only those that fit what is given.

        Raises:
            IncompleteError: a line is damaged; ``assay verify`` says more.
        """
        # A cheap look for the member as canonical JSON spells it saves decoding most lines; the record then decides.
        wanted = {"kind": str(kind or ""), "run": run, "control": control, "subject": subject}
        marks = [canonical({name: value})[1:-1] for name, value in wanted.items() if value]
        for index, line in self.lines():
            if all(mark in line for mark in marks):
                record = self._decode(index, line)
                if all(getattr(record, name) == value for name, value in wanted.items() if value):
                    yield record

    def get(self, evidence: str) -> Record | None:
        """The record with this id, or None."""
        mark = canonical({"id": evidence})[1:-1]
        for index, line in self.lines():
            if mark in line:
                record = self._decode(index, line)
                if record.id == evidence:
                    return record
        return None

    def latest(self) -> dict[Subject, Record]:
        """The last verdict of each check on each subject as each identity."""
        found: dict[Subject, tuple[int, bytes]] = {}
        mark = b'"kind":"verdict"'
        for index, line in self.lines():
            if mark in line:
                try:
                    key = _KEY.decode(line).statement.predicate
                except (msgspec.MsgspecError, RecursionError) as error:
                    raise self._damaged(index) from error
                if key.kind == Kind.VERDICT:
                    found[Subject(key.control, key.check, key.subject, key.identity)] = (index, line)
        return {key: self._decode(index, line) for key, (index, line) in found.items()}

    def runs(self) -> tuple[Record, ...]:
        """The records that begin runs, oldest first."""
        return tuple(r for r in self.records(kind=Kind.RUN) if r.details.get("phase") == "start")

    def attachment(self, record: Record, name: str, keys: KeyDirectory) -> bytes | None:
        """The content of a record's attachment; None when there is none, it was shredded, or is damaged."""
        key = keys.run_key(record.run)
        for ref in record.blobs:
            sealed = read_sealed(self.files.blobs, record.run, ref) if ref.name == name and key else None
            opened = unseal(record.run, key, ref, sealed) if sealed and key else None
            if opened:
                return opened[1]
        return None

    def _decode(self, index: int, line: bytes) -> Record:
        try:
            return decode(envelope.parse(line).payload)
        except IncompleteError as error:
            raise self._damaged(index) from error

    def _damaged(self, index: int) -> IncompleteError:
        return IncompleteError(
            f"Entry {index:,} of the evidence is damaged.",
            fix="run `assay verify` to see what happened to it",
            location=Location(str(self.files.records), line=index + 1),
        )
