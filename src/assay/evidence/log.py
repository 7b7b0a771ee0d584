"""The append-only log on disk: one entry a line, sealed by signed checkpoints, recovered after any kill.

An entry counts once a checkpoint covers it. A seal first brings the entries to the disk, then the line in
``seals.jsonl``, then ``checkpoint``; so whatever the moment of a crash, the last complete seal speaks of bytes that are
there. What lies after it is kept at the next opening as far as each entry is whole and good, and cut off from there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from assay.domain import AssayError, IncompleteError, Location
from assay.evidence.checkpoint import Checkpoint, parse
from assay.evidence.files import LogFiles
from assay.evidence.tree import CompactRange, leaf_hash
from assay.identity.files import PRIVATE_FILE, ensure_private_directory, write_private

_BUFFER = 1 << 20
_TAIL = 1 << 20

Accept = Callable[[bytes, int], bool]
"""Whether a line is a whole and good entry for an index."""
Signer = Callable[[int, bytes], Checkpoint]
"""Signs a tree of a size with a root."""


class LogBusy(AssayError):
    """Another process writes to the log: worth waiting for, unlike everything else that may be wrong with it."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the opening of a log found after a crash.

    Attributes:
        entries_kept: whole entries that no checkpoint covered yet; they were kept.
        entries_lost: entries that were torn or stood behind a torn one; they were cut off.
        bytes_lost: how many bytes that were.
        last_sealed: how many entries the last checkpoint covers; none of these was touched.
    """

    entries_kept: int
    entries_lost: int
    bytes_lost: int
    last_sealed: int

    def sentence(self) -> str:
        """For people."""
        return (
            f"The evidence log was not closed. After its last checkpoint (entry {self.last_sealed:,}), "
            f"{self.entries_kept:,} entries were whole and are kept; {self.entries_lost:,} ({self.bytes_lost:,} bytes) "
            "were torn and are lost."
        )


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of ``seals.jsonl``: a checkpoint, the bytes of records it covers, and the tree's complete subtrees."""

    bytes: int
    checkpoint: str
    nodes: list[str]


class Log:
    """A log that is open for writing. Not for several threads at once."""

    def __init__(self, directory: Path, *, accept: Accept) -> None:
        """Opens (or begins) the log in ``directory`` and recovers it.

        ``accept`` judges the entries that no checkpoint covers.

        Raises:
            LogBusy: another process writes.
            AssayError: the directory is not private.
            IncompleteError: entries that a checkpoint covers are gone: this is no crash, and nothing is signed on it.
        """
        self.files = LogFiles(ensure_private_directory(directory))
        self.recovered: Recovered | None = None
        self.sealed: Checkpoint | None = None
        self._range = CompactRange()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._written = self._sealed_bytes = self._seals_bytes = 0
        self._lock = _lock(self.files.lock)
        self._records = self._seals = -1
        try:
            self._records = _open(self.files.records)
            self._seals = _open(self.files.seals)
            self._recover(accept)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise _refused(self.files.root, error) from error
            raise

    @property
    def size(self) -> int:
        """How many entries there are, sealed or not."""
        return self._range.size

    @property
    def closed(self) -> bool:
        """Whether it was closed, or closed itself because the disk refused."""
        return self._records < 0

    @property
    def unsealed(self) -> int:
        """How many entries no checkpoint covers."""
        return self.size - (self.sealed.size if self.sealed else 0)

    def append(self, line: bytes) -> int:
        """Adds an entry (without its newline) and returns its index. It is on disk only after :meth:`seal`.

        Raises:
            IncompleteError: the disk refuses. The log is back at its last checkpoint, and closed.
        """
        index = self._range.size
        self._range.append(leaf_hash(line))
        self._buffer.append(line)
        self._buffered += len(line) + 1
        if self._buffered >= _BUFFER:
            self._guarded(self._write)
        return index

    def append_many(self, lines: Iterable[bytes]) -> None:
        """Adds many entries. Raises as :meth:`append` does."""
        for line in lines:
            self.append(line)

    def seal(self, sign: Signer, *, sync: Callable[[], None] | None = None) -> Checkpoint:
        """Brings everything to the disk and signs it. ``sync`` is called before, for what entries refer to.

        Raises:
            IncompleteError: the disk refuses. The log is back at its last checkpoint, and closed.
        """

        def work() -> None:
            self._write()
            if sync:
                sync()
            os.fsync(self._records)
            checkpoint = sign(self._range.size, self._range.root())
            nodes = [node.hex() for node in self._range.nodes]
            line = msgspec.json.encode(Seal(self._written, checkpoint.text, nodes)) + b"\n"
            _write_all(self._seals, line, self._seals_bytes)
            os.fsync(self._seals)
            self._seals_bytes += len(line)
            self._sealed_bytes = self._written
            self.sealed = checkpoint
            write_private(self.files.checkpoint, checkpoint.text.encode())

        self._guarded(work)
        if self.sealed is None:
            raise IncompleteError("the log was not sealed")
        return self.sealed

    def close(self) -> None:
        """Lets go of the log. Entries that were not sealed are written, for the next opening to keep."""
        if self._records >= 0 and self._buffer:
            with contextlib.suppress(OSError):
                self._write()
        for descriptor in (self._records, self._seals, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._records = self._seals = self._lock = -1
        self._buffer.clear()

    def _write(self) -> None:
        if self._records < 0:
            raise IncompleteError("the evidence log is closed", fix="open it again")
        if self._buffer:
            data = b"\n".join(self._buffer) + b"\n"
            _write_all(self._records, data, self._written)
            self._written += len(data)
            self._buffer.clear()
            self._buffered = 0

    def _guarded(self, work: Callable[[], None]) -> None:
        """Does ``work``; if the disk refuses, goes back to the last checkpoint and closes."""
        try:
            work()
        except (OSError, AssayError) as error:
            lost = self.unsealed
            self._back()
            if isinstance(error, OSError):
                raise _refused(self.files.root, error, lost) from error
            raise

    def _back(self) -> None:
        self._buffer.clear()
        for descriptor, length in ((self._records, self._sealed_bytes), (self._seals, self._seals_bytes)):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, length)
        self.close()

    def _recover(self, accept: Accept) -> None:
        seal, self._seals_bytes, torn = _last_seal(self._seals)
        if torn:
            os.ftruncate(self._seals, self._seals_bytes)
        if seal:
            self.sealed, self._range = _restore(seal, self.files.seals)
            self._sealed_bytes = seal.bytes
        sealed, length = self._range.size, os.fstat(self._records).st_size
        if length < self._sealed_bytes:
            raise IncompleteError(
                f"`{self.files.records}` is shorter than its last checkpoint says: sealed evidence is gone.",
                fix="run `assay verify` to see what is missing, then bring the log back from a backup or begin another",
                location=Location(str(self.files.records)),
            )
        self._written, lost = self._keep(accept, length)
        if self._written < length:
            os.ftruncate(self._records, self._written)
            os.fsync(self._records)
        if self._written > self._sealed_bytes or lost or torn:
            self.recovered = Recovered(self._range.size - sealed, lost, length - self._written, sealed)
        self._catch_up()

    def _keep(self, accept: Accept, length: int) -> tuple[int, int]:
        """Keeps whole entries after the last seal: where they end, and how many stand behind the first bad one."""
        end = self._sealed_bytes
        tail = os.pread(self._records, length - end, end) if length > end else b""
        lines = tail.split(b"\n")
        rest = lines.pop()
        for number, line in enumerate(lines):
            if not accept(line, self._range.size):
                return end, len(lines) - number + bool(rest)
            self._range.append(leaf_hash(line))
            end += len(line) + 1
        return end, int(bool(rest))

    def _catch_up(self) -> None:
        """A crash between the last two steps of a seal leaves ``checkpoint`` one behind."""
        if self.sealed:
            text = self.sealed.text.encode()
            try:
                same = self.files.checkpoint.read_bytes() == text
            except OSError:
                same = False
            if not same:
                write_private(self.files.checkpoint, text)


def _last_seal(descriptor: int) -> tuple[Seal | None, int, bool]:
    """The last whole line, where it ends, and whether something torn stands behind it."""
    length = os.fstat(descriptor).st_size
    start = max(0, length - _TAIL)
    data = os.pread(descriptor, length - start, start)
    end = length
    while data:
        cut = data.rfind(b"\n") + 1
        end -= len(data) - cut
        data = data[:cut]
        begin = data.rfind(b"\n", 0, -1) + 1
        try:
            return msgspec.json.decode(data[begin:], type=Seal), end, end < length
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            end -= len(data) - begin
            data = data[:begin]
    return None, end, end < length


def _restore(seal: Seal, path: Path) -> tuple[Checkpoint, CompactRange]:
    try:
        checkpoint = parse(seal.checkpoint)
        tree = CompactRange(checkpoint.size, (bytes.fromhex(node) for node in seal.nodes))
        if tree.root() == checkpoint.root and seal.bytes >= 0:
            return checkpoint, tree
    except (ValueError, AssayError):
        pass
    raise IncompleteError(
        f"The last line of `{path}` is damaged.",
        fix="run `assay verify` to see what else is, then bring the log back from a backup",
        location=Location(str(path)),
    )


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, at)
        view = view[count:]
        at += count


def _lock(path: Path) -> int:
    """Holds the lock, with our process id in it for whoever comes second. It ends with the process."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except OSError as error:
        holder = os.pread(descriptor, 32, 0).strip().decode("ascii", "replace")
        os.close(descriptor)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise _refused(path, error) from error
        raise LogBusy(
            f"Process {holder or 'unknown'} writes to the evidence log `{path.parent}` already.",
            fix="wait for it to end; two writers would make two histories",
            location=Location(str(path)),
        ) from error
    return descriptor


def _refused(path: Path, error: OSError, lost: int = 0) -> IncompleteError:
    gone = f" {lost:,} entries since the last checkpoint were not kept; everything before is safe." if lost else ""
    return IncompleteError(
        f"Evidence cannot be written to `{path}`: {error.strerror or error}.{gone}",
        fix="free some space, or make the directory writable for the user that runs Assay; then run it again",
        location=Location(str(path)),
    )
