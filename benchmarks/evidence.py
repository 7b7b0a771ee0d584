"""How fast evidence is kept and verified: appends a second, signed and bare, and `assay verify` on long logs.

`python -m benchmarks.evidence [RECORDS …]` prints a table; without numbers it takes 100,000 and 1,000,000 records,
which needs about a gigabyte of disk and three minutes, most of it spent on signing the records to be verified.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from assay.domain import Outcome
from assay.evidence.checkpoint import Checkpoint
from assay.evidence.ledger import Ledger
from assay.evidence.log import Log
from assay.evidence.reading import Reading
from assay.evidence.record import Kind, Method, Record
from assay.evidence.verify import verify

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """A log of ``records`` records: seconds to make it (with signatures) and its bytes."""

    directory: Path
    records: int
    seconds: float
    bytes: int

    @property
    def per_second(self) -> float:
        """Signed, durable records a second, through the ledger."""
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class Verified:
    """One verification: its mode, seconds of wall clock and of all processors, signatures of records verified."""

    mode: str
    records: int
    seconds: float
    processor: float
    signatures: int
    ok: bool


def records(number: int) -> Iterator[Record]:
    """Verdicts of the usual kind and length."""
    for index in range(number):
        yield Record(
            kind=Kind.VERDICT,
            subject=f"apis.customer-data.operations.getCustomer{index % 40}",
            control="authorisation",
            check="object-read-by-another-owner",
            check_version="1",
            method=Method.TEST,
            identity="alice" if index % 2 else "bob",
            outcome=Outcome.PASS if index % 10 else Outcome.INCONCLUSIVE,
            sentence="The other owner was refused with 403 by the gateway, and the owner's own request succeeded.",
            details={"expected": "403", "refused_by": "authorisation", "request": "GET /customers/17", "seen": "403"},
        )


def keep(directory: Path, number: int) -> Kept:
    """Makes a log through the ledger: every record signed, a checkpoint every 1,000 records."""
    ticks = count()

    def clock() -> datetime:
        return datetime.fromtimestamp(START.timestamp() + next(ticks) / 1000, UTC)

    started = time.perf_counter()
    with Ledger.open(directory, clock=clock, origin="bench.example/evidence") as ledger:
        ledger.begin(subject="apis.customer-data", population=number, declaration="d" * 64, configuration="c" * 16)
        for record in records(number):
            ledger.record(record)
        ledger.end()
    seconds = time.perf_counter() - started
    return Kept(directory, number, seconds, (directory / "records.jsonl").stat().st_size)


def bare_appends(source: Path, directory: Path, most: int = 200_000) -> float:
    """Entries a second that the log itself takes in: hashed into the tree, written, and synced once; not signed."""
    lines = [line for _, line in zip(range(most), (line for _, line in Reading(source).lines()), strict=False)]
    log = Log(directory, accept=lambda line, index: True)
    started = time.perf_counter()
    log.append_many(lines)
    log.seal(lambda size, root: Checkpoint("bench.example/evidence", size, root))
    seconds = time.perf_counter() - started
    log.close()
    return len(lines) / seconds


def verified(directory: Path, *, full: bool = False) -> Verified:
    """One verification, as `assay verify` does it."""
    started, spent = time.perf_counter(), sum(os.times()[:4])
    result = verify(directory, now=datetime.now(UTC), full=full)
    seconds, spent = time.perf_counter() - started, sum(os.times()[:4]) - spent
    return Verified(result.mode, result.records, seconds, spent, result.checked["signatures"][0], result.ok)


def main(numbers: list[int]) -> None:
    """Prints what was measured."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as root:
        for number in numbers:
            kept = keep(Path(root) / f"{number}", number)
            print(
                f"{number:>9,} records kept, signed     {kept.per_second:>10,.0f} a second  {kept.bytes / 1e6:,.0f} MB"
            )
            bare = bare_appends(kept.directory, Path(root) / f"{number}-bare")
            print(f"{number:>9,} entries appended, bare   {bare:>10,.0f} a second")
            for full in (False, True) if number <= 100_000 else (False,):
                took = min(
                    (verified(kept.directory, full=full) for _ in range(1 if full else 3)), key=lambda v: v.seconds
                )
                spent = f"{took.seconds:>10.2f} s ({took.processor:.2f} s of processors)"
                end = "ok" if took.ok else "NOT OK"
                print(f"{number:>9,} records verified    {spent}  tree: all, signatures: {took.signatures:,}  {end}")


if __name__ == "__main__":
    main([int(a.replace(",", "")) for a in sys.argv[1:]] or [100_000, 1_000_000])
