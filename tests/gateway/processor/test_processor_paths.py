"""Paths find their fields wherever a body puts them, also when it is not shaped as promised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway.processor.paths import DROPPED, compile_paths, rewrite


def masked(value: Any, *paths: str, named: tuple[str, ...] = ()) -> Any:
    compiled = compile_paths(((_path(p), p) for p in paths), (_path(n) for n in named))
    assert compiled is not None
    return rewrite(value, compiled, lambda leaf, _: f"<{leaf}>")


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


@pytest.mark.parametrize(
    ("value", "paths", "expected"),
    [
        ({"a": 1, "b": 2}, ["a"], {"a": "<a>", "b": 2}),
        ({"b": 2}, ["a"], {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, ["a.b"], {"a": {"b": "<a.b>", "c": 2}}),
        ({"a": [{"b": 1}, {"b": 2}]}, ["a.*.b"], {"a": [{"b": "<a.*.b>"}, {"b": "<a.*.b>"}]}),
        ([{"a": 1}], ["*.a"], [{"a": "<*.a>"}]),
        ([1, 2], ["*"], ["<*>", "<*>"]),
        ({"x": 1, "y": 2}, ["*"], {"x": "<*>", "y": "<*>"}),
        ({"x": {"e": 1}, "y": {"e": 2, "f": 3}}, ["*.e"], {"x": {"e": "<*.e>"}, "y": {"e": "<*.e>", "f": 3}}),
        ([[{"e": 1}]], ["*.*.e"], [[{"e": "<*.*.e>"}]]),
        ("text", [""], "<>"),
        ({"a": 1}, [""], "<>"),
        # More than one path says something about a member.
        ({"a": 1, "b": 2}, ["a", "*"], {"a": "<a>", "b": "<*>"}),
        (
            {"a": {"b": 1, "c": 2}, "d": {"c": 3}},
            ["a.b", "*.c"],
            {"a": {"b": "<a.b>", "c": "<*.c>"}, "d": {"c": "<*.c>"}},
        ),
        ({"a": {"b": 1, "c": 2}, "d": 3}, ["a.b", "*"], {"a": {"b": "<a.b>", "c": 2}, "d": "<*>"}),
        ({"a": "scalar"}, ["a.b", "*"], {"a": "<*>"}),
        ({"a": ["s", {"b": 1}]}, ["a.b", "*"], {"a": ["<*>", {"b": "<a.b>"}]}),
        ({"a": {"b": {"c": 1}}}, ["a", "a.b.c"], {"a": "<a>"}),
    ],
)
def test_paths_replace_what_they_name(value: Any, paths: list[str], expected: Any) -> None:
    assert masked(value, *paths) == expected


@pytest.mark.parametrize(
    ("value", "paths", "expected"),
    [
        # An array where an object was promised.
        ([{"a": 1}], ["a"], [{"a": "<a>"}]),
        ({"x": [{"a": 1}, [{"a": 2}]]}, ["x.a"], {"x": [{"a": "<x.a>"}, [{"a": "<x.a>"}]]}),
        ({"x": ["s", {"a": 1}]}, ["x.a"], {"x": ["s", {"a": "<x.a>"}]}),
        # An object where an array was promised.
        ({"a": 1, "b": 2}, ["*.a"], {"a": "<*.a>", "b": 2}),
        ({"x": {"a": [1], "b": 2}}, ["x.*.a"], {"x": {"a": "<x.*.a>", "b": 2}}),
        # Paths for an object and for an array, and the array comes with the object's members.
        ([{"a": 1, "x": 2, "z": 3}], ["a", "*.x"], [{"a": "<a>", "x": "<*.x>", "z": 3}]),
        # One array too many.
        ([[{"a": 1}]], ["*.a"], [[{"a": "<*.a>"}]]),
        # An object or array where a scalar was promised.
        ({"a": {"deep": [1]}}, ["a"], {"a": "<a>"}),
        ({"a": [1, 2]}, ["a"], {"a": "<a>"}),
    ],
)
def test_a_body_that_breaks_its_contract_hides_nothing(value: Any, paths: list[str], expected: Any) -> None:
    assert masked(value, *paths) == expected


def test_names_that_the_contract_knows_are_not_additional_members() -> None:
    body = {"id": 1, "email": "x", "other": "y"}
    assert masked(dict(body), "*", "email") == {"id": "<*>", "email": "<email>", "other": "<*>"}
    assert masked(dict(body), "*", "email", named=("id", "email")) == {"id": 1, "email": "<email>", "other": "<*>"}


def test_a_map_keyed_by_the_name_of_a_field_is_still_a_map() -> None:
    assert masked({"email": {"email": "x", "n": 1}}, "*.email") == {"email": {"email": "<*.email>", "n": 1}}


def test_dropped_members_items_and_bodies_disappear() -> None:
    def drop(*paths: str) -> Any:
        return compile_paths((_path(p), p) for p in paths)

    assert rewrite({"a": 1, "b": [1, 2]}, drop("a", "b.*"), lambda *_: DROPPED) == {"b": []}
    assert rewrite({"x": {"a": 1}}, drop("*.a"), lambda *_: DROPPED) == {"x": {}}
    assert rewrite(["a"], drop("", "x"), lambda *_: DROPPED) is None


def test_no_paths_compile_to_nothing() -> None:
    assert compile_paths([]) is None


SEGMENTS = st.sampled_from(["a", "b", "c", "*"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(tuple)
BODIES = st.recursive(
    st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner, max_size=4)
    ),
    max_leaves=25,
)


def _at(value: Any, path: tuple[str, ...]) -> list[Any]:
    """Every value at ``path``, by the definition: the independent check."""
    if not path:
        return [value]
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        inner = list(value.values()) if head == "*" else [value[head]] if head in value else []
    elif isinstance(value, list) and head == "*":
        inner = list(value)
    else:
        inner = []
    return [found for item in inner for found in _at(item, rest)]


@settings(max_examples=600, deadline=None)
@given(BODIES, st.lists(PATHS, min_size=1, max_size=4))
def test_no_scalar_at_any_path_survives(body: Any, paths: list[tuple[str, ...]]) -> None:
    compiled = compile_paths((path, path) for path in paths)
    assert compiled is not None
    calls: list[int] = []

    def act(_leaf: object, found: Any) -> Any:
        calls.append(id(found))
        return "masked"

    result = rewrite(body, compiled, act)
    for path in paths:
        if any(segment == "*" for segment in path):
            continue  # beside a name that goes deeper, `*` does not mean that name
        assert all(found == "masked" for found in _at(result, path))


@settings(max_examples=400, deadline=None)
@given(BODIES, st.lists(PATHS, min_size=1, max_size=4))
def test_a_star_alone_covers_everything_at_its_depth(body: Any, paths: list[tuple[str, ...]]) -> None:
    stars = [tuple("*" for _ in path) for path in paths[:1]]
    compiled = compile_paths((path, path) for path in stars)
    assert compiled is not None
    result = rewrite(body, compiled, lambda *_: "masked")
    assert all(found == "masked" for found in _at(result, stars[0]))


@settings(max_examples=400, deadline=None)
@given(BODIES, st.lists(PATHS, min_size=1, max_size=5))
def test_every_place_is_replaced_at_most_once(body: Any, paths: list[tuple[str, ...]]) -> None:
    compiled = compile_paths((path, path) for path in paths)
    assert compiled is not None
    result = rewrite(body, compiled, lambda _, found: {"sealed": found} if not _sealed(found) else pytest.fail("twice"))
    assert result is not None


def _sealed(found: Any) -> bool:
    return isinstance(found, dict) and "sealed" in found
