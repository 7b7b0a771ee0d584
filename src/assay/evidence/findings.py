"""What a verification found, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from assay.domain import Exit
from assay.evidence.checkpoint import Checkpoint
from assay.evidence.cosigned import Attested
from assay.evidence.diagnose import Problem

SHOWN = 100
"""Findings of one kind that are listed one by one; the others are counted."""

NOTICES = frozenset({Problem.EXPIRED, Problem.SHREDDED, Problem.UNSEALED, Problem.OUTDATED})
"""What somebody should know, though nobody tampered with anything."""


class State(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: what, where, and a sentence. ``index`` is an entry's, None for a file."""

    problem: Problem
    where: str
    sentence: str
    step: int
    index: int | None = None
    id: str = ""
    notice: bool = False

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "problem": str(self.problem),
            "notice": self.notice,
            "where": self.where,
            "index": self.index,
            "id": self.id or None,
            "step": self.step,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step, and what it did: always how many of how many."""

    number: int
    title: str
    state: State
    sentence: str

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "number": self.number,
            "title": self.title,
            "state": str(self.state),
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """The result. ``ok`` says that nothing was tampered with, as far as the steps that were checked can tell."""

    ok: bool
    directory: str
    at: datetime
    mode: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    records: int
    checkpoint: Checkpoint | None
    fingerprint: str
    witnesses: tuple[Attested, ...] = ()
    checked: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def exit(self) -> Exit:
        """The exit code of a command that says this."""
        return Exit.OK if self.ok else Exit.FINDINGS

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        head = self.checkpoint
        return {
            "version": 1,
            "ok": self.ok,
            "directory": self.directory,
            "at": self.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "mode": self.mode,
            "records": self.records,
            "checkpoint": {"origin": head.origin, "size": head.size, "root": head.root.hex()} if head else None,
            "key": self.fingerprint or None,
            "witnessed": [w._asdict() for w in self.witnesses],
            "checked": {name: {"checked": done, "of": of} for name, (done, of) in self.checked.items()},
            "steps": [s.as_json() for s in self.steps],
            "counts": self.counts,
            "findings": [f.as_json() for f in self.findings],
        }


class Findings:
    """Collects findings and steps; what is too much to list is counted."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.steps: list[Step] = []
        self.counts: dict[str, int] = {}
        self._failed: set[int] = set()

    def add(
        self,
        step: int,
        problem: Problem,
        where: str,
        sentence: str,
        *,
        index: int | None = None,
        id: str = "",
        notice: bool | None = None,
    ) -> None:
        """Notes a finding."""
        is_notice = problem in NOTICES if notice is None else notice
        if not is_notice:
            self._failed.add(step)
        self.counts[problem] = self.counts.get(problem, 0) + 1
        if self.counts[problem] <= SHOWN:
            self.listed.append(Finding(problem, where, sentence, step, index, id, is_notice))

    def close(self, number: int, title: str, sentence: str, *, checked: bool = True) -> None:
        """Ends a step."""
        done = State.PASSED if checked else State.NOT_CHECKED
        self.steps.append(Step(number, title, State.FAILED if number in self._failed else done, sentence))

    def failed(self, *steps: int) -> bool:
        """Whether one of the steps, or of all if none is named, found more than notices."""
        return not self._failed.isdisjoint(steps) if steps else bool(self._failed)
