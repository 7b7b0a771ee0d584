"""The catalog: every objective with what must hold, how it is tested, and its proposed or reviewed mappings."""

from __future__ import annotations

from collections.abc import Iterable

from assay.report.oscal import frame
from assay.report.oscal.frameworks import sources
from assay.report.oscal.material import ControlFace, Material
from assay.report.oscal.objectives import OWN, Aim, Aims, duration
from assay.report.oscal.words import RMF, Json, full, line, prop, prose, raw, string, token

_REMARKS = (
    "Objectives are Assay's own wording. Mappings name controls of frameworks by their ids; unless a mapping is marked "
    "as reviewed, it is proposed: nobody has confirmed it."
)


def catalog(material: Material, version: str) -> Json:
    """The catalog that the profile imports."""
    aims = Aims(material)
    groups = list(dict.fromkeys(a.group for a in aims.all))
    body: Json = {"groups": [_group(name, aims, material) for name in groups]} if groups else {}
    return frame.document(
        frame.CATALOG,
        material,
        version,
        frame.named_title(material, "catalog of objectives"),
        body,
        [f.resource() for f in sources()] if any(a.item for a in aims.all) else [],
        remarks=_REMARKS,
    )


def _group(name: str, aims: Aims, material: Material) -> Json:
    return {
        "id": token(f"group_{name}"),
        "class": "domain",
        "title": line("Objectives of the organisation" if name == OWN else name.capitalize()),
        "controls": [_control(a, material) for a in aims.all if a.group == name],
    }


def _control(aim: Aim, material: Material) -> Json:
    links = [{"href": f"#{f.uuid}", "rel": "reference"} for f in sources() if aim.item and aim.item.mapped.get(f.key)]
    return full(
        id=aim.control,
        title=line(aim.statement),
        **{"class": "objective"},
        params=list(_parameters(aim)),
        props=[
            {"name": "label", "value": string(aim.id)},
            {"name": "sort-id", "value": string(aim.control)},
            *_mappings(aim, material),
        ],
        links=links,
        parts=list(_parts(aim, material.faces)),
    )


def _parameters(aim: Aim) -> Iterable[Json]:
    yield full(
        id=aim.coverage,
        label="share that must be shown",
        usage=prose(f"Measured as: {aim.item.metric}") if aim.item and aim.item.metric else "",
        values=[string(aim.default_coverage)],
    )
    age = aim.standing.objective.target.evidence_age if aim.standing else None
    yield full(
        id=aim.evidence,
        label="age of evidence at most",
        usage=prose("Evidence that is older counts as stale."),
        values=[duration(age)] if age is not None else [],
    )


def _mappings(aim: Aim, material: Material) -> Iterable[Json]:
    if aim.item is None:
        return
    for framework in sources():
        for id_ in aim.item.mapped.get(framework.key, ()):
            reviewed = (aim.id, framework.key, id_) in material.reviewed
            yield prop("maps-to", id_, kind=framework.key, remarks="Reviewed." if reviewed else "Proposed.")


def _parts(aim: Aim, faces: Iterable[ControlFace]) -> Iterable[Json]:
    yield {
        "id": aim.statement_part,
        "name": "statement",
        "prose": raw(
            line(aim.statement),
            f"Shown for {{{{ insert: param, {aim.coverage} }}}}, by evidence not older than "
            f"{{{{ insert: param, {aim.evidence} }}}}.",
        ),
    }
    yield {
        "id": aim.objective,
        "name": "assessment-objective",
        "prose": line(aim.statement),
        "links": [{"href": f"#{aim.statement_part}", "rel": "assessment-for"}],
    }
    serving = list(serving_controls(aim, faces))
    design = [aim.item.design] if aim.item and aim.item.design else []
    operation = [aim.item.operation] if aim.item and aim.item.operation else []
    design += [f"{f.id}/{id_}: {title}" for f in serving for id_, title in f.checks.items()]
    operation += [f"{f.id}/{id_}: {title}" for f in serving for id_, title in f.proofs.items()]
    for method, objects in (("EXAMINE", design), ("TEST", operation)):
        if objects:
            yield {
                "id": f"{aim.control}_asm-{method.lower()}",
                "name": "assessment-method",
                "props": [{"name": "method", "ns": RMF, "value": method}],
                "parts": [{"name": "assessment-objects", "prose": prose(*objects)}],
            }


def serving_controls(aim: Aim, faces: Iterable[ControlFace]) -> Iterable[ControlFace]:
    """The controls that serve an objective: those that its declaration names, else those that say so themselves."""
    if aim.standing is not None:
        return (f for f in faces if f.id in aim.standing.objective.controls)
    return (f for f in faces if aim.id in f.objectives)
