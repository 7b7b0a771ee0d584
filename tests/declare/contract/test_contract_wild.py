"""Habits of contracts in the wild, each met in a public directory of APIs."""

from __future__ import annotations

import json
from typing import Any

from assay.declare.contract import Contract, SchemaRef, parse_contract
from assay.gateway.inspector.schemas import Library, compile_schema


def contract(schemas: dict[str, Any] | None = None, **more: Any) -> Contract:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/things": {
                "post": {
                    "operationId": "add",
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
                    },
                    "responses": {"200": {"description": "ok"}},
                }
            }
        },
        "components": {"schemas": schemas or {"Thing": {"type": "object"}}},
        **more,
    }
    return parse_contract(json.dumps(document).encode(), name="t.json")


def test_a_server_variable_that_begins_with_a_slash_does_not_double_it() -> None:
    url = {"url": "https://api.example/{base}", "variables": {"base": {"default": "/things/v1.0"}}}
    assert contract(servers=[url]).base_path == "/things/v1.0"


def test_a_pattern_that_takes_too_much_memory_is_said_and_does_not_stop_the_inspector() -> None:
    text = {"type": "string", "pattern": "[\\P{M}\\p{M}]{1,10000}"}
    read = contract({"Thing": {"type": "object", "properties": {"text": text}}})
    assert [note.check for note in read.notes if "pattern" in note.check] == ["invalid-pattern"]
    schema = read.json_schema(SchemaRef("t.json", "#/components/schemas/Thing"), direction="request", closed=True)
    assert compile_schema(schema, Library("{}"), "add").is_valid({"text": "x"})


def test_the_properties_of_a_record_itself_are_had_without_all_that_it_leads_to() -> None:
    names = [f"S{i}" for i in range(40)]
    linked = {
        n: {"type": "object", "properties": {m: {"$ref": f"#/components/schemas/{m}"} for m in names}} for n in names
    }
    read = contract({"Thing": {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}, **linked})
    found = read.fields(SchemaRef("t.json", "#/components/schemas/Thing"), direction="request", nested=False)
    assert [field.path for field in found] == [("*", name) for name in names]
