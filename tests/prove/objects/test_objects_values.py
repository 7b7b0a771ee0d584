"""Values are valid by the contract or not made at all; requests carry them as the contract says."""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.contract import Contract, parse_contract
from assay.declare.declaration import Declaration
from assay.prove.case import Draft, NotReached
from assay.prove.objects import media
from assay.prove.objects.drafting import Drafted, chosen, draft
from assay.prove.objects.graph import build
from assay.prove.objects.patterns import NotUnderstood, matching
from assay.prove.objects.planting import places
from assay.prove.objects.texts import sized
from assay.prove.objects.values import Checker, NoValue, Wish, make

ROOT = Path(__file__).parents[3]
NONCE = "abcdef0123456789"


def seeded(seed: int = 3) -> random.Random:
    return random.Random(seed)  # noqa: S311 - choices, no secrets


@pytest.fixture(scope="module")
def example() -> Declaration:
    return load(ROOT / "examples" / "customer-data", environ={}, controls=frozenset(CONTROL_IDS))


# Patterns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "^c-[0-9]{1,12}$",
        r"^\+[0-9][0-9 ]+$",
        "^[A-Z]{2}[0-9]{2}[A-Z0-9]+$",
        "^[a-z0-9]+(-[a-z0-9]+)*$",
        r"^\d{4}-(0[1-9]|1[0-2])$",
        r"^[^<>\x00-\x1f]+$",
        r"^(?:a|bc){2,}x?$",
        r"^[\w.-]+@[\w]+\.com$",
        r"^(?!x)[a-w]{3}$",
        r"^A\x42\/\.$",
        r"^[\]\-^]$",
        r"^(?P<year>\d\d)$",
    ],
)
def test_text_for_the_patterns_that_people_write_matches_them(pattern: str) -> None:
    for more in (0, 1, 5):
        assert re.fullmatch(pattern.strip("^$"), matching(pattern, seeded(), more=more)), pattern


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[", "[]", "*", "a{", r"\1", "(?>a)", r"\u00zz", "(" * 50, "(((a{999}){999}){999}){999}"]
)
def test_what_is_no_pattern_is_not_understood_or_harmless(pattern: str) -> None:
    with suppress(NotUnderstood):
        assert isinstance(matching(pattern, seeded()), str)


@given(st.text(alphabet=r"ab0[](){}|\^$*+?.-,:<>!=dwsxupPk1", max_size=25), st.integers(0, 50))
def test_any_text_as_a_pattern_ends_without_a_leak(pattern: str, more: int) -> None:
    with suppress(NotUnderstood):
        assert isinstance(matching(pattern, seeded(), more=more), str)


# Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 5, "maximum": 7, "multipleOf": 3},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "integer", "minimum": -9, "maximum": -8},
        {"type": "string", "minLength": 30, "maxLength": 31},
        {"type": "string", "pattern": "^[A-Z]{3}$", "minLength": 3},
        {"type": "string", "pattern": "^[a-z]+$", "minLength": 12, "maxLength": 14},
        *({"type": "string", "format": f} for f in ("email", "uuid", "date", "date-time", "uri", "ipv4", "hostname")),
        {"type": ["null", "string"], "maxLength": 3},
        {"enum": ["b", "a"]},
        {"const": 7},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"minimum": 3}},
        },
        {"allOf": [{"required": ["x"]}, {"properties": {"x": {"type": "string", "minLength": 2}}}], "type": "object"},
        {"oneOf": [{"type": "null"}, {"type": "object", "required": ["k"], "properties": {"k": {"const": "v"}}}]},
        {"type": "object", "minProperties": 1, "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        {
            "$ref": "#/$defs/Tree",
            "$defs": {
                "Tree": {"type": "object", "properties": {"up": {"$ref": "#/$defs/Tree"}, "n": {"type": "integer"}}}
            },
        },
    ],
    ids=lambda s: json.dumps(s)[:50],
)
def test_a_value_is_valid_and_the_same_for_the_same_seed(schema: dict[str, Any]) -> None:
    value = make(schema, seeded())
    assert Checker(schema).valid(value)
    assert make(schema, seeded()) == value


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}}}},
    ],
    ids=["nothing", "no length", "forbidden", "endless"],
)
def test_what_cannot_be_valid_is_not_made(schema: Any) -> None:
    with pytest.raises(NoValue):
        make(schema, seeded())


leaves = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "format": "email"},
        {"type": "string", "pattern": "^[a-z]{2,4}$"},
        {"type": "integer", "minimum": 3},
        {"type": "number", "maximum": -1},
        {"type": "boolean"},
        {"enum": [1, "x", None]},
        {"$ref": "#/$defs/Loop"},
    ]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).flatmap(
            lambda p: st.sampled_from(
                [
                    {"type": "object", "properties": p, "required": sorted(p)},
                    {"type": "object", "properties": p, "unevaluatedProperties": False},
                ]
            )
        ),
        inner.map(lambda i: {"type": "array", "items": i, "minItems": 1}),
        st.lists(inner, min_size=1, max_size=2).map(lambda s: {"anyOf": s}),
        st.lists(inner, min_size=1, max_size=2).map(lambda s: {"allOf": s}),
        inner.map(lambda i: {"not": i}),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(schemas, st.integers(0, 5), st.booleans())
def test_whatever_the_schema_a_value_is_valid_or_there_is_none(schema: Any, seed: int, everything: bool) -> None:
    loop = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Loop"}, "v": {"type": "integer"}}}
    whole = {**schema, "$defs": {"Loop": loop}}
    try:
        value = make(whole, seeded(seed), Wish(all=everything))
    except NoValue:
        return
    assert Checker(whole).valid(value)


def test_examples_come_first_and_unique_things_differ() -> None:
    schema = {
        "type": "object",
        "properties": {
            "email": {"type": "string", "format": "email"},
            "city": {"type": "string"},
            "age": {"minimum": 5},
        },
    }
    examples = {("email",): ["al@x.test"], ("city",): ["Bern"], ("age",): [3, 9]}
    value = make(schema, seeded(), Wish(examples=examples, unique="77aa"))
    assert value == {"email": "prove-77aa@example.test", "city": "Bern", "age": 9}


def test_sizes() -> None:
    assert (sized("ab", 5, 9), sized("abcdef", 0, 3), sized("", 0, 0)) == ("ababa", "abc", "")


# Requests ---------------------------------------------------------------------------------------------------------


def of_example(example: Declaration, operation_id: str, **options: Any) -> Drafted:
    contract = example.contracts["customer-data"]
    operation = next(o for o in contract.operations if o.id == operation_id)
    options = {"params": {}, "known": {}, "random": seeded(), **options}
    return draft(example, contract, operation, **options)


def test_the_example_is_drafted_as_its_contract_shows_it(example: Declaration) -> None:
    made = of_example(example, "createCustomer", plant=NONCE)
    assert made.planted
    assert made.draft.body["notes"] == f"prove {NONCE}"
    assert made.draft.body["iban"] == "IE29AIBK93115212345678"
    assert NONCE not in json.dumps({k: v for k, v in made.draft.body.items() if k != "notes"})
    again = of_example(example, "createCustomer", plant=NONCE)
    assert again == made
    other = of_example(example, "createCustomer", salt="another run")
    assert other.draft.body["email"] != made.draft.body["email"]
    assert of_example(example, "updateCustomer", params={"customerId": "c-1"}, plant=NONCE).draft.body == {
        "notes": f"prove {NONCE}"
    }
    assert len(of_example(example, "updateCustomer", params={"customerId": "c-1"}).draft.body) == 1


def test_an_identifier_is_never_made_up(example: Declaration) -> None:
    with pytest.raises(NotReached, match="customerId"):
        of_example(example, "getCustomer")


def test_markers_stay_out_of_what_identifies_or_is_masked(example: Declaration) -> None:
    contract = example.contracts["customer-data"]
    operation = next(o for o in contract.operations if o.id == "createCustomer")
    assert operation.body[0].schema is not None
    found = places(example, contract, operation, operation.body[0].schema)
    assert found[0] == ("notes",)
    assert not {("email",), ("iban",), ("national_id",), ("phone",), ("date_of_birth",)} & set(found)


def api(operation: dict[str, Any], path: str = "/things", method: str = "post") -> Contract:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {path: {method: {"operationId": "it", "responses": {"200": {"description": "d"}}, **operation}}},
    }
    return parse_contract(json.dumps(document).encode(), name="t.json")


def drafted(example: Declaration, contract: Contract, **options: Any) -> Draft:
    options = {"params": {}, "known": {}, "random": seeded(), **options}
    operation = contract.operations[0]
    references = build(contract).references[operation.id]
    return draft(example, contract, operation, references=references, **options).draft


def body(media_type: str, schema: Any, **more: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema, **more}}}}


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"schema": {"type": "array", "items": {"enum": ["a b"]}, "minItems": 2}}, "q=a%20b&q=a%20b"),
        ({"schema": {"type": "array", "items": {"enum": ["a"]}, "minItems": 2}, "explode": False}, "q=a,a"),
        ({"schema": {"type": "string"}, "example": "x&y"}, "q=x%26y"),
        ({"schema": {"type": "boolean"}}, "q=false"),
        (
            {"schema": {"type": "object", "required": ["k"], "properties": {"k": {"const": 1}}}, "style": "deepObject"},
            "q[k]=1",
        ),
        ({"content": {"application/json": {"schema": {"const": {"a": 1}}}}}, "q=%7B%22a%22%3A1%7D"),
    ],
)
def test_query_parameters_follow_their_style(example: Declaration, parameter: Any, expected: str) -> None:
    contract = api({"parameters": [{"name": "q", "in": "query", "required": True, **parameter}]}, method="get")
    made = drafted(example, contract)
    assert media.target("/base", "/things", made) == f"/base/things?{expected}"


def test_headers_and_cookies_that_are_required_are_sent(example: Declaration) -> None:
    parameters = [
        {"name": "X-Version", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 4}},
        {"name": "tz", "in": "cookie", "required": True, "schema": {"enum": ["utc"]}},
        {"name": "X-Other", "in": "header", "schema": {"type": "string"}},
    ]
    assert drafted(example, api({"parameters": parameters})).headers == (("X-Version", "10"), ("cookie", "tz=utc"))


@pytest.mark.parametrize(
    ("media_type", "expected", "sent_as"),
    [
        ("application/json", b'{"a":"x y","n":2}', "application/json"),
        ("application/merge-patch+json", b'{"a":"x y","n":2}', "application/merge-patch+json"),
        ("application/x-www-form-urlencoded", b"a=x+y&n=2", "application/x-www-form-urlencoded"),
        ("*/*", b'{"a":"x y","n":2}', "application/json"),
    ],
)
def test_bodies_follow_their_media_type(example: Declaration, media_type: str, expected: bytes, sent_as: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}}
    contract = api(body(media_type, schema, example={"a": "x y", "n": 2}))
    assert media.body(drafted(example, contract)) == (expected, sent_as)


def test_multipart_and_text_bodies_are_written_and_xml_is_not(example: Declaration) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"const": "v"}}}
    content, kind = media.body(drafted(example, api(body("multipart/form-data", schema))))
    assert content is not None
    assert kind is not None
    boundary = kind.partition("boundary=")[2].encode()
    assert content.count(b"--" + boundary) == 2
    assert b'name="a"\r\n\r\nv\r\n' in content
    text, _ = media.body(drafted(example, api(body("text/plain", {"type": "string", "minLength": 2}))))
    assert text
    with pytest.raises(NotReached, match="xml"):
        drafted(example, api(body("application/xml", schema)))
    shown = drafted(example, api(body("application/xml", schema, example="<a>v</a>")))
    assert media.body(shown) == (b"<a>v</a>", "application/xml")
    picture, kind = media.body(drafted(example, api(body("image/png", {"type": "string", "format": "binary"}))))
    assert kind == "image/png"
    assert picture is not None
    assert picture.startswith(b"\x89PNG")


def test_what_names_another_thing_is_a_real_one_or_nothing(example: Declaration) -> None:
    wanted = {"type": "object", "required": ["customerId"], "properties": {"customerId": {"type": "integer"}}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/orders": {
                "post": {
                    "operationId": "it",
                    "responses": {"201": {"description": "d"}},
                    **body("application/json", wanted),
                }
            },
            "/customers": {"post": {"operationId": "make", "responses": {"201": {"description": "d"}}}},
        },
    }
    contract = parse_contract(json.dumps(document).encode(), name="t.json")
    with pytest.raises(NotReached, match="customerId"):
        drafted(example, contract)
    assert drafted(example, contract, known={"customerid": "12"}).body == {"customerId": 12}


def test_an_identifier_that_the_caller_chooses_fits_its_schema() -> None:
    for schema in (
        {"type": "string", "pattern": "^[a-z]{4}$"},
        {"type": "integer"},
        {"type": "string", "format": "uuid"},
    ):
        parameter = {"name": "id", "in": "path", "required": True, "schema": schema}
        contract = api({"parameters": [parameter]}, path="/things/{id}", method="put")
        made = chosen(contract, contract.operations[0], "id", "00aa11bb22cc", seeded())
        assert Checker(schema).valid(int(made) if schema["type"] == "integer" else made)


@given(
    st.text(min_size=1, max_size=20).filter(lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t)),
    st.text(max_size=9, alphabet="ab&=?#/%{} "),
)
def test_a_value_stays_one_segment_and_one_parameter_of_the_target(value: str, asked: str) -> None:
    target = media.target("/v1", "/a/{id}/b", Draft({"id": value}, (("q", asked),)))
    parts = urlsplit(target)
    assert "{" not in target
    assert unquote(parts.path.split("/")[3]) == value
    assert len(parts.path.split("/")) == 5
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", asked)]


def test_a_target_without_its_value_is_not_sent() -> None:
    for params in ({}, {"id": ""}):
        with pytest.raises(NotReached):
            media.target("", "/a/{id}", Draft(params))
