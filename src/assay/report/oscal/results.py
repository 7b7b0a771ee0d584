"""The assessment results: observations, a finding for every objective, and risks where they were assessed.

OSCAL knows ``satisfied`` and ``not-satisfied`` only. An objective that nobody has shown is not satisfied, with the
reason ``other``; the property ``status`` says which of Assay's statuses it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.assurance.objectives import Side, Standing, Status
from assay.frameworks.judging import Share
from assay.report.oscal import frame
from assay.report.oscal.material import Material
from assay.report.oscal.objectives import Aim, Aims
from assay.report.oscal.observations import Observations, Seen, collected
from assay.report.oscal.plan import reviewed
from assay.report.oscal.risks import Risk, scenario_risks
from assay.report.oscal.words import Json, bullets, full, line, moment, named, prop, props, prose, raw, string

_REASON = {Status.EFFECTIVE: "pass", Status.FAILED: "fail", Status.DEVIATION: "fail"}
_IMPLEMENTED = {
    Status.EFFECTIVE: "implemented",
    Status.APPLIED: "implemented",
    Status.DESIGNED: "planned",
    Status.DEVIATION: "partial",
}
_SHOWN = 50


def results(material: Material, version: str) -> Json:
    """One result: everything that is known at the dossier's moment."""
    aims, seen = Aims(material), Observations(material)
    risks = scenario_risks(material, seen)
    return frame.document(
        frame.RESULTS,
        material,
        version,
        frame.named_title(material, "assessment results"),
        {
            "import-ap": {"href": frame.file_name(frame.PLAN)},
            "results": [_result(material, aims, seen, risks)],
        },
        [frame.declaration_resource(material)],
    )


def findings(aims: Aims, seen: Observations, risks: Sequence[Risk]) -> list[Json]:
    """A finding for every promised objective."""
    return [
        _finding(aim, standing, aims.share(aim), seen.of_standing(standing), risks) for aim, standing in aims.promised
    ]


def unsatisfied(aims: Aims, seen: Observations, risks: Sequence[Risk]) -> list[Json]:
    """A finding for every objective that is not satisfied, with the observations that are not as they should be."""
    return [
        _finding(aim, standing, aims.share(aim), [s for s in seen.of_standing(standing) if not s.held], risks)
        for aim, standing in aims.promised
        if standing.status is not Status.EFFECTIVE
    ]


def finding_name(aim: Aim) -> str:
    """The name of what was found about an objective."""
    return named("finding", aim.control)


def _result(material: Material, aims: Aims, seen: Observations, risks: Sequence[Risk]) -> Json:
    found, run = material.dossier, material.dossier.run
    start = min(collected(seen.all, found.now), run.started if run else found.now)
    what = f"{line(run.target)}, run {line(run.id)}" if run else "Nothing was proven on the running system yet."
    return full(
        uuid=named("result", found.declaration_digest, found.live, run.id if run else "", moment(found.now)),
        title="Tests of design and proofs on the running system" if run else "Tests of design",
        description=raw(what, f"Judged at {moment(found.now)}."),
        start=moment(start),
        end=moment(max(start, run.finished if run else found.now)),
        props=_about(material),
        links=[{"href": f"{material.pack.folder}/", "rel": "evidence"}] if material.pack else [],
        local_definitions=full(components=frame.subjects_of(material), assessment_assets=frame.assets(material)),
        reviewed_controls=reviewed(aims),
        assessment_log=_log(material),
        observations=[s.json for s in seen.all],
        risks=[r.json for r in risks],
        findings=findings(aims, seen, risks),
        remarks=_unreached(material),
    )


def _about(material: Material) -> list[Json]:
    found, run, evidence = material.dossier, material.dossier.run, material.dossier.evidence
    same = found.live == found.wanted if found.live else None
    verified = {True: "yes", False: "no", None: "not tried"}[evidence.verified] if evidence else "none is kept"
    return props(
        {
            "configuration-applied": found.live or "none",
            "configuration-declared": found.wanted,
            "configuration-is-current": {True: "yes", False: "no", None: None}[same],
            "run": run.id if run else None,
            "run-stopped": run.stopped if run else None,
            "proofs-planned": run.planned if run else None,
            "not-reached": len(run.unreached) if run else None,
            "not-chosen": len(run.unchosen) if run else None,
            "evidence-verified": verified,
            "evidence-records": evidence.records if evidence else None,
            "evidence-witnessed": (evidence.witnessed or "no") if evidence else None,
        }
    )


def _log(material: Material) -> Json:
    given = (("through the gateway", material.dossier.run), ("at the services", material.dossier.direct))
    runs = [(where, r) for where, r in given if r is not None]
    return full(
        entries=[
            full(
                uuid=named("log", r.id, where),
                title=line(f"Run {r.id}, {where}"),
                description=prose(
                    f"{len(r.proofs)} of {r.planned} planned proofs; {r.requests} requests, of which {r.writes} wrote.",
                    f"Stopped early: {r.stopped}" if r.stopped else "",
                ),
                start=moment(r.started),
                end=moment(max(r.started, r.finished)),
            )
            for where, r in runs
        ]
    )


def _unreached(material: Material) -> str:
    run, unread = material.dossier.run, material.dossier.judgement.unread
    missing = raw("Not read:", bullets([each.told for each in unread])) if unread else ""
    if run is None or not run.unreached:
        return missing
    shown = [f"{u.control}, {u.subject}, as {u.identity}: {u.reason}" for u in run.unreached[:_SHOWN]]
    more = len(run.unreached) - len(shown)
    return raw("Not tested:", bullets(shown), f"{more} more." if more else "", missing)


def _finding(
    aim: Aim, standing: Standing, share: Share | None, rests_on: Sequence[Seen], risks: Sequence[Risk]
) -> Json:
    held = standing.status is Status.EFFECTIVE
    controls = frozenset(standing.objective.controls)
    return full(
        uuid=finding_name(aim),
        title=line(f"{standing.id}: {standing.status}"),
        description=prose(standing.objective.statement, f"{str(standing.status).capitalize()}: {standing.reason}."),
        origins=[frame.origin()],
        target=full(
            type="objective-id",
            target_id=aim.objective,
            title=line(aim.statement),
            props=_measures(standing, share),
            status=full(
                state="satisfied" if held else "not-satisfied",
                reason=_REASON.get(standing.status, "other"),
                remarks=prose(standing.reason),
            ),
            implementation_status={"state": _IMPLEMENTED[standing.status]} if standing.status in _IMPLEMENTED else {},
        ),
        related_observations=[{"observation-uuid": s.uuid} for s in rests_on],
        related_risks=[{"risk-uuid": r.uuid} for r in risks if r.controls & controls],
    )


def _measures(standing: Standing, share: Share | None) -> list[Json]:
    return [
        prop("status", standing.status),
        prop("objective", standing.id),
        *_side("design", standing.design),
        *_side("operating", standing.operating),
        *props(
            {
                "evidence-age-seconds": f"{standing.evidence_age:.0f}" if standing.evidence_age is not None else None,
                "evidence-expires": moment(standing.expires) if standing.expires else None,
            }
        ),
        *(_share(share) if share else ()),
    ]


def _share(share: Share) -> list[Json]:
    return props(
        {
            "share-due": share.due,
            "share-held": share.held,
            "share-per-cent": f"{share.value:.2f}" if share.value is not None else None,
            "share-target-per-cent": f"{share.target:g}",
            "share-counts": share.counts,
        }
    )


def _side(name: str, side: Side) -> list[Json]:
    return [
        prop(f"{name}-outcome", side.outcome, remarks=string(side.sentence)),
        prop(f"{name}-population", side.population),
        prop(f"{name}-sample", side.sample),
        prop(f"{name}-deviations", side.deviations),
        prop(f"{name}-upper-bound", f"{side.bound:.4f}"),
    ]
