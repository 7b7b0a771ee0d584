"""One library holds what an API's requests need: each definition once, and all of it compiles."""

from __future__ import annotations

from collections.abc import Callable

import jsonschema_rs
import msgspec

from assay.controls.base import Site
from assay.controls.input_validation.enforce import enforce
from assay.controls.input_validation.schemas import Schemas
from assay.declare.contract import SchemaRef, parse_contract
from assay.declare.declaration import Declaration
from assay.gateway import ir

SITE = Site("c", "k", "ca", "http://127.0.0.1:1")
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "paths": {},
    "components": {
        "schemas": {
            "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
            "B": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}, "n": {"type": "integer"}}},
            "Circle": {"allOf": [{"$ref": "#/components/schemas/Other"}]},
            "Other": {"anyOf": [{"$ref": "#/components/schemas/Circle"}]},
            "Holder": {"type": "object", "properties": {"c": {"$ref": "#/components/schemas/Circle"}}},
            "Unused": {"type": "string"},
        }
    },
}


def _schemas() -> tuple[Schemas, Callable[[str], SchemaRef]]:
    contract = parse_contract(msgspec.json.encode(DOCUMENT), name="t.json")
    return Schemas(contract, closed=True), lambda name: SchemaRef("t.json", f"#/components/schemas/{name}")


def test_definitions_are_shared_and_what_nobody_uses_is_left_out() -> None:
    schemas, ref = _schemas()
    schemas.text(ref("A"))
    schemas.text(ref("B"))
    assert msgspec.json.decode(schemas.library()).keys() == {"A", "B"}


def test_a_schema_means_the_same_with_the_library_as_alone() -> None:
    schemas, ref = _schemas()
    together = {**msgspec.json.decode(schemas.text(ref("A"))), "$defs": msgspec.json.decode(schemas.library())}
    alone = schemas.contract.json_schema(ref("A"), direction="request", closed=True)
    for value in ({}, {"b": {"n": 1}}, {"b": {"a": {"b": {}}}}, {"b": {"n": "x"}}, {"c": 1}, {"b": {"a": {"z": 1}}}, 3):
        valid = jsonschema_rs.Draft202012Validator(together).is_valid(value)
        assert valid == jsonschema_rs.Draft202012Validator(alone).is_valid(value)


def test_a_schema_that_is_defined_by_itself_refuses_everything_and_so_does_what_needs_it() -> None:
    schemas, ref = _schemas()
    assert schemas.text(ref("Circle")) == "false"
    assert schemas.text(ref("Holder")) == "false"
    assert schemas.text(ref("A")) != "false"
    assert "Circle" not in msgspec.json.decode(schemas.library())


STRICT = """\
assay: 1
organisation: {name: x}
environments: {e: {tier: non-production}}
apis: {a: {owner: x, exposure: internal, environment: e, contract: shop.yaml, upstream: "http://h", strict: %s}}
"""


def test_an_inspection_is_left_out_only_where_nothing_could_be_refused(declared: Callable[..., Declaration]) -> None:
    def inspected(strict: str) -> set[str]:
        pieces = enforce(declared(STRICT % strict), SITE)
        return {p.operation for p in pieces if isinstance(p, ir.Inspection)}

    everything = {"listOrders", "getOrder", "deleteOrder"}
    assert inspected("{}") == everything
    assert inspected("{query: false}") == everything
    # Whether a write comes without a body, as declared, only the inspector sees.
    assert inspected("{query: false, injection: false}") == {"deleteOrder"}
    assert inspected("{query: false, injection: false, headers: true}") == everything
    assert inspected("{query: false, injection: false, body: false}") == {"deleteOrder"}


def test_an_operation_without_a_body_takes_none(declared: Callable[..., Declaration]) -> None:
    sizes = {p.operation: p.body_bytes for p in enforce(declared(STRICT % "{}"), SITE) if isinstance(p, ir.SizeLimit)}
    assert sizes == {"listOrders": 0, "getOrder": 0, "deleteOrder": 0}
