"""Free text is found wherever a contract lets it stand: what is missed is not searched for injections."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.controls.input_validation.openness import openness
from assay.controls.input_validation.schemas import Schemas
from assay.controls.input_validation.text import is_bounded, is_free, is_long, is_narrow
from assay.declare.contract import SchemaRef, parse_contract
from assay.gateway.inspector.paths import collect, tree
from assay.gateway.inspector.schemas import is_narrow as inspector_agrees

ATTACK = "' OR 1=1 --"

NAMES = st.sampled_from(["a", "b", "c"])


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)},
        optional={
            "additionalProperties": st.one_of(st.booleans(), inner),
            "patternProperties": st.dictionaries(st.just("^x"), inner, max_size=1),
            "if": st.just({}),
            "then": st.fixed_dictionaries({"properties": st.dictionaries(NAMES, inner, min_size=1, max_size=2)}),
        },
    )


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "maxLength": 50},
        {"type": "string", "enum": ["x", "y"]},
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[a-z]{1,5}$"},
        {"type": "integer"},
        {},
        {"type": "object"},
        {"type": "array"},
        {"minLength": 1},
        {"$ref": "#/components/schemas/Text"},
        {"$ref": "#/components/schemas/Tree"},
        {"allOf": [{"$ref": "#/components/schemas/Tree"}]},
        {"type": ["string", "null"]},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        _objects(inner),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": st.just("array"), "prefixItems": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
        st.fixed_dictionaries({"dependentSchemas": st.dictionaries(NAMES, inner, max_size=1)}),
    ),
    max_leaves=6,
)


def _value(draw: st.DrawFn, schema: Any, depth: int = 0) -> Any:
    """A value that has a good chance of being valid, with an attack wherever text may stand."""
    if not isinstance(schema, dict) or depth > 5:
        return ATTACK
    if "Tree" in str(schema.get("$ref") or schema.get("allOf")):
        below = _value(draw, schema, depth + 1) if draw(st.booleans()) else {}
        return {"name": ATTACK, "next": below if isinstance(below, dict) else {}}
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return _value(draw, draw(st.sampled_from(schema[keyword])), depth + 1)
    for keyword in ("allOf", "then"):
        if keyword in schema and "properties" not in schema:
            parts = schema[keyword] if keyword == "allOf" else [schema["then"]]
            values = [_value(draw, part, depth + 1) for part in parts]
            if all(isinstance(v, dict) for v in values):
                return {k: v for value in values for k, v in value.items()}
            return draw(st.sampled_from(values))
    kind = schema.get("type", "string")
    if kind == "object" or "dependentSchemas" in schema:
        found = {n: _value(draw, s, depth + 1) for n, s in schema.get("properties", {}).items() if draw(st.booleans())}
        for name, keyword in (("x" + ATTACK, "patternProperties"), (ATTACK, "additionalProperties")):
            if draw(st.booleans()):
                inner = schema.get(keyword, True)
                inner = inner.get("^x", True) if keyword == "patternProperties" and isinstance(inner, dict) else inner
                found[name] = _value(draw, inner, depth + 1)
        if isinstance(schema.get("then"), dict):
            found |= {n: _value(draw, s, depth + 1) for n, s in schema["then"].get("properties", {}).items()}
        for name, inner in schema.get("dependentSchemas", {}).items():
            below = _value(draw, inner, depth + 1)
            found = {**(below if isinstance(below, dict) else {}), name: ATTACK, **found}
        return found
    if kind == "array":
        fixed = [_value(draw, s, depth + 1) for s in schema.get("prefixItems", [])]
        return fixed + [_value(draw, schema.get("items", True), depth + 1) for _ in range(draw(st.integers(0, 2)))]
    if kind == "integer":
        return 1
    if "enum" in schema:
        return "x"
    if "pattern" in schema:
        return "abc"
    return "2f1b6d2e-5a3c-4f43-9f0e-9a5f4f1c2d3e" if "format" in schema else ATTACK


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Any, Any]:
    schema = draw(SCHEMAS)
    return schema, _value(draw, schema)


def _contract(schema: Any) -> tuple[Any, SchemaRef]:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "components": {
            "schemas": {
                "Body": schema,
                "Text": {"type": "string"},
                "Tree": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "next": {"anyOf": [{"type": "null"}, {"allOf": [{"$ref": "#/components/schemas/Tree"}]}]},
                    },
                },
            }
        },
        "paths": {},
    }
    return parse_contract(msgspec.json.encode(document), name="t.json"), SchemaRef(
        "t.json", "#/components/schemas/Body"
    )


@settings(max_examples=500, deadline=None)
@given(_cases(), st.booleans())
def test_every_attack_that_the_schema_lets_through_is_among_the_texts_searched(
    case: tuple[Any, Any], closed: bool
) -> None:
    schema, value = case
    contract, ref = _contract(schema)
    found = Schemas(contract, closed)
    text = found.text(ref)
    whole = msgspec.json.decode(text)
    if isinstance(whole, dict):
        whole["$defs"] = msgspec.json.decode(found.library())
    if not jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value):
        return
    texts: list[tuple[str, Any]] = []
    collect(value, tree(openness(found, ref).texts), texts)
    assert str(value).count(ATTACK) <= sum(str(t).count(ATTACK) for _, t in texts)


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+$",
        "^c-[0-9]{1,12}$",
        "^[A-Z]{2}[0-9]{2}[A-Z0-9]+$",
        r"^\d{4}-\d{2}$",
        "^(?:ab|cd)+$",
        r"^\+[0-9][0-9 ]+$",
    ],
)
def test_a_pattern_of_harmless_characters_is_no_free_text(pattern: str) -> None:
    assert is_narrow(pattern)
    assert not is_free([{"type": "string", "pattern": pattern}])


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]+",
        "^[^<>]+$",
        "^.*$",
        "^a|b$",
        "^[a-z']+$",
        r"^\S+$",
        "^[!-~]+$",
        "^(?=x).*$",
        r"^[\w\s]+$",
        "^a\\$",
        "^[a-z]+$|x",
        "",
    ],
)
def test_a_pattern_that_lets_anything_else_through_is_free_text(pattern: str) -> None:
    assert not is_narrow(pattern)
    assert is_free([{"type": "string", "pattern": pattern}])


PIECES = st.sampled_from(
    [
        "[a-z]",
        "[0-9A-Z]",
        r"\d",
        r"\w",
        "x",
        "-",
        "@",
        "(",
        ")",
        "(?:",
        "|",
        "+",
        "*",
        "?",
        "{1,3}",
        "{2,}",
        "'",
        ".",
        "[^a]",
        "\\'",
        "<",
    ]
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=7).map("".join))
def test_what_is_narrow_never_matches_what_an_injection_needs(body: str) -> None:
    pattern = f"^{body}$"
    if not is_narrow(pattern):
        return
    try:
        compiled = re.compile(pattern, re.ASCII)
    except re.error:
        return
    for text in ("'", '"', "<", ";", "a'b", "x<y", "1;2", "${a}", "`", "a|b", "%", "\\", "/../"):
        assert not compiled.search(text)


@pytest.mark.parametrize(
    ("part", "long"),
    [
        ({}, True),
        ({"maxLength": 5}, False),
        ({"format": "uuid"}, False),
        ({"format": "email"}, True),
        ({"pattern": "^[a-z]{1,5}$"}, False),
        ({"pattern": "^[a-z]{1,}$"}, True),
        ({"pattern": "^[a-z]+$"}, True),
        ({"pattern": "[a-z]{1,5}"}, True),
    ],
)
def test_a_string_is_bounded_by_length_format_or_a_pattern_that_ends(part: dict[str, Any], long: bool) -> None:
    assert is_long([part]) is long


def test_the_inspector_shares_the_judgement_on_common_patterns() -> None:
    for pattern in ("^[a-z]+$", "^c-[0-9]{1,12}$", "^.*$", "^[^<>]+$"):
        assert is_narrow(pattern) == inspector_agrees(pattern)
    assert is_bounded("^[0-9]{4}$")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (
            {"type": "object", "properties": {"a": {}}, "if": {}, "then": {"properties": {"b": {"type": "string"}}}},
            {"b": ATTACK},
        ),
        (
            {
                "type": "object",
                "properties": {"a": {}},
                "dependentSchemas": {"a": {"properties": {"b": {"type": "string"}}}},
            },
            {"a": 1, "b": ATTACK},
        ),
        ({"type": "array", "prefixItems": [{"type": "integer"}]}, [1, ATTACK]),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}}},
                    {"properties": {"a": {"maxLength": 40}}},
                ]
            },
            {"a": ATTACK},
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {ATTACK: 1}),
        ({"properties": {"a": {"oneOf": [{"enum": ["x"]}, {"type": "string", "maxLength": 99}]}}}, {"a": ATTACK}),
        ({"properties": {"a": {"type": ["integer", "string"], "maximum": 3}}}, {"a": ATTACK}),
        (
            {"properties": {"a": {"$ref": "#/components/schemas/Tree"}}},
            {"a": {"next": {"next": {"next": {"name": ATTACK}}}}},
        ),
    ],
    ids=["then", "dependent", "further items", "split", "a name", "one of", "two types", "recursion"],
)
def test_an_attack_in_a_corner_of_a_schema_is_searched(schema: Any, value: Any) -> None:
    contract, ref = _contract(schema)
    texts: list[tuple[str, Any]] = []
    collect(value, tree(openness(Schemas(contract, True), ref).texts), texts)
    assert ATTACK in str(texts)
