"""Path templates as regular expressions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.contract import ambiguous, match_order, parse_contract, path_regex, placeholders
from assay.declare.contract.ranges import whole_numbers
from assay.declare.contract.regexes import segment_regex
from assay.domain import DeclarationError


def regex(template: str, **schemas: Any) -> str:
    parameters = [{"name": n, "in": "path", "required": True, "schema": s} for n, s in schemas.items()]
    document = {"openapi": "3.1.0", "paths": {template: {"get": {"parameters": parameters}}},
                "components": {"schemas": {"Id": {"type": "string", "format": "uuid"}}}}  # fmt: skip
    contract = parse_contract(json.dumps(document).encode(), name="a.json")
    return path_regex(template, contract.operations[0].parameters, contract)


@pytest.mark.parametrize(
    ("template", "schemas", "yes", "no"),
    [
        ("/users/{id}", {"id": {"type": "integer"}}, ["/users/1", "/users/-20"],
         ["/users/", "/users/x", "/users/1/", "/users/" + "1" * 20, "/users/1%20"]),
        ("/n/{n}", {"n": {"type": "integer", "format": "int32"}}, ["/n/2147483647", "/n/-2147483648", "/n/007", "/n/0"],
         ["/n/2147483648", "/n/-2147483649", "/n/1.0", "/n/+1"]),
        ("/n/{n}", {"n": {"type": "integer", "format": "int64"}}, ["/n/9223372036854775807", "/n/-1"],
         ["/n/" + "1" * 20]),
        ("/n/{n}", {"n": {"type": "integer", "minimum": 1}}, ["/n/1", "/n/9999999999"], ["/n/0", "/n/-1"]),
        ("/n/{n}", {"n": {"type": "integer", "maximum": 99.5, "exclusiveMinimum": -3}}, ["/n/99", "/n/-2"],
         ["/n/100", "/n/-3"]),
        ("/n/{n}", {"n": {"type": "integer", "maximum": 9, "exclusiveMaximum": True}}, ["/n/8"], ["/n/9"]),
        ("/users/{id}", {"id": {"type": ["integer", "null"]}}, ["/users/1"], ["/users/x"]),
        ("/users/{id}", {}, ["/users/x", "/users/%2F"], ["/users/x/y", "/users/"]),
        ("/users/{id}", {"id": {"$ref": "#/components/schemas/Id"}}, ["/users/123e4567-e89b-12d3-a456-426614174000"],
         ["/users/1"]),
        ("/n/{n}", {"n": {"type": "number"}}, ["/n/1.5", "/n/-1e9"], ["/n/1.", "/n/x"]),
        ("/b/{b}", {"b": {"type": "boolean"}}, ["/b/true"], ["/b/TRUE"]),
        ("/d/{d}", {"d": {"type": "string", "format": "date"}}, ["/d/2026-01-31"], ["/d/today"]),
        ("/e/{e}", {"e": {"enum": ["a.b", "c d", "x/y", 3]}}, ["/e/a.b", "/e/c%20d", "/e/x%2fy", "/e/3"],
         ["/e/axb", "/e/c d", "/e/x/y"]),
        ("/v{version}/users/{id}.json", {"version": {"type": "integer"}}, ["/v2/users/ada.json"],
         ["/vx/users/ada.json", "/v2/users/adaXjson"]),
        ("/{a}-{b}", {}, ["/x-y", "/x-y-z"], ["/x", "/x/-y"]),
        ("/x:action", {}, ["/x:action"], ["/xaction"]),
        ("/People('{id}')", {}, ["/People('scott')"], ["/People(scott)"]),
        ("/ü/{id}", {}, ["/%C3%BC/1", "/%c3%bc/1"], ["/ü/1"]),
        ("/a%20b/100%", {}, ["/a%20b/100%25"], ["/a b/100%"]),
        ("/p/{p}", {"p": {"type": "string", "pattern": "^[a-z]{2,3}$"}}, ["/p/abc"], ["/p/abcd", "/p/a"]),
        ("/p/{p}", {"p": {"type": "string", "pattern": "^.*$"}}, ["/p/abcd"], ["/p/a/b"]),
        ("/p/{p}", {"p": {"type": "array", "items": {"type": "integer"}}}, ["/p/1,2"], ["/p/1/2"]),
        ("/p?x#y", {}, ["/p%3Fx%23y"], ["/p?x#y", "/p"]),
        ("/a.b+c", {}, ["/a.b+c"], ["/aXb+c", "/a.bbc"]),
    ],
)  # fmt: skip
def test_a_template_matches_what_it_stands_for(
    template: str, schemas: dict[str, Any], yes: list[str], no: list[str]
) -> None:
    compiled = re.compile(regex(template, **schemas))
    assert [p for p in yes if not compiled.fullmatch(p)] == []
    assert [p for p in no if compiled.fullmatch(p)] == []


WHOLE = st.integers(-(10**19) + 1, 10**19 - 1) | st.integers(-1200, 1200)


@given(WHOLE, WHOLE, WHOLE)
def test_a_range_of_whole_numbers_holds_exactly_those_in_it(one: int, other: int, value: int) -> None:
    low, high = min(one, other), max(one, other)
    compiled = re.compile(whole_numbers(low, high))
    for candidate in (value, low, high, low - 1, high + 1, 0):
        if len(str(abs(candidate))) <= 19:
            assert (compiled.fullmatch(str(candidate)) is not None) == (low <= candidate <= high)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^[A-Z]{2}\\d+$", "[A-Z]{2}[0-9]+"),
        ("^(foo|bar)$", "(?:foo|bar)"),
        ("^(?:a|b)+?x$", "(?:a|b)+x"),
        ("^[\\w.-]+$", "[A-Za-z0-9_\\.\\-]+"),
        ("[a-z]+", None),  # not anchored: may stand anywhere in the value
        ("^a|b$", None),  # each anchor belongs to one alternative
        ("^[^/]+$", None),  # would match what must be percent-encoded
        ("^a/b$", None),
        ("^.+$", None),
        ("^\\S+$", None),
        ("^[a-z]*$", None),  # matches nothing at all
        ("^(?=a)a$", None),
        ("^(a)\\1$", None),
        ("^[+-9]$", None),  # the range holds a slash
        ("^[a-z]{1,2000}$", None),
        ("^([a-z]{100}){100}$", None),
        ("^(((((((((((((((((((((((a)))))))))))))))))))))))$", None),
        ("^a\\$", None),
        ("^[$", None),
        ("^a{2,1}$", None),
        ("^$", None),
        ("", None),
    ],
)
def test_only_patterns_that_mean_the_same_in_a_path_are_used(pattern: str, expected: str | None) -> None:
    assert segment_regex(pattern) == expected


@given(st.text("^$ab/.|()[]{}*+?\\dw-,:=!10", max_size=16), st.text("ab/.-01|x", min_size=1, max_size=6))
def test_a_used_pattern_never_matches_what_the_contract_refuses(inner: str, value: str) -> None:
    pattern = f"^{inner}$"
    used = segment_regex(pattern)
    if used is not None:
        matched = re.fullmatch(used, value, re.ASCII) is not None
        assert matched == (re.search(f"^(?:{inner})$", value, re.ASCII) is not None)
        assert not (matched and "/" in value)


def test_concrete_templates_come_before_templated_ones() -> None:
    assert match_order(["/{any}", "/pets/{id}", "/pets/{id}.json", "/pets/mine", "/{any}/mine", "/pets"]) == [
        "/pets/mine",
        "/pets/{id}.json",
        "/pets/{id}",
        "/pets",
        "/{any}/mine",
        "/{any}",
    ]


def test_templates_that_differ_only_in_names_are_found() -> None:
    assert ambiguous(["/a/{x}", "/a/{y}", "/a/b", "/{x}/a"]) == [["/a/{x}", "/a/{y}"]]
    assert placeholders("/v{version}/users/{id}.json") == ("version", "id")


@pytest.mark.parametrize(
    ("paths", "check", "line"),
    [
        ("  /a/{x}: {get: {}}\n  /a/{y}: {get: {}}", "ambiguous-path", 4),
        ("  /a/{x: {get: {}}", "malformed-path", 3),
        ("  a/b: {get: {}}", "path-not-absolute", 3),
        ("  /a: {get: {operationId: x}}\n  /b: {get: {operationId: x}}", "duplicate-operation", 4),
    ],
)
def test_paths_whose_meaning_is_not_certain_are_refused(paths: str, check: str, line: int) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_contract(f"openapi: 3.0.0\npaths:\n{paths}".encode(), name="a.yaml")
    (verdict,) = caught.value.verdicts
    assert (verdict.check, verdict.location.line) == (check, line)


def test_doubtful_paths_with_one_safe_reading_are_notes() -> None:
    contract = parse_contract(
        b"openapi: 3.0.0\npaths:\n  /a/{x}: {get: {}}\n  /a/{y}: {post: {}}\n  /b?c: {get: {}, GET: {}}", name="a.yaml"
    )
    found = {(n.check, n.location.line) for n in contract.notes}
    assert found >= {
        ("ambiguous-path", 4),
        ("path-parameter-missing", 3),
        ("path-parameter-missing", 4),
        ("path-with-query", 5),
        ("unknown-method", 5),
    }
