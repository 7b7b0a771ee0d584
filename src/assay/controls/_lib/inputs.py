"""Where callers can put values into a request: parameters and the properties of JSON bodies, with their schemas."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import jsonschema_rs

from assay.declare.contract import Body, Contract
from assay.declare.media import essence, may_be_json
from assay.domain import DeclarationError
from assay.prove.case import Draft
from assay.prove.objects.values import NoValue, make
from assay.prove.surface import Target

Kind = Literal["path", "query", "header", "cookie", "body"]
Schema = Mapping[str, Any]

DEPTH = 3
"""How deep the properties of a body are listed."""
MOST = 40
"""How many properties of a body are listed."""
_FIXED = frozenset({"date", "date-time", "time", "uuid", "ipv4", "ipv6"})
_CREDENTIALS = frozenset({"authorization", "x-api-key", "cookie", "content-type", "accept", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere a value goes.

    Attributes:
        path: the parameter's name, or the names down to a property of the body.
        schema: of the value, references resolved at its top.
        whole: the self-contained schema of the whole value (the parameter's, or the body's).
    """

    kind: Kind
    path: tuple[str, ...]
    schema: Schema
    whole: Schema
    required: bool = False

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.path[-1]

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return f"`{'.'.join(self.path)}` in the {'body' if self.kind == 'body' else self.kind}"

    @property
    def is_text(self) -> bool:
        """Whether a string that is not one of a few may stand here."""
        kinds = types(self.schema)
        if "enum" in self.schema or "const" in self.schema or self.schema.get("format") in _FIXED:
            return False
        return "string" in kinds or not kinds

    @property
    def is_number(self) -> bool:
        """Whether a number stands here, and no string may."""
        kinds = types(self.schema)
        return bool(kinds & {"integer", "number"}) and "string" not in kinds and "enum" not in self.schema


def types(schema: Schema) -> frozenset[str]:
    """The types that a schema states; empty when it states none."""
    stated = schema.get("type")
    if isinstance(stated, str):
        return frozenset({stated})
    return frozenset(t for t in stated if isinstance(t, str)) if isinstance(stated, list) else frozenset()


def json_body(target: Target) -> Body | None:
    """The JSON form of a target's request body, if it has one."""
    return next((b for b in target.operation.body if may_be_json(b.media_type) and "patch" not in b.media_type), None)


def body_schema(contract: Contract, target: Target, *, closed: bool) -> Schema | None:
    """The self-contained schema of the JSON body; None: there is none, or it has no meaning."""
    body = json_body(target)
    if body is None or body.schema is None:
        return None
    try:
        return contract.json_schema(body.schema, direction="request", closed=closed)
    except DeclarationError:
        return None


def places(contract: Contract, target: Target, *, closed: bool = False) -> tuple[Place, ...]:
    """Every place of a target, path first, credentials left out."""
    found: list[Place] = []
    for parameter in target.operation.parameters:
        if parameter.location == "header" and parameter.name.lower() in _CREDENTIALS:
            continue
        if parameter.location == "cookie" or parameter.media_type is not None:
            continue
        try:
            whole = contract.json_schema(parameter.schema, direction="request", closed=False)
        except DeclarationError:
            continue
        schema = flat(whole, whole)
        found.append(Place(parameter.location, (parameter.name,), schema, whole, parameter.required))
    whole_body = body_schema(contract, target, closed=closed)
    if whole_body is not None:
        found += list(_members(whole_body))[:MOST]
    order = ("path", "query", "header", "cookie", "body")
    return tuple(sorted(found, key=lambda p: order.index(p.kind)))


def flat(schema: Any, whole: Schema, hops: int = 12) -> Schema:
    """A schema with references at its top followed, and the parts of ``allOf`` laid together."""
    if not isinstance(schema, Mapping) or hops == 0:
        return {}
    found: dict[str, Any] = {k: v for k, v in schema.items() if k not in ("$defs", "$schema", "$ref", "allOf")}
    parts: list[Any] = []
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        parts.append(whole.get("$defs", {}).get(reference.removeprefix("#/$defs/")))
    alternatives = schema.get("allOf")
    parts += alternatives if isinstance(alternatives, list) else []
    for part in parts:
        for key, value in flat(part, whole, hops - 1).items():
            if key == "properties" and isinstance(found.get(key), dict):
                found[key] = {**value, **found[key]}
            elif key == "required" and isinstance(found.get(key), list):
                found[key] = list(dict.fromkeys([*found[key], *value]))
            else:
                found.setdefault(key, value)
    return found


def _members(whole: Schema) -> Iterator[Place]:
    waiting: list[tuple[tuple[str, ...], Schema]] = [((), flat(whole, whole))]
    while waiting:
        path, schema = waiting.pop(0)
        named = schema.get("properties")
        if not isinstance(named, dict):
            continue
        required = schema.get("required") or ()
        for name, raw in named.items():
            if raw is False:
                continue
            below = flat(raw, whole)
            place = Place("body", (*path, str(name)), below, whole, name in required)
            yield place
            if len(place.path) < DEPTH:
                waiting.append((place.path, below))


def validator(whole: Schema) -> jsonschema_rs.Validator | None:
    """A validator with formats asserted; None for a schema that cannot be compiled."""
    try:
        return jsonschema_rs.Draft202012Validator(dict(whole), validate_formats=True, offline=True)
    except (ValueError, RecursionError):
        return None


def admits(place: Place, value: Any, body: Any = None) -> bool | None:
    """Whether the contract lets ``value`` stand at a place (of ``body``, for a property of one). None: nobody can say.

    The text of a parameter is held against its schema in every way in which it can be read.
    """
    found = validator(place.whole)
    if found is None:
        return None
    if place.kind == "body":
        return bool(found.is_valid(put(body, place.path, value)))
    return any(found.is_valid(reading) for reading in _readings(str(value)))


def _readings(text: str) -> Iterator[Any]:
    yield text
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        return


def made(place: Place, chance: random.Random) -> Any:
    """A value that the contract admits at a place; None: none could be made."""
    schema = {**place.schema, "$defs": place.whole.get("$defs", {})}
    try:
        return make(schema, chance)
    except NoValue:
        return None


def put(body: Any, path: tuple[str, ...], value: Any) -> Any:
    """A copy of a body with ``value`` at ``path``; objects on the way are made."""
    made = copy.deepcopy(body) if isinstance(body, dict) else {}
    at = made
    for name in path[:-1]:
        if not isinstance(at.get(name), dict):
            at[name] = {}
        at = at[name]
    at[path[-1]] = value
    return made


def take(body: Any, path: tuple[str, ...]) -> Any:
    """The value at ``path`` of a body; None when there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def value_of(draft: Draft, place: Place) -> Any:
    """What a draft has at a place; None for nothing."""
    if place.kind == "body":
        return take(draft.body, place.path)
    if place.kind == "path":
        return draft.params.get(place.name)
    pairs = draft.query if place.kind == "query" else draft.headers
    return next((v for n, v in pairs if n.lower() == place.name.lower()), None)


def changed(draft: Draft, place: Place, value: Any) -> Draft:
    """The draft with another value at a place. Values outside the body are text."""
    if place.kind == "body":
        return replace(draft, body=put(draft.body, place.path, value))
    if place.kind == "path":
        return replace(draft, params={**draft.params, place.name: str(value)})
    pairs = draft.query if place.kind == "query" else draft.headers
    kept = tuple((n, v) for n, v in pairs if n.lower() != place.name.lower())
    if place.kind == "query":
        return replace(draft, query=(*kept, (place.name, str(value))))
    return replace(draft, headers=(*kept, (place.name, str(value))))


def speaks_json(draft: Draft) -> bool:
    """Whether the draft's body is a JSON object."""
    return isinstance(draft.body, dict) and may_be_json(draft.content_type and essence(draft.content_type))
