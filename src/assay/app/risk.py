"""What remains at risk in a project: everything the engine needs, gathered; it knows no control and no disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from assay.app.data_verified import kept_transforms
from assay.app.guarding import Guarding
from assay.app.keeping import RUNS, kept_runs
from assay.app.once import tests_of_design, wanted
from assay.app.project import Project
from assay.app.reporting import applied, with_exceptions
from assay.app.subjects import roots
from assay.assurance.facts import Measured, measured
from assay.assurance.objectives import Applied
from assay.controls.registry import controls
from assay.declare.quantities import parse_duration
from assay.domain import Outcome
from assay.prove.result import RunResult
from assay.risk.assess import Board, board
from assay.risk.factors import Given
from assay.risk.facts import Evidence, Ignored, Live, gather
from assay.risk.scenarios import Surroundings, scenarios
from assay.risk.uncollected import uncollected
from assay.risk.words import Assessment, Remedy, Scenario
from assay.sensitivity import closure, reach

OLDER = f"in runs before the newest {RUNS}, which are not looked at: prove again what they found"
ANOTHER = "measured for another wording of the declaration; what it compiles to is the same, so it counts"


@dataclass(frozen=True, slots=True)
class Assessed:
    """A project's risks at a moment.

    Attributes:
        assessments: the worst first.
        ignored: results of proofs that were not counted, and why; and what counts although it was made for another
            wording of the declaration.
        board: what brings it up to date quickly.
    """

    assessments: tuple[Assessment, ...]
    ignored: tuple[Ignored, ...]
    scenarios: tuple[Scenario, ...]
    remedies: tuple[Remedy, ...]
    evidence: Evidence
    board: Board


def assess(project: Project, now: datetime, *, given: Mapping[str, Given] | None = None) -> tuple[Assessment, ...]:
    """Every scenario of a project at a moment, the worst first. See :func:`assessed`."""
    return assessed(project, now, given=given).assessments


@uncollected()
def assessed(project: Project, now: datetime, *, given: Mapping[str, Given] | None = None) -> Assessed:
    """What remains at risk, with what it was concluded from.

    Args:
        now: the moment; results that are dated later do not count.
        given: by scenario: factors that people decided, each with the reason.

    Raises:
        AssayError: the declaration does not compile, or the log is damaged beyond reading.
    """
    kept = kept_runs(project, limit=RUNS + 1)
    older, runs = kept[:-RUNS], [run for run in kept[-RUNS:] if run.via == "gateway"]
    today = with_exceptions(project, runs, now)
    state = applied(project)
    # Where nothing of ours was ever applied, nothing of ours is live: what was proven then is of no configuration.
    live = Live(now, state.live, state.current)
    facts = (fact for run in today for fact in measured(run))
    evidence = gather(facts, live, roots(project.declaration))
    against = remedies()
    found = scenarios(_surroundings(project, now, against, given or {}, state, evidence))
    made = board(found, against, evidence)
    return Assessed(made.assessments, _ignored(evidence, project, runs, older), found, against, evidence, made)


@cache
def remedies() -> tuple[Remedy, ...]:
    """What every control claims against threats, from its ``control.yaml``."""
    return tuple(
        Remedy(
            control=control.id,
            threat=threat,
            kind=meets.kind,
            capability=meets.capability,
            argument=meets.argument,
            domain=control.about.failure_domain_id,
            reliability=meets.reliability,
            evidence_age=parse_duration(control.about.evidence_age),
            proofs=meets.proofs,
            exploits=meets.exploits,
            checks=meets.checks,
        )
        for control in controls()
        for threat, meets in control.about.meets.items()
    )


def _surroundings(
    project: Project,
    now: datetime,
    against: Iterable[Remedy],
    given: Mapping[str, Given],
    state: Applied,
    evidence: Evidence,
) -> Surroundings:
    declaration = project.declaration
    closed = closure(declaration, kept_transforms(project, now) if state.current else ())
    return Surroundings(
        declaration,
        closed,
        reach(declaration, closed),
        Guarding(wanted(project), tests_of_design(project, now.date()), against),
        now.date(),
        given,
        confirmed=_confirmed(evidence),
    )


_CONFIRMING = ("data_classification", "payload-above-label")
"""The proof that holds payloads against their labels."""


def _confirmed(evidence: Evidence) -> frozenset[str]:
    """APIs whose answers were looked at and held nothing above their labels."""
    seen: dict[str, bool] = {}
    for subject, by_proof in evidence.about.items():
        for fact in by_proof.get(_CONFIRMING, ()):
            api = subject.split(".operations.")[0].removeprefix("apis.")
            seen[api] = seen.get(api, True) and fact.outcome is Outcome.PASS
    return frozenset(api for api, clean in seen.items() if clean)


def _ignored(
    evidence: Evidence, project: Project, runs: Iterable[RunResult], before: Iterable[RunResult]
) -> tuple[Ignored, ...]:
    """What did not count; and what did, although the declaration was worded otherwise when it was measured."""
    said = [*evidence.ignored]
    unseen = [proof.verdict.subject for run in before for proof in run.proofs]
    if unseen:
        said.append(Ignored(OLDER, len(unseen), tuple(sorted(set(unseen))[:3])))
    others = [run for run in runs if run.declaration_digest != project.declaration.digest]
    used = {fact.key: fact for about in evidence.about.values() for facts in about.values() for fact in facts}
    older: list[Measured] = []
    for run in others:
        for fact in measured(run):
            counted = used.get(fact.key)
            if counted is not None and counted.at == fact.at:
                older.append(fact)
    if older:
        said.append(Ignored(ANOTHER, len(older), tuple(sorted({f.subject for f in older})[:3])))
    return tuple(said)
