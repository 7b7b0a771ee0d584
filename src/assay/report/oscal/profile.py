"""The profile: which objectives hold here, with the thresholds that were promised."""

from __future__ import annotations

from collections.abc import Iterable

from assay.assurance.objectives import Standing
from assay.report.oscal import frame
from assay.report.oscal.material import Material
from assay.report.oscal.objectives import Aim, Aims, duration
from assay.report.oscal.words import Json, full, prop, prose, string


def profile(material: Material, version: str) -> Json:
    """Imports our catalog, sets the thresholds, and says for each objective what it speaks about here."""
    aims = Aims(material)
    chosen = aims.promised
    selected: Json = (
        {"include-controls": [{"with-ids": [a.control for a, _ in chosen]}]} if chosen else {"include-all": {}}
    )
    body = full(
        imports=[{"href": frame.file_name(frame.CATALOG), **selected}],
        merge={"as-is": True},
        modify=full(
            set_parameters=[p for a, standing in chosen for p in _thresholds(a, standing)],
            alters=[_altered(a, standing) for a, standing in chosen],
        ),
    )
    return frame.document(
        frame.PROFILE,
        material,
        version,
        frame.named_title(material, "objectives and thresholds"),
        body,
        remarks="" if chosen else "No objective is declared: the whole catalogue is selected, with its own thresholds.",
    )


def _thresholds(aim: Aim, standing: Standing) -> Iterable[Json]:
    target = standing.objective.target
    yield {"param-id": aim.coverage, "values": [string(target.coverage)]}
    yield {"param-id": aim.evidence, "values": [duration(target.evidence_age)]}


def _altered(aim: Aim, standing: Standing) -> Json:
    objective = standing.objective
    scope = objective.scope
    spoken = [
        *(("api", a) for a in scope.apis),
        *(("operation", o) for o in scope.operations),
        *(("data-class", c) for c in scope.classes),
        *(("system", s) for s in scope.systems),
    ]
    return {
        "control-id": aim.control,
        "adds": [
            full(
                position="ending",
                props=[
                    prop("category", objective.category),
                    prop("evidence-age-seconds", f"{float(objective.target.evidence_age):g}"),
                    *(prop("control", c) for c in objective.controls),
                    *(prop("scope", value, kind=kind) for kind, value in spoken),
                ],
                parts=[
                    {
                        "id": f"{aim.control}_promise",
                        "name": "guidance",
                        "title": "As it was declared",
                        "prose": prose(objective.statement),
                    }
                ]
                if aim.item
                else [],
            )
        ],
    }
