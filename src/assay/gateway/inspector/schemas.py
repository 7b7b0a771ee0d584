"""Compiled JSON Schemas (draft 2020-12) and the few facts about a schema that reading a parameter needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import msgspec

from assay.domain import AssayError
from assay.gateway.inspector.decision import Refused, pointer, shown
from assay.gateway.inspector.strict_json import Json

Schema = dict[str, Any] | bool
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")
_REFERENCE: Final = "#/$defs/"
_HOPS: Final = 12
_LINEAR: Final = jsonschema_rs.RegexOptions(size_limit=8 << 20, dfa_size_limit=8 << 20)
# Lookaround and back-references need backtracking; past this many steps the value counts as not matching.
_BACKTRACKING: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000, size_limit=8 << 20)


class Library:
    """The schemas of one API. A schema compiled against it takes along only the definitions that it reaches.

    Args:
        definitions: JSON text of an object of schemas, referred to as ``#/$defs/NAME``.
        apart: a schema is compiled without what it refers to. Such a validator is too generous to judge by, but tells
            whether the schema itself is sound, in no time.

    Raises:
        AssayError: the text is not a JSON object.
    """

    def __init__(self, definitions: str = "{}", *, apart: bool = False) -> None:
        try:
            self._schemas: dict[str, Any] = msgspec.json.decode(definitions, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise AssayError(
                f"The API's schema library cannot be read: {error}.", fix="apply the declaration again"
            ) from error
        self._edges: dict[str, frozenset[str]] = {}
        self._apart = apart
        self._validators: dict[bytes, jsonschema_rs.Validator] = {}

    def once(self, schema: bytes, make: Callable[[], jsonschema_rs.Validator]) -> jsonschema_rs.Validator:
        """The validator of a schema, made the first time only."""
        found = self._validators.get(schema)
        if found is None:
            found = self._validators[schema] = make()
        return found

    def problem(self) -> AssayError | None:
        """The first definition that cannot be compiled, what it refers to left aside; None when there is none."""
        for name, schema in self._schemas.items():
            try:
                compile_schema(schema, self, f"the definition `{name}`")
            except AssayError as error:
                return error
        return None

    def resolve(self, schema: Any) -> Any:
        """The schema behind a chain of references into this library; ``{}`` (anything) when there is no end to it."""
        for _ in range(_HOPS):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                return schema
            schema = self._schemas.get(_target(schema["$ref"]), {})
        return {}

    def reachable(self, schema: Any) -> dict[str, Any]:
        """The definitions that ``schema`` refers to, directly or not."""
        found: dict[str, Any] = {}
        waiting = list(_references(schema))
        while waiting:
            name = waiting.pop()
            if name in found or name not in self._schemas:
                continue
            found[name] = True if self._apart else self._schemas[name]
            if self._apart:
                continue
            if name not in self._edges:
                self._edges[name] = frozenset(_references(self._schemas[name]))
            waiting.extend(self._edges[name])
        return found


def _target(reference: str) -> str:
    rest = reference[len(_REFERENCE) :] if reference.startswith(_REFERENCE) else ""
    return rest.split("/", 1)[0].replace("~1", "/").replace("~0", "~")


def _references(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str) and reference.startswith(_REFERENCE):
                yield _target(reference)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def read(text: str, where: str) -> Schema:
    """A schema from its JSON text.

    Raises:
        AssayError: the text is neither an object nor a boolean; ``where`` says whose schema it is.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, Any] | bool)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise AssayError(
            f"The schema of {where} cannot be read: {error}.", fix="apply the declaration again"
        ) from error


def compile_schema(schema: Schema, library: Library, where: str) -> jsonschema_rs.Validator:
    """A validator of draft 2020-12 with formats asserted and without any access to the network.

    Remembered by the library: the parameters and bodies of many operations are of the same few schemas.

    Patterns run on an engine of linear time. Those with lookaround or back-references run on one that gives up after a
    bounded number of steps, and giving up counts as not matching.

    Raises:
        AssayError: the schema or one of its patterns cannot be compiled.
    """
    return library.once(msgspec.json.encode(schema), lambda: _compile(schema, library, where))


def _compile(schema: Schema, library: Library, where: str) -> jsonschema_rs.Validator:
    whole: Schema = schema
    if isinstance(schema, dict):
        own = schema.get("$defs")
        definitions = library.reachable(schema) | (own if isinstance(own, dict) else {})
        whole = {**schema, "$defs": definitions} if definitions else schema
    problem = ""
    for options in (_LINEAR, _BACKTRACKING):
        try:
            return jsonschema_rs.Draft202012Validator(
                whole, validate_formats=True, offline=True, pattern_options=options
            )
        except (ValueError, RecursionError) as error:
            problem = str(error).splitlines()[0][:200]
    raise AssayError(
        f"The schema of {where} cannot be compiled: {problem}.",
        fix="correct the schema in the contract; `assay check` shows the place",
    )


def types(schema: Any, library: Library) -> frozenset[str]:
    """The JSON types that a value of this schema may have; every type when the schema does not say."""
    return _types(schema, library, _HOPS) or frozenset(TYPES)


def _types(schema: Any, library: Library, hops: int) -> frozenset[str]:
    schema = library.resolve(schema)
    if not isinstance(schema, dict) or hops == 0:
        return frozenset()
    named = schema.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(n for n in named if isinstance(n, str))
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return frozenset(_type_of(v) for v in values)
    parts = [p for key in ("allOf", "anyOf", "oneOf") for p in _list(schema.get(key))]
    found = [_types(p, library, hops - 1) for p in parts]
    if found and (all(found) or "allOf" in schema):
        return frozenset().union(*found)
    if "properties" in schema or "additionalProperties" in schema:
        return frozenset({"object"})
    if "items" in schema:
        return frozenset({"array"})
    return frozenset()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def item_schema(schema: Any, library: Library) -> Any:
    """The schema of an array's items; anything when it is not said."""
    return _found(schema, library, lambda s: s.get("items"), _HOPS, {})


def property_schemas(schema: Any, library: Library) -> dict[str, Any]:
    """The declared properties of an object schema, those of its ``allOf`` / ``anyOf`` / ``oneOf`` parts included."""
    found: dict[str, Any] = {}
    waiting = [(schema, _HOPS)]
    while waiting:
        item, hops = waiting.pop()
        item = library.resolve(item)
        if not isinstance(item, dict) or hops == 0:
            continue
        properties = item.get("properties")
        for name, value in (properties if isinstance(properties, dict) else {}).items():
            # `false` only says that the property is refused in this direction; another part may describe it.
            if name not in found or found[name] is False:
                found[name] = value
        waiting.extend((p, hops - 1) for key in ("allOf", "anyOf", "oneOf") for p in _list(item.get(key)))
    return found


def property_names(schema: Any, library: Library) -> frozenset[str]:
    """The name of every property that a schema or a definition it reaches declares, at any depth."""
    found: set[str] = set()
    waiting: list[Any] = [schema, *library.reachable(schema).values()]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            properties = item.get("properties")
            if isinstance(properties, dict):
                found.update(properties)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return frozenset(found)


def _found(schema: Any, library: Library, look: Callable[[Mapping[str, Any]], Any], hops: int, default: Any) -> Any:
    schema = library.resolve(schema)
    if not isinstance(schema, dict) or hops == 0:
        return default
    value = look(schema)
    if value is not None:
        return value
    for key in ("allOf", "anyOf", "oneOf"):
        for part in _list(schema.get(key)):
            value = _found(part, library, look, hops - 1, None)
            if value is not None:
                return value
    return default


_NARROW_FORMATS: Final = frozenset(
    ("date", "date-time", "time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "idn-email")
)
_CLASS: Final = re.compile(r"\[((?:[^\]\\]|\\.)*)\]")
_NARROW_CLASS: Final = re.compile(
    r"-?(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _.:@,+]|\\[dw.+:@/_-])*-?", re.ASCII
)
_NARROW: Final = re.compile(r"(?:[A-Za-z0-9 _:@,/-]|\\[dw./+-]|\(\?:|[()|?*+]|\{[0-9,]{1,9}\})*", re.ASCII)


def is_narrow(pattern: str) -> bool:
    """Whether an anchored pattern admits only characters that no injection can live on.

    Understands plain characters, classes that are not negated and repetition; whatever else occurs, the answer is no.
    """
    if not pattern.startswith("^") or not pattern.endswith("$"):
        return False
    if not all(_NARROW_CLASS.fullmatch(c) for c in _CLASS.findall(pattern)):
        return False
    body = _CLASS.sub("x", pattern[1:-1])
    if not _NARROW.fullmatch(body):
        return False
    depth = 0
    for at, character in enumerate(body):
        if at and body[at - 1] == "\\":
            continue
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return False  # each side of it is anchored at one end only
    return True


def has_free_text(schema: Any, library: Library, hops: int = 6) -> bool:
    """Whether a value of this schema may contain a string that neither enum, format nor a narrow pattern bounds."""
    schema = library.resolve(schema)
    if not isinstance(schema, dict) or hops == 0:
        return schema is not False
    if "enum" in schema or "const" in schema:
        return False
    kinds = types(schema, library)
    if not kinds & {"string", "array", "object"}:
        return False
    if "string" in kinds:
        pattern = schema.get("pattern")
        if schema.get("format") in _NARROW_FORMATS or schema.get("maxLength", 99) <= 2:
            return False
        if isinstance(pattern, str) and is_narrow(pattern):
            return False
        parts = [p for key in ("anyOf", "oneOf") for p in _list(schema.get(key))]
        return not parts or any(has_free_text(p, library, hops - 1) for p in parts)
    if "array" in kinds and has_free_text(item_schema(schema, library), library, hops - 1):
        return True
    if "object" in kinds:
        extra = schema.get("additionalProperties", True)
        named = property_schemas(schema, library).values()
        return extra is not False or any(has_free_text(p, library, hops - 1) for p in named)
    return False


def violation(validator: jsonschema_rs.Validator, value: Json) -> tuple[str, str]:
    """Where (a JSON pointer) and why (a rule of the contract, in words) ``value`` is not valid."""
    # Not `iter_errors`: it collects every error first, which for a long array takes seconds.
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return pointer(error.instance_path), _rule(error.kind)
    return "/", "does not satisfy the schema"


def _rule(kind: Any) -> str:
    """The broken rule in words. Limits come from the contract; nothing comes from the request but safe names."""
    name = str(kind.name)
    limit = getattr(kind, "limit", None)
    if name in _BOUNDS:
        return _BOUNDS[name].format(limit)
    if name == "required":
        return f"lacks the required property `{shown(str(kind.property))}`"
    if name == "type":
        return f"must be of type {' or '.join(kind.types)}"
    if name == "format":
        return f"is not a valid {kind.format}"
    if name == "multipleOf":
        return f"must be a multiple of {kind.multiple_of}"
    if name in ("additionalProperties", "unevaluatedProperties"):
        names = ", ".join(f"`{shown(str(n))}`" for n in kind.unexpected[:3])
        return f"has a property that the contract does not declare: {names}"
    return _PLAIN.get(name, f"does not satisfy `{shown(name)}`")


_BOUNDS: Final = {
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} properties",
    "maxProperties": "must have at most {} properties",
}
_PLAIN: Final = {
    "pattern": "does not match the contract's pattern",
    "enum": "is not one of the values that the contract lists",
    "const": "is not the value that the contract requires",
    "uniqueItems": "must not repeat an item",
    "falseSchema": "must not be sent",
    "anyOf": "matches none of the alternatives",
    "oneOf": "does not match exactly one of the alternatives",
    "not": "matches what the contract excludes",
    "propertyNames": "has a property name that the contract does not allow",
}


def check(validator: jsonschema_rs.Validator, value: Json, what: str, *, policy: str, status: int = 400) -> None:
    """Refuses a value that its schema does not admit; ``what`` names it in the sentence.

    Raises:
        Refused: with the JSON pointer and the rule, never with the value.
    """
    if validator.is_valid(value):
        return
    where, rule = violation(validator, value)
    at = f" at {where}" if where != "/" else ""
    raise Refused(policy, f"{what}{at} {rule}.", reason=f"{where} {rule}", status=status)
