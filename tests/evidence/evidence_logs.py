"""A log of two runs and two epochs, ways to tamper with it, and both verifiers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from assay.domain import Outcome
from assay.evidence.blobs import Blob
from assay.evidence.ledger import Ledger
from assay.evidence.record import Kind, Method, Record
from assay.evidence.verify import verify

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = START + timedelta(days=1)
ORIGIN = "example.com/evidence"
STANDALONE = Path(__file__).parents[2] / "src/assay/evidence/standalone/verify.py"


def ticking(step: float = 0.01) -> Callable[[], datetime]:
    """A clock that moves a little each time it is read."""
    ticks = count()
    return lambda: START + timedelta(seconds=next(ticks) * step)


def opened(directory: Path, **more: Any) -> Ledger:
    """The ledger in a directory."""
    return Ledger.open(directory, **{"clock": ticking(), "origin": ORIGIN, **more})


def verdict(number: int, outcome: Outcome = Outcome.PASS, **more: Any) -> Record:
    """A verdict as a prover would give it."""
    return Record(
        kind=Kind.VERDICT,
        subject=f"apis.shop.operations.op{number}",
        control="authorisation",
        check="object-read-by-another-owner",
        check_version="1",
        method=Method.TEST,
        identity="alice",
        outcome=outcome,
        sentence=f"Case {number} was refused.",
        **more,
    )


def fill(ledger: Ledger, verdicts: int = 5, *, blobs: bool = True) -> str:
    """One run with so many verdicts; every second one has an attachment."""
    run = ledger.begin(subject="apis.shop", population=verdicts, declaration="d" * 64, configuration="c" * 16)
    for number in range(verdicts):
        attached = [Blob("exchange", "application/http", b"GET /%d" % number)] if blobs and number % 2 == 0 else []
        ledger.record(verdict(number), attached)
    ledger.end()
    return run


def load_standalone(path: Path = STANDALONE) -> ModuleType:
    """The auditors' program, as a module."""
    spec = importlib.util.spec_from_file_location("standalone_verify", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAM = load_standalone()


@dataclass(frozen=True)
class Told:
    """What both verifiers said, which must be the same."""

    ok: bool
    counts: dict[str, int]

    @property
    def problems(self) -> set[str]:
        return set(self.counts)


def told(
    directory: Path,
    *,
    since: str | None = None,
    key: str = "",
    now: datetime = LATER,
    witnesses: dict[str, bytes] | None = None,
) -> Told:
    """What both say, having shown that they agree on every step, and on what was found how often."""
    ours = verify(directory, now=now, since=since, fingerprint=key, witnesses=witnesses)
    program = PROGRAM.Verifier(directory, now)
    fine = program.verify(PROGRAM.Note(since) if since is not None else None, key, witnesses or {})
    assert (fine, program.counts) == (ours.ok, ours.counts), (ours.findings, program.findings)
    assert [(n, title, state) for n, title, state, _ in program.steps] == [
        (s.number, s.title, str(s.state)) for s in ours.steps
    ]
    return Told(ours.ok, ours.counts)
