"""The component definition: what the gateway under Assay's controls can serve, framework by framework."""

from __future__ import annotations

from assay.report.oscal import frame
from assay.report.oscal.catalog import serving_controls
from assay.report.oscal.frameworks import Source, sources
from assay.report.oscal.material import ControlFace, Material
from assay.report.oscal.objectives import Aim, Aims
from assay.report.oscal.words import Json, full, line, named, prop, prose

_NOT_MORE = (
    "A component can serve a control; whether it does so in a system is what the assessment results say. Mappings to "
    "frameworks are proposed, unless they are marked as reviewed."
)


def components(material: Material, version: str) -> Json:
    """The gateway as a component, with an implementation for our catalog and one for every framework."""
    aims = Aims(material)
    served = [(a, found) for a in aims.all if (found := list(serving_controls(a, material.faces)))]
    per_framework = [(f, made) for f in sources() if (made := _framework(f, served, material))]
    implementations = [*([_own(served)] if served else []), *(made for _, made in per_framework)]
    component = full(
        uuid=frame.GATEWAY,
        type="software",
        title="API gateway",
        description=prose("Envoy, configured and supervised by Assay, with an inspector and a processor beside it."),
        purpose="Enforces what a declaration says about APIs, and is proven to.",
        props=[prop("version", material.dossier.tool)],
        control_implementations=implementations,
    )
    return frame.document(
        frame.COMPONENTS,
        material,
        version,
        frame.named_title(material, "what the gateway can serve"),
        {"components": [component]},
        [f.resource() for f, _ in per_framework],
        remarks=_NOT_MORE,
    )


def _own(served: list[tuple[Aim, list[ControlFace]]]) -> Json:
    return {
        "uuid": named("control-implementation", "objectives"),
        "source": frame.file_name(frame.CATALOG),
        "description": prose("Which of Assay's controls serve which objective."),
        "implemented-requirements": [
            {
                "uuid": named("requirement", "objectives", aim.control),
                "control-id": aim.control,
                "description": prose(*(f"{f.id}: {f.title}. {f.argument}" for f in faces)),
                "props": [
                    *(prop("control", f.id) for f in faces),
                    *(prop("enforced-by-gateway", f.id) for f in faces if f.enforced),
                ],
            }
            for aim, faces in served
        ],
    }


def _framework(framework: Source, served: list[tuple[Aim, list[ControlFace]]], material: Material) -> Json | None:
    found: dict[str, list[tuple[Aim, list[ControlFace]]]] = {}
    for aim, faces in served:
        for id_ in aim.item.mapped.get(framework.key, ()) if aim.item else ():
            found.setdefault(id_, []).append((aim, faces))
    if not found:
        return None
    requirements = [_requirement(framework, id_, aims, material) for id_, aims in sorted(found.items())]
    return {
        "uuid": named("control-implementation", framework.key),
        "source": f"#{framework.uuid}",
        "description": line(f"Objectives that are mapped to {framework.framework.title}."),
        "props": [prop("framework", framework.key)],
        "implemented-requirements": requirements,
    }


def _requirement(framework: Source, id_: str, aims: list[tuple[Aim, list[ControlFace]]], material: Material) -> Json:
    reviewed = [(a.id, framework.key, id_) in material.reviewed for a, _ in aims]
    controls = list(dict.fromkeys(f.id for _, faces in aims for f in faces))
    return {
        "uuid": named("requirement", framework.key, id_),
        "control-id": framework.control(id_),
        "description": prose(*(f"{a.id}: {a.statement}" for a, _ in aims)),
        "props": [
            prop("framework-id", id_, remarks=framework.title(id_)),
            prop("mapping", "reviewed" if all(reviewed) else "proposed"),
            *(
                prop("objective", a.id, kind="reviewed" if done else "proposed")
                for (a, _), done in zip(aims, reviewed, strict=True)
            ),
            *(prop("control", c) for c in controls),
        ],
    }
