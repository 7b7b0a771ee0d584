"""The assessment plan: what is assessed, by which tests, with which tool. Results must name one."""

from __future__ import annotations

from assay.report.oscal import frame
from assay.report.oscal.material import ControlFace, Material
from assay.report.oscal.objectives import Aims
from assay.report.oscal.words import Json, full, line, named, prop, prose

_DESIGN = "Reads the declaration and the contracts; reaches no network."
_OPERATION = (
    "Sends a legitimate request first, then the attack. Changes are judged by their effect, as the owner sees it "
    "before and after. A failure is run again before it is reported; a proof that never reached what it meant to test "
    "is inconclusive."
)


def plan(material: Material, version: str) -> Json:
    """The plan for every promised objective; with none, for the whole catalogue."""
    aims = Aims(material)
    activities = [a for face in material.faces for a in _activities(face, aims)]
    body = full(
        import_ssp=frame.system_reference(),
        local_definitions=full(components=frame.subjects_of(material), activities=activities),
        reviewed_controls=reviewed(aims),
        assessment_subjects=[{"type": "component", "description": "The gateway and every API.", "include-all": {}}],
        assessment_assets=frame.assets(material),
        tasks=[task for task in map(_task, ("EXAMINE", "TEST"), (activities, activities)) if task],
    )
    return frame.document(
        frame.PLAN,
        material,
        version,
        frame.named_title(material, "assessment plan"),
        body,
        [frame.declaration_resource(material)],
    )


def reviewed(aims: Aims) -> Json:
    """``reviewed-controls``: the promised objectives and the parts of them that are assessed."""
    chosen = aims.promised
    if not chosen:
        return {
            "description": "No objective is declared; nothing is promised that could be assessed.",
            "control-selections": [{"include-all": {}}],
        }
    return {
        "control-selections": [{"include-controls": [{"control-id": a.control} for a, _ in chosen]}],
        "control-objective-selections": [{"include-objectives": [{"objective-id": a.objective} for a, _ in chosen]}],
        "props": [prop("profile", frame.file_name(frame.PROFILE))],
    }


def _activities(face: ControlFace, aims: Aims) -> list[Json]:
    serves = [a for a, standing in aims.promised if face.id in standing.objective.controls]
    related = (
        {"control-selections": [{"include-controls": [{"control-id": a.control} for a in serves]}]} if serves else {}
    )
    made = []
    for method, tests, how in (("EXAMINE", face.checks, _DESIGN), ("TEST", face.proofs, _OPERATION)):
        if not tests:
            continue
        made.append(
            full(
                uuid=activity(face.id, method),
                title=line(f"{face.id}: {'tests of design' if method == 'EXAMINE' else 'proofs'}"),
                description=prose(face.title, how),
                props=[{"name": "method", "value": method}, prop("control", face.id)],
                steps=[
                    {
                        "uuid": named("step", face.id, method, test),
                        "title": line(test),
                        "description": prose(title),
                    }
                    for test, title in tests.items()
                ],
                related_controls=related,
            )
        )
    return made


def activity(control: str, method: str) -> str:
    """The name of what is done for a control by a method."""
    return named("activity", control, method)


def _task(method: str, activities: list[Json]) -> Json:
    chosen = [a for a in activities if a["props"][0]["value"] == method]
    if not chosen:
        return {}
    design = method == "EXAMINE"
    everything = [{"type": "component", "include-all": {}}]
    return {
        "uuid": named("task", method),
        "type": "action",
        "title": "Test the design" if design else "Prove on the running system",
        "description": prose("`assay check`" if design else "`assay prove`"),
        "associated-activities": [{"activity-uuid": a["uuid"], "subjects": everything} for a in chosen],
    }
