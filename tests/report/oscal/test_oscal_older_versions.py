"""Documents hold no field that OSCAL 1.1.2 does not have, so that readers of the older versions can use them.

The schemas of 1.1.2 and 1.1.3 are not here. This is the part of 1.1.2 that our documents use, read from types that
go-oscal generated from its schema: names of fields by the object that they stand in, ``!`` where required.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.report.oscal.materials import material

from assay.report.oscal import KINDS, VERSIONS, document

_ROOT = "uuid! metadata! back-matter"
_TALK = "props links remarks"
_FIELDS = {
    "catalog": f"{_ROOT} params controls groups",
    "profile": f"{_ROOT} imports! merge modify",
    "component-definition": f"{_ROOT} import-component-definitions components capabilities",
    "assessment-plan": f"{_ROOT} import-ssp! local-definitions terms-and-conditions reviewed-controls! "
    "assessment-subjects assessment-assets tasks",
    "assessment-results": f"{_ROOT} import-ap! local-definitions results!",
    "plan-of-action-and-milestones": f"{_ROOT} import-ssp system-id local-definitions observations risks findings "
    "poam-items!",
    "metadata": f"title! published last-modified! version! oscal-version! revisions document-ids roles locations "
    f"parties responsible-parties actions {_TALK}",
    "roles": f"id! title! short-name description {_TALK}",
    "parties": f"uuid! type! name short-name external-ids email-addresses addresses member-of-organizations {_TALK}",
    "responsible-parties": f"role-id! party-uuids! {_TALK}",
    "props": "name! value! ns uuid class group remarks",
    "links": "href! rel media-type resource-fragment text",
    "back-matter": "resources",
    "resources": "uuid! title description props document-ids citation rlinks base64 remarks",
    "citation": "text! props links",
    "rlinks": "href! media-type hashes",
    "groups": "id class title! params props links parts groups controls",
    "controls": "id! class title! params props links parts controls",
    "params": "id! class depends-on props links label usage constraints guidelines values select remarks",
    "parts": "id name! ns class title props prose parts links",
    "imports": "href! include-all include-controls exclude-controls",
    "include-controls": "with-child-controls with-ids matching control-id statement-ids",
    "merge": "combine flat as-is custom",
    "modify": "set-parameters alters",
    "set-parameters": "param-id! class depends-on props links label usage constraints guidelines values select remarks",
    "alters": "control-id! removes adds",
    "adds": "position by-id title params props links parts",
    "components": f"uuid! type! title! description! purpose status responsible-roles protocols control-implementations "
    f"{_TALK}",
    "status": "state! reason remarks",
    "control-implementations": "uuid! source! description! props links set-parameters implemented-requirements!",
    "implemented-requirements": f"uuid! control-id! description! set-parameters responsible-roles statements {_TALK}",
    "import-ssp": "href! remarks",
    "import-ap": "href! remarks",
    "local-definitions": "components inventory-items users objectives-and-methods activities assessment-assets "
    "tasks remarks",
    "activities": f"uuid! title description! steps related-controls responsible-roles {_TALK}",
    "steps": f"uuid! title description! reviewed-controls responsible-roles {_TALK}",
    "related-controls": f"description control-selections! control-objective-selections {_TALK}",
    "reviewed-controls": f"description control-selections! control-objective-selections {_TALK}",
    "control-selections": f"description include-all include-controls exclude-controls {_TALK}",
    "control-objective-selections": f"description include-all include-objectives exclude-objectives {_TALK}",
    "include-objectives": "objective-id!",
    "include-all": "",
    "assessment-subjects": f"type! description include-all include-subjects exclude-subjects {_TALK}",
    "subjects": f"type! description include-all include-subjects exclude-subjects subject-uuid title {_TALK}",
    "assessment-assets": "components assessment-platforms!",
    "assessment-platforms": f"uuid! title uses-components {_TALK}",
    "uses-components": f"component-uuid! responsible-parties {_TALK}",
    "tasks": f"uuid! type! title! description timing dependencies tasks associated-activities subjects "
    f"responsible-roles {_TALK}",
    "associated-activities": f"activity-uuid! responsible-roles subjects! {_TALK}",
    "results": f"uuid! title! description! start! end local-definitions reviewed-controls! attestations assessment-log "
    f"observations risks findings {_TALK}",
    "assessment-log": "entries!",
    "entries": f"uuid! title description start! end logged-by related-tasks {_TALK}",
    "observations": f"uuid! title description! methods! types origins subjects relevant-evidence collected! expires "
    f"{_TALK}",
    "relevant-evidence": f"href description! {_TALK}",
    "origins": "actors! related-tasks",
    "origin": "actors! related-tasks",
    "actors": "type! actor-uuid! role-id props links",
    "findings": f"uuid! title! description! origins target! implementation-statement-uuid related-observations "
    f"related-risks {_TALK}",
    "target": f"type! target-id! title description status! implementation-status {_TALK}",
    "implementation-status": "state! remarks",
    "related-observations": "observation-uuid!",
    "related-risks": "risk-uuid!",
    "related-findings": "finding-uuid!",
    "risks": f"uuid! title! description! statement! status! origins threat-ids characterizations mitigating-factors "
    f"deadline remediations risk-log related-observations {_TALK}",
    "characterizations": "props links origin! facets!",
    "facets": f"name! system! value! {_TALK}",
    "mitigating-factors": "uuid! implementation-uuid description! props links subjects",
    "remediations": f"uuid! lifecycle! title! description! origins required-assets tasks {_TALK}",
    "system-id": "identifier-type id!",
    "poam-items": f"uuid title! description! origins related-findings related-observations related-risks {_TALK}",
}


def _objects(name: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document, with the name of the field that it stands in."""
    if isinstance(value, dict):
        yield name, value
        for field, inner in value.items():
            yield from _objects(field, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(name, inner)


def _wrong(name: str, found: dict[str, Any]) -> list[str]:
    words = _FIELDS[name].split()
    known, needed = {w.rstrip("!") for w in words}, {w[:-1] for w in words if w.endswith("!")}
    return [f"{name}: no field {f}" for f in found.keys() - known] + [
        f"{name}: {f} is missing" for f in needed - found.keys()
    ]


@pytest.mark.parametrize("version", [v for v in VERSIONS if v < "1.2"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_was_there_in_1_1_2(kind: str, version: str) -> None:
    quiet = replace(material(), risks=(), accepted=(), catalogue=(), pack=None)
    for told in (material(), quiet):
        made = document(kind, told, version=version)
        assert [w for name, found in _objects(kind, made[kind]) for w in _wrong(name, found)] == []
