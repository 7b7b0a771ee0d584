"""The risk register of a project: its risks, with what is decided about them, at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assay import __version__
from assay.app.data_verified import kept_transforms
from assay.app.project import Project
from assay.app.risk import Assessed, assessed
from assay.domain import UsageError, Verdict, did_you_mean
from assay.risk import replay
from assay.risk.ageing import Rise, next_rise
from assay.risk.assess import Prepared, against, evaluate
from assay.risk.decisions import undecided, unplaced
from assay.risk.facts import Ignored
from assay.risk.formula import rate
from assay.risk.reached import Reaches
from assay.risk.register import Given, Register, Row, entries, given, regiven
from assay.risk.simulation import Ranges, Simulated, Stake, simulate
from assay.risk.stored import save
from assay.risk.threats import threats
from assay.risk.words import Assessment, Reading, Remedy
from assay.sensitivity import closure, reach


@dataclass(frozen=True, slots=True)
class Looked:
    """A register, and what it was made from.

    Attributes:
        remedies: by threat: what controls claim against it.
        ignored: results of proofs that were not counted, and why.
    """

    project: Project
    register: Register
    remedies: Mapping[str, Sequence[Remedy]]
    ignored: tuple[Ignored, ...]

    def sources(self, verdicts: Iterable[Verdict]) -> Mapping[str, str]:
        """Texts of the files that verdicts speak about."""
        return self.project.sources_for(verdicts)


def register(project: Project, now: datetime) -> Register:
    """The register of a project at a moment, the worst first. See :func:`looked`."""
    return looked(project, now).register


def looked(project: Project, now: datetime) -> Looked:
    """The register of a project at a moment, with what it was made from.

    Raises:
        AssayError: the declaration does not compile, or the log is damaged beyond reading.
    """
    return of_assessed(project, assessed(project, now), now)


def of_assessed(project: Project, found: Assessed, now: datetime) -> Looked:
    """The register over an assessment that nothing was given to."""
    declaration = project.declaration
    model, today = declaration.model, now.date()
    values, judged, happened = given(found.assessments, model, today)
    prepared = _prepared(found, values)
    assessments = [evaluate(prepared[a.scenario.id], now) if a.scenario.id in values else a for a in found.assessments]
    verified = kept_transforms(project, now) if found.evidence.live.current else ()
    closed = closure(declaration, verified)
    reaches = Reaches(declaration, closed, reach(declaration, closed))
    made = entries(
        assessments,
        model,
        now,
        reach=reaches.of,
        rise=lambda one: _rise(prepared[one.scenario.id], one, now),
        judged=judged,
        happened=happened,
    )
    counted = {index for past in happened.values() for index in past.incidents}
    # Decisions are about the whole; a part of a project has only its own scenarios.
    whole = project.whole is None
    names = {a.scenario.id for a in assessments}
    notes = unplaced(model, names, threats().keys(), counted, today, declaration.locate) if whole else ()
    findings = (*notes, *undecided(made, declaration.locate))
    return Looked(project, Register(made, now, findings), against(found.remedies), found.ignored)


def _prepared(found: Assessed, values: Given) -> Mapping[str, Prepared]:
    """What assessments are evaluated from, with what is given in its factors."""
    before = found.board.prepared
    return {
        **before,
        **{id: replace(before[id], scenario=regiven(before[id].scenario, each)) for id, each in values.items()},
    }


def _rise(prepared: Prepared, assessment: Assessment, now: datetime) -> Rise | None:
    """When age alone raises the rating: not before the results that count now have faded enough."""
    first = replay.rise(assessment, now)
    if first is None:
        return None
    return next_rise(lambda at: rate(evaluate(prepared, at).evidenced), now, not_before=first.at)


def choose(register: Register, scenario: str) -> Row:
    """The risk of this scenario.

    Raises:
        UsageError: there is none.
    """
    for row in register.rows:
        if row.id == scenario:
            return row
    raise UsageError(
        f"there is no scenario `{scenario}`", fix=did_you_mean(scenario, (r.id for r in register.rows), what="scenario")
    )


@dataclass(frozen=True, slots=True)
class Money:
    """What a year may cost: as evidence supports (with estimates that count), as claimed, and without any control."""

    residual: Simulated
    claimed: Simulated
    inherent: Simulated


def money(found: Looked) -> Money:
    """Simulates a year, three times over with the same luck.

    Raises:
        UsageError: the declaration does not say what incidents cost, or of how many people.
    """
    model, locate = found.project.declaration.model, found.project.declaration.locate
    losses = model.losses
    if losses is None:
        raise UsageError(
            "the declaration does not say what incidents cost",
            fix="declare `losses`, such as {currency: EUR, per_incident: [10000, 400000], per_record: [0.5, 5]}",
            location=locate(),
        )
    entered = found.register.rows
    if losses.per_incident is None and entered and not any(r.reach.subjects for r in entered):
        raise UsageError(
            "`losses` are per person only, and the declaration does not say how many people there are data about",
            fix="declare `organisation.subjects`, or `count` of data sets",
            location=locate("losses"),
        )
    ranges = Ranges(losses.currency, losses.per_incident, losses.per_record, losses.frequency)

    def drawn(readings: Iterable[Reading]) -> Simulated:
        pairs = zip(entered, readings, strict=True)
        return simulate((Stake(r.id, one.likelihood, one.impact, r.reach.subjects) for r, one in pairs), ranges)

    return Money(
        drawn(r.residual for r in entered),
        drawn(r.assessment.claimed for r in entered),
        drawn(r.assessment.inherent for r in entered),
    )


def stored(project: Project, found: Looked) -> str:
    """The register as it is stored, to be computed again later."""
    return save(
        found.register,
        tool=f"Assay {__version__}",
        organisation=project.everything.model.organisation.name,
        declaration=project.declaration.digest,
    )
