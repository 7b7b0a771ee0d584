"""What a report concludes from a project's verdicts: objectives, frameworks, risks, exceptions, maturity."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from assay.app.coverage import matrices
from assay.app.exceptions import Listed, listing
from assay.app.maturity import matured
from assay.app.project import Project
from assay.app.register import register
from assay.app.reporting import dossier
from assay.frameworks.judging import Judged
from assay.report.dossier import Dossier
from assay.report.judgement import ExceptionNote, Judgement


def judged_dossier(project: Project, *, now: datetime) -> Dossier:
    """Everything a full report says at the moment ``now``.

    Raises:
        AssayError: the declaration does not compile, or the log is damaged beyond reading.
    """
    made = dossier(project, now=now)
    return replace(made, judgement=_judgement(project, made.judgement.objectives, now))


def _judgement(project: Project, objectives: tuple[Judged, ...], now: datetime) -> Judgement:
    found = matured(project, now)
    return Judgement(
        objectives=objectives,
        coverages=matrices(project, objectives, now),
        register=register(project, now),
        exceptions=tuple(_note(each) for each in listing(project, now)),
        maturity=found.result,
        earlier=tuple((k.at.date(), k.overall) for k in found.trend.kept),
        unread=found.unread,
    )


def _note(found: Listed) -> ExceptionNote:
    entry, consent = found.entry, found.consent
    return ExceptionNote(
        id=consent.id,
        control=entry.control,
        check=entry.check or "",
        on=entry.on,
        reason=entry.reason,
        owner=entry.owner,
        requested_by=consent.requested.person if consent.requested else "",
        approved_by=consent.approved.person if consent.approved else entry.approved_by,
        compensating=entry.compensating,
        expires=entry.expires,
        days=found.days,
        state=found.state,
        signed=found.signed,
        covers=tuple(dict.fromkeys(v.sentence for v in (*found.design, *found.proven))),
        missing=consent.missing,
    )
