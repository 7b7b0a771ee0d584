"""The status of a control objective: how far it is from claimed to effective, and why.

Design and operation are judged apart. Only what was proven on the running system, on the configuration that is live,
and not too long ago counts as effective; the clock alone turns effective into stale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from assay.assurance.deviations import upper_bound
from assay.assurance.facts import Measured
from assay.declare.declaration import Declaration
from assay.declare.model import Objective
from assay.declare.selectors import selects
from assay.domain import Outcome, Severity, Verdict

_CONCLUSIVE = frozenset({Outcome.PASS, Outcome.FAIL})


class Status(StrEnum):
    """Rising trust from ``not assessed`` to ``effective``; then the ways in which it is not held."""

    NOT_ASSESSED = "not assessed"
    CLAIMED = "claimed"
    DESIGNED = "designed"
    APPLIED = "applied"
    EFFECTIVE = "effective"
    DEVIATION = "deviation"
    FAILED = "failed"
    STALE = "stale"
    EXCEPTED = "excepted"


@dataclass(frozen=True, slots=True)
class Applied:
    """The digest of the configuration that was applied last (empty: none ever was), and of the one that the declaration
    compiles to now. Whether a gateway runs at this moment is for ``assay status`` to say.

    Attributes:
        altered: what was changed in the gateway's files beside the tool since, as a sentence; empty: nothing.
    """

    live: str = ""
    wanted: str = ""
    altered: str = ""

    @property
    def current(self) -> bool:
        """Whether what is declared is what is applied."""
        return bool(self.live) and self.live == self.wanted and not self.altered


@dataclass(frozen=True, slots=True)
class Deciding:
    """Which tests decide an objective, where not every test of its controls speaks about it.

    Attributes:
        tests: by control, ids of tests of design and of proofs; a control that is not named: all of its tests.
        shown: the controls of which something must have been shown on the running system; None: every one.
    """

    tests: Mapping[str, Collection[str]] = field(default_factory=dict)
    shown: Collection[str] | None = None

    def speaks(self, control: str, test: str) -> bool:
        """Whether this test of this control decides."""
        return control not in self.tests or test in self.tests[control]


@dataclass(frozen=True, slots=True)
class Side:
    """One side, design or operation: what was found.

    Attributes:
        outcome: ``pass``, ``fail``, ``inconclusive``, or ``not_applicable`` when nothing was looked at.
        population: how many tests or proofs had to be concluded; ``sample``: how many were.
        deviations: those that failed; ``bound``: the most of the population that may fail, at 95 % confidence.
    """

    outcome: Outcome
    sentence: str
    population: int = 0
    sample: int = 0
    deviations: int = 0
    bound: float = 1.0
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """An objective with its status, and the reasons."""

    id: str
    objective: Objective
    status: Status
    reason: str
    design: Side
    operating: Side
    evidence_age: float | None = None
    expires: datetime | None = None
    evidence: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1). Ages are seconds."""
        return {
            "id": self.id,
            "category": str(self.objective.category),
            "statement": self.objective.statement,
            "controls": list(self.objective.controls),
            "status": str(self.status),
            "reason": self.reason,
            "design": _side(self.design),
            "operating": _side(self.operating),
            "evidence_age": self.evidence_age,
            "expires": self.expires.isoformat() if self.expires else None,
            "evidence": list(self.evidence),
        }


def _side(side: Side) -> dict[str, Any]:
    return {
        "outcome": str(side.outcome),
        "sentence": side.sentence,
        "population": side.population,
        "sample": side.sample,
        "deviations": side.deviations,
        "bound": round(side.bound, 4),
        "findings": list(side.findings),
    }


ALL = Deciding()
"""Every test of every control of an objective."""


def standings(
    declaration: Declaration,
    design: Sequence[Verdict],
    facts: Mapping[str, Measured],
    applied: Applied,
    *,
    now: datetime,
) -> tuple[Standing, ...]:
    """Every declared objective, in the order of the declaration."""
    return tuple(
        standing(name, objective, design, facts.values(), applied, now=now)
        for name, objective in declaration.model.objectives.items()
    )


def standing(
    name: str,
    objective: Objective,
    design: Iterable[Verdict],
    facts: Iterable[Measured],
    applied: Applied,
    *,
    now: datetime,
    deciding: Deciding = ALL,
) -> Standing:
    """One objective. Pure: the same inputs give the same status; only ``now`` makes evidence old."""
    of_design = [v for v in design if decides(objective, deciding, v)]
    of_operation = [f for f in facts if decides(objective, deciding, f)]
    designed, excepted = _design(of_design)
    here = of_this_configuration(of_operation, applied)
    operating = _operating(objective, here, deciding, applied)
    oldest = min((f.at for f in here if f.outcome in _CONCLUSIVE), default=None)
    age = (now - oldest).total_seconds() if oldest else None
    expires = oldest + timedelta(seconds=objective.target.evidence_age) if oldest else None
    elsewhere = bool(of_operation) and not here
    excepted = excepted or any(f.excepted_by for f in here)
    status, reason = _status(designed, excepted, operating, applied, expires, elsewhere=elsewhere, now=now)
    evidence = tuple(dict.fromkeys(e for f in here if f.outcome in _CONCLUSIVE for e in f.evidence))
    return Standing(name, objective, status, reason, designed, operating, age, expires, evidence)


def decides(objective: Objective, deciding: Deciding, found: Verdict | Measured) -> bool:
    """Whether a verdict or something measured says anything about the objective."""
    if found.control not in objective.controls or not deciding.speaks(found.control, found.check):
        return False
    return in_scope(objective, found.subject)


def of_this_configuration(facts: Iterable[Measured], applied: Applied) -> list[Measured]:
    """What counts for the configuration that is applied: what was measured on it, and failures on another one.

    What held on another one says nothing about this one. What failed there stands until it is shown to hold here (see
    :func:`assay.assurance.facts.latest`, which leaves out what was).
    """
    return [f for f in facts if not applied.live or f.configuration == applied.live or f.outcome is Outcome.FAIL]


def in_scope(objective: Objective, subject: str) -> bool:
    """Whether a subject belongs to what the objective speaks about. What concerns no API concerns all of them.

    A scope by data class does not narrow the operations: an objective about personal data must hold wherever an API of
    its scope can be called.
    """
    scope = objective.scope
    if not scope.apis and not scope.operations:
        return True
    parts = subject.split(".")
    if parts[0] != "apis" or len(parts) < 2:
        return True
    if scope.apis and parts[1] not in scope.apis:
        return False
    if scope.operations and len(parts) > 3 and parts[2] == "operations":
        return any(selects(pattern, parts[3]) for pattern in scope.operations)
    return True


def _design(verdicts: Sequence[Verdict]) -> tuple[Side, bool]:
    looked = [v for v in verdicts if v.outcome in _CONCLUSIVE or v.outcome is Outcome.INCONCLUSIVE]
    # A note is worth knowing and no deviation from what was promised.
    bad = [v for v in looked if v.outcome is Outcome.FAIL and v.excepted_by is None and v.severity is not Severity.NOTE]
    excepted = [v for v in looked if v.excepted_by]
    vague = [v for v in looked if v.outcome is Outcome.INCONCLUSIVE and v.excepted_by is None]
    sentences = tuple(dict.fromkeys(v.sentence for v in (*bad, *vague)))
    size, shown = len(looked), len(looked) - len(vague)
    if not looked:
        return Side(Outcome.NOT_APPLICABLE, "no test of design speaks about it"), False
    if bad:
        told = f"{len(bad)} of {size} tests of design found something"
        return Side(Outcome.FAIL, told, size, shown, len(bad), 1.0, sentences), False
    if vague:
        told = f"{len(vague)} of {size} tests of design could not be concluded"
        return Side(Outcome.INCONCLUSIVE, told, size, shown, 0, 1.0, sentences), False
    verb = "holds" if size == 1 else "hold"
    told = f"{_all(size, 'test')} of design {verb}"
    told += f", {len(excepted)} of them by exception" if excepted else ""
    return Side(Outcome.PASS, told, size, shown, 0, 0.0), bool(excepted)


def _operating(objective: Objective, facts: Sequence[Measured], deciding: Deciding, applied: Applied) -> Side:
    """What was measured. The population is every proof that the claims call for: one that was not concluded, or not
    tried, counts as not shown."""
    due = [f for f in facts if f.outcome is not Outcome.NOT_APPLICABLE and not f.excepted_by]
    if not any(f.outcome is not Outcome.SKIPPED for f in due):
        return Side(Outcome.NOT_APPLICABLE, "nothing was measured on the running system")
    shown = [f for f in due if f.outcome in _CONCLUSIVE]
    failed = [f for f in shown if f.outcome is Outcome.FAIL]
    size, sample, bad = len(due), len(shown), len(failed)
    bound = upper_bound(bad, sample, population=size)
    if bad:
        told = f"{bad} of {sample} proofs failed"
        return Side(
            Outcome.FAIL, told, size, sample, bad, bound, tuple(dict.fromkeys(_told(f, applied) for f in failed))
        )
    wanted_of = objective.controls if deciding.shown is None else [c for c in objective.controls if c in deciding.shown]
    missing = [c for c in wanted_of if not any(f.control == c for f in shown)]
    wanted = float(objective.target.coverage.rstrip("%")) / 100
    vague = tuple(dict.fromkeys(f.sentence for f in due if f.outcome not in _CONCLUSIVE))
    if missing:
        told = f"nothing was shown about {', '.join(missing)}"
        return Side(Outcome.INCONCLUSIVE, told, size, sample, 0, bound, vague)
    if sample < wanted * size:
        told = f"{sample} of {size} proofs could be concluded, {objective.target.coverage} are wanted"
        return Side(Outcome.INCONCLUSIVE, told, size, sample, 0, bound, vague)
    told = f"{sample} of {size} proofs held" if sample < size else f"{_all(size, 'proof')} held"
    return Side(Outcome.PASS, told, size, sample, 0, bound, vague)


def _told(failure: Measured, applied: Applied) -> str:
    """What failed; and why it still counts, where it was tried again or something else was applied since."""
    if not failure.unsettled and applied.live and failure.configuration != applied.live:
        return f"{failure.sentence} (it stands: something else is applied since, and nothing shows that it holds now)"
    return failure.told


def _status(
    design: Side,
    excepted: bool,
    operating: Side,
    applied: Applied,
    expires: datetime | None,
    *,
    elsewhere: bool,
    now: datetime,
) -> tuple[Status, str]:
    if operating.outcome is Outcome.FAIL:
        return Status.FAILED, operating.sentence
    if design.outcome is Outcome.FAIL:
        return Status.DEVIATION, design.sentence
    if operating.outcome is Outcome.PASS and expires is not None and now >= expires:
        return Status.STALE, f"it was effective; its evidence expired {expires:%Y-%m-%d %H:%M} UTC"
    if excepted and operating.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
        return Status.EXCEPTED, "a deviation is accepted, until its exception expires"
    if design.outcome is Outcome.NOT_APPLICABLE and operating.outcome is Outcome.NOT_APPLICABLE:
        return Status.NOT_ASSESSED, "nothing looked at it"
    if operating.outcome is Outcome.PASS and design.outcome is not Outcome.INCONCLUSIVE:
        if not applied.live:
            return Status.STALE, "it was proven on a configuration that is not applied here any more"
        if not applied.current:
            return Status.STALE, applied.altered or "what was proven is applied, but the declaration has changed since"
        return Status.EFFECTIVE, operating.sentence
    if elsewhere:
        return Status.STALE, "it was proven on another configuration than the one that is applied"
    if design.outcome is Outcome.PASS:
        if applied.current:
            return Status.APPLIED, f"it is applied; {operating.sentence}"
        if not applied.live:
            return Status.DESIGNED, "it was never applied"
        return Status.DESIGNED, applied.altered or "what is declared is not what is applied"
    return Status.CLAIMED, design.sentence


def _all(count: int, what: str) -> str:
    return f"the only {what}" if count == 1 else f"all {count} {what}s"
