"""Whether one JSON Schema accepts less than another, as far as that can be shown by looking.

Keywords are compared one by one (JSON Schema 2020-12, Validation, section 6). A schema is a conjunction of its
keywords, so it is tighter when every difference between two schemas is. What is not understood is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

Relation = Literal["same", "tighter", "looser", "unknown"]

_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_ASSERTIONS = frozenset({"pattern", "format", "multipleOf", "const", "$ref", "contentEncoding", "contentMediaType"})
_NOTES = frozenset(
    {"title", "description", "default", "example", "examples", "deprecated", "$comment", "externalDocs", "xml"}
)
_INVERTING = (
    "not",
    "oneOf",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "$dynamicRef",
    "unevaluatedProperties",
    "unevaluatedItems",
)
_COUPLED = ("patternProperties", "unevaluatedProperties", "dependentSchemas")
_DEPTH = 64


def relation(old: object, new: object, *, depth: int = 0) -> Relation:
    """How ``new`` relates to ``old``: ``tighter`` when everything it accepts was accepted before.

    Both are JSON Schemas as Python values. A ``$ref`` to the same name counts as the same: its definition is compared
    where it stands.
    """
    if equal(old, new):
        return "same"
    if depth > _DEPTH:
        return "unknown"
    before, after = _as_object(old), _as_object(new)
    if before is None or after is None:
        # The boolean schema false accepts nothing: whatever replaces it accepts no less.
        return (
            "tighter" if after is None and new is False else "looser" if before is None and old is False else "unknown"
        )
    return combine(_keywords(before, after, depth))


def combine(relations: Iterable[Relation]) -> Relation:
    """The relation of two conjunctions, from those of their parts."""
    found = {r for r in relations if r != "same"}
    if not found:
        return "same"
    return next(iter(found)) if len(found) == 1 else "unknown"


def monotonic(*schemas: object) -> bool:
    """Whether a tighter part makes the whole tighter wherever it stands: no negation, no choice of exactly one."""
    pending: list[object] = list(schemas)
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if any(k in node for k in _INVERTING):
                return False
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return True


def parse(text: str) -> Any:
    """JSON text of a schema; the empty text is the schema that accepts everything, unreadable text is nothing known."""
    if not text:
        return True
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def compare_texts(old: str, new: str) -> Relation:
    """:func:`relation` of two schemas given as JSON text (of an operation's parameter or body)."""
    if old == new:
        return "same"
    before, after = parse(old), parse(new)
    if before is None or after is None:
        return "unknown"
    if not monotonic(before, after):
        return "same" if equal(before, after) else "unknown"
    return relation(before, after)


def _as_object(schema: object) -> dict[str, Any] | None:
    if schema is True:
        return {}
    return schema if isinstance(schema, dict) else None


def _keywords(old: dict[str, Any], new: dict[str, Any], depth: int) -> Iterator[Relation]:
    for key in old.keys() | new.keys():
        if key in _NOTES or key.startswith("x-"):
            continue
        if key in ("properties", "additionalProperties"):
            continue
        if key not in old:
            yield "tighter" if _narrows(key, new[key]) else "unknown"
        elif key not in new:
            yield "looser" if _narrows(key, old[key]) else "unknown"
        elif not equal(old[key], new[key]):
            yield _keyword(key, old[key], new[key], depth)
    if any(not equal(old.get(k), new.get(k)) for k in ("properties", "additionalProperties")):
        if any(k in old or k in new for k in _COUPLED):
            yield "unknown"
        else:
            yield from _properties(old, new, depth)


def _narrows(key: str, value: object) -> bool:
    """Whether adding this keyword alone can only make a schema accept less."""
    if key in _UPPER or key in _LOWER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if key in ("uniqueItems",):
        return value is True
    return key in _ASSERTIONS or key in ("type", "enum", "required", "items", "allOf", "anyOf", "propertyNames")


def _keyword(key: str, old: Any, new: Any, depth: int) -> Relation:
    if key in _UPPER or key in _LOWER:
        return _bound(old, new, upper=key in _UPPER)
    if key == "uniqueItems":
        return "tighter" if new is True else "looser"
    if key == "required" and isinstance(old, list) and isinstance(new, list):
        return _subset(set(new), set(old))
    if key == "enum" and isinstance(old, list) and isinstance(new, list):
        return _values(old, new)
    if key == "type":
        return _subset(_types(old), _types(new))
    if key in ("items", "propertyNames"):
        return relation(old, new, depth=depth + 1)
    if key in ("allOf", "anyOf") and isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return combine(relation(a, b, depth=depth + 1) for a, b in zip(old, new, strict=True))
    return "unknown"


def _bound(old: Any, new: Any, *, upper: bool) -> Relation:
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in (old, new)):
        return "unknown"
    return "tighter" if (new < old) is upper else "looser"


def _types(value: Any) -> set[str]:
    names = {value} if isinstance(value, str) else {str(v) for v in value} if isinstance(value, list) else {"?"}
    return names | {"integer"} if "number" in names else names


def _subset(large: set[Any], small: set[Any]) -> Relation:
    """``tighter`` when ``small`` is within ``large``."""
    if small == large:
        return "same"
    return "tighter" if small < large else "looser" if small > large else "unknown"


def _values(old: list[Any], new: list[Any]) -> Relation:
    return _subset({_canonical(v) for v in old}, {_canonical(v) for v in new})


def equal(old: object, new: object) -> bool:
    """Equality of JSON values. Python holds ``True == 1``; JSON does not."""
    return _canonical(old) == _canonical(new)


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _properties(old: dict[str, Any], new: dict[str, Any], depth: int) -> Iterator[Relation]:
    """Properties together with what holds for all others: a property not named is ruled by ``additionalProperties``."""
    before, after = old.get("properties", {}), new.get("properties", {})
    rest_before, rest_after = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield "unknown"
        return
    for name in before.keys() | after.keys():
        yield relation(before.get(name, rest_before), after.get(name, rest_after), depth=depth + 1)
    yield relation(rest_before, rest_after, depth=depth + 1)
