"""The plan of action and milestones: what is open, what is accepted until when, and what nobody has shown yet."""

from __future__ import annotations

from collections.abc import Sequence

from assay.assurance.objectives import Deciding, Standing, Status, decides
from assay.report.oscal import frame
from assay.report.oscal.material import Material, RiskNote
from assay.report.oscal.objectives import Aim, Aims
from assay.report.oscal.observations import Observations
from assay.report.oscal.results import finding_name, unsatisfied
from assay.report.oscal.risks import Risk, Weakness, scenario_risks, weakness_risk, weaknesses
from assay.report.oscal.words import Json, bullets, end_of, full, line, named, prop, props, prose, raw

_SHOWN = 50
_NEXT = {
    Status.NOT_ASSESSED: "Give it controls whose tests speak about it, then `assay prove`.",
    Status.CLAIMED: "Let the tests of design be concluded: `assay check`.",
    Status.DESIGNED: "Apply what is declared: `assay apply`; then `assay prove`.",
    Status.APPLIED: "Prove it on the running system: `assay prove`.",
    Status.STALE: "Prove it again: `assay prove`.",
}


def poam(material: Material, version: str) -> Json:
    """Items for weaknesses, for objectives that are not shown, and for risks above the appetite."""
    aims, seen = Aims(material), Observations(material)
    above = [(r, r.note) for r in scenario_risks(material, seen) if r.note and r.note.above]
    risks = [r for r, _ in above]
    found = weaknesses(material, seen)
    items = [_weakness(w, aims) for w in found]
    items += [_unshown(a, s) for a, s in aims.promised if _is_unshown(s, aims.deciding(s), found)]
    items += [_above(r, note) for r, note in above]
    told = [*(weakness_risk(w, _due(w, risks)) for w in found), *(r.json for r in risks)]
    open_ = unsatisfied(aims, seen, risks)
    named_there = {o["observation-uuid"] for one in (*told, *open_) for o in one.get("related-observations", ())}
    body = full(
        import_ssp=frame.system_reference(),
        system_id={
            "identifier-type": "http://ietf.org/rfc/rfc4122",
            "id": named("system", material.dossier.organisation, material.dossier.title),
        },
        local_definitions=full(components=frame.subjects_of(material), assessment_assets=frame.assets(material)),
        observations=[s.json for s in seen.all if s.uuid in named_there],
        risks=told,
        findings=open_,
        # The schema asks for one item at least; that nothing is open is said as an item that says so.
        poam_items=items or [_nothing()],
    )
    return frame.document(
        frame.POAM,
        material,
        version,
        frame.named_title(material, "plan of action and milestones"),
        body,
        [frame.declaration_resource(material)],
    )


def _weakness(weakness: Weakness, aims: Aims) -> Json:
    worst = weakness.worst
    places = list(dict.fromkeys(s.verdict.subject for s in weakness.seen if s.verdict))
    broken = [a for a, standing in aims.promised if _breaks(weakness, standing, aims.deciding(standing))]
    more = len(places) - _SHOWN
    return full(
        uuid=named("item", weakness.control, weakness.check, weakness.name),
        title=line(f"{weakness.control}: {worst.sentence}"),
        description=raw(
            prose(worst.reason),
            bullets(places[:_SHOWN]),
            f"{more} more." if more > 0 else "",
        ),
        props=props(
            {
                "control": weakness.control,
                "check": weakness.check,
                "severity": worst.severity,
                "state": "deviation" if weakness.accepted else "open",
                "owner": ", ".join(dict.fromkeys(a.owner for a in weakness.accepted)),
                "expires": min((a.expires.isoformat() for a in weakness.accepted), default=""),
            }
        ),
        origins=[frame.origin()],
        related_findings=[{"finding-uuid": finding_name(a)} for a in broken],
        related_observations=[{"observation-uuid": s.uuid} for s in weakness.seen],
        related_risks=[{"risk-uuid": weakness.risk}],
        remarks=prose(f"How to mend it: {worst.fix.sentence}") if worst.fix else "",
    )


def _breaks(weakness: Weakness, standing: Standing, deciding: Deciding) -> bool:
    return any(decides(standing.objective, deciding, v) for s in weakness.seen for v in s.verdicts)


def _is_unshown(standing: Standing, deciding: Deciding, found: Sequence[Weakness]) -> bool:
    """Whether an objective is not satisfied, and no weakness stands for it already."""
    if standing.status is Status.EFFECTIVE:
        return False
    # What was accepted explains that an objective is excepted, and nothing else.
    stand_for_it = [w for w in found if not w.accepted or standing.status is Status.EXCEPTED]
    return not any(_breaks(w, standing, deciding) for w in stand_for_it)


def _unshown(aim: Aim, standing: Standing) -> Json:
    advice = _NEXT.get(standing.status, "See what the finding rests on.")
    return {
        "uuid": named("item", "objective", aim.control),
        "title": line(f"{standing.id} is {standing.status}"),
        "description": prose(standing.objective.statement, f"{standing.reason}."),
        "props": props({"objective": standing.id, "status": standing.status, "state": "not shown"}),
        "origins": [frame.origin()],
        "related-findings": [{"finding-uuid": finding_name(aim)}],
        "remarks": prose(advice),
    }


def _above(risk: Risk, note: RiskNote) -> Json:
    scenario = note.assessment.scenario
    return full(
        uuid=named("item", "scenario", scenario.id),
        title=line(f"Above the appetite: {scenario.threat.title} at {scenario.subject}"),
        description=prose(scenario.threat.what),
        props=props(
            {
                "scenario": scenario.id,
                "owner": note.owner,
                "treatment": note.treatment,
                "due": note.due.isoformat() if note.due else None,
            }
        ),
        origins=[frame.origin()],
        related_risks=[{"risk-uuid": risk.uuid}],
        remarks=prose(
            f"Where each number is from: `assay risk --why {scenario.id}`; what lowers it: `assay risk --next`."
        ),
    )


def _due(weakness: Weakness, risks: Sequence[Risk]) -> str:
    """The earliest due date of the register among the scenarios that a weakness bears on; empty: none."""
    subjects = {s.verdict.subject for s in weakness.seen if s.verdict}
    days = [
        r.note.due
        for r in risks
        if r.note
        and r.note.due
        and weakness.control in r.controls
        and any(p.subject in subjects for p in r.note.assessment.scenario.places)
    ]
    return end_of(min(days)) if days else ""


def _nothing() -> Json:
    return {
        "uuid": named("item", "nothing"),
        "title": "Nothing is open",
        "description": prose("No weakness was found, and every promised objective is shown."),
        "props": [prop("state", "nothing open")],
    }
