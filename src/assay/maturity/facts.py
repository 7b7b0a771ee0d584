"""Everything that measuring looks at, collected once. Plain values: no disk, no clock, no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied
from assay.declare.declaration import Declaration
from assay.domain import Outcome, Verdict
from assay.privilege.review import Review

CONCLUSIVE = frozenset({Outcome.PASS, Outcome.FAIL})


@dataclass(frozen=True, slots=True)
class Blends:
    """Who can put data together: how many principals there are, and which are above their clearance.

    ``until_verified``: those who are above it as long as declared transformations are not seen to work.
    """

    principals: int = 0
    above: tuple[str, ...] = ()
    until_verified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edges:
    """Declared calls between callers, layers and systems, and those that the architecture has no place for."""

    calls: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """The evidence log. ``verified`` False: it does not verify; ``witnesses``: who cosigned, in words."""

    records: int = 0
    verified: bool = False
    witnesses: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """A failure with a severity: when it was first seen, and when it was first seen no more (None: still open)."""

    case: str
    severity: str
    opened: datetime
    closed: datetime | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a project at the moment ``now``.

    Attributes:
        design: the verdicts of the tests of design, with exceptions laid over.
        proofs: the newest outcome of every case, measured on the configuration that is applied.
        ages: by control, after how many seconds its evidence is old.
        edges: None where no API says its layer.
        log: None where nothing was kept.
        runs: how many runs through the gateway are kept.
        versioned: whether the declaration lies in version control.
    """

    now: datetime
    declaration: Declaration
    design: Sequence[Verdict] = ()
    proofs: Sequence[Measured] = ()
    ages: Mapping[str, int] = field(default_factory=dict)
    reviews: Sequence[Review] = ()
    blends: Blends = Blends()
    edges: Edges | None = None
    log: Log | None = None
    closings: Sequence[Closing] = ()
    applied: Applied = field(default_factory=Applied)
    runs: int = 0
    versioned: bool = False

    @cached_property
    def _verdicts(self) -> Mapping[str, tuple[Verdict, ...]]:
        found: dict[str, list[Verdict]] = defaultdict(list)
        for verdict in self.design:
            found[f"{verdict.control}/{verdict.check}"].append(verdict)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def _measured(self) -> Mapping[str, tuple[Measured, ...]]:
        found: dict[str, list[Measured]] = defaultdict(list)
        for fact in self.proofs:
            found[f"{fact.control}/{fact.check}"].append(fact)
        return {key: tuple(some) for key, some in found.items()}

    def verdicts(self, checks: Iterable[str]) -> tuple[Verdict, ...]:
        """The verdicts of these tests of design (``CONTROL/CHECK``), those that do not apply left out."""
        return tuple(v for c in checks for v in self._verdicts.get(c, ()) if v.outcome is not Outcome.NOT_APPLICABLE)

    def due(self, proofs: Iterable[str]) -> tuple[Measured, ...]:
        """The cases of these proofs that apply, concluded or not."""
        return tuple(f for p in proofs for f in self._measured.get(p, ()) if f.outcome is not Outcome.NOT_APPLICABLE)

    def concluded(self, proofs: Iterable[str]) -> tuple[Measured, ...]:
        """Those of them that passed or failed."""
        return tuple(f for f in self.due(proofs) if f.outcome in CONCLUSIVE)

    def age_of(self, proofs: Iterable[str]) -> float | None:
        """After how many seconds the evidence of these proofs is old; the shortest of their controls."""
        return min((self.ages[c] for c in {p.partition("/")[0] for p in proofs} if c in self.ages), default=None)
