"""What happens during a run, as values: the progress bar, the log and programs all consume the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.prove.case import Case, Family
from assay.prove.plan import Plan
from assay.prove.result import Proof, RunResult


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """The run begins; nothing has been sent."""

    run: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class FamilyStarted(Event):
    """Cases of this kind begin, with identities made anew."""

    family: Family
    cases: int


@dataclass(frozen=True, slots=True)
class CaseStarted(Event):
    """A case begins. ``attempt`` 2: what it found is looked at again before it is reported."""

    case: Case
    attempt: int


@dataclass(frozen=True, slots=True)
class CaseFinished(Event):
    """A case has its verdict. ``requests`` is the run's count so far."""

    proof: Proof
    requests: int


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A case lets time pass."""

    case: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The run ends early; the rest of its cases is skipped."""

    reason: str


@dataclass(frozen=True, slots=True)
class CleanedUp(Event):
    """What the run made is gone, but for what ``left`` says."""

    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The run is over."""

    result: RunResult


Emit = Callable[[Event], None]
