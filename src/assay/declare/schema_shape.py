"""What may stand at a path of the declaration, read from the model's own JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from assay.declare.model import Model
from assay.declare.places import Step

Schema = Mapping[str, Any]


@cache
def _root() -> Schema:
    return Model.model_json_schema(by_alias=True)


def shapes(path: tuple[Step, ...]) -> tuple[Schema, ...]:
    """The schemas that a value at ``path`` may follow; several where there are alternatives, none if unknown."""
    here = tuple(_alternatives(_root()))
    for step in path:
        here = tuple(inner for schema in here for inner in _inside(schema, step))
    return here


def keys_at(path: tuple[Step, ...]) -> tuple[str, ...]:
    """The keys that a mapping at ``path`` may have, in the model's order; empty where any key may stand."""
    return tuple(dict.fromkeys(key for schema in shapes(path) for key in schema.get("properties", {})))


def words_at(path: tuple[Step, ...]) -> tuple[str, ...]:
    """The words that may stand at ``path``, where only some may."""
    words: list[str] = []
    for schema in shapes(path):
        words += [str(word) for word in schema.get("enum", ())] + ([str(schema["const"])] if "const" in schema else [])
    return tuple(words)


def expected_at(path: tuple[Step, ...]) -> str:
    """In words, what kind of value belongs at ``path``: "a mapping", "text or a list"."""
    kinds: list[str] = []
    for schema in shapes(path):
        kind = _KINDS.get(str(schema.get("type")))
        if kind and kind not in kinds:
            kinds.append(kind)
    return " or ".join(kinds) or "something else"


_KINDS = {
    "object": "a mapping (`key: value`)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
}


def _inside(schema: Schema, step: Step) -> Iterator[Schema]:
    if isinstance(step, int):
        if isinstance(schema.get("items"), Mapping):
            yield from _alternatives(schema["items"])
        return
    if step in schema.get("properties", {}):
        yield from _alternatives(schema["properties"][step])
    for inner in schema.get("patternProperties", {}).values():
        yield from _alternatives(inner)
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _alternatives(schema["additionalProperties"])


def _alternatives(schema: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _alternatives(_root()["$defs"][schema["$ref"].rpartition("/")[2]])
    elif "anyOf" in schema:
        for inner in schema["anyOf"]:
            yield from _alternatives(inner)
    elif schema.get("type") != "null":
        yield schema
