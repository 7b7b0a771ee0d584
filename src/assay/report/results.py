"""What was proven, as one versioned JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.assurance.objectives import Standing
from assay.prove.result import RunResult
from assay.report.dossier import Dossier
from assay.report.json_ import document
from assay.report.summary import summarise


def run_as_json(run: RunResult) -> dict[str, Any]:
    """A run without its proofs."""
    return {
        "id": run.id,
        "seed": run.seed,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
        "target": run.target,
        "via": run.via,
        "declaration": run.declaration_digest,
        "configuration": run.configuration_digest,
        "planned": run.planned,
        "requests": run.requests,
        "writes": run.writes,
        "stopped": run.stopped or None,
        "authorised": run.authorised,
        "left_behind": list(run.left),
    }


def proved(
    run: RunResult,
    *,
    direct: RunResult | None = None,
    standings: Iterable[Standing] = (),
    needs: Iterable[str] = (),
) -> str:
    """For ``assay prove``: the run, its verdicts, what it covered and what it could not reach."""
    more: dict[str, Any] = {}
    if direct is not None:
        more["direct"] = {"run": run_as_json(direct), "verdicts": [p.as_json() for p in direct.proofs]}
        more["contribution"] = contribution(run, direct)
    return document(
        run=run_as_json(run),
        summary=summarise(p.verdict for p in run.proofs).as_json(),
        objectives=[s.as_json() for s in standings],
        verdicts=[p.as_json() for p in run.proofs],
        coverage=[
            {"control": c.control, "subject": c.subject, "identity": c.identity, "outcomes": dict(c.outcomes)}
            for c in run.coverage
        ],
        unreached=_unreached(run),
        needs=list(needs),
        **more,
    )


def _unreached(run: RunResult) -> list[dict[str, str]]:
    return [
        {"control": u.control, "subject": u.subject, "identity": u.identity, "reason": u.reason} for u in run.unreached
    ]


def contribution(run: RunResult, direct: RunResult) -> list[dict[str, str]]:
    """What the gateway adds: cases that fail at the service itself and hold through the gateway."""
    bare = {p.case: p for p in direct.proofs}
    return [
        {"case": p.case, "direct": bare[p.case].verdict.sentence, "gateway": p.verdict.sentence}
        for p in run.proofs
        if p.case in bare and p.verdict.outcome == "pass" and bare[p.case].verdict.outcome == "fail"
    ]


def report(dossier: Dossier) -> str:
    """For ``assay report --format json``."""
    evidence = dossier.evidence
    return document(
        organisation=dossier.organisation,
        at=dossier.now.isoformat(),
        tool=dossier.tool,
        declaration=dossier.declaration_digest,
        configuration={"live": dossier.live or None, "declared": dossier.wanted},
        objectives=[s.as_json() for s in dossier.standings],
        run=run_as_json(dossier.run) if dossier.run else None,
        summary={
            "design": summarise(dossier.design).as_json(),
            "operating": summarise(p.verdict for p in dossier.proofs).as_json(),
        },
        design=[v.as_json() for v in dossier.design],
        verdicts=[p.as_json() for p in dossier.proofs],
        trend=dossier.trend.as_json() if dossier.trend else None,
        unreached=_unreached(dossier.run) if dossier.run else [],
        not_read=[each.as_json() for each in dossier.judgement.unread],
        evidence={
            "directory": evidence.directory,
            "records": evidence.records,
            "checkpoint": evidence.checkpoint,
            "verified": evidence.verified,
            "problems": list(evidence.problems),
            "witnessed": evidence.witnessed or None,
        }
        if evidence
        else None,
    )
