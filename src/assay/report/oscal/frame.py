"""What all documents have in common: metadata, parties, the things they speak about, and their names."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence

from assay.report.oscal.material import Material
from assay.report.oscal.words import Json, digest_name, full, line, moment, named, prop, props, prose, string

VERSIONS = ("1.1.2", "1.1.3", "1.2.1")
"""Versions of OSCAL that can be written. Our documents are the same in all of them but for the version that they name:
they hold nothing that 1.1.2 does not have. What came later, a model for mappings, is not written."""
NEWEST = VERSIONS[-1]

CATALOG = "catalog"
PROFILE = "profile"
COMPONENTS = "component-definition"
PLAN = "assessment-plan"
RESULTS = "assessment-results"
POAM = "plan-of-action-and-milestones"
KINDS = (CATALOG, PROFILE, COMPONENTS, PLAN, RESULTS, POAM)
"""The documents, by the name of their root, each after those that it refers to."""

TOOL, GATEWAY, SYSTEM = named("component", "assay"), named("component", "gateway"), named("resource", "declaration")
PLATFORM = named("platform", "assay")
_ORGANISATION = "organisation"
ROLE = "assessor"


def file_name(kind: str) -> str:
    """The file that a document is written to, and that the others call it by."""
    return f"{kind}.json"


def organisation(material: Material) -> str:
    """The name of the party whose APIs these are."""
    return named(_ORGANISATION, material.dossier.organisation)


def api(id_: str) -> str:
    """The name of an API as a component."""
    return named("component", "api", id_)


def document(
    kind: str,
    material: Material,
    version: str,
    title: str,
    body: Json,
    resources: Sequence[Json] = (),
    *,
    remarks: str = "",
) -> Json:
    """The whole document. Its UUID comes from its content: another content is another document."""
    made: Json = {"metadata": _metadata(material, version, title, remarks), **body}
    if resources:
        made["back-matter"] = {"resources": list(resources)}
    return {kind: {"uuid": digest_name(kind, made), **made}}


def render(made: Json) -> str:
    """The document as text, the same for the same content."""
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def _metadata(material: Material, version: str, title: str, remarks: str) -> Json:
    found = material.dossier
    return full(
        title=line(title),
        last_modified=moment(found.now),
        version=string(found.declaration_digest[:16]),
        oscal_version=version,
        props=props({"tool": found.tool, "declaration-digest": found.declaration_digest}),
        roles=[{"id": ROLE, "title": "Who assesses"}, {"id": "owner", "title": "Who answers for it"}],
        parties=[{"uuid": organisation(material), "type": "organization", "name": string(found.organisation)}],
        responsible_parties=[{"role-id": "owner", "party-uuids": [organisation(material)]}],
        remarks=prose(remarks) if remarks else "",
    )


def named_title(material: Material, what: str) -> str:
    """A title: whose, of what, and which document."""
    found = material.dossier
    return ": ".join(filter(None, (found.organisation, found.title))) + f" – {what}"


def declaration_resource(material: Material) -> Json:
    """The declaration, which stands where a system security plan would."""
    return full(
        uuid=SYSTEM,
        title="Assay declaration",
        description=prose(
            "Describes the system: its APIs, their callers, the data, and what protects them. There is no system "
            "security plan in OSCAL; wherever one has to be named, this declaration is."
        ),
        props=[prop("declaration-digest", material.dossier.declaration_digest)],
        rlinks=[{"href": _href(material.declaration), "media-type": "application/yaml"}],
    )


def _href(file: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._/") else "_" for c in file) or "assay.yaml"


def system_reference() -> Json:
    """``import-ssp``, which the assessment plan must have."""
    return {
        "href": f"#{SYSTEM}",
        "remarks": prose("No system security plan exists in OSCAL. The declaration describes the system instead."),
    }


def tool_component(material: Material) -> Json:
    """Assay as the tool that assesses."""
    return {
        "uuid": TOOL,
        "type": "software",
        "title": "Assay",
        "description": prose(
            "Tests the design of a declaration, attacks the running system to prove each control, and keeps what it "
            "saw as signed evidence."
        ),
        "props": [prop("version", material.dossier.tool)],
        "status": {"state": "operational"},
    }


def assets(material: Material) -> Json:
    """``assessment-assets``: the tool, on a platform."""
    return {
        "components": [tool_component(material)],
        "assessment-platforms": [
            {"uuid": PLATFORM, "title": "Assay", "uses-components": [{"component-uuid": TOOL}]},
        ],
    }


def subjects_of(material: Material) -> list[Json]:
    """The gateway and every API, as components of the system."""
    live = bool(material.dossier.live)
    gateway = {
        "uuid": GATEWAY,
        "type": "software",
        "title": "API gateway",
        "description": prose("Envoy under the configuration that the declaration compiles to."),
        "props": props(
            {
                "configuration-applied": material.dossier.live or "none",
                "configuration-declared": material.dossier.wanted,
            }
        ),
        "status": full(
            state="operational" if live else "under-development",
            remarks="" if live else prose("No configuration was ever applied."),
        ),
    }
    return [gateway, *(_api(id_, title) for id_, title in apis(material).items())]


def _api(id_: str, title: str) -> Json:
    return {
        "uuid": api(id_),
        "type": "service",
        "title": line(title or id_),
        "description": prose(f"API {id_}, as it is declared."),
        "props": [prop("api", id_)],
        "status": {"state": "other", "remarks": prose("Declared. Whether it runs is for its own operators to say.")},
    }


def apis(material: Material) -> dict[str, str]:
    """Every API that the documents speak about, with its title."""
    found = dict(material.apis)
    for proof in material.dossier.proofs:
        if proof.api:
            found.setdefault(proof.api, proof.api)
    return found


def subject(route: str, known: Container[str]) -> Json:
    """What an observation is about: the API of a route into the declaration, else the gateway."""
    found, rest = "", route.removeprefix("apis.") if route.startswith("apis.") else ""
    while rest and not found:
        # Ids may hold dots themselves: the longest that fits is meant.
        found, rest = (rest if rest in known else ""), rest.rpartition(".")[0]
    return {
        "subject-uuid": api(found) if found else GATEWAY,
        "type": "component",
        "title": line(route or "gateway"),
    }


def origin() -> Json:
    """Who found it."""
    return {"actors": [{"type": "tool", "actor-uuid": TOOL}]}
