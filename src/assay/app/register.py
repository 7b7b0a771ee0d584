"""The risk register of a project: its risks, with what is decided about them, at a moment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from assay import __version__
from assay.app.aiming import at_project
from assay.app.data_verified import kept_transforms
from assay.app.project import Project
from assay.app.risk import Assessed, assessed
from assay.controls._lib.subjects import served_apis
from assay.controls.registry import plan_cases
from assay.domain import UsageError, Verdict, did_you_mean
from assay.prove.bounds import Limits
from assay.prove.case import Case
from assay.prove.plan import summarise
from assay.risk import replay
from assay.risk.ageing import Rise, next_rise
from assay.risk.assess import Board, Prepared, evaluate
from assay.risk.decisions import undecided, unplaced
from assay.risk.facts import Ignored
from assay.risk.formula import rate
from assay.risk.next_ import Step, steps
from assay.risk.reached import Reaches
from assay.risk.register import Given, Register, Row, entries, given, regiven
from assay.risk.simulation import Ranges, Simulated, Stake, simulate
from assay.risk.stored import save
from assay.risk.threats import threats
from assay.risk.words import Assessment, Reading
from assay.sensitivity import closure, reach


@dataclass(frozen=True, slots=True)
class Looked:
    """A register, and what it was made from.

    Attributes:
        ignored: results of proofs that were not counted, and why.
        board: the assessments, with what is given in their factors, and what they were made from.
    """

    project: Project
    register: Register
    ignored: tuple[Ignored, ...]
    board: Board

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
    board = _given(found.board, values, now)
    assessments = board.assessments
    verified = kept_transforms(project, now) if found.evidence.live.current else ()
    closed = closure(declaration, verified)
    reaches = Reaches(declaration, closed, reach(declaration, closed))
    exact = sum(len(pool.passed) for p in board.prepared.values() for pool in p.pools.values()) <= _EXACTLY
    made = entries(
        assessments,
        model,
        now,
        reach=reaches.of,
        rise=lambda one: _rise(board.prepared[one.scenario.id], one, now, exact=exact),
        judged=judged,
        happened=happened,
    )
    counted = {index for past in happened.values() for index in past.incidents}
    names = {a.scenario.id for a in assessments}
    elsewhere = _elsewhere(project)
    notes = unplaced(
        model,
        names | {name for name in model.risks if name.partition("@")[2] in elsewhere},
        threats().keys(),
        counted | {i for i, incident in enumerate(model.incidents) if _within(incident.on, elsewhere)},
        today,
        declaration.locate,
    )
    findings = (*notes, *undecided(made, declaration.locate))
    return Looked(project, Register(made, now, findings), found.ignored, board)


def _elsewhere(project: Project) -> frozenset[str]:
    """What other gateways of the same declaration serve: decisions about it are not this part's to judge."""
    here, everywhere = project.declaration.model, project.everything.model
    return frozenset(
        f"{section}.{name}"
        for section in ("apis", "consumers")
        for name in getattr(everywhere, section).keys() - getattr(here, section).keys()
    )


def _within(on: str | None, routes: frozenset[str]) -> bool:
    return on is not None and on.partition(".operations.")[0] in routes


def _given(before: Board, values: Given, now: datetime) -> Board:
    """The board with what is given in the factors of its scenarios."""
    if not values:
        return before
    prepared, assessed = dict(before.prepared), dict(before.assessed)
    for id, each in values.items():
        prepared[id] = replace(prepared[id], scenario=regiven(prepared[id].scenario, each))
        assessed[id] = evaluate(prepared[id], now)
    return replace(before, prepared=prepared, assessed=assessed)


_EXACTLY = 20_000
"""Of so many results it is looked up to the second when risks rise; of more, the day before which they cannot."""


def _rise(prepared: Prepared, assessment: Assessment, now: datetime, *, exact: bool) -> Rise | None:
    """When age alone raises the rating: not before the results that count now have faded enough."""
    first = replay.rise(assessment, now, step=1 if exact else 86400)
    if first is None or not exact:
        return first
    return next_rise(lambda at: rate(evaluate(prepared, at).evidenced), now, not_before=first.at)


def what_next(found: Looked, environment: str | None = None) -> tuple[Step, ...]:
    """What lowers risk most per effort, if it succeeds. Cases are planned; nothing is sent.

    Args:
        environment: the one that commands are for, where it has to be said.
    """
    declared = found.project.declaration.model.prove.bounds
    limits = Limits(
        requests=declared.requests, per_second=declared.per_second, seconds=declared.seconds, wait=declared.wait
    )
    options = f"--environment {environment}" if environment else ""
    return steps(found.board, _cases(found.project), lambda cases: summarise(cases, limits).seconds, options=options)


def _cases(project: Project) -> tuple[Case, ...]:
    """What a run through the gateway would try, in every environment that it serves; started or not."""
    environments = dict.fromkeys(api.environment for _, api in served_apis(project.declaration))
    tls = not project.declaration.model.gateway.plaintext
    found: list[Case] = []
    with tempfile.TemporaryDirectory() as folder:  # aiming makes the folders of a state, and looking must not
        elsewhere = replace(project, state=Path(folder) / "state")
        for name in environments:
            # Aimed past the gateway, which need not be there, and planned as for the gateway.
            aim = at_project(elsewhere, via="direct", environment=name)
            found += plan_cases(replace(aim.surface, via="gateway", tls=tls))
    return tuple(found)


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
