"""A report in OSCAL: valid by NIST's schema, agreed to by a tool of others, and saying what the report says."""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.report.dossiers import NOW, dossier
from tests.report.oscal.materials import ACCEPTED, material
from tests.report.oscal.schema import problems

from assay.app.judgement import judged_dossier
from assay.app.oscal import material as of_project
from assay.app.project import open_project
from assay.assurance.objectives import Status
from assay.domain import UsageError
from assay.report.oscal import KINDS, NEWEST, VERSIONS, Material, document, documents, file_name
from assay.report.oscal.words import NS

EXAMPLES = Path(__file__).parents[3] / "examples"
_MODULES = {
    "catalog": "catalog",
    "profile": "profile",
    "component-definition": "component",
    "assessment-plan": "assessment_plan",
    "assessment-results": "assessment_results",
    "plan-of-action-and-milestones": "poam",
}


def _example(name: str) -> Material:
    project = open_project(EXAMPLES / name, environ={})
    return of_project(project, judged_dossier(project, now=NOW))


class Told:
    """A material, and each of its documents once."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.texts = documents(material)
        self.documents = {kind: json.loads(self.texts[file_name(kind)]) for kind in KINDS}


@pytest.fixture(scope="module", params=["one of everything", "nothing declared", "customer-data", "retailer"])
def told(request: pytest.FixtureRequest) -> Told:
    """A kept run with every kind of result; a dossier without anything; both examples without a run."""
    if request.param == "one of everything":
        return Told(material())
    if request.param == "nothing declared":
        bare = replace(dossier(), standings=(), design=(), proofs=(), run=None, direct=None, evidence=None, live="")
        return Told(Material(dossier=bare))
    return Told(_example(request.param))


def _root(told: Told | Material, kind: str) -> dict[str, Any]:
    found = (told.documents[kind] if isinstance(told, Told) else document(kind, told))[kind]
    assert isinstance(found, dict)
    return found


def _each(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from _each(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _each(inner, key)


def _prop(thing: dict[str, Any], name: str) -> str:
    (found,) = [p["value"] for p in thing["props"] if p["name"] == name and p.get("ns") == NS]
    return str(found)


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_valid_by_the_published_schema(told: Told, kind: str) -> None:
    assert problems(told.documents[kind]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_another_tool_reads_every_document(told: Told, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = import_module(f"trestle.oscal.{_MODULES[kind]}")
        assert import_module("trestle.oscal").OSCAL_VERSION == NEWEST
    read = module.Model.model_validate_json(told.texts[file_name(kind)])
    again = read.model_dump_json(by_alias=True, exclude_none=True).replace('+00:00"', 'Z"')
    assert json.loads(again) == told.documents[kind]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_changes_what_the_document_names_and_nothing_else(version: str) -> None:
    told = material()
    for kind in KINDS:
        made, newest = document(kind, told, version=version), document(kind, told)
        assert made[kind]["metadata"].pop("oscal-version") == version
        newest[kind]["metadata"].pop("oscal-version")
        made[kind].pop("uuid"), newest[kind].pop("uuid")
        assert made == newest


def test_what_cannot_be_written_is_said() -> None:
    with pytest.raises(UsageError, match=r"1\.0\.4"):
        document("catalog", material(), version="1.0.4")
    with pytest.raises(UsageError, match="system-security-plan"):
        document("system-security-plan", material())
    early = replace(material(), dossier=replace(dossier(), now=datetime(1850, 1, 1, tzinfo=UTC)))
    with pytest.raises(UsageError, match="1850"):
        document("catalog", early)


def test_the_same_material_gives_the_same_bytes_and_another_one_another_name() -> None:
    assert documents(material()) == documents(material())
    other = replace(material(), dossier=replace(dossier(), organisation="Southwind"))
    for kind in KINDS:
        assert _root(material(), kind)["uuid"] != _root(other, kind)["uuid"]


def test_every_name_is_made_from_content_and_stands_once(told: Told) -> None:
    for kind in KINDS:
        found = _root(told, kind)
        names = list(_each(found, "uuid"))
        assert all(uuid.UUID(name).version == 5 for name in names)
        assert len(names) == len(set(names)), kind


def test_every_reference_leads_somewhere(told: Told) -> None:
    for kind in KINDS:
        found = _root(told, kind)
        names = set(_each(found, "uuid"))
        for key in ("observation-uuid", "risk-uuid", "finding-uuid", "actor-uuid", "component-uuid", "activity-uuid"):
            assert set(_each(found, key)) <= names, (kind, key)
        assert set(_each(found, "subject-uuid")) <= names
        inside = [h[1:] for h in _each(found, "href") if h.startswith("#")]
        ids = names | set(_each(found, "id"))
        assert set(inside) <= ids
        assert all(set(p) <= names for p in _each(found, "party-uuids"))
        roles = {r["id"] for r in found["metadata"]["roles"]}
        assert set(_each(found, "role-id")) <= roles


def test_documents_refer_to_each_other_by_the_files_they_are_written_to(told: Told) -> None:
    written = told.texts
    assert _root(told, "assessment-results")["import-ap"]["href"] in written
    assert [i["href"] for i in _root(told, "profile")["imports"]] == ["catalog.json"]
    controls = {c["id"] for c in _controls(told)}
    assert {i for w in _each(_root(told, "profile"), "with-ids") for i in w} <= controls
    for kind in ("assessment-plan", "assessment-results"):
        assert set(_each(_root(told, kind), "control-id")) <= controls
    objectives = {p["id"] for c in _controls(told) for p in c["parts"]}
    assert set(_each(_root(told, "assessment-results"), "target-id")) <= objectives
    params = {p["id"] for c in _controls(told) for p in c["params"]}
    assert set(_each(_root(told, "profile"), "param-id")) <= params


def _controls(told: Told | Material) -> list[dict[str, Any]]:
    return [c for g in _root(told, "catalog").get("groups", ()) for c in g["controls"]]


def test_the_catalogue_of_48_objectives_is_in_the_catalog_with_its_mappings() -> None:
    told = _example("customer-data")
    controls = _controls(told)
    assert {"co-inv-01", "co-auz-01", "only-owners"} <= {c["id"] for c in controls}
    assert sum(c["id"].startswith("co-") for c in controls) == 48
    mapped = [p for c in controls for p in c["props"] if p["name"] == "maps-to"]
    assert {p["remarks"] for p in mapped} == {"Proposed."}


def test_thresholds_of_the_declaration_are_set_in_the_profile() -> None:
    found = _root(_example("customer-data"), "profile")["modify"]
    values = {p["param-id"]: p["values"] for p in found["set-parameters"]}
    assert values["pii-protected_prm_evidence-age"] == ["24 h"]
    assert values["only-owners_prm_coverage"] == ["100%"]
    altered = next(a for a in found["alters"] if a["control-id"] == "pii-protected")
    (added,) = altered["adds"]
    assert _prop(added, "evidence-age-seconds") == "86400"


def test_what_nobody_has_shown_is_not_satisfied_and_says_why() -> None:
    told = material()
    findings = {_prop(f["target"], "objective"): f for f in _root(told, "assessment-results")["results"][0]["findings"]}
    failed, unshown = findings["only-owners"]["target"], findings["stays-available"]["target"]
    assert failed["status"] | {"remarks": ""} == {"state": "not-satisfied", "reason": "fail", "remarks": ""}
    assert (unshown["status"]["state"], unshown["status"]["reason"]) == ("not-satisfied", "other")
    assert (_prop(failed, "status"), _prop(unshown, "status")) == ("failed", "applied")


def test_only_what_is_effective_is_satisfied() -> None:
    told = material()
    for status in Status:
        standings = tuple(replace(s, status=status) for s in told.dossier.standings)
        made = replace(told, dossier=replace(told.dossier, standings=standings))
        states = set(_each(_root(made, "assessment-results"), "state")) & {"satisfied", "not-satisfied"}
        assert states == {"satisfied" if status is Status.EFFECTIVE else "not-satisfied"}


def test_an_observation_says_how_when_and_by_which_record_it_was_made() -> None:
    (result,) = _root(material(), "assessment-results")["results"]
    by_method: dict[str, list[dict[str, Any]]] = {}
    for one in result["observations"]:
        by_method.setdefault(one["methods"][0], []).append(one)
    assert set(by_method) == {"EXAMINE", "TEST", "INTERVIEW"}
    failed = next(o for o in by_method["TEST"] if o["types"] == ["finding"])
    assert (failed["collected"], failed["expires"]) == ("2026-11-22T11:00:00Z", "2026-11-23T11:00:00Z")
    (record,) = failed["relevant-evidence"]
    assert record["href"] == "../evidence/proofs/01EVIDENCEGETORDER.tlog-proof"
    others = {e["href"] for o in by_method["TEST"] for e in o["relevant-evidence"]} - {record["href"]}
    assert others == {"../evidence/records.jsonl"}
    without = _root(replace(material(), pack=None), "assessment-results")
    assert not any("href" in e for es in _each(without, "relevant-evidence") for e in es)


def test_a_risk_has_its_three_readings_in_our_namespace() -> None:
    (result,) = _root(material(), "assessment-results")["results"]
    (risk,) = result["risks"]
    facets = {f["name"]: (f["system"], f["value"]) for c in risk["characterizations"] for f in c["facets"]}
    assert facets["inherent-score"] == (NS, "56")
    assert facets["claimed-score"] == (NS, "2.8")
    assert facets["evidenced-score"] == (NS, "56")
    assert facets["assurance-gap"] == (NS, "53.2")
    assert risk["deadline"] == "2026-12-01T23:59:59Z"
    failed = {o["uuid"] for o in result["observations"] if o["types"] == ["finding"] and o["methods"] == ["TEST"]}
    assert failed <= {o["observation-uuid"] for o in risk["related-observations"]}


def test_milestones_tell_open_accepted_and_unshown_apart() -> None:
    found = _root(material(), "plan-of-action-and-milestones")
    states = {_prop(i, "state"): i for i in found["poam-items"] if any(p["name"] == "state" for p in i["props"])}
    assert set(states) == {"open", "deviation", "not shown"}
    risks = {r["uuid"]: r for r in found["risks"]}
    accepted = risks[states["deviation"]["related-risks"][0]["risk-uuid"]]
    assert accepted["status"] == "deviation-approved"
    assert accepted["deadline"] == f"{ACCEPTED.expires.isoformat()}T23:59:59Z"
    (response,) = accepted["remediations"]
    assert (_prop(response, "approved-by"), _prop(response, "owner")) == ("ciso", "shop-team")
    opened = risks[states["open"]["related-risks"][0]["risk-uuid"]]
    assert (opened["status"], opened["deadline"]) == ("open", "2026-12-01T23:59:59Z")  # the register's date
    assert states["open"]["related-findings"]


def test_an_exception_that_does_not_hold_makes_no_deviation() -> None:
    found = _root(replace(material(), accepted=()), "plan-of-action-and-milestones")
    assert "deviation-approved" not in set(_each(found["risks"], "status"))


def test_when_nothing_is_open_the_plan_says_so() -> None:
    told = material()
    held = tuple(replace(s, status=Status.EFFECTIVE) for s in told.dossier.standings)
    quiet = replace(told, dossier=replace(told.dossier, standings=held, design=(), proofs=()), risks=())
    (item,) = _root(quiet, "plan-of-action-and-milestones")["poam-items"]
    assert item["title"] == "Nothing is open"


def test_a_mapping_is_reviewed_only_where_somebody_reviewed_it() -> None:
    (component,) = _root(material(), "component-definition")["components"]
    found = {_prop(r, "framework-id"): r for r in _requirements(component) if "framework-id" in str(r)}
    mapped = {id_: _prop(r, "mapping") for id_, r in found.items()}
    assert mapped == {"ac-3": "reviewed", "ac-6": "proposed", "7.2.1": "proposed", "32(1)(b)": "proposed"}
    assert (found["ac-3"]["control-id"], found["7.2.1"]["control-id"]) == ("ac-3", "req-7.2.1")


def _requirements(component: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (r for i in component["control-implementations"] for r in i["implemented-requirements"])


def test_no_document_says_where_a_machine_keeps_its_files() -> None:
    told = material()
    design = tuple(
        replace(v, location=replace(v.location, file="/srv/shop/assay.yaml" if n else "/elsewhere/x.yaml"))
        for n, v in enumerate(told.dossier.design)
    )
    text = "".join(documents(replace(told, dossier=replace(told.dossier, design=design))).values())
    assert "assay.yaml:12" in text and "/srv/shop" not in text and "/elsewhere" not in text


def test_what_a_hostile_service_answered_does_nothing_in_a_document() -> None:
    for text in documents(material()).values():
        assert re.search(r"(?<!\\\\)<script", text) is None
        assert "\x1b" not in text and "\\u001b" not in text
