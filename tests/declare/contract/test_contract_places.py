"""Lines and columns, found only when asked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare.contract import parse_contract
from assay.declare.contract.json_places import JsonPlaces, duplicate_key
from assay.declare.contract.pointers import escape, join, steps
from assay.declare.contract.yaml_places import YamlPlaces

YAML = """\
openapi: 3.0.3
# a comment
paths:
  "/ü/{id}":
    get:
      tags: [a, b,
             c]
      x-x: &anchor
        deep: 1
      x-y: *anchor
"""
JSON = '{"openapi": "3.0.3",\r\n "paths": {\n  "/\\u00fc/{id}": {"get": {\n   "tags": ["a", {"]}": "}"}, "c"]}}}}'


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("#/openapi", (1, 1)),
        ("#/paths", (3, 1)),
        ("#/paths/~1ü~1{id}", (4, 3)),
        ("#/paths/~1ü~1{id}/get", (5, 5)),
        ("#/paths/~1ü~1{id}/get/tags/1", (6, 17)),
        ("#/paths/~1ü~1{id}/get/tags/2", (7, 14)),
        ("#/paths/~1ü~1{id}/get/x-y/deep", (9, 9)),
        ("#/paths/~1ü~1{id}/get/nothing/here", (5, 5)),
        ("#", (1, 1)),
        ("#/nothing", (1, 1)),
    ],
)
def test_a_key_or_item_of_yaml_is_found(pointer: str, place: tuple[int, int]) -> None:
    found = parse_contract(YAML.encode(), name="a.yaml").locate(pointer)
    assert (found.line, found.column) == place


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("#/openapi", (1, 2)),
        ("#/paths", (2, 2)),
        ("#/paths/~1ü~1{id}", (3, 3)),
        ("#/paths/~1ü~1{id}/get/tags/0", (4, 13)),
        ("#/paths/~1ü~1{id}/get/tags/1/]}", (4, 19)),
        ("#/paths/~1ü~1{id}/get/tags/2", (4, 31)),
        ("#", (1, 1)),
    ],
)
def test_a_key_or_item_of_json_is_found(pointer: str, place: tuple[int, int]) -> None:
    found = parse_contract(JSON.encode(), name="a.json").locate(pointer)
    assert (found.line, found.column) == place


@given(st.text())
def test_a_pointer_says_back_what_it_was_made_of(step: str) -> None:
    assert steps(join("#", step, "x")) == [step, "x"]
    assert "/" not in escape(step)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def every_path(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(path, value), *(found for k, v in members for found in every_path(v, (*path, str(k))))]


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_every_member_of_any_json_is_found_exactly(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    places = JsonPlaces(text)
    lines = text.split("\n")
    for path, _ in every_path(value)[1:]:
        line, column = places.find(list(path))
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        parent: object = value
        for step in path[:-1]:
            parent = parent[int(step)] if isinstance(parent, list) else parent[step]  # type: ignore[index]
        decoded, _end = json.JSONDecoder().raw_decode(rest)
        if isinstance(parent, dict):
            assert decoded == path[-1]
        elif isinstance(parent, list):
            assert decoded == parent[int(path[-1])]


printable = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=9)
in_both_languages = st.recursive(
    st.none() | st.integers() | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(printable, inner, max_size=4),
    max_leaves=12,
)


@given(in_both_languages)
def test_json_written_as_yaml_has_the_same_places(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    by_json, by_yaml = JsonPlaces(text), YamlPlaces(text)
    for path, _ in every_path(value):
        assert by_json.find(list(path)) == by_yaml.find(list(path))


def test_the_second_mention_of_a_key_is_found() -> None:
    assert duplicate_key('{"a": {"b": ":", "c": [{"b": 1}]}, "\\u0061": 2}') == ("a", 35)
    assert duplicate_key('{"a": {"a": 1}, "b": ["a", "a"]}') == ("", 0)
