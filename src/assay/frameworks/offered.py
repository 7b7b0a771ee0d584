"""What controls offer to objectives, taken from their own descriptions. This package knows no control by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from assay.declare.quantities import parse_duration


class About(Protocol):
    """What is read of a control's description (``control.yaml``)."""

    @property
    def objectives(self) -> Collection[str]: ...
    @property
    def checks(self) -> Mapping[str, object]: ...
    @property
    def proofs(self) -> Mapping[str, object]: ...
    @property
    def evidence_age(self) -> str: ...


class ControlFaces(Protocol):
    """What is read of a registered control."""

    @property
    def id(self) -> str: ...
    @property
    def about(self) -> About: ...
    @property
    def enforce(self) -> object | None: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """One control as objectives see it.

    Attributes:
        objectives: ids of the catalogue that it says it serves.
        checks, proofs: ids of its tests of design, and of its tests on the running system.
        evidence_age: seconds after which what it measured begins to fade.
        enforced: whether the gateway enforces it, so that it acts on APIs only.
    """

    control: str
    objectives: frozenset[str]
    checks: frozenset[str]
    proofs: frozenset[str]
    evidence_age: int
    enforced: bool


def offered(controls: Iterable[ControlFaces]) -> dict[str, Offered]:
    """By control id, in the order given.

    Raises:
        UsageError: a control's evidence age is no duration.
    """
    return {
        c.id: Offered(
            c.id,
            frozenset(c.about.objectives),
            frozenset(c.about.checks),
            frozenset(c.about.proofs),
            parse_duration(c.about.evidence_age),
            c.enforce is not None,
        )
        for c in controls
    }
