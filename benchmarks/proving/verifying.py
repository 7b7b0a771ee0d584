"""How fast evidence is kept and verified, as values: `benchmarks.evidence` does the work."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import evidence

RECORDS = (100_000, 1_000_000)
AIM_SECONDS = 3.0
"""For a million records."""


@dataclass(frozen=True, slots=True)
class Log:
    """One log: records kept and verified.

    Attributes:
        signed: records a second through the ledger, signed; ``bare``: entries a second that the log itself takes in.
        seconds: of a verification (the least of three), and ``processor`` seconds of all cores.
        signatures: how many signatures of records it checked; the tree is checked whole.
    """

    records: int
    signed: float
    bare: float
    seconds: float
    processor: float
    signatures: int
    ok: bool


def measure(numbers: Sequence[int] = RECORDS) -> tuple[Log, ...]:
    """A log of each length. A million records need about a gigabyte of disk and some minutes."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as root:
        return tuple(_log(Path(root), number) for number in numbers)


def _log(root: Path, number: int) -> Log:
    kept = evidence.keep(root / f"{number}", number)
    bare = evidence.bare_appends(kept.directory, root / f"{number}-bare")
    took = min((evidence.verified(kept.directory) for _ in range(3)), key=lambda v: v.seconds)
    return Log(number, kept.per_second, bare, took.seconds, took.processor, took.signatures, took.ok)
