"""Schemas that all contain each other are looked through in bounded time and memory, and nothing classified is lost."""

from __future__ import annotations

import json
from typing import Any

from assay.declare.contract import SchemaRef, parse_contract
from assay.declare.contract.fields import LONGEST
from assay.declare.reach import within
from assay.declare.shapes import MOST, properties

NAMES = [f"S{i}" for i in range(30)]


def _linked(last: dict[str, Any]) -> bytes:
    schemas: dict[str, Any] = {
        name: {"type": "object", "properties": {m: {"$ref": f"#/components/schemas/{m}"} for m in NAMES}}
        for name in NAMES
    }
    schemas["S29"]["properties"] |= last
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "t", "version": "1"},
            "paths": {},
            "components": {"schemas": schemas},
        }
    ).encode()


def test_schemas_that_all_contain_each_other_are_listed_up_to_a_bound() -> None:
    contract = parse_contract(_linked({"email": {"type": "string"}}), name="t.json")
    start = SchemaRef("t.json", "#/components/schemas/S0")
    found = properties(contract, start, "response")
    assert len(found) <= LONGEST + len(NAMES) + MOST + LONGEST
    assert any(item.cut for item in found), "what is left out is marked"
    inside = within(contract, start)
    assert inside.names("email")
    assert inside.described_by("#/components/schemas/S29")
