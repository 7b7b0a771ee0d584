"""Reading a whole log fast: leaf hashes, places, runs and attachments of each part, in as many processes as help."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from assay.domain import AssayError
from assay.evidence import envelope
from assay.evidence.canonical import canonical
from assay.evidence.checkpoint import verifies
from assay.evidence.keys import Epoch
from assay.evidence.record import BlobRef, Record, decode
from assay.evidence.tree import CompactRange, Levels

CHUNK = 1 << 15
"""Leaves in a part: a power of two, so that a part is one node of the tree."""
_BLOCK = 8 << 20
_PARALLEL_FROM = 2 * CHUNK

T = TypeVar("T")
R = TypeVar("R")


class _Predicate(msgspec.Struct):
    seq: int
    kind: str
    id: str
    run: str = ""
    outcome: str = ""
    expires: datetime | None = None
    declaration: str = ""
    configuration: str = ""
    blobs: list[BlobRef] = []


class _Statement(msgspec.Struct):
    predicate: _Predicate


class _Line(msgspec.Struct):
    statement: _Statement


_LINE = msgspec.json.Decoder(_Line)


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
    """What was read of a range of lines. ``prefixes`` gives complete subtrees and bytes at each size asked for."""

    first: int
    count: int
    nodes: list[bytes]
    prefixes: dict[int, tuple[list[bytes], int]]
    odd: list[tuple[int, int]] = field(default_factory=list)
    special: list[tuple[int, bytes]] = field(default_factory=list)
    runs: dict[str, RunPart] = field(default_factory=dict)
    blobs: list[tuple[int, str, str, BlobRef]] = field(default_factory=list)
    expired: int = 0
    first_expired: tuple[int, str] = (-1, "")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where parts begin in the file (one offset more than parts), how many lines there are, and what is torn."""

    path: Path
    offsets: tuple[int, ...]
    lines: int
    torn: int

    def parts(self) -> list[int]:
        """The numbers of the parts."""
        return list(range(len(self.offsets) - 1))

    def read(self, number: int) -> list[bytes]:
        """The lines of a part, without newlines."""
        start, end = self.offsets[number], self.offsets[number + 1]
        with self.path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        return data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n")


def lay_out(path: Path) -> Layout:
    """Finds where every part begins. Raises :class:`OSError`."""
    offsets, lines, position = [0], 0, 0
    end = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            count = block.count(b"\n")
            wanted = len(offsets) * CHUNK - lines
            if count >= wanted:
                at, seen = -1, 0
                while seen < count:
                    at = block.index(b"\n", at + 1)
                    seen += 1
                    if seen == wanted:
                        offsets.append(position + at + 1)
                        wanted += CHUNK
            if count:
                end = position + block.rindex(b"\n") + 1
            lines += count
            position += len(block)
    if lines % CHUNK:
        offsets.append(end)
    return Layout(path, tuple(offsets), lines, position - end)


def read_part(layout: Layout, sizes: frozenset[int], now: datetime, number: int) -> Part:
    """Hashes and reads one part; ``sizes`` are the tree sizes to remember on the way. Raises :class:`OSError`."""
    lines, first = layout.read(number), number * CHUNK
    levels = Levels([sha256(b"\x00" + line).digest() for line in lines])
    prefixes = {}
    wanted = sorted(s for s in sizes if first < s <= first + len(lines))
    at, offset = 0, layout.offsets[number]
    for size in wanted:
        offset += sum(map(len, lines[at : size - first])) + size - first - at
        at = size - first
        prefixes[size] = (levels.range_at(at), offset)
    part = Part(first, len(lines), levels.range_at(len(lines)), prefixes)
    _look(part, lines, now)
    return part


def _look(part: Part, lines: list[bytes], now: datetime) -> None:
    index, read, runs = part.first, _LINE.decode, part.runs
    for line in lines:
        try:
            found = read(line).statement.predicate
            if line[:10] != b'{"keyid":"' or line[123:137] != b'","statement":':
                raise ValueError
        except (msgspec.MsgspecError, ValueError, RecursionError):
            part.odd.append((index, -1))
            index += 1
            continue
        if found.seq != index:
            part.odd.append((index, found.seq))
        if found.kind in ("run", "key", "erasure"):
            part.special.append((index, line))
        elif found.run:
            run = runs.get(found.run)
            if run is None:
                run = runs[found.run] = RunPart(first=index)
            run.records += 1
            run.last = index
            outcome = found.outcome or found.kind
            run.outcomes[outcome] = run.outcomes.get(outcome, 0) + 1
            pair = (found.declaration, found.configuration)
            if pair not in run.digests:
                run.digests[pair] = index
            if found.blobs:
                part.blobs += [(index, found.run, found.id, ref) for ref in found.blobs]
        if found.expires is not None and _past(found.expires, now):
            part.expired += 1
            if part.expired == 1:
                part.first_expired = (index, found.id)
        index += 1


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


def look_deeply(layout: Layout, epochs: tuple[Epoch, ...], origin: str, chosen: tuple[range, ...], number: int) -> Deep:
    """Verifies signature, canonical form and the Statement of the lines of a part whose indices are in ``chosen``.

    Raises :class:`OSError`.
    """
    found, first = Deep(), number * CHUNK
    known = {e.keyid: (e, epochs[n + 1].start if n + 1 < len(epochs) else None) for n, e in enumerate(epochs)}
    indices = [i for r in chosen for i in _within(r, first, first + CHUNK)]
    lines = layout.read(number) if indices else []
    for index in indices:
        line = lines[index - first]
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
            good = canonical(msgspec.json.decode(line)) == line
        except (AssayError, msgspec.MsgspecError, RecursionError) as error:
            found.forms.append((index, str(error)))
            continue
        if record.origin != origin:
            found.bad.append((index, f"it was signed for the log `{record.origin}`"))
        elif record.seq < epoch.start or (end is not None and record.seq >= end):
            found.bad.append((index, f"key {entry.keyid} is that of another epoch"))
        else:
            found.good.append((index, record.seq))
            if not good:
                found.forms.append((index, "it is not in canonical form"))
    return found


def _within(chosen: range, first: int, end: int) -> range:
    """The members of ``chosen`` from ``first`` to ``end - 1``."""
    skipped = max(0, -(-(first - chosen.start) // chosen.step))
    return range(chosen.start + skipped * chosen.step, min(end, chosen.stop), chosen.step)


def special(line: bytes) -> Record | None:
    """The record in a line about a run, a key or an erasure; None when there is none."""
    try:
        return decode(envelope.parse(line).payload)
    except AssayError:
        return None


def in_parts(layout: Layout, work: Callable[[int], R], tick: Callable[[int], None]) -> Iterator[R]:
    """Does ``work`` on each part, in order of parts; in two processes or more where the log is long.

    ``tick`` is told how many lines are done. Raises :class:`OSError`.
    """
    numbers = layout.parts()
    if layout.lines < _PARALLEL_FROM:
        for number in numbers:
            yield work(number)
            tick(min(layout.lines, (number + 1) * CHUNK))
        return
    # Forking is fastest, and safe only while no other thread runs.
    context = multiprocessing.get_context("fork" if threading.active_count() == 1 else "spawn")
    workers = max(1, min(multiprocessing.cpu_count(), 8, len(numbers)))
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for number, result in zip(numbers, pool.map(work, numbers), strict=True):
            yield result
            tick(min(layout.lines, (number + 1) * CHUNK))


def fold(parts: Iterable[Part]) -> tuple[CompactRange, dict[int, tuple[bytes, int]]]:
    """The whole tree, and root and bytes at each size that was asked for."""
    tree, at = CompactRange(), {}
    for part in parts:
        for size, (nodes, offset) in part.prefixes.items():
            before = tree.copy()
            _extend(before, nodes, size - part.first)
            at[size] = (before.root(), offset)
        _extend(tree, part.nodes, part.count)
    return tree, at


def _extend(tree: CompactRange, nodes: list[bytes], size: int) -> None:
    for node in nodes:
        level = size.bit_length() - 1
        tree.append_subtree(node, level)
        size -= 1 << level


__all__ = [
    "CHUNK",
    "Deep",
    "Layout",
    "Part",
    "RunPart",
    "fold",
    "in_parts",
    "lay_out",
    "look_deeply",
    "partial",
    "read_part",
    "special",
]
