"""The words of a risk assessment, as values. Nothing is computed here.

Likelihood ``L`` and impact ``I`` are shares (0 to 1); a score is ``100 · L · I``; ratings come from the bands of both
axes (OWASP Risk Rating Methodology: below 3/9 low, below 6/9 medium, else high).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Origin(StrEnum):
    """Where a number is from."""

    MEASURED = "measured"
    DERIVED = "derived"
    GIVEN = "given"


class Rating(StrEnum):
    """What a cell of the matrix is called, rising."""

    NOTE = "note"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Factor:
    """One of the sixteen OWASP factors. ``value`` is 0 to 9; ``because`` says what it was read from."""

    name: str
    value: float
    origin: Origin
    because: str


@dataclass(frozen=True, slots=True)
class Factors:
    """Sixteen factors in their four groups of four."""

    agent: tuple[Factor, ...]
    vulnerability: tuple[Factor, ...]
    technical: tuple[Factor, ...]
    business: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Threat:
    """What can happen, from the threats' own file. ``scope``: what a scenario of it stands on (an API, an account…)."""

    id: str
    title: str
    what: str
    scope: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a control claims against a threat, from its ``control.yaml``.

    Attributes:
        kind: ``preventive`` (lowers L) or ``limiting`` (lowers I).
        capability: share of the threat that it stops when it works (.95 decisive, .40 partial, .25 limiting).
        domain: failure domain; of several controls in one domain only the best counts.
        reliability: how far its tests can be trusted, 0 to 1.
        evidence_age: seconds after which what was measured begins to fade.
        proofs: which of its proofs speak about this threat.
        exploits: those of them whose failure is this threat come true.
        checks: tests of design about it; where one fails, the control is not even claimed.
    """

    control: str
    threat: str
    kind: str
    capability: float
    argument: str
    domain: str
    reliability: float
    evidence_age: float
    proofs: tuple[str, ...] = ()
    exploits: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a threat may strike: one operation, account, flow…

    Attributes:
        guards: the controls that are claimed there, each with the digest of what enforces it. Results of a control are
            pooled over the places of a scenario that have the same digest; with an empty one a place stands alone.
        also: other subjects whose results speak about this place, such as the API of an operation.
    """

    subject: str
    guards: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A threat on a scope, such as ``broken-object-authorisation@apis.customer-data``."""

    id: str
    threat: Threat
    subject: str
    places: tuple[Place, ...]
    factors: Factors


@dataclass(frozen=True, slots=True)
class Effect:
    """What one control is worth at one place, and every number it comes from.

    ``effectiveness`` = capability × assurance; assurance = bound × reliability × freshness, or 0 with ``because``.

    Attributes:
        failures, tried: of the results that were counted; ``measured`` is when the oldest of these was.
        evidence_age: seconds after which what was measured begins to fade (T).
        evidence: ids of the records of what was counted, failures first.
    """

    control: str
    kind: str
    domain: str
    capability: float
    failures: int
    tried: int
    bound: float
    reliability: float
    freshness: float
    assurance: float
    effectiveness: float
    because: str
    measured: datetime | None = None
    evidence: tuple[str, ...] = ()
    evidence_age: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Likelihood and impact at one moment, and what follows from them."""

    likelihood: float
    impact: float

    @property
    def score(self) -> float:
        """0 to 100."""
        return 100 * self.likelihood * self.impact


@dataclass(frozen=True, slots=True)
class PlaceRisk:
    """The risk at places that share everything it depends on.

    Attributes:
        effects: of every control that is claimed there.
        exploited: what was demonstrated there, in sentences; ``accepted``: exceptions that cover some of it. An
            exception lowers no risk.
    """

    places: tuple[str, ...]
    evidenced: Reading
    rating: Rating
    effects: tuple[Effect, ...]
    exploited: tuple[str, ...] = ()
    claimed: Reading = Reading(1.0, 1.0)
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A scenario's three readings, and the groups of places behind the evidenced one (worst first).

    Attributes:
        breadth: the share of places per rating.
        changes: when a number of it changes next by itself, because evidence begins to fade or goes on fading.
    """

    scenario: Scenario
    inherent: Reading
    claimed: Reading
    evidenced: Reading
    groups: tuple[PlaceRisk, ...]
    breadth: Mapping[Rating, float] = field(default_factory=dict)
    changes: datetime | None = None

    @property
    def gap(self) -> float:
        """The assurance gap: how much of what is claimed is not shown, in points of the score."""
        return self.evidenced.score - self.claimed.score
