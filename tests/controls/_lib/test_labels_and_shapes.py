"""Fields are recognised wherever their schemas stand, and closing a response drops nothing that the contract names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.contract import Contract, SchemaRef, parse_contract
from assay.declare.declaration import Declaration
from assay.declare.media import may_be_json
from assay.declare.shapes import known, properties
from assay.gateway.processor.masking import Known, prune
from assay.sensitivity.bodies import Labels, labels

HEAD = """\
assay: 1
organisation: {name: x}
environments: {e: {tier: non-production}}
apis: {a: {owner: x, exposure: internal, environment: e, contract: shop.yaml, upstream: "http://127.0.0.1:1"}}
data:
"""
CONTRACT = """\
openapi: 3.1.0
info: {title: t, version: "1"}
components:
  schemas:
    Customer:
      type: object
      properties:
        name: {type: string}
        address: {$ref: '#/components/schemas/Address'}
        orders: {type: array, items: {$ref: '#/components/schemas/Order'}}
        boss: {$ref: '#/components/schemas/Customer'}
    Address: {type: object, properties: {city: {type: string}, name: {type: string}}}
    Order: {type: object, properties: {name: {type: string}, total: {type: number}}}
    Alias: {$ref: '#/components/schemas/Customer'}
    People: {type: array, items: {type: object, properties: {name: {type: string}}}}
    Staff: {allOf: [{$ref: '#/components/schemas/Customer'}, {type: object, properties: {badge: {type: string}}}]}
    Shop:
      type: object
      properties: {address: {$ref: '#/components/schemas/Address'}, customer: {$ref: '#/components/schemas/Alias'}}
paths: {}
"""


def _labels(declared: Callable[..., Declaration], data: str) -> tuple[Labels, Callable[[str], dict[str, str]]]:
    declaration = declared(HEAD + data, CONTRACT)
    found, file = labels(declaration, "a"), declaration.contracts["a"].file

    def of(schema: str) -> dict[str, str]:
        view = found.of(SchemaRef(file, f"#/components/schemas/{schema}"), "response")
        return {".".join(i.path): i.label.name for i in view.labelled}

    return found, of


FIELD = "{category: user.name}"


class TestLabels:
    def test_a_field_is_found_by_name_at_any_depth_below_its_record(self, declared: Callable[..., Declaration]) -> None:
        data = f"  person: {{from: shop.yaml#/components/schemas/Customer, fields: {{city: {FIELD}}}}}\n"
        _, of = _labels(declared, data)
        assert {"address.city", "boss.address.city"} <= of("Customer").keys()

    def test_a_dotted_path_means_one_field_only(self, declared: Callable[..., Declaration]) -> None:
        data = f"  person: {{from: shop.yaml#/components/schemas/Customer, fields: {{address.name: {FIELD}}}}}\n"
        _, of = _labels(declared, data)
        assert "address.name" in of("Customer")
        assert "name" not in of("Customer")

    def test_the_same_schema_elsewhere_is_no_record(self, declared: Callable[..., Declaration]) -> None:
        data = f"  person: {{from: shop.yaml#/components/schemas/Customer, fields: {{city: {FIELD}}}}}\n"
        _, of = _labels(declared, data)
        assert "address.city" not in of("Shop")
        assert "customer.address.city" in of("Shop")

    def test_another_data_set_in_between_decides_for_itself(self, declared: Callable[..., Declaration]) -> None:
        data = (
            f"  person: {{from: shop.yaml#/components/schemas/Customer, fields: {{name: {FIELD}}}}}\n"
            "  order: {from: shop.yaml#/components/schemas/Order, fields: {total: {level: internal}}}\n"
        )
        _, of = _labels(declared, data)
        found = of("Customer")
        assert found["orders.*.total"] == "order.total"
        assert "orders.*.name" not in found

    @pytest.mark.parametrize(
        ("source", "schema", "path"), [("Alias", "Customer", "name"), ("People", "People", "*.name")]
    )
    def test_records_are_known_through_references_and_lists(
        self, declared: Callable[..., Declaration], source: str, schema: str, path: str
    ) -> None:
        data = f"  person: {{from: shop.yaml#/components/schemas/{source}, fields: {{name: {FIELD}}}}}\n"
        _, of = _labels(declared, data)
        assert path in of(schema)

    def test_a_record_that_another_schema_extends_is_still_one(self, declared: Callable[..., Declaration]) -> None:
        data = f"  person: {{from: ./shop.yaml#/components/schemas/Customer, fields: {{name: {FIELD}}}}}\n"
        _, of = _labels(declared, data)
        assert "name" in of("Staff")

    def test_what_lies_too_deep_to_be_named_is_reported_with_its_level(
        self, declared: Callable[..., Declaration]
    ) -> None:
        data = "  person: {from: shop.yaml#/components/schemas/Customer, fields: {name: {level: special}}}\n"
        found, _ = _labels(declared, data)
        view = found.of(SchemaRef(str(found._contract.file), "#/components/schemas/Customer"), "response")
        assert view.hidden == ((("boss",) * 4, "special"),)
        assert "boss.boss.boss.name" in {".".join(i.path) for i in view.labelled}


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"enum": ["x", 1]}, {"type": ["string", "null"]}])
SCHEMAS = st.recursive(
    st.one_of(SCALARS, st.sampled_from([{}, {"type": "object"}, {"type": "array"}])),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, min_size=1, max_size=3)},
            optional={"additionalProperties": st.one_of(st.booleans(), inner)},
        ),
        st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
    ),
    max_leaves=8,
)


def _value(draw: st.DrawFn, schema: Any) -> Any:
    if isinstance(schema, dict) and "allOf" in schema:
        values = [_value(draw, part) for part in schema["allOf"]]
        if all(isinstance(v, dict) for v in values):
            return {k: v for value in values for k, v in value.items()}
        return values[0]
    if not isinstance(schema, dict) or not schema.keys() - {"additionalProperties"}:
        return draw(st.sampled_from(["text", 1, {"deep": {"er": [1]}}, [{"x": "y"}], [[1]]]))
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"]
    if kind == "object":
        found = {n: _value(draw, s) for n, s in schema.get("properties", {}).items() if draw(st.booleans())}
        extra = schema.get("additionalProperties", "properties" not in schema)
        if extra is not False:
            found["other"] = _value(draw, extra if isinstance(extra, dict) else {})
        return found
    if kind == "array":
        return [_value(draw, schema.get("items", {})) for _ in range(draw(st.integers(0, 2)))]
    return 1 if kind == "integer" else "text"


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, Any]:
    schema = draw(SCHEMAS)
    return schema, _value(draw, schema)


def _contract(schema: Any) -> tuple[Contract, SchemaRef]:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "components": {"schemas": {"Body": schema}},
        "paths": {},
    }
    return parse_contract(msgspec.json.encode(document), name="t.json"), SchemaRef(
        "t.json", "#/components/schemas/Body"
    )


@settings(max_examples=500, deadline=None)
@given(_cases())
def test_what_a_contract_allows_comes_through_a_closed_response(case: tuple[Any, Any]) -> None:
    schema, value = case
    contract, ref = _contract(schema)
    named = known(contract, ref, "response")
    closed = contract.json_schema(ref, direction="response", closed=True)
    if named is None or not jsonschema_rs.Draft202012Validator(closed).is_valid(value):
        return
    before = msgspec.json.encode(value)
    after = prune(msgspec.json.decode(before), Known.of(named), Counter())
    assert msgspec.json.encode(after) == before


def test_a_property_that_is_never_answered_is_not_let_through() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "secret": {"type": "object", "writeOnly": True, "properties": {"b": {"type": "string"}}},
        },
    }
    contract, ref = _contract(schema)
    assert known(contract, ref, "response") == (("a",),)
    assert [p.path for p in properties(contract, ref, "response") if not p.absent] == [("a",)]


def test_a_response_that_may_hold_anything_cannot_be_closed() -> None:
    contract, ref = _contract({})
    assert known(contract, ref, "response") is None


@pytest.mark.parametrize(
    ("media_type", "answer"),
    [
        ("application/json", True),
        ("application/problem+json; charset=utf-8", True),
        ("*/*", True),
        ("text/csv", False),
        ("application/xml", False),
        ("text/json", False),
        (None, False),
    ],
)
def test_only_json_can_be_looked_into(media_type: str | None, answer: bool) -> None:
    assert may_be_json(media_type) is answer
