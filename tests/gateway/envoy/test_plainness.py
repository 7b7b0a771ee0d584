"""Which requests Envoy may judge itself: never more than the inspector would pass, and none where more is asked for."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy, assemble
from assay.gateway.envoy import plainness, translate
from assay.gateway.envoy.filters import plain
from assay.gateway.runtime import Runtime, Sockets

C: dict[str, Any] = {"control": "input_validation", "source": "assay.yaml:1:1"}
ON: dict[str, Any] = {**C, "api": "shop", "operation": "create"}
NAME = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}, "required": ["name"]}
RUNTIME = Runtime(
    sockets=Sockets(admin="/run/admin.sock", inspector="/run/inspector.sock", processor="/run/processor.sock"),
    access_log="/log/access.jsonl",
    configuration="/live",
)


def inspection(schema: Any = NAME, *, free: tuple[tuple[str, ...], ...] = (("name",),), **more: Any) -> ir.Inspection:
    body = ir.BodyRule(media_type="application/json", schema=json.dumps(schema), free_text=free)
    return ir.Inspection(**ON, **({"bodies": (body,)} | more))


def operation(piece: ir.Inspection, *, size: bool = True) -> OperationPolicy:
    route = ir.Route(**ON, method="POST", hosts=("*",), public_base="", template="/create")
    upstream = ir.Upstream(**C, api="shop", host="127.0.0.1", port=1)
    limit = ir.SizeLimit(**ON, body_bytes=100) if size else None
    return OperationPolicy(route, upstream, None, (), limit, piece, (), None)


def node(schema: Any, **definitions: Any) -> plainness.Node | None:
    return plainness.node(operation(inspection(schema)), definitions)


def files(piece: ir.Inspection) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The listener's filters and the route configuration of a gateway with this one operation."""
    of = operation(piece)
    assert of.size is not None
    listener = ir.Listener(**C, address="127.0.0.1", port=8443)
    policy = assemble([of.route, of.upstream, of.size, piece, listener, ir.AccessLog(**C)])
    found = translate(policy, RUNTIME).files
    manager = found["lds.json"]["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return manager["http_filters"], found["rds.json"]["resources"][0]


def test_a_request_that_the_script_has_not_marked_is_asked_about() -> None:
    chain, routes = files(inspection())
    names = [f["name"] for f in chain]
    assert names.index("assay.plain") == names.index("assay.inspection") - 1
    asked = chain[names.index("assay.inspection")]["typed_config"]["filter_enabled_metadata"]
    assert asked["invert"] is True
    assert asked["value"] == {"string_match": {"exact": "plain"}}
    source = routes["typed_per_filter_config"]["assay.plain"]["source_code"]["inline_string"]
    assert '["shop/create"] = ' in source


ELSEWHERE = ir.ParameterRule(name="X-Tenant", location="header", schema='{"type":"string"}')
NEEDED = ir.ParameterRule(name="page", location="query", schema='{"type":"integer"}', required=True)
FORM = ir.BodyRule(media_type="application/x-www-form-urlencoded", schema=json.dumps(NAME))
SUFFIXED = ir.BodyRule(media_type="application/json; charset=utf-8", schema=json.dumps(NAME))


@pytest.mark.parametrize(
    "more",
    [
        {"mode": ir.Mode.OBSERVE},
        {"crs": "/usr/share/modsecurity-crs"},
        {"closed_headers": True},
        {"parameters": (ELSEWHERE,)},
        {"parameters": (NEEDED,)},
        {"bodies": ()},
        {"bodies": (FORM,)},
        {"bodies": (SUFFIXED,)},
        {"bodies": (ir.BodyRule(media_type="application/json"),)},
        {"bodies": (ir.BodyRule(media_type="application/json", schema="true"),)},
        {"bodies": (ir.BodyRule(media_type="application/json", schema="[1"),)},
        {"max_depth": 0},
    ],
)
def test_where_more_is_asked_for_than_a_body_the_inspector_is_always_asked(more: dict[str, Any]) -> None:
    piece = inspection(**more)
    assert plainness.node(operation(piece), {}) is None
    if not piece.crs:
        chain, _ = files(piece)
        assert "assay.plain" not in [f["name"] for f in chain]
        assert all("filter_enabled_metadata" not in f["typed_config"] for f in chain)


def test_without_a_bound_on_its_size_no_body_is_looked_at() -> None:
    assert plainness.node(operation(inspection(), size=False), {}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [{"type": "string"}]},
        {"type": "string", "pattern": "a"},
        {"type": "string", "pattern": "^(a|b)$"},
        {"type": "string", "pattern": "^[^a]$"},
        {"type": "string", "pattern": "^[A-z]$"},
        {"type": "string", "pattern": "^[ -/]$"},
        {"type": "string", "pattern": "^[a-z]+[0-9]+$"},
        {"type": "string", "pattern": "^[a-z]{0,40}$"},
        {"type": "string", "pattern": "^.$"},
        {"type": "string", "pattern": 1},
        {"type": "string", "format": "uri"},
        {"type": "string", "enum": ["a", 'b"']},
        {"type": "string", "enum": ["a", "\\"]},
        {"type": "string", "enum": ["a", None]},
        {"type": "string", "minLength": -1},
        {"type": "string", "contentEncoding": "base64"},
        {"type": "integer", "multipleOf": 2},
        {"type": "integer", "minimum": 2**60},
        {"type": "number", "minimum": 0.5},
        {"type": "number", "minimum": True},
        {"type": ["string", "integer"]},
        {"type": "array"},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "object", "patternProperties": {".": {}}},
        {"type": "object", "required": ["a"]},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "#/$defs/Loop"},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "#/$defs/Name", "maxLength": 3},
        {"$ref": 1},
        {},
        True,
        None,
    ],
)
def test_what_the_script_does_not_know_goes_to_the_inspector(schema: Any) -> None:
    definitions = {"Name": {"type": "string"}, "Loop": {"$ref": "#/$defs/Loop"}}
    optional = {"type": "object", "properties": {"x": schema}}
    found = node(optional, **definitions)
    assert found is not None
    assert found["fields"] == {}
    assert node({**optional, "required": ["x"]}, **definitions) is None


def test_a_tree_of_itself_is_followed_once_and_a_forest_not_at_all() -> None:
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "left": {"$ref": "#/$defs/Tree"}}}
    found = node({"$ref": "#/$defs/Tree"}, Tree=tree)
    assert found is not None
    assert set(found["fields"]) == {"name"}
    wide: dict[str, Any] = {"type": "string"}
    for _ in range(4):
        wide = {"type": "object", "properties": {f"p{n}": wide for n in range(9)}}
    assert node(wide) is None


def test_properties_whose_names_could_mean_something_are_left_to_the_inspector() -> None:
    names = ["$ne", "__proto__", 'a"b', "a]b", "é", "", "plain_name-1"]
    found = node({"type": "object", "properties": {name: {"type": "boolean"} for name in names}})
    assert found is not None
    assert set(found["fields"]) == {"plain_name-1"}


def test_text_that_is_free_below_a_name_of_any_kind_is_left_to_the_inspector() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "all": {"type": "object"}}}
    assert plainness.node(operation(inspection(schema, free=(("*",),))), {}) is None
    assert plainness.node(operation(inspection(schema, free=((),))), {}) is None
    found = plainness.node(operation(inspection(schema, free=(("name",), ("all",)))), {})
    assert found is not None
    assert found["fields"] == {"name": {"kind": "string", "least": 0, "most": 4096, "free": True}}


def test_the_script_carries_a_bounded_part_of_a_large_policy() -> None:
    many = {"type": "object", "properties": {f"p{n}": {"type": "boolean"} for n in range(900)}}
    pieces: list[ir.AnyPiece] = [ir.Upstream(**C, api="shop", host="127.0.0.1", port=1)]
    for n in range(20):
        of = operation(inspection(many))
        assert of.size is not None
        assert of.inspection is not None
        pieces += [
            msgspec.structs.replace(of.route, operation=f"o{n}", template=f"/o{n}"),
            msgspec.structs.replace(of.size, operation=f"o{n}"),
            msgspec.structs.replace(of.inspection, operation=f"o{n}"),
        ]
    listener = ir.Listener(**C, address="127.0.0.1", port=8443)
    routes = translate(assemble([*pieces, listener, ir.AccessLog(**C)]), RUNTIME).files["rds.json"]["resources"][0]
    source = routes["typed_per_filter_config"]["assay.plain"]["source_code"]["inline_string"]
    off = [
        r for h in routes["virtual_hosts"] for r in h["routes"] if "assay.plain" in r.get("typed_per_filter_config", {})
    ]
    assert source.count('["shop/o') == 5
    assert len(off) == 15


_KEYWORDS = [
    "type",
    "properties",
    "items",
    "required",
    "enum",
    "const",
    "pattern",
    "format",
    "minimum",
    "$ref",
    "oneOf",
]
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["object", "array", "string", "integer", "#/$defs/A", "^[a-z]+$", "date"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYWORDS), inner, max_size=4),
)


@given(schema=_VALUES, definition=_VALUES)
def test_any_schema_has_a_node_or_none(schema: Any, definition: Any) -> None:
    whole = {"type": "object", "properties": {"x": schema}}
    found = node(whole, A=definition)
    assert found is not None
    assert plain.written(found).isascii()
