"""Reading a whole log fast: leaf hashes, places, runs and attachments of each part, in as many processes as help."""

from __future__ import annotations

import multiprocessing
import os
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from assay.domain import AssayError
from assay.evidence import envelope
from assay.evidence.canonical import is_canonical
from assay.evidence.checkpoint import verifies
from assay.evidence.keys import Epoch
from assay.evidence.record import BlobRef, Record, decode
from assay.evidence.tree import SIZE, CompactRange, Levels

_CHUNK = 1 << 12
"""Leaves that the tree takes in at a time: a power of two."""
_BLOCK = 4 << 20
"""Bytes of the file that are one part. A part begins and ends with whole lines."""
_SLACK = 16 << 10
"""Bytes read beyond a stretch, for the end of its last line."""
_PARALLEL_FROM = 32 << 20

T = TypeVar("T")
R = TypeVar("R")


class _Predicate(msgspec.Struct, gc=False):
    seq: int
    kind: str
    id: str
    run: str = ""
    outcome: str = ""
    expires: datetime | None = None
    declaration: str = ""
    configuration: str = ""
    blobs: msgspec.Raw = msgspec.Raw()


class _Statement(msgspec.Struct, gc=False):
    predicate: _Predicate


class _Line(msgspec.Struct, gc=False):
    statement: _Statement


_LINE = msgspec.json.Decoder(_Line)
_BLOBS = msgspec.json.Decoder(list[BlobRef])
_SPECIAL = frozenset({"run", "key", "erasure", "decision"})


@dataclass(slots=True)
class RunPart:
    """What a part holds of one run: records, the first and last of them, outcomes, and the digests they name."""

    records: int = 0
    first: int = -1
    last: int = -1
    outcomes: dict[str, int] = field(default_factory=dict)
    digests: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, other: RunPart) -> None:
        """Takes in what a later part holds of the same run."""
        self.records += other.records
        self.first = self.first if self.first >= 0 else other.first
        self.last = other.last if other.last >= 0 else self.last
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        for pair, index in other.digests.items():
            self.digests.setdefault(pair, index)


@dataclass(slots=True)
class Part:
    """What was read of a stretch of the file: where it lies, the hashes and lengths of its lines, and what these say.

    Indices are counted from ``first``, which the lines themselves claim until :func:`place` has counted.
    """

    start: int
    end: int
    count: int
    torn: int
    leaves: bytes
    lengths: array[int]
    first: int = 0
    odd: list[tuple[int, int]] = field(default_factory=list)
    special: list[tuple[int, bytes]] = field(default_factory=list)
    runs: dict[str, RunPart] = field(default_factory=dict)
    blobs: list[tuple[int, str, str, BlobRef]] = field(default_factory=list)
    expired: int = 0
    first_expired: tuple[int, str] = (-1, "")

    def offset(self, line: int) -> int:
        """Where a line of the part begins in the file."""
        return self.start + sum(self.lengths[:line]) + line


def stretches(path: Path) -> list[int]:
    """The numbers of the stretches of a file. Raises :class:`OSError`."""
    return list(range(-(-path.stat().st_size // _BLOCK)))


def read_part(path: Path, now: datetime, number: int) -> Part:
    """Hashes and reads the lines that begin in one stretch of the file. Raises :class:`OSError`."""
    start, lines, torn = _read_stretch(path, number)
    leaves = b"".join([_leaf(line) for line in lines])
    lengths = array("Q", map(len, lines))
    part = Part(start, start + sum(lengths) + len(lines), len(lines), torn, leaves, lengths)
    part.first = _claimed(lines)
    _look(part, lines, now)
    return part


_BEGUN = sha256(b"\x00")


def _leaf(line: bytes) -> bytes:
    """The leaf hash of RFC 6962; a copy of a hash that was begun costs less than joining the prefix and the line."""
    hashing = _BEGUN.copy()
    hashing.update(line)
    return hashing.digest()


def read_again(path: Path, now: datetime, part: Part, first: int) -> Part:
    """Reads a part whose lines claim other places than they have."""
    fresh = Part(part.start, part.end, part.count, part.torn, part.leaves, part.lengths, first)
    _look(fresh, _read_lines(path, part), now)
    return fresh


def _read_stretch(path: Path, number: int) -> tuple[int, list[bytes], int]:
    """Where the first line that begins in a stretch does, all that do, and how long a torn one behind them is.

    Some bytes more are read at once: to append the end of the last line afterwards would copy the whole stretch, which
    took longer than reading it.
    """
    begin, end = number * _BLOCK, (number + 1) * _BLOCK
    with path.open("rb", buffering=0) as file:
        start, wanted = max(0, begin - 1), end - begin + _SLACK
        while True:
            data = os.pread(file.fileno(), wanted, start)
            over = data.find(b"\n", end - 1 - start)
            if over >= 0 or len(data) < wanted:
                break
            wanted *= 2
    lines = data.split(b"\n")
    torn = len(lines.pop())
    if over >= 0:
        # What begins behind the stretch is the next one's, be it whole or torn.
        after = over + 1
        behind = data.count(b"\n", after)
        del lines[len(lines) - behind :]
        torn = 0
    if begin and lines:
        start += len(lines.pop(0)) + 1
    elif begin:
        start, torn = start + len(data), 0
    return start, lines, torn


def _read_lines(path: Path, part: Part) -> list[bytes]:
    with path.open("rb") as file:
        file.seek(part.start)
        return file.read(part.end - part.start).split(b"\n")[: part.count]


def _claimed(lines: list[bytes]) -> int:
    """The index that the first line has, by its own word; 0 if it says none."""
    try:
        return max(0, _LINE.decode(lines[0]).statement.predicate.seq) if lines else 0
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return 0


def _look(part: Part, lines: list[bytes], now: datetime) -> None:
    index, read, runs = part.first, _LINE.decode, part.runs
    # Nearly all lines say of their run what the one before said: these are counted, and taken in together.
    before, since, until, counted = ("", "", "", ""), index, index, 0
    for line in lines:
        try:
            found = read(line).statement.predicate
            blobs = _BLOBS.decode(found.blobs) if found.blobs else None
            if not line.isascii():
                line.decode()  # what is skipped over is not looked at otherwise
            if not line.startswith(b'{"keyid":"') or not line.startswith(b'","statement":', 123):
                raise ValueError
        except (msgspec.MsgspecError, ValueError, RecursionError):
            part.odd.append((index, -1))
            index += 1
            continue
        if found.seq != index:
            part.odd.append((index, found.seq))
        if found.kind in _SPECIAL:
            part.special.append((index, line))
        elif found.run:
            said = (found.run, found.outcome or found.kind, found.declaration, found.configuration)
            if said != before:
                _count(runs, before, since, until, counted)
                before, since, counted = said, index, 0
            counted += 1
            until = index
        if blobs:
            part.blobs += [(index, found.run, found.id, ref) for ref in blobs]
        if found.expires is not None and _past(found.expires, now):
            part.expired += 1
            if part.expired == 1:
                part.first_expired = (index, found.id)
        index += 1
    _count(runs, before, since, until, counted)


def _count(runs: dict[str, RunPart], said: tuple[str, str, str, str], since: int, until: int, counted: int) -> None:
    """Takes in ``counted`` records that all say this, the first and the last of them at these indices."""
    if counted:
        name, outcome, declaration, configuration = said
        pair = (declaration, configuration)
        runs.setdefault(name, RunPart()).add(RunPart(counted, since, until, {outcome: counted}, {pair: since}))


def _past(moment: datetime, now: datetime) -> bool:
    return moment.tzinfo is not None and moment < now


@dataclass(slots=True)
class Deep:
    """Lines of a part looked at closely: the index each claims if a key signed that, and what is wrong with others."""

    checked: int = 0
    good: list[tuple[int, int]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    unknown: list[tuple[int, str]] = field(default_factory=list)
    forms: list[tuple[int, str]] = field(default_factory=list)


def look_deeply(path: Path, epochs: tuple[Epoch, ...], origin: str, chosen: tuple[range, ...], part: Span) -> Deep:
    """Verifies signature, canonical form and the Statement of the lines of a part whose indices are in ``chosen``.

    Raises :class:`OSError`.
    """
    found = Deep()
    indices = [i for r in chosen for i in within(r, part.first, part.first + part.lines)]
    if not indices:
        return found
    known = {e.keyid: (e, epochs[n + 1].start if n + 1 < len(epochs) else None) for n, e in enumerate(epochs)}
    for index, line in _lines_at(path, part, indices):
        found.checked += 1
        try:
            entry = envelope.parse(line)
        except AssayError:
            found.bad.append((index, "it is no signed statement"))
            continue
        if entry.keyid not in known:
            found.unknown.append((index, entry.keyid))
            continue
        epoch, end = known[entry.keyid]
        if not verifies(epoch.public, entry.signature, envelope.pae(entry.payload)):
            found.bad.append((index, f"key {entry.keyid} did not sign it"))
            continue
        try:
            record = decode(entry.payload)
        except AssayError as error:
            found.forms.append((index, str(error)))
            continue
        if record.origin != origin:
            found.bad.append((index, f"it was signed for the log `{record.origin}`"))
        elif record.seq < epoch.start or (end is not None and record.seq >= end):
            found.bad.append((index, f"key {entry.keyid} is that of another epoch"))
        else:
            found.good.append((index, record.seq))
            if not is_canonical(line):
                found.forms.append((index, "it is not in canonical form"))
    return found


def within(chosen: range, first: int, end: int) -> range:
    """The members of ``chosen`` from ``first`` to ``end - 1``."""
    skipped = max(0, -(-(first - chosen.start) // chosen.step))
    return range(chosen.start + skipped * chosen.step, min(end, chosen.stop), chosen.step)


def special(line: bytes) -> Record | None:
    """The record in a line about a run, a key, an erasure or a decision; None when there is none."""
    try:
        return decode(envelope.parse(line).payload)
    except AssayError:
        return None


class Span(NamedTuple):
    """Where a part is: bytes of the file, index of its first line, how many lines, and how long each is."""

    start: int
    end: int
    first: int
    lines: int
    lengths: array[int]


def _lines_at(path: Path, span: Span, indices: list[int]) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        if len(indices) * 4 > span.lines:
            file.seek(span.start)
            every = file.read(span.end - span.start).split(b"\n")
            yield from ((index, every[index - span.first]) for index in indices)
            return
        for index in indices:
            line = index - span.first
            file.seek(span.start + sum(span.lengths[:line]) + line)
            yield index, file.read(span.lengths[line])


def in_parts(parts: Sequence[T], bytes_: int, work: Callable[[T], R], done: Callable[[int], None]) -> Iterator[R]:
    """Does ``work`` on each part, in order; in as many processes as there are processors where there is much to do.

    ``done`` is told how many parts are done. Raises :class:`OSError`.
    """
    if bytes_ < _PARALLEL_FROM or multiprocessing.cpu_count() == 1:
        for number, part in enumerate(parts, 1):
            yield work(part)
            done(number)
        return
    # Forking is fastest, and safe only while no other thread runs.
    context = multiprocessing.get_context("fork" if threading.active_count() == 1 else "spawn")
    workers = min(multiprocessing.cpu_count(), 8, len(parts))
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for number, result in enumerate(pool.map(work, parts, chunksize=4), 1):
            yield result
            done(number)


def read_all(path: Path, now: datetime, done: Callable[[int, int], None]) -> Iterator[Part]:
    """Every part, with the places that its lines really have. ``done``: how many parts, of how many."""
    numbers, first = stretches(path), 0
    work = partial(read_part, path, now)
    for part in in_parts(numbers, len(numbers) * _BLOCK, work, lambda n: done(n, len(numbers))):
        found = part if part.first == first or not part.count else read_again(path, now, part, first)
        found.first = first
        first += part.count
        yield found


class Roots:
    """Takes in parts, and remembers root and bytes at the sizes that were asked for."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self.tree = CompactRange()
        self.at: dict[int, tuple[bytes, int]] = {0: (self.tree.root(), 0)}
        self._wanted = sorted(set(sizes))
        self._offsets: dict[int, int] = {}
        self._waiting: list[bytes] = []
        self._read = 0

    def add(self, part: Part) -> None:
        """Takes in the next part."""
        end = part.first + part.count
        at, offset = 0, part.start
        for size in self._between(part.first, end):
            line = size - part.first
            offset += sum(part.lengths[at:line]) + line - at
            at = line
            self._offsets[size] = offset
        leaves = part.leaves
        self._waiting += [leaves[i : i + SIZE] for i in range(0, len(leaves), SIZE)]
        while len(self._waiting) >= _CHUNK:
            self._take(self._waiting[:_CHUNK])
            del self._waiting[:_CHUNK]

    def end(self) -> None:
        """Takes in what is left."""
        self._take(self._waiting)
        self._waiting = []

    def _take(self, leaves: list[bytes]) -> None:
        levels, first = Levels(leaves), self.tree.size
        for size in self._between(first, first + len(leaves)):
            before = self.tree.copy()
            _extend(before, levels.range_at(size - first), size - first)
            self.at[size] = (before.root(), self._offsets[size])
        _extend(self.tree, levels.range_at(len(leaves)), len(leaves))

    def _between(self, first: int, end: int) -> list[int]:
        return self._wanted[bisect_right(self._wanted, first) : bisect_right(self._wanted, end)]


def _extend(tree: CompactRange, nodes: list[bytes], size: int) -> None:
    for node in nodes:
        level = size.bit_length() - 1
        tree.append_subtree(node, level)
        size -= 1 << level
