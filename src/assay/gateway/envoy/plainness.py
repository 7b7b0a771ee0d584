"""Which operations have requests so plain that Envoy can judge them itself, and by what.

A body's schema is turned into *nodes* that ``filters/plain.lua`` walks along. They are never wider than the schema:
what cannot be said exactly or more narrowly (combinations, most patterns and formats) has no node. A request that has
such a property goes to the inspector, and so does every request of an operation that needs one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy

Node = dict[str, Any]
Paths = frozenset[tuple[str, ...]]

MOST_BYTES: Final = 4096
"""The largest body that Envoy looks at itself; also the longest text and array in it."""
_DEEPEST: Final = 8
_MOST_NODES: Final = 1000
_EXACT: Final = 2**53
_JSON: Final = "application/json"
_REFERENCE: Final = "#/$defs/"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_TEXT: Final = re.compile(r"[ !#-\[\]-~]{0,200}", re.ASCII)
"""ASCII without control characters, quotation marks and backslashes: what needs no escape, in JSON or in Lua."""
_NOTES: Final = frozenset(
    ("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
)
_KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "object": frozenset(("properties", "required", "additionalProperties")),
    "array": frozenset(("items", "minItems", "maxItems")),
    "string": frozenset(("minLength", "maxLength", "pattern", "format", "enum", "const")),
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format")),
    "integer": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "format")),
    "boolean": frozenset(),
}
_BOUNDS: Final = {"minimum": "least", "maximum": "most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
SHAPES: Final = frozenset(("email", "uuid", "date", "date-time"))
"""Formats of which the script knows a part."""

_ELEMENT: Final = re.compile(
    r"(?:\[(?P<set>(?:[A-Za-z0-9_ .:,@+/-]|\\[dw.+:@/_-])+)\]|(?P<one>[A-Za-z0-9_ :,@/-]|\\[dw.+:@/_-]))"
    r"(?P<times>[+*?]|\{[0-9]{1,3}(?:,[0-9]{0,4})?\})?",
    re.ASCII,
)
_IN_SET: Final = re.compile(r"([a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9])|\\?(.)", re.ASCII)
_MOST_ELEMENTS: Final = 60


class _NotPlain(Exception):
    """The schema asks for something that only the inspector can judge."""


class _TooMuch(Exception):
    """The operation's schema has too many nodes."""


def node(operation: OperationPolicy, definitions: Mapping[str, Any]) -> Node | None:
    """What a plain request of the operation looks like; None when every request must go to the inspector.

    Args:
        operation: with its inspection.
        definitions: the schemas of its API, by the names that references use.
    """
    inspection = operation.inspection
    if inspection is None or operation.size is None or not _only_a_body(inspection):
        return None
    bodies = [b for b in inspection.bodies if b.media_type.strip().lower().startswith(_JSON)]
    if len(bodies) != 1 or bodies[0].media_type != _JSON or not bodies[0].schema:
        return None
    try:
        schema = msgspec.json.decode(bodies[0].schema)
        deepest = min(_DEEPEST, inspection.max_depth)
        found = _Builder(definitions).node(schema, frozenset(bodies[0].free_text), deepest)
    except (_NotPlain, _TooMuch, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if found["kind"] not in ("object", "array") or found.get("null"):
        return None
    return {**found, "size": min(MOST_BYTES, inspection.body_bytes)}


def definitions(library: ir.SchemaLibrary) -> Mapping[str, Any]:
    """The schemas of a library by name; none when it cannot be read, which the inspector reports."""
    try:
        return msgspec.json.decode(library.definitions, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}


def is_text(text: str) -> bool:
    """Whether a text can stand in the script as it is."""
    return _TEXT.fullmatch(text) is not None


def weight(found: Node) -> int:
    """How much a node adds to the script, in values."""
    below = [*found.get("fields", {}).values(), *([found["items"]] if "items" in found else [])]
    return 1 + len(found.get("values", ())) + sum(weight(b) for b in below)


def _only_a_body(inspection: ir.Inspection) -> bool:
    """Whether the body is all that is looked at when there is no query string, and is refused when it is wrong."""
    needed = (p for p in inspection.parameters if p.location in ("header", "cookie") or p.required)
    return (
        inspection.mode is ir.Mode.ENFORCE
        and inspection.crs is None
        and not inspection.closed_headers
        and all(p.location == "path" for p in needed)
    )


class _Builder:
    """Nodes of one operation's schema: of so many at most, and none that contains itself."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._room = _MOST_NODES
        self._open: set[str] = set()

    def node(self, schema: Any, free: Paths, depth: int) -> Node:
        """The node of a schema; ``free`` are the paths to free text in it, ``depth`` how many levels it may have."""
        self._room -= 1
        if self._room < 0:
            raise _TooMuch
        if not isinstance(schema, dict):
            raise _NotPlain
        schema = {k: v for k, v in schema.items() if k not in _NOTES and not k.startswith("x-")}
        if "$ref" in schema:
            return self._referred(schema, free, depth)
        kind, null = _kind(schema)
        if not schema.keys() <= _KEYWORDS[kind] | {"type"}:
            raise _NotPlain
        if kind == "object":
            found = self._object(schema, free, depth)
        elif kind == "array":
            found = self._array(schema, free, depth)
        else:
            found = _SIMPLE[kind](schema, free)
        return {**found, "null": True} if null else found

    def _referred(self, schema: Mapping[str, Any], free: Paths, depth: int) -> Node:
        reference = schema["$ref"]
        if len(schema) > 1 or not isinstance(reference, str) or reference in self._open:
            raise _NotPlain
        if not reference.startswith(_REFERENCE):
            raise _NotPlain
        self._open.add(reference)
        try:
            return self.node(self._definitions.get(reference[len(_REFERENCE) :]), free, depth)
        finally:
            self._open.discard(reference)

    def _object(self, schema: Mapping[str, Any], free: Paths, depth: int) -> Node:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if depth < 1 or () in free or any(path[0] == "*" for path in free):
            raise _NotPlain
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise _NotPlain
        fields = {}
        for name, below in properties.items():
            # A property without a node is not known to the script, so whoever sends it is asked about.
            with contextlib.suppress(_NotPlain):
                if _NAME.fullmatch(name) is not None:
                    fields[name] = self.node(below, frozenset(p[1:] for p in free if p[0] == name), depth - 1)
        if not all(isinstance(name, str) and name in fields for name in required):
            raise _NotPlain
        return {"kind": "object", "fields": fields, "required": required}

    def _array(self, schema: Mapping[str, Any], free: Paths, depth: int) -> Node:
        if depth < 1 or () in free or "items" not in schema:
            raise _NotPlain
        items = self.node(schema["items"], frozenset(p[1:] for p in free if p[0] == "*"), depth - 1)
        least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", MOST_BYTES)
        return {"kind": "array", "items": items, "least": least, "most": most}


def _kind(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """The one type beside null, and whether null is admitted. A list of strings needs no type."""
    named = schema.get("type")
    if named is None and ("enum" in schema or "const" in schema):
        named = "string"
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    others = [n for n in names if n != "null"]
    if len(others) != 1 or not isinstance(others[0], str) or others[0] not in _KEYWORDS:
        raise _NotPlain
    if "null" in names and ("enum" in schema or "const" in schema):
        raise _NotPlain
    return others[0], "null" in names


def _count(schema: Mapping[str, Any], name: str, default: int) -> int:
    value = schema.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _NotPlain
    return min(value, MOST_BYTES + 1)


def _string(schema: Mapping[str, Any], free: Paths) -> Node:
    found: Node = {
        "kind": "string",
        "least": _count(schema, "minLength", 0),
        "most": _count(schema, "maxLength", MOST_BYTES),
    }
    if free:
        found["free"] = True
    if "enum" in schema or "const" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if {"enum", "const"} <= schema.keys() or not isinstance(values, list):
            raise _NotPlain
        if not all(isinstance(v, str) and is_text(v) for v in values):
            raise _NotPlain
        found["values"] = dict.fromkeys(values, True)
    if "format" in schema:
        if schema["format"] not in SHAPES:
            raise _NotPlain
        found["shape"] = schema["format"]
    if "pattern" in schema:
        found["pattern"] = _pattern(schema["pattern"])
    return found


def _number(schema: Mapping[str, Any], _free: Paths) -> Node:
    found: Node = {"kind": "number"}
    for name, bound in _BOUNDS.items():
        value = schema.get(name, 0)
        # Beside a whole number, no rounding of a fraction can change on which side it lies.
        if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value or abs(value) > _EXACT:
            raise _NotPlain
        if name in schema:
            found[bound] = int(value)
    return found


_SIMPLE: Final[Mapping[str, Callable[[Mapping[str, Any], Paths], Node]]] = {
    "string": _string,
    "number": _number,
    "integer": lambda schema, free: {**_number(schema, free), "whole": True},
    "boolean": lambda _schema, _free: {"kind": "boolean"},
}


def _pattern(expression: Any) -> str:
    """An anchored regular expression of plain sets, each repeated, as a pattern of Lua that matches the same ASCII.

    At most one set may repeat without bound, and few may be optional, so that matching takes linear time.
    """
    if not isinstance(expression, str) or not expression.startswith("^") or not expression.endswith("$"):
        raise _NotPlain
    inner, at, parts, loose = expression[1:-1], 0, list[str](), 0
    while at < len(inner):
        element = _ELEMENT.match(inner, at)
        if element is None:
            raise _NotPlain
        at = element.end()
        least, most = _times(element["times"])
        written = _set(element["set"] or element["one"])
        parts += [written] * least
        if most is None:
            parts.append(written + "*")
            loose += 1
        else:
            parts += [written + "?"] * (most - least)
            loose += (most - least + 1) // 2
        if loose > 1 or len(parts) > _MOST_ELEMENTS:
            raise _NotPlain
    return f"^{''.join(parts)}$"


def _times(text: str | None) -> tuple[int, int | None]:
    """How often an element may come: at least, and at most (None: without bound)."""
    if text is None:
        return 1, 1
    if text in "+*?":
        return int(text == "+"), 1 if text == "?" else None
    low, comma, high = text[1:-1].partition(",")
    least = int(low)
    most = int(high) if high else None if comma else least
    if most is not None and most < least:
        raise _NotPlain
    return least, most


def _set(members: str) -> str:
    """A set of Lua's with the same members; ``d`` and ``w`` after a backslash are classes in both languages."""
    found, at = [], 0
    while at < len(members):
        if members[at] == "-" and 0 < at < len(members) - 1:
            raise _NotPlain  # a range, or a difference of sets
        step = _IN_SET.match(members, at)
        if step is None:
            raise _NotPlain
        escaped = members[at] == "\\"
        at = step.end()
        if step[1] is not None:
            if step[1][0] > step[1][2]:
                raise _NotPlain
            found.append(step[1])
        elif escaped and step[2] in "dw":
            found.append({"d": "0-9", "w": "A-Za-z0-9_"}[step[2]])
        else:
            found.append(step[2] if step[2].isalnum() else f"%{step[2]}")
    return f"[{''.join(found)}]"
