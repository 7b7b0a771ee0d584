"""Schemas as the validator sees them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.contract import Contract, Direction, SchemaRef, parse_contract
from assay.domain import DeclarationError


def contract_of(schemas: dict[str, Any], version: str = "3.0.3") -> Contract:
    document = {"openapi": version, "paths": {"/a": {"post": {}}}, "components": {"schemas": schemas}}
    return parse_contract(json.dumps(document).encode(), name="a.json")


def schema_of(
    schemas: dict[str, Any] | Contract, name: str = "A", *, direction: Direction = "request", closed: bool = True
) -> dict[str, Any]:
    contract = schemas if isinstance(schemas, Contract) else contract_of(schemas)
    ref = SchemaRef("a.json", f"#/components/schemas/{name}")
    return contract.json_schema(ref, direction=direction, closed=closed)


def accepts(schema: dict[str, Any], value: object) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


BASE = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string"},
        "secret": {"type": "string", "writeOnly": True},
    },
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"nullable": True, "allOf": [{"type": "string"}]},
         {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
        ({"exclusiveMaximum": True}, {}),
        ({"exclusiveMaximum": 5}, {"exclusiveMaximum": 5}),
        ({"type": "string", "format": "date", "example": 1, "xml": {}, "description": "d"},
         {"type": "string", "format": "date"}),
        ({"items": [{"type": "string"}], "additionalItems": False},
         {"prefixItems": [{"type": "string"}], "items": False}),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
         {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}}),
        ({"maxLength": 5.0, "required": True}, {"maxLength": 5}),
        ({"type": "integer", "format": "int32"},
         {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}),
        ({"type": "integer", "format": "int64", "minimum": 0, "exclusiveMaximum": 9},
         {"type": "integer", "format": "int64", "minimum": 0, "exclusiveMaximum": 9}),
        ({"type": ["integer", "null"], "format": "uint8", "minimum": -5, "maximum": 1e30},
         {"type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255}),
        ({"type": "integer", "format": "int8", "exclusiveMinimum": -500, "exclusiveMaximum": 500},
         {"type": "integer", "format": "int8", "exclusiveMinimum": -500, "exclusiveMaximum": 500,
          "minimum": -128, "maximum": 127}),
        ({"type": "string", "format": "int64"}, {"type": "string", "format": "int64"}),
        ({"type": "Strin", "minimum": "1", "maxLength": -1, "enum": 1, "pattern": "[", "anyOf": [], "properties": []},
         {}),
    ],
)  # fmt: skip
def test_every_dialect_becomes_draft_2020_12(written: dict[str, Any], expected: dict[str, Any]) -> None:
    schema = schema_of({"A": written}, closed=False)
    del schema["$schema"]
    assert schema == expected
    jsonschema_rs.Draft202012Validator(schema)


def test_recursion_stays_a_reference_and_each_schema_appears_once() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/A"}, "value": {"type": "integer"}}}
    schema = schema_of({"A": tree})
    assert list(schema["$defs"]) == ["A"]
    assert accepts(schema, {"left": {"left": {"value": 1}}})
    assert not accepts(schema, {"left": {"left": {"value": "x"}}})
    assert not accepts(schema, {"left": {"left": {"other": 1}}})


def test_a_read_only_property_is_refused_in_requests_and_not_required() -> None:
    request, response = schema_of({"A": BASE}), schema_of({"A": BASE}, direction="response")
    assert accepts(request, {"name": "x", "secret": "y"})
    assert not accepts(request, {"name": "x", "id": 1})
    assert accepts(response, {"name": "x", "id": 1})
    assert not accepts(response, {"name": "x"})
    assert not accepts(response, {"name": "x", "id": 1, "secret": "y"})


@pytest.mark.parametrize("mark", [
    {"allOf": [{"$ref": "#/components/schemas/Id"}], "readOnly": True},
    {"$ref": "#/components/schemas/Id"},
    {"allOf": [{"$ref": "#/components/schemas/Id"}]},
])  # fmt: skip
def test_read_only_is_seen_through_references_and_compositions(mark: dict[str, Any]) -> None:
    schemas = {
        "Id": {"type": "integer", "readOnly": True},
        "Named": {"type": "object", "properties": {"id": mark}},
        "A": {"allOf": [{"$ref": "#/components/schemas/Named"}, {"$ref": "#/components/schemas/Needs"}]},
        "Needs": {"required": ["id", "name"], "properties": {"name": {}}},
    }
    schema = schema_of(schemas)
    assert accepts(schema, {"name": 1})
    assert not accepts(schema, {"name": 1, "id": 1})
    assert not accepts(schema, {})
    assert not accepts(schema_of(schemas, "Needs"), {"name": 1})


def test_compositions_are_closed_as_a_whole() -> None:
    schemas = {
        "Base": {"type": "object", "properties": {"a": {}}},
        "A": {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {"properties": {"b": {"$ref": "#/components/schemas/Base"}}},
            ]
        },
    }
    schema = schema_of(schemas)
    assert accepts(schema, {"a": 1, "b": {"a": 1}})
    assert not accepts(schema, {"a": 1, "c": 1})
    assert not accepts(schema, {"b": {"c": 1}})
    assert accepts(schema_of(schemas, closed=False), {"c": 1, "b": {"c": 1}})


def test_alternatives_are_closed_by_what_the_matching_one_declares() -> None:
    choice = {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {}}},
                        {"type": "object", "required": ["b"], "properties": {"b": {}}}]}  # fmt: skip
    schema = schema_of({"A": choice})
    assert accepts(schema, {"a": 1})
    assert not accepts(schema, {"a": 1, "c": 1})


def test_what_speaks_about_other_properties_is_left_as_it_is() -> None:
    assert accepts(schema_of({"A": {"properties": {"a": {}}, "additionalProperties": True}}), {"z": 1})
    assert not accepts(
        schema_of({"A": {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}}), {"z": 1}
    )
    assert accepts(schema_of({"A": {"type": "object"}}), {"z": 1})
    free = {"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"type": "object"}]}
    assert accepts(schema_of({"A": free}), {"z": 1})


def test_a_negated_schema_means_the_same_open_and_closed() -> None:
    written = {"properties": {"a": {}, "b": {}}, "not": {"properties": {"a": {"const": 1}}, "required": ["a"]}}
    for closed in (False, True):
        schema = schema_of({"A": written}, closed=closed)
        assert not accepts(schema, {"a": 1, "b": 2})
        assert accepts(schema, {"a": 2, "b": 2})


ANIMALS = {
    "Pet": {"type": "object", "required": ["kind"], "discriminator": {"propertyName": "kind"},
            "properties": {"kind": {"type": "string"}}},
    "Cat": {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"properties": {"lives": {"type": "integer"}}}]},
    "Ghost": {"allOf": [{"$ref": "#/components/schemas/Pet"}]},
    "A": {"type": "object",
          "properties": {"pet": {"allOf": [{"$ref": "#/components/schemas/Pet"}], "description": "one"}}},
}  # fmt: skip


def test_a_base_type_stands_for_its_subtypes() -> None:
    schema = schema_of(ANIMALS)
    assert accepts(schema, {"pet": {"kind": "Cat", "lives": 9}})
    assert not accepts(schema, {"pet": {"kind": "Cat", "lives": "many"}})
    assert not accepts(schema, {"pet": {"kind": "Cat", "wings": 2}})
    assert not accepts(schema, {"pet": {"lives": 9}})
    assert not accepts(schema_of(ANIMALS, "Ghost"), {"kind": "Ghost", "lives": 1})


def test_a_base_type_that_lists_its_subtypes_is_no_circle() -> None:
    schemas = {
        "A": {"type": "object", "properties": {"k": {}}, "oneOf": [{"$ref": "#/components/schemas/Sub"}]},
        "Sub": {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"x": {"type": "integer"}}}]},
    }
    for name in ("A", "Sub"):
        schema = schema_of(schemas, name)
        assert accepts(schema, {"k": 1, "x": 1})
        assert not accepts(schema, {"k": 1, "x": "1"})
        assert not accepts(schema, {"y": 1})


def test_a_schema_defined_by_itself_is_refused_rather_than_run() -> None:
    contract = contract_of({"A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
                            "B": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "string"}]}})  # fmt: skip
    with pytest.raises(DeclarationError, match="defined by itself"):
        schema_of(contract, closed=False)


def test_siblings_of_a_reference_apply_from_31_and_are_said_to_be_ignored_before() -> None:
    schemas = {"A": {"$ref": "#/components/schemas/B", "maxLength": 2}, "B": {"type": "string"}}
    parameter = {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/A"}}
    document = {"paths": {"/a": {"post": {"parameters": [parameter]}}}, "components": {"schemas": schemas}}
    old = parse_contract(json.dumps({"openapi": "3.0.0", **document}).encode(), name="a.json")
    new = parse_contract(json.dumps({"openapi": "3.1.0", **document}).encode(), name="a.json")
    assert accepts(schema_of(old), "abc")
    assert not accepts(schema_of(new), "abc")
    assert not accepts(schema_of(new), 1)
    assert "ignored-reference-sibling" in {n.check for n in old.notes}
    assert "ignored-reference-sibling" not in {n.check for n in new.notes}


def test_what_cannot_be_enforced_is_said_with_its_place() -> None:
    schema = {"type": "string", "pattern": "(?<=a)b", "format": "iban", "maxLenght": 3, "contentEncoding": "base64",
              "properties": {"x": {"type": "strin", "pattern": "[a"}}}  # fmt: skip
    document = {"openapi": "3.1.0", "webhooks": {"w": {}}, "paths": {"/a": {"post": {
        "callbacks": {"c": {}}, "requestBody": {"content": {"application/xml": {"schema": schema}}}}}}}  # fmt: skip
    contract = parse_contract(json.dumps(document, indent=1).encode(), name="a.json")
    found = {n.check: n for n in contract.notes}
    assert found.keys() >= {
        "backtracking-pattern", "unknown-format", "unknown-keyword", "content-encoding", "invalid-keyword",
        "invalid-pattern", "webhooks-ignored", "callbacks-ignored", "body-not-validated", "operation-without-id",
        "operation-without-security",
    }  # fmt: skip
    lines = json.dumps(document, indent=1).split("\n")
    assert '"maxLenght"' in lines[found["unknown-keyword"].location.line - 1]
    assert "`iban`" in found["unknown-format"].sentence
    assert all(n.is_finding for n in contract.notes)


names = st.sampled_from(["a", "b", "c", "d"])
leaves = st.sampled_from(
    [
        {},
        {"type": "integer"},
        {"type": "string", "maxLength": 2},
        {"type": "integer", "readOnly": True},
        {"$ref": "#/components/schemas/A"},
        {"$ref": "#/components/schemas/B"},
    ]
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(names, inner, min_size=1, max_size=3)},
        optional={"required": st.lists(names, max_size=2, unique=True), "nullable": st.booleans()},
    )
    branch = inner | plain
    composed = st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(names, inner, max_size=2),
            "allOf": st.lists(branch, min_size=1, max_size=2),
            "anyOf": st.lists(branch, min_size=1, max_size=2),
            "oneOf": st.lists(branch, min_size=1, max_size=2),
        },
    )
    return plain | composed | st.fixed_dictionaries({"type": st.just("array"), "items": inner})


schemas = st.recursive(leaves, objects, max_leaves=6)
instances = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "long text", None]),
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "b", "c", "d", "undeclared"]), inner, max_size=3)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(schemas, schemas, st.lists(instances, min_size=1, max_size=8), st.sampled_from(["3.0.3", "3.1.0"]))
def test_closing_only_refuses_undeclared_properties(a: Any, b: Any, values: list[Any], version: str) -> None:
    """Closed compiles whatever the schema, refuses what is undeclared, and is never laxer than open.

    Except below ``oneOf``: alternatives that an instance satisfies both when open may be told apart when closed.
    """
    try:
        contract = contract_of({"A": a, "B": b}, version)
        open_schema = schema_of(contract, closed=False)
        closed_schema = schema_of(contract, closed=True)
    except DeclarationError:
        return
    declared = {f.name for f in contract.fields(SchemaRef("a.json", "#/components/schemas/A"), direction="request")}
    open_validator = jsonschema_rs.Draft202012Validator(open_schema)
    closed_validator = jsonschema_rs.Draft202012Validator(closed_schema)
    for value in values:
        if closed_validator.is_valid(value) and "oneOf" not in json.dumps([a, b]):
            assert open_validator.is_valid(value)
        if isinstance(value, dict) and "undeclared" in value and set(value) & declared and _flat(a):
            assert not closed_validator.is_valid(value)


def _flat(schema: Any) -> bool:
    return set(schema) <= {"type", "properties", "required"} and "properties" in schema and bool(schema["properties"])


flat_names = st.dictionaries(names, st.sampled_from([{}, {"type": "integer"}]), min_size=1, max_size=3)
flat_values = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "z"]), st.integers(0, 2) | st.just("s"), max_size=4)


@given(flat_names, flat_names, flat_names, flat_values)
def test_an_open_instance_with_only_declared_properties_passes_closed(
    own: Any, first: Any, second: Any, value: dict[str, Any]
) -> None:
    written = {
        "properties": own,
        "allOf": [{"$ref": "#/components/schemas/B"}, {"type": "object", "properties": second}],
    }
    contract = contract_of({"A": written, "B": {"type": "object", "properties": first}})
    declared = {f.name for f in contract.fields(SchemaRef("a.json", "#/components/schemas/A"), direction="request")}
    assert declared == own.keys() | first.keys() | second.keys()
    is_open = accepts(schema_of(contract, closed=False), value)
    assert accepts(schema_of(contract, closed=True), value) == (is_open and value.keys() <= declared)


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_a_number_that_its_width_cannot_hold_is_refused(bits: int) -> None:
    schema = schema_of({"A": {"type": "integer", "format": f"int{bits}"}})
    validator = jsonschema_rs.Draft202012Validator(schema)
    most = 2 ** (bits - 1) - 1
    for inside in (0, most, -most - 1):
        assert validator.is_valid(inside), inside
    for outside in (most + 1, -most - 2, 10**30, -(10**30)):
        assert not validator.is_valid(outside), outside
