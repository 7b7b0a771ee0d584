"""Parameters: from the wire to typed values, then against their schemas (OpenAPI 3.1 section 4.8.12, "Style Values").

Path parameters are not read here: the gateway matches them with a typed expression before the inspector is asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import jsonschema_rs

from assay.gateway import ir
from assay.gateway.inspector import schemas, strict_json, wire
from assay.gateway.inspector.decision import Refused, shown
from assay.gateway.inspector.schemas import Library
from assay.gateway.inspector.strict_json import Json

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,38})", re.ASCII)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_DEEP: Final = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
_SEPARATORS: Final = {"spaceDelimited": " ", "pipeDelimited": "|"}
_SCALARS: Final = frozenset({"null", "boolean", "integer", "number", "string"})
_COOKIE_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z\-\[\]]+", re.ASCII)


def readings(text: str, kinds: frozenset[str]) -> list[Json]:
    """What ``text`` may mean to a schema that admits these JSON types, most specific first.

    Numbers must be written as JSON writes them: ``007``, ``+5`` and ``0x1`` are read differently by different servers.
    """
    found: list[Json] = []
    if "integer" in kinds and _INTEGER.fullmatch(text):
        found.append(int(text))
    elif "number" in kinds and len(text) <= strict_json.MAX_NUMBER_CHARACTERS and _NUMBER.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            found.append(int(text) if _INTEGER.fullmatch(text) else number)
    if "boolean" in kinds and text in ("true", "false"):
        found.append(text == "true")
    if "null" in kinds and text in ("", "null"):
        found.append(None)
    if "string" in kinds:
        found.append(text)
    return found


@dataclass(frozen=True, slots=True)
class Shape:
    """How text becomes a value of a schema: the types it admits and, where there is a choice, a validator."""

    kinds: frozenset[str]
    validator: jsonschema_rs.Validator | None = None
    items: Shape | None = None

    @property
    def is_array(self) -> bool:
        """Whether the wire form is a list. A schema that also admits other values is read as one of those."""
        return "array" in self.kinds and not self.kinds & {"object", "string", "integer", "number", "boolean"}

    @property
    def is_object(self) -> bool:
        """Whether the wire form is a list of keys and values."""
        return "object" in self.kinds and not self.kinds & {"array", "string", "integer", "number", "boolean"}

    def read_items(self, texts: list[str]) -> Json:
        """The readings of an array's items."""
        return [self.items.read(t) for t in texts] if self.items else list(texts)

    def read(self, text: str) -> Json:
        """The reading of ``text`` that fits best; the text itself when none does, so that validation names the rule."""
        found = readings(text, self.kinds)
        if not found:
            return text
        if len(found) > 1 and self.validator is not None:
            return next((f for f in found if self.validator.is_valid(f)), found[-1])
        return found[0]


def shape(schema: object, library: Library, where: str) -> Shape:
    """The shape of a schema.

    Raises:
        AssayError: the schema cannot be compiled.
    """
    kinds = schemas.types(schema, library)
    if kinds == frozenset(schemas.TYPES):
        kinds = _SCALARS
    items = shape(schemas.item_schema(schema, library), library, where) if kinds == {"array"} else None
    mixed = len(kinds & _SCALARS) > 1 and schema not in (True, {})
    validator = schemas.compile_schema(schema, library, where) if mixed else None  # type: ignore[arg-type]
    return Shape(kinds, validator, items)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter, ready to be checked.

    Attributes:
        json: its text is a JSON document (``content`` instead of ``schema`` in the contract).
        members: how the properties of an object parameter are read.
        open: whether an object parameter may have other members.
    """

    name: str
    location: str
    style: str
    explode: bool
    required: bool
    allow_empty: bool
    json: bool
    free_text: bool
    shape: Shape
    validator: jsonschema_rs.Validator
    members: Mapping[str, Shape]
    open: bool

    def member(self, name: str, texts: list[str]) -> Json:
        """A member of an object parameter that was sent as ``texts``."""
        found = self.members.get(name)
        if found is not None and found.is_array:
            return found.read_items(texts)
        text = _one(self, texts)
        return found.read(text) if found else text


def compile_parameter(rule: ir.ParameterRule, library: Library, where: str) -> Parameter:
    """A parameter rule with its schema compiled.

    Raises:
        AssayError: the schema cannot be read or compiled.
    """
    place = f"the {rule.location} parameter {rule.name} of {where}"
    schema = schemas.read(rule.schema, place)
    form = shape(schema, library, place)
    media = wire.media_type(rule.media_type) if rule.media_type else None
    members = {}
    resolved = library.resolve(schema)
    if form.is_object:
        properties = schemas.property_schemas(schema, library)
        members = {n: shape(s, library, f"{n} in {place}") for n, s in properties.items()}
    return Parameter(
        name=rule.name.lower() if rule.location == "header" else rule.name,
        location=rule.location,
        style=rule.style,
        explode=rule.explode,
        required=rule.required,
        allow_empty=rule.allow_empty,
        json=media is not None and media.is_json,
        free_text=rule.free_text or schemas.has_free_text(schema, library),
        shape=form,
        validator=schemas.compile_schema(schema, library, place),
        members=members,
        open=not isinstance(resolved, dict) or resolved.get("additionalProperties", True) is not False,
    )


def _what(parameter: Parameter) -> str:
    return f"The {parameter.location} parameter `{parameter.name}`"


def _check(parameter: Parameter, value: Json) -> Json:
    schemas.check(parameter.validator, value, _what(parameter), policy=f"{parameter.location}-schema")
    return value


def _one(parameter: Parameter, values: list[str]) -> str:
    if len(values) > 1:
        raise Refused(
            f"{parameter.location}-duplicate",
            f"{_what(parameter)} must not be sent more than once.",
            reason=f"duplicate {parameter.location} parameter {shown(parameter.name)}",
        )
    return values[0]


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if text else []


def _alternating(parameter: Parameter, parts: list[str]) -> dict[str, Json]:
    """An object written as ``key,value,key,value``."""
    keys = parts[::2]
    if len(parts) % 2 or len(set(keys)) != len(keys):
        raise Refused(f"{parameter.location}-schema", f"{_what(parameter)} is not a list of keys and values.")
    return {k: parameter.member(k, [v]) for k, v in zip(keys, parts[1::2], strict=True)}


def value(parameter: Parameter, values: list[str], *, max_depth: int) -> Json:
    """The typed value of a parameter that was sent as ``values`` (decoded, in order), valid under its schema.

    Raises:
        Refused: sent twice without being an exploded array, malformed, or not valid.
    """
    if parameter.json:
        return _check(parameter, strict_json.parse(_one(parameter, values).encode(), max_depth=max_depth))
    if parameter.allow_empty and values == [""]:
        return ""
    separator = _SEPARATORS.get(parameter.style, ",")
    if parameter.shape.is_array:
        if parameter.explode and parameter.location in ("query", "cookie"):
            parts = values
        else:
            parts = _split(_one(parameter, values), separator)
        if parameter.location == "header":
            parts = [p.strip(" \t") for p in parts]
        return _check(parameter, parameter.shape.read_items(parts))
    text = _one(parameter, values)
    if parameter.shape.is_object:
        parts = _split(text, separator)
        if parameter.location == "header":
            parts = [p.strip(" \t") for p in parts]
            if parameter.explode:
                parts = [half for p in parts for half in p.partition("=")[::2]]
        return _check(parameter, _alternating(parameter, parts))
    return _check(parameter, parameter.shape.read(text))


class QueryRules:
    """The query parameters of an operation. ``closed`` refuses parameters that the contract does not declare."""

    def __init__(self, parameters: Iterable[Parameter], *, closed: bool, max_depth: int) -> None:
        self._plain: dict[str, Parameter] = {}
        self._deep: dict[str, Parameter] = {}
        self._spread: dict[str, Parameter] = {}
        self._rest: Parameter | None = None
        self._required: list[Parameter] = []
        self._closed = closed
        self._max_depth = max_depth
        for parameter in parameters:
            if parameter.shape.is_object and parameter.style == "deepObject":
                self._deep[parameter.name] = parameter
            elif parameter.shape.is_object and parameter.style == "form" and parameter.explode and not parameter.json:
                self._spread |= dict.fromkeys(parameter.members, parameter)
                self._rest = parameter if parameter.open and not parameter.members else self._rest
            else:
                self._plain[parameter.name] = parameter
            if parameter.required:
                self._required.append(parameter)
        names = (*self._plain, *self._deep, *self._spread)
        self._folded = {n.casefold() for n in names}

    def check(self, raw: bytes, texts: list[tuple[str, Json]]) -> None:
        """Checks a query string; appends (where, value) of every free text to ``texts``.

        Raises:
            Refused: an undeclared, repeated, missing, malformed or invalid parameter.
        """
        plain: dict[str, list[str]] = {}
        objects: dict[str, dict[str, list[str]]] = {}
        for name, text in wire.pairs(raw, "The query"):
            if name in self._plain:
                plain.setdefault(name, []).append(text)
                continue
            deep = _DEEP.fullmatch(name) if self._deep else None
            if deep is not None and deep[1] in self._deep:
                objects.setdefault(deep[1], {}).setdefault(deep[2], []).append(text)
            elif name in self._spread:
                objects.setdefault(self._spread[name].name, {}).setdefault(name, []).append(text)
            elif self._rest is not None and "[" not in name:
                objects.setdefault(self._rest.name, {}).setdefault(name, []).append(text)
            else:
                self._undeclared(name)
                texts += (("the name of a query parameter", name), (f"query {shown(name)}", text))
        for name, values in plain.items():
            parameter = self._plain[name]
            found = value(parameter, values, max_depth=self._max_depth)
            if parameter.free_text:
                texts.append((f"query {shown(name)}", found))
        for parameter in {id(p): p for p in (*self._deep.values(), *self._spread.values(), *self._rests())}.values():
            if parameter.name in objects:
                found = _check(parameter, {k: parameter.member(k, v) for k, v in objects[parameter.name].items()})
                if parameter.free_text:
                    texts.append((f"query {shown(parameter.name)}", found))
        for parameter in self._required:
            if parameter.name not in plain and parameter.name not in objects:
                raise _missing(parameter)

    def _rests(self) -> tuple[Parameter, ...]:
        return (self._rest,) if self._rest is not None else ()

    def _undeclared(self, name: str) -> None:
        base = name.partition("[")[0]
        if name == "_method":
            raise Refused(
                "method-override", "The query parameter `_method` would change the method.", reason="method override"
            )
        if "[$" in name:
            raise Refused("injection-nosql", "A query parameter's name has a query operator.", status=403)
        # Some servers fold case or read `name[]` as `name`; such a name would slip past the check of the declared one.
        if self._closed or base.casefold() in self._folded:
            raise Refused(
                "query-undeclared",
                f"The query parameter `{shown(name)}` is not declared by the contract.",
                reason=f"undeclared query parameter {shown(name)}",
            )


def _missing(parameter: Parameter) -> Refused:
    return Refused(
        f"{parameter.location}-missing",
        f"{_what(parameter)} is required.",
        reason=f"missing {parameter.location} parameter {shown(parameter.name)}",
    )


def check_headers(
    parameters: Iterable[Parameter],
    sent: Mapping[bytes, list[bytes]],
    texts: list[tuple[str, Json]],
    *,
    max_depth: int,
) -> None:
    """Checks the declared header parameters; ``sent`` maps names in lower case to the values of their lines.

    Raises:
        Refused: a missing, repeated, malformed or invalid header.
    """
    for parameter in parameters:
        lines = sent.get(parameter.name.encode())
        if lines is None:
            if parameter.required:
                raise _missing(parameter)
            continue
        decoded = [wire.text(line, _what(parameter), check="header-encoding").strip(" \t") for line in lines]
        if parameter.shape.is_array and not parameter.json:
            decoded = [",".join(decoded)]
        found = value(parameter, decoded, max_depth=max_depth)
        if parameter.free_text:
            texts.append((f"header {shown(parameter.name)}", found))


def check_cookies(
    parameters: Iterable[Parameter], lines: Iterable[bytes], texts: list[tuple[str, Json]], *, max_depth: int
) -> None:
    """Checks the declared cookie parameters against the Cookie header lines (RFC 6265 section 4.2). Others are ignored.

    Raises:
        Refused: a missing, repeated, malformed or invalid cookie.
    """
    sent: dict[str, list[bytes]] = {}
    for line in lines:
        for piece in line.split(b";"):
            name, equals, raw = piece.strip(b" \t").partition(b"=")
            key = name.decode("latin-1")
            if equals and _COOKIE_NAME.fullmatch(key):
                sent.setdefault(key, []).append(raw)
    for parameter in parameters:
        found = sent.get(parameter.name)
        if found is None:
            if parameter.required:
                raise _missing(parameter)
            continue
        what = _what(parameter)
        decoded = [wire.decode(_unquoted(raw), what, check="cookie-encoding", plus=False) for raw in found]
        if len(decoded) > 1:
            _one(parameter, decoded)
        if parameter.shape.is_array and not parameter.json:
            read = _check(parameter, parameter.shape.read_items(_split(decoded[0], ",")))
        else:
            read = value(parameter, decoded, max_depth=max_depth)
        if parameter.free_text:
            texts.append((f"cookie {shown(parameter.name)}", read))


def _unquoted(raw: bytes) -> bytes:
    return raw[1:-1] if len(raw) >= 2 and raw[:1] == raw[-1:] == b'"' else raw
