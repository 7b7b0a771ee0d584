"""Puts together what a report is made of: declaration, tests of design, kept runs, what is live, the log."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from assay import __version__
from assay.app.deciding import revoked
from assay.app.keeping import RUNS, evidence_directory, kept_runs, with_exchanges
from assay.app.objectives import judge
from assay.app.once import tests_of_design, wanted
from assay.app.organisation import organisation
from assay.app.project import Project
from assay.app.subjects import roots
from assay.assurance.facts import Measured, latest
from assay.assurance.objectives import Applied
from assay.assurance.trend import trend
from assay.controls.exceptions import overlay
from assay.controls.registry import controls
from assay.domain import AssayError, Outcome, Verdict
from assay.evidence import cosigned
from assay.evidence.checkpoint import COSIGNATURE, key_hash
from assay.evidence.cosigned import Attested
from assay.evidence.files import LogFiles
from assay.evidence.verify import verify
from assay.gateway.state import Paths, lock, meddled, prepare, read_applied
from assay.prove.result import Proof, RunResult
from assay.report.dossier import ControlNote, Dossier, EvidenceNote
from assay.report.judgement import Judgement

_APPLYING = 10.0
"""So many seconds a report waits for an application that is under way."""


def applied(project: Project) -> Applied:
    """Digests of what was last applied here and of what the declaration compiles to now, and what was altered since."""
    compiled = wanted(project).digest
    if not project.state.is_dir():
        return Applied("", compiled)
    paths = prepare(project.state, environ=os.environ)
    live, altered = _live(paths)
    if altered:
        # Somebody may be applying at this moment: what is there when they are done counts.
        with suppress(AssayError), lock(paths, timeout=_APPLYING):
            live, altered = _live(paths)
    return Applied(live, compiled, altered)


def _live(paths: Paths) -> tuple[str, str]:
    live = read_applied(paths)
    return (live.policy, next(iter(meddled(paths, live)), "")) if live else ("", "")


def excepted(project: Project, proofs: Sequence[Proof], at: datetime) -> tuple[Proof, ...]:
    """The proofs with the exceptions laid over them that the declaration has at this moment, and no others.

    Kept verdicts still name the exception that covered them when they were kept. It may have expired since, or stand
    for another finding; so it is taken off first.
    """
    return _laid_over(project, proofs, at, revoked(project, at))


def with_exceptions(project: Project, runs: Iterable[RunResult], at: datetime) -> tuple[RunResult, ...]:
    """Runs whose proofs are :func:`excepted`."""
    gone = revoked(project, at)  # reads the whole log, which is the same for every run
    return tuple(replace(r, proofs=_laid_over(project, r.proofs, at, gone)) for r in runs)


def _laid_over(project: Project, proofs: Sequence[Proof], at: datetime, gone: Collection[str]) -> tuple[Proof, ...]:
    bare = [replace(p.verdict, excepted_by=None) for p in proofs]
    laid, _ = overlay(project.everything, bare, at.date())
    return tuple(replace(p, verdict=v) for p, v in zip(proofs, _without(laid, gone), strict=True))


def _without(verdicts: Iterable[Verdict], exceptions: Collection[str]) -> tuple[Verdict, ...]:
    return tuple(replace(v, excepted_by=None) if v.excepted_by in exceptions else v for v in verdicts)


def dossier(project: Project, *, now: datetime, full: bool = True) -> Dossier:
    """Everything a report of this project says at the moment ``now``; ``full``: with the exchanges of every proof.

    Raises:
        AssayError: the declaration does not compile, or the log is damaged beyond reading.
    """
    kept = _runs(project, now)
    through = [r for r in kept if r.via == "gateway"]
    today = with_exceptions(project, through, now)
    run, before = (today[-1] if today else None), through[:-1]
    design = design_at(project, now)
    state = applied(project)
    facts = standing_facts(project, today, state)
    proofs = _proofs(today, facts)
    judged = judge(project.declaration, design, facts, state, now=now)
    return Dossier(
        organisation=project.declaration.model.organisation.name,
        title=", ".join(a.title or i for i, a in project.declaration.model.apis.items()),
        now=now,
        tool=f"Assay {__version__}",
        declaration_digest=project.declaration.digest,
        live=state.live,
        wanted=state.wanted,
        standings=tuple(each.standing for each in judged),
        controls=_notes(),
        design=design,
        proofs=with_exchanges(project, proofs) if full and proofs else proofs,
        run=run,
        direct=next((r for r in reversed(kept) if r.via == "direct"), None),
        # What had been accepted at the time counts as accepted then; what is no longer accepted is open again.
        trend=trend(standing_facts(project, before, state), facts) if before else None,
        compared=before[-1].started if before else None,
        evidence=_evidence(project, now) if full else None,
        organisation_note=organisation(project, now) if full else None,
        judgement=Judgement(objectives=judged),
        root=str(project.declaration.root),
    )


def facts_at(project: Project, at: datetime, state: Applied) -> Mapping[str, Measured]:
    """The newest outcome of every case that had been run by then, with the exceptions of that day, by case id."""
    runs = [r for r in _runs(project, at) if r.via == "gateway"]
    return standing_facts(project, with_exceptions(project, runs, at), state)


def standing_facts(project: Project, runs: Iterable[RunResult], state: Applied) -> Mapping[str, Measured]:
    """What stands of every case over these runs, by case id: see :func:`assay.assurance.facts.latest`."""
    root = roots(project.declaration)
    return latest(runs, state.live, lambda subject: root(subject) is not None)


def _proofs(runs: Iterable[RunResult], facts: Mapping[str, Measured]) -> tuple[Proof, ...]:
    """The proof behind what stands of every case, in the order in which the cases came up first."""
    found: dict[str, Proof | None] = {}
    for run in runs:
        for proof in run.proofs:
            found.setdefault(proof.case, None)
            fact = facts.get(proof.case)
            if fact and (fact.at, fact.configuration) == (proof.started, run.configuration_digest):
                found[proof.case] = _told(proof, fact)
    return tuple(p for p in found.values() if p is not None and p.verdict.outcome is not Outcome.SKIPPED)


def _told(proof: Proof, fact: Measured) -> Proof:
    """With why nothing could be concluded when it was tried again."""
    return replace(proof, verdict=replace(proof.verdict, sentence=fact.told)) if fact.unsettled else proof


def _runs(project: Project, at: datetime) -> tuple[RunResult, ...]:
    """The kept runs that had begun by then: what is dated later shows nothing yet, whoever's clock is wrong."""
    return tuple(run for run in kept_runs(project, limit=RUNS) if run.started <= at)


def design_at(project: Project, at: datetime) -> tuple[Verdict, ...]:
    """What reading and the tests of design find, with the exceptions of that day."""
    design = tests_of_design(project, at.date())
    return (*project.everything.notes, *_without(design, revoked(project, at)))


def _notes() -> tuple[ControlNote, ...]:
    return tuple(
        ControlNote(
            c.id,
            c.about.title,
            c.about.argument,
            c.about.threats,
            c.about.references,
            {k: v.title for k, v in c.about.checks.items()} | {k: v.title for k, v in c.about.proofs.items()},
        )
        for c in controls()
    )


def _evidence(project: Project, at: datetime) -> EvidenceNote | None:
    directory = evidence_directory(project)
    if not directory.is_dir():
        return None
    try:
        listed = cosigned.read(LogFiles(directory).witnessed)
        known = {each.name: each.public for each in listed}
        found = verify(directory, now=at, declaration=project.declaration.digest, witnesses=known)
    except AssayError as error:
        return EvidenceNote(str(directory), verified=False, problems=(error.sentence,))
    return EvidenceNote(
        str(directory),
        records=found.records,
        checkpoint=found.checkpoint.text if found.checkpoint else "",
        keys=(found.fingerprint,) if found.fingerprint else (),
        verified=found.ok,
        problems=tuple(f.sentence for f in found.findings if not f.notice),
        witnessed="; ".join(_witnessed(each, known[each.name]) for each in found.witnesses),
    )


def _witnessed(by: Attested, public: bytes) -> str:
    hint = key_hash(by.name, public, COSIGNATURE).hex()
    return f"by {by.name} (key {hint}), {by.when}, up to record {by.size:,}"
