"""Properties, wherever in a body they are."""

from __future__ import annotations

import json
from typing import Any

from assay.declare.contract import FieldPath, SchemaRef, parse_contract
from assay.declare.contract.fields import walk


def fields(schemas: dict[str, Any], name: str = "A", direction: Any = "response") -> dict[tuple[str, ...], FieldPath]:
    document = {"openapi": "3.0.3", "paths": {}, "components": {"schemas": schemas}}
    contract = parse_contract(json.dumps(document).encode(), name="a.json")
    found = contract.fields(SchemaRef("a.json", f"#/components/schemas/{name}"), direction=direction)
    assert len({f.path for f in found}) == len(found)
    return {f.path: f for f in found}


CUSTOMER = {
    "Person": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "example": "Ada"}}},
    "Email": {"type": "string", "format": "email"},
    "Customer": {
        "allOf": [
            {"$ref": "#/components/schemas/Person"},
            {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "email": {"$ref": "#/components/schemas/Email"},
                    "labels": {"additionalProperties": {"type": "string"}},
                    "orders": {"type": "array", "items": {"properties": {"iban": {"type": "string"}}}},
                },
            },
        ]
    },
    "A": {"type": "array", "items": {"$ref": "#/components/schemas/Customer"}},
}


def test_fields_are_found_in_lists_references_and_compositions() -> None:
    found = fields(CUSTOMER)
    assert list(found) == [
        ("*", "name"),
        ("*", "id"),
        ("*", "email"),
        ("*", "labels"),
        ("*", "orders"),
        ("*", "orders", "*", "iban"),
    ]
    name, email = found[("*", "name")], found[("*", "email")]
    assert name.owner == "#/components/schemas/Person"
    assert name.owners[:2] == ("#/components/schemas/A/items", "#/components/schemas/Customer")
    assert "#/components/schemas/Person" in name.owners
    assert (name.required, name.example) == (True, "Ada")
    assert (email.format, email.schema) == ("email", {"type": "string", "format": "email"})


def test_what_is_required_depends_on_the_direction() -> None:
    assert fields(CUSTOMER, "Customer")[("id",)].required
    in_request = fields(CUSTOMER, "Customer", "request")[("id",)]
    assert (in_request.required, in_request.read_only, in_request.write_only) == (False, True, False)


def test_recursion_is_cut_where_it_recurs_and_the_cut_is_marked() -> None:
    a, b = {"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}
    found = fields(
        {
            "A": {"properties": {"value": {}, "next": a, "b": b}},
            "B": {"properties": {"all": {"type": "array", "items": a}, "x": {"type": "string"}}},
        }
    )
    assert {path: f.recursive for path, f in found.items()} == {
        ("value",): False,
        ("next",): True,
        ("b",): False,
        ("b", "all"): True,
        ("b", "x"): False,
    }


def test_a_schema_that_spreads_without_end_is_cut_breadth_first_and_marked() -> None:
    schemas = {
        f"S{i}": {"properties": {n: {"$ref": f"#/components/schemas/S{i + 1}"} for n in "abcd"}} for i in range(30)
    }
    schemas["S30"] = {"properties": {"end": {}}}
    document = {"openapi": "3.0.3", "paths": {}, "components": {"schemas": schemas}}
    contract = parse_contract(json.dumps(document).encode(), name="a.json")
    found = walk(contract.documents, SchemaRef("a.json", "#/components/schemas/S0"), direction="request", longest=1000)
    assert 1000 <= len(found) < 1010
    listed = {f.path for f in found}
    assert all(f.recursive for f in found if (*f.path, "a") not in listed)
    assert {f.path for f in found if len(f.path) == 2} == {(x, y) for x in "abcd" for y in "abcd"}


def test_alternatives_that_declare_the_same_name_give_one_field_that_knows_both() -> None:
    found = fields({"A": {"oneOf": [{"properties": {"x": {"properties": {"p": {}}}}},
                                    {"properties": {"x": {"properties": {"q": {"writeOnly": True}}}}}]}})  # fmt: skip
    assert set(found) == {("x",), ("x", "p"), ("x", "q")}
    assert found[("x", "q")].write_only
    assert found[("x",)].owner == "#/components/schemas/A/oneOf/0"
    assert "#/components/schemas/A/oneOf/1" in found[("x",)].owners
