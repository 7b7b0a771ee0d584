"""What happened to a sequence of entries, told from the places that good signatures give them.

Whoever changes the log without the key can take lines away, move and copy them, and write lines that no key signed. A
line with a good signature says in its signed part which index it had, so that each of these leaves its own trace.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple


class Problem(StrEnum):
    """What was found."""

    MODIFIED = "modified"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    ROLLED_BACK = "rolled-back"
    GAP = "gap"
    COUNTER_MISMATCH = "counter-mismatch"
    EXPIRED = "expired"
    SHREDDED = "shredded"
    UNSEALED = "unsealed"
    OUTDATED = "outdated"
    UNWITNESSED = "unwitnessed"


class Seen(NamedTuple):
    """A line as it lies there: ``seq`` is the index it claims, -1 for none; ``good``: one of our keys signed that."""

    position: int
    seq: int
    good: bool


class Trace(NamedTuple):
    """One thing that happened to ``many`` entries from ``seq`` on; ``position`` is the line, -1 if it is not there."""

    problem: Problem
    position: int
    seq: int
    many: int = 1

    def sentence(self) -> str:
        """For people."""
        seq, last = self.seq, self.seq + self.many - 1
        which = f"record {seq:,}" if self.many == 1 else f"records {seq:,} to {last:,}"
        if self.problem is Problem.MODIFIED:
            return f"What stands for {which} is not what was signed."
        if self.problem is Problem.INSERTED:
            return "No key of this log signed it for this place: it was put in."
        if self.problem is Problem.REORDERED:
            return f"It is signed as {which}: it was moved."
        if self.problem is Problem.TRUNCATED:
            return f"The log ends before {which}: {self.many:,} were cut off."
        return f"There is no trace of {which}: {self.many:,} were taken out."


def diagnose(lines: Sequence[Seen], start: int, size: int | None) -> list[Trace]:
    """Names what happened to ``lines``, which should be the entries ``start … size - 1`` and may be followed by newer.

    ``size`` is None when no checkpoint can be trusted. Entries that are signed, in place and beyond ``size`` are fine.
    """
    traces: list[Trace] = []
    first: dict[int, Seen] = {}
    for line in lines:
        if line.good and (line.seq < start or line.seq in first):
            traces.append(Trace(Problem.INSERTED, line.position, line.seq))
        elif line.good:
            first[line.seq] = line
    kept = _longest_increasing(list(first.values()))
    in_place = {line.position for line in kept}
    traces += [Trace(Problem.REORDERED, g.position, g.seq) for g in first.values() if g.position not in in_place]
    bad = [line for line in lines if not line.good]
    before, cursor = start - 1, 0
    for line in kept:
        inside = []
        while cursor < len(bad) and bad[cursor].position < line.position:
            inside.append(bad[cursor])
            cursor += 1
        traces += _hole(_absent(before + 1, line.seq, first), inside, Problem.MISSING)
        before = line.seq
    rest = bad[cursor:]
    if size is None:
        size = before + 1 + sum(1 for n, line in enumerate(rest) if line.seq == before + 1 + n)
    traces += _hole(_absent(before + 1, size, first), rest, Problem.TRUNCATED)
    return sorted(traces, key=lambda t: (t.position if t.position >= 0 else t.seq, t.problem))


def _absent(begin: int, end: int, present: dict[int, Seen]) -> list[range]:
    """The indices from ``begin`` to ``end - 1`` that no good line has, as ranges: there may be very many."""
    found, at = [], begin
    for seq in sorted(s for s in present if begin <= s < end) if end - begin > len(present) else ():
        if seq > at:
            found.append(range(at, seq))
        at = seq + 1
    if end - begin > len(present):
        return [*found, range(at, end)] if at < end else found
    return [range(s, s + 1) for s in range(begin, end) if s not in present]


def _hole(absent: Iterable[range], bad: list[Seen], kind: Problem) -> Iterator[Trace]:
    """Lines without a good signature stand for absent entries; what is left over on either side is named."""
    waiting = iter(bad)
    line = next(waiting, None)
    gone: list[range] = []
    for indices in absent:
        at = indices.start
        while line is not None and at < indices.stop:
            yield Trace(Problem.MODIFIED, line.position, at)
            at += 1
            line = next(waiting, None)
        if at < indices.stop:
            if gone and gone[-1].stop == at:
                gone[-1] = range(gone[-1].start, indices.stop)
            else:
                gone.append(range(at, indices.stop))
    for indices in gone:
        yield Trace(kind, -1, indices.start, indices.stop - indices.start)
    while line is not None:
        yield Trace(Problem.INSERTED, line.position, line.seq)
        line = next(waiting, None)


def _longest_increasing(lines: Sequence[Seen]) -> list[Seen]:
    """A longest subsequence of lines whose indices rise: the lines that nobody moved."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for number, line in enumerate(lines):
        place = bisect_left(tails, line.seq)
        previous.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(line.seq)
            ends.append(number)
        else:
            tails[place] = line.seq
            ends[place] = number
    chosen, at = [], ends[-1] if ends else -1
    while at >= 0:
        chosen.append(lines[at])
        at = previous[at]
    return chosen[::-1]
