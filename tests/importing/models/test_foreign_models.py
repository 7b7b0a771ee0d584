"""Models of other tools: what a declaration and such a model both know survives the way there and back."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.app.importing import EXPORTS
from assay.declare.declaration import Declaration
from assay.declare.loader import load
from assay.declare.yaml_write import block_lines
from assay.domain import AssayError, UsageError
from assay.importing.models.drafted import Drafted
from assay.importing.models.fides import from_fides
from assay.importing.models.otm import from_otm
from assay.importing.source import structured

EXAMPLE = Path(__file__).parents[3] / "examples" / "customer-data"
NAMES = st.text(alphabet="abcdefgh0123456789-", min_size=1, max_size=8).filter(lambda n: n[0] not in "-")
LEVELS = st.sampled_from(["public", "internal", "confidential", "restricted", "special"])
CATEGORIES = st.sampled_from(["user.name", "user.contact.email", "user.financial.bank_account", "system.operations"])
PARENT = {"type": "object", "oneOf": [{"required": ["trustZone"]}, {"required": ["component"]}]}
SHAPE = {
    # The required parts of OTM 0.2.0, as its documentation lists them.
    "type": "object",
    "required": ["otmVersion", "project"],
    "properties": {
        "project": {"type": "object", "required": ["name", "id"]},
        "assets": {"items": {"required": ["name", "id", "risk"]}},
        "trustZones": {"items": {"required": ["id", "name", "risk"]}},
        "components": {"items": {"required": ["id", "name", "type", "parent"], "properties": {"parent": PARENT}}},
        "dataflows": {"items": {"required": ["id", "name", "source", "destination"]}},
    },
}


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, object]:
    """Declarations of environments, data, systems and flows alone: what every such model can say."""
    data = {
        name: {
            "level": draw(LEVELS),
            "fields": {f: {"category": draw(CATEGORIES)} for f in draw(st.sets(NAMES, max_size=3))},
        }
        for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    }
    zones = draw(st.lists(NAMES.filter(lambda n: n != "callers"), min_size=1, max_size=2, unique=True))
    systems = {
        name: {
            "kind": draw(st.sampled_from(["database", "service", "saas", "queue", "file-store", "third-party"])),
            "environment": draw(st.sampled_from(zones)),
            "owner": draw(NAMES),
            "holds": draw(st.lists(st.sampled_from(sorted(data)), unique=True, max_size=3)),
        }
        for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    }
    ends = st.sampled_from(sorted(systems))
    flows = {
        name: {"from": draw(ends), "to": draw(ends), "data": draw(st.lists(st.sampled_from(sorted(data)), unique=True))}
        for name in draw(st.lists(NAMES, max_size=3, unique=True))
    }
    return {
        "assay": 1,
        "organisation": {"name": "Some"},
        "environments": {zone: {"tier": "production"} for zone in zones},
        "data": data,
        "systems": systems,
        "flows": flows,
    }


def loaded(text: str, directory: Path) -> Declaration:
    (directory / "assay.yaml").write_text(text, encoding="utf-8")
    return load(directory)


def written(value: object) -> str:
    return "\n".join(block_lines(value, "")) + "\n"


def again(kind: str, declaration: Declaration) -> Drafted:
    source = structured(written(EXPORTS[kind](declaration)), "model.yaml")
    return from_otm(source) if kind == "otm" else from_fides([source])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=declarations())
def test_systems_data_and_flows_survive_an_open_threat_model(said: dict[str, object], tmp_path: Path) -> None:
    before = loaded(written(said), tmp_path)
    after = loaded(again("otm", before).text("model.yaml"), tmp_path)
    assert after.model.systems == before.model.systems
    assert after.model.flows == before.model.flows
    assert {n: d.level for n, d in after.model.data.items()} == {n: d.level for n, d in before.model.data.items()}
    assert set(after.model.environments) == set(before.model.environments)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=declarations())
def test_data_and_its_categories_survive_a_fides_manifest(said: dict[str, object], tmp_path: Path) -> None:
    before = loaded(written(said), tmp_path)
    after = loaded(again("fides", before).text("model.yaml"), tmp_path)
    assert {n: {k: f.category for k, f in d.fields.items()} for n, d in after.model.data.items()} == {
        n: {k: f.category for k, f in d.fields.items()} for n, d in before.model.data.items()
    }
    assert {n: (s.kind, set(s.holds)) for n, s in after.model.systems.items()} == {
        n: (s.kind, set(s.holds)) for n, s in before.model.systems.items()
    }


def test_what_is_written_has_every_part_that_the_format_requires() -> None:
    found = EXPORTS["otm"](load(EXAMPLE))
    jsonschema_rs.validate(SHAPE, found)
    zones = {z["id"] for z in found["trustZones"]}  # type: ignore[attr-defined]
    ids = {c["id"] for c in found["components"]}  # type: ignore[attr-defined]
    assert {c["parent"]["trustZone"] for c in found["components"]} <= zones  # type: ignore[attr-defined]
    assert {f[end] for f in found["dataflows"] for end in ("source", "destination")} <= ids  # type: ignore[attr-defined]


def test_what_a_declaration_has_no_word_for_is_listed() -> None:
    text = """\
otmVersion: 0.2.0
project: {name: Shop, id: shop}
trustZones: [{id: cloud, name: Test cloud, risk: {trustRating: 10}}]
components:
  - {id: vm, name: Machine, type: vm, parent: {trustZone: cloud}}
  - {id: db, name: Postgres, type: rds, parent: {component: vm}, assets: {stored: [people, gone]}}
  - {id: lost, name: Lost, type: x, parent: {component: nowhere}}
assets: [{id: people, name: People, risk: {confidentiality: 80, integrity: 1, availability: 1}}]
dataflows:
  - {id: a, name: a, source: vm, destination: db, bidirectional: true, assets: [people]}
  - {id: b, name: b, source: vm, destination: lost}
threats: [{id: t, name: T, risk: {likelihood: 1, impact: 1}}]
"""
    found = from_otm(structured(text, "model.yaml"))
    assert found.sections["environments"] == {"cloud": {"tier": "non-production"}}
    assert found.sections["systems"]["db"] == {
        "kind": "database", "environment": "cloud", "owner": "unknown", "holds": ["people"],
    }  # fmt: skip
    assert found.sections["data"] == {"people": {"level": "restricted"}}
    assert set(found.sections["flows"]) == {"a", "a-back"}
    said = "\n".join(found.losses)
    assert "`gone`" in said and "`lost`" in said and "`b`" in said and "1 threats" in said


def test_a_manifest_keeps_nested_fields_and_says_what_it_drops() -> None:
    text = """\
dataset:
  - fides_key: shop
    retention: 30 days after the account is closed
    collections:
      - name: users
        fields:
          - {name: email, data_categories: [user.contact.email, user.unique_id]}
          - {name: address, fields: [{name: city, data_categories: [user.contact.address.city]}]}
          - {name: odd, data_categories: [user.made_up]}
      - {name: logs, retention: forever, fields: []}
system:
  - fides_key: mailing
    system_type: Service
    egress: [{fides_key: elsewhere, type: system}]
    privacy_declarations:
      - {name: mail, data_use: marketing.advertising, data_subjects: [customer], dataset_references: [shop]}
policy: [{fides_key: p}]
"""
    found = from_fides([structured(text, "manifest.yml")])
    assert found.sections["data"]["shop.users"] == {
        "fields": {
            "email": {"category": "user.contact.email"},
            "address.city": {"category": "user.contact.address.city"},
            "odd": {"level": "internal", "guessed": "low"},
        },
        "retention": "30d",
        "purpose": ["marketing.advertising"],
        "subjects": "customer",
    }
    said = "\n".join(found.losses)
    for word in ("user.made_up", "first category", "`forever`", "elsewhere", "policy"):
        assert word in said


@pytest.mark.parametrize("text", ["", "[]", "a: 1", "otmVersion: 2.0", "dataset: 1\nsystem: x", "- 1"])
def test_files_that_are_no_model_are_refused_or_empty(text: str) -> None:
    with pytest.raises(UsageError):
        from_otm(structured(text, "x.yaml"))
    try:
        assert not from_fides([structured(text, "x.yaml")]).sections["data"]
    except UsageError as error:
        assert error.fix


KEYS = st.sampled_from(
    [
        "otmVersion",
        "project",
        "components",
        "id",
        "name",
        "parent",
        "trustZone",
        "trustZones",
        "assets",
        "stored",
        "risk",
        "confidentiality",
        "dataflows",
        "source",
        "destination",
        "dataset",
        "system",
        "fides_key",
        "collections",
        "fields",
        "data_categories",
        "privacy_declarations",
        "dataset_references",
        "egress",
        "ingress",
        "retention",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(value=st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_shape_of_a_model_makes_a_reader_fail(value: dict[str, object]) -> None:
    source = structured(written({"otmVersion": "0.2.0", **value, "system": value.get("system", [])}), "x.yaml")
    for read in (from_otm, lambda s: from_fides([s])):
        try:
            read(source).text("x")
        except AssayError:
            continue
