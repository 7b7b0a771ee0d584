"""Editors complete a declaration from a schema that says what the reader says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from ruamel.yaml import YAML
from tests.declare.declaring import BASE

from assay.declare.schema import json_schema, text
from assay.declare.yaml_places import read_yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "customer-data"
VALIDATOR = jsonschema_rs.Draft7Validator(json_schema())


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (ROOT / "schema" / "assay.schema.json").read_text(encoding="utf-8")
    assert committed == text(), "run: python -m assay.declare.schema > schema/assay.schema.json"


def test_it_is_a_draft_07_schema() -> None:
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in text() and "prefixItems" not in text()
    jsonschema_rs.meta.validate(json_schema())


def test_every_file_of_the_example_follows_it() -> None:
    files = [EXAMPLE / "assay.yaml", *sorted((EXAMPLE / "assay.d").glob("*.yaml"))]
    for file in files:
        VALIDATOR.validate(read_yaml(file.read_text(encoding="utf-8"), file.name).value)
    assert len(files) > 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Northwind", 'name: Northwind, subjects: "${SUBJECTS}"'),
        ("tier: non-production", 'tier: "${TIER:-production}"'),
        ("issuer: {development: true, audience: orders}", "issuer: https://login.example"),
        ("    backed_by: [store]", "    observe: [rate_limiting]\n    limits: {default: 5/minute, body: 1024}"),
        ("consumers:", "exceptions:\nconsumers:"),
        ("data:\n", "flows:\ndata:\n"),
    ],
)
def test_what_the_reader_accepts_it_accepts(old: str, new: str) -> None:
    assert old in BASE
    VALIDATOR.validate(YAML(typ="safe").load(BASE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("exposure: internal", "exposur: internal"),
        ("exposure: internal", "exposure: intern"),
        ("name: Northwind", "name: 42"),
        ("assay: 1", "assay: 2"),
        ("  orders:\n", "  '!orders':\n"),
        ("    exposure: internal\n", ""),
        ("backed_by: [store]", "limits: {default: 5 per minute}"),
        ("backed_by: [store]", "limits: {body: many}"),
        ("owner: team, holds", "connection: {kind: other, dsn: {secret: hunter2}}, owner: team, holds"),
    ],
)
def test_what_the_reader_refuses_it_refuses(old: str, new: str) -> None:
    assert old in BASE
    assert not VALIDATOR.is_valid(YAML(typ="safe").load(BASE.replace(old, new)))


def test_every_key_that_needs_it_is_described() -> None:
    definitions = json.loads(text())["definitions"]
    assert all("description" in schema for schema in definitions.values())
