"""Valid requests for an operation, made of the contract: parameters, headers, body."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.declare.contract import Body, Contract, Operation, Parameter, SchemaRef, placeholders
from assay.declare.declaration import Declaration
from assay.domain import AssayError
from assay.prove.case import Draft, NotReached
from assay.prove.objects import media
from assay.prove.objects.graph import Reference, Steps
from assay.prove.objects.naming import words
from assay.prove.objects.planting import places
from assay.prove.objects.values import Checker, NoValue, Wish, make

Known = Mapping[str, str]
"""Identifiers of real things, by flat name (``customerid``)."""
_SENT_BY_OTHERS = frozenset({"accept", "content-type", "authorization", "x-request-id"})


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and whether the marker found a place in it."""

    draft: Draft
    planted: bool = False


def flat(name: str) -> str:
    """A name in lower case without what separates its words."""
    return "".join(words(name))


def draft(
    declaration: Declaration,
    contract: Contract,
    operation: Operation,
    *,
    params: Mapping[str, str],
    known: Known,
    references: tuple[Reference, ...] = (),
    plant: str = "",
    salt: str = "",
    generous: bool = False,
    random: random.Random,
) -> Drafted:
    """A valid request.

    Args:
        generous: fill optional properties too that have no example; contracts often forget to require what they need.
        salt: of this run; with it, what has to be unique differs between runs of one seed.
        params: real values of path parameters, by name.
        known: identifiers of real things, for what ``references`` name outside the path.
        plant: text to put into a property that comes back; not every body has one.

    Raises:
        NotReached: a path parameter or reference has no real value, or no valid value can be made.
    """
    missing = [n for n in placeholders(operation.path) if n not in params]
    values = {**params}
    for name in missing:
        values[name] = _free_choice(contract, operation, name, random)
    fixed: dict[Steps, Any] = {}
    asked: dict[str, str] = {}
    for reference in references:
        value = known.get(flat(reference.at[-1]))
        if value is None:
            raise NotReached(f"`{operation.id}` needs a real `{reference.at[-1]}`, and none is known")
        if reference.location == "query":
            asked[reference.at[-1]] = value
        else:
            fixed[reference.at] = value
    query: list[tuple[str, str]] = []
    headers: list[tuple[str, str]] = []
    cookies: list[str] = []
    for parameter in operation.parameters:
        if not parameter.required or parameter.location == "path" or parameter.name.lower() in _SENT_BY_OTHERS:
            continue
        value = asked.get(parameter.name)
        made = value if value is not None else _parameter(contract, operation, parameter, random)
        if parameter.location == "query":
            query.extend(media.query_pairs(parameter, made))
        elif parameter.location == "header":
            headers.append((parameter.name, media.text(made)))
        else:
            cookies.append(f"{parameter.name}={media.text(made)}")
    if cookies:
        headers.append(("cookie", "; ".join(cookies)))
    found = Draft(values, tuple(query), tuple(headers))
    body = media.preferred(operation.body)
    wanted = body is not None and (operation.body_required or operation.method in ("POST", "PUT", "PATCH"))
    if body is None or not wanted:
        return Drafted(found)
    unique = hashlib.sha256(f"{salt}:{plant}:{random.getrandbits(64)}".encode()).hexdigest()[:12]
    value, planted = _body(declaration, contract, operation, body, fixed, plant, unique, generous, random)
    return Drafted(replace(found, body=value, content_type=media.concrete(body.media_type)), planted)


def _body(
    declaration: Declaration,
    contract: Contract,
    operation: Operation,
    body: Body,
    fixed: Mapping[Steps, Any],
    plant: str,
    unique: str,
    generous: bool,
    random: random.Random,
) -> tuple[Any, bool]:
    """A valid body, with ``plant`` in it if there is a place; and whether there was."""
    if not media.writable(body.media_type):
        given = next((e.encode() for e in _media_examples(contract, body) if isinstance(e, str)), None)
        written = given or media.sample(body.media_type)
        if written is None:
            raise NotReached(f"`{operation.id}` takes `{body.media_type}`, which cannot be written from a contract")
        return written, False
    if body.schema is None:
        return _first(_media_examples(contract, body), {}), False
    schema = _schema(contract, body.schema, operation)
    spots = places(declaration, contract, operation, body.schema) if plant else ()
    # Changing everything would hide what a change of one property does; so only what must be there is sent.
    whole = operation.method != "PATCH"
    wish = Wish(
        examples=_examples(contract, body, whole=whole),
        unique=unique,
        everything=whole or generous,
        all=generous,
        fixed=_typed(contract, body.schema, fixed),
    )
    checker = Checker(schema)
    for spot in spots:
        try:
            value = make(schema, random, replace(wish, wanted=frozenset({spot})))
        except NoValue:
            continue
        for text in (f"prove {plant}", plant):
            planted = _with(value, spot, text)
            if planted is not None and checker.valid(planted):
                return planted, True
    try:
        value = make(schema, random, wish)
    except NoValue as error:
        raise NotReached(f"no valid body for `{operation.id}` could be made: {error}") from error
    if value == {} and not whole:
        value = _changing(contract, body.schema, schema, wish, random)
    return value, False


def _changing(
    contract: Contract, ref: SchemaRef, schema: dict[str, Any], wish: Wish, random: random.Random
) -> dict[str, Any]:
    """A body that changes one property, the first that can be: a change of nothing is often refused."""
    for field in contract.fields(ref, direction="request", nested=False):
        if len(field.path) == 1 and not field.read_only:
            try:
                return dict(make(schema, random, replace(wish, wanted=frozenset({field.path}))))
            except (NoValue, TypeError):
                continue
    return {}


def _with(value: Any, spot: Steps, text: str) -> Any:
    """A copy of ``value`` with ``text`` at ``spot``; None where there is no such place."""
    copy = json.loads(json.dumps(value))
    here = copy
    for step in spot[:-1]:
        here = here.get(step) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return None
    here[spot[-1]] = text
    return copy


def _typed(contract: Contract, ref: SchemaRef, fixed: Mapping[Steps, Any]) -> dict[Steps, Any]:
    """Identifiers as numbers where the body wants numbers."""
    if not fixed:
        return {}
    kinds = {f.path: f.schema.get("type") for f in contract.fields(ref, direction="request")}
    return {at: int(v) if kinds.get(at) == "integer" and str(v).isdecimal() else v for at, v in fixed.items()}


def _schema(contract: Contract, ref: SchemaRef, operation: Operation) -> dict[str, Any]:
    try:
        return contract.json_schema(ref, direction="request", closed=True)
    except AssayError as error:
        raise NotReached(f"the schema of `{operation.id}` cannot be used: {error.sentence}") from error


def _parameter(contract: Contract, operation: Operation, parameter: Parameter, random: random.Random) -> Any:
    examples = tuple(_raw_examples(contract, parameter.pointer)) + tuple(_schema_examples(contract, parameter.schema))
    try:
        return make(_schema(contract, parameter.schema, operation), random, Wish(examples={(): examples}))
    except NoValue as error:
        raise NotReached(f"no valid `{parameter.name}` for `{operation.id}` could be made: {error}") from error


def _free_choice(contract: Contract, operation: Operation, name: str, random: random.Random) -> str:
    """A path parameter that chooses among fixed words, such as ``/reports/{format}``: no object is meant by it."""
    parameter = next((p for p in operation.parameters if p.location == "path" and p.name == name), None)
    if parameter is not None:
        schema = _schema(contract, parameter.schema, operation)
        choices = schema.get("enum")
        if isinstance(choices, list) and choices:
            return media.text(choices[0])
        if "const" in schema:
            return media.text(schema["const"])
    raise NotReached(f"`{operation.id}` needs a real `{name}`, and none is known")


def chosen(contract: Contract, operation: Operation, name: str, unique: str, random: random.Random) -> str:
    """A new identifier for a path parameter that the caller chooses (a PUT that creates).

    Raises:
        NotReached: no valid one can be made.
    """
    parameter = next((p for p in operation.parameters if p.location == "path" and p.name == name), None)
    if parameter is None:
        return f"prove-{unique}"
    schema = _schema(contract, parameter.schema, operation)
    checker = Checker(schema)
    for text in (f"prove-{unique}", f"prove{unique}", unique, unique[:8]):
        if schema.get("type") in ("string", None) and checker.valid(text):
            return text
    if schema.get("type") == "integer":
        number = random.randrange(10**6, 10**9)
        if checker.valid(number):
            return str(number)
    return media.text(_parameter(contract, operation, parameter, random))


def _examples(contract: Contract, body: Body, *, whole: bool) -> dict[Steps, list[Any]]:
    """What the contract gives as examples, by path; of the whole body only when it is to be sent whole."""
    found: dict[Steps, list[Any]] = {}
    complete = [*_media_examples(contract, body)]
    if body.schema is not None:
        complete += _schema_examples(contract, body.schema)
        for field in contract.fields(body.schema, direction="request"):
            several = field.schema.get("examples")
            own = [*several] if isinstance(several, list) else []
            values = ([field.example] if field.example is not None else []) + own
            if "default" in field.schema:
                values.append(field.schema["default"])
            if values:
                found[field.path] = values
    for example in complete:
        _spread(example, (), found)
    if whole and complete:
        found[()] = complete
    return found


def _spread(example: Any, path: Steps, found: dict[Steps, list[Any]]) -> None:
    if isinstance(example, dict) and len(path) < 6:
        for name, value in example.items():
            _spread(value, (*path, str(name)), found)
    elif path:
        found.setdefault(path, []).append(example)


def _media_examples(contract: Contract, body: Body) -> list[Any]:
    return _raw_examples(contract, body.pointer)


def _raw_examples(contract: Contract, pointer: str) -> list[Any]:
    """``example`` and ``examples`` (an object of Example Objects) beside a schema (OpenAPI 3.1 § 4.8.14)."""
    try:
        raw = contract.resolve(pointer)
    except AssayError:
        return []
    if not isinstance(raw, dict):
        return []
    found = [raw[key] for key in ("example", "x-example") if key in raw]
    several = raw.get("examples")
    for one in several.values() if isinstance(several, dict) else ():
        if isinstance(one, dict) and "value" in one:
            found.append(one["value"])
    if "schema" not in raw and "default" in raw:
        found.append(raw["default"])
    return found


def _schema_examples(contract: Contract, ref: SchemaRef) -> list[Any]:
    try:
        raw = contract.resolve(f"{ref.file}{ref.pointer}")
    except AssayError:
        return []
    if not isinstance(raw, dict):
        return []
    found = [raw["example"]] if "example" in raw else []
    several = raw.get("examples")
    found += several if isinstance(several, list) else []
    return found + ([raw["default"]] if "default" in raw else [])


def _first(values: list[Any], default: Any) -> Any:
    return values[0] if values else default
