"""Tests of design: does every contract bound what a request may hold, and is it held to that?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.observed import observed
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.base import Context
from assay.controls.input_validation.core_rules import core_rules
from assay.controls.input_validation.openness import openness
from assay.controls.input_validation.schemas import Schemas, schemas
from assay.declare.contract import Operation, SchemaRef
from assay.declare.contract.media import unvalidated
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.domain import Location, Severity, Verdict, listed

_CONTROL = "input_validation"
LARGE = 8 * 1024 * 1024
"""Bytes of a body above which a limit counts as large; the processor buffers no more either."""
_KINDS = (
    ("strings", "unbounded-string", "text of any length"),
    ("arrays", "unbounded-array", "lists of any length"),
    ("numbers", "unbounded-number", "numbers of any size"),
    ("objects", "open-object", "properties that the contract does not name"),
)
_STRICT = (
    ("query", Severity.MEDIUM, "query parameters that the contract does not name"),
    ("body", Severity.MEDIUM, "properties that the contract does not name"),
    ("injection", Severity.HIGH, "injections in free text"),
)


def design(context: Context) -> Iterator[Verdict]:
    """Judges every operation's parameters and bodies, then how strictly each API is held to its contract."""
    declaration = context.declaration
    for api_id, api in served_apis(declaration):
        # Judged as strictly as the contract may be read: what `strict:` relaxes is told once, not per operation.
        found = schemas(declaration.contracts[api_id], closed=True)
        at = declaration.locate("apis", api_id, "contract")
        for operation in declaration.operations(api_id):
            yield from _operation(declaration, api_id, operation, found, at)
        yield from _api(declaration, api_id, api)
        yield from _observed(declaration, api_id, api)
    yield from core_rules(context)


@dataclass(frozen=True, slots=True)
class _Input:
    """A parameter or body: how people call it, the pointer it is written at, its schema."""

    name: str
    pointer: str
    ref: SchemaRef


def _operation(
    declaration: Declaration, api_id: str, operation: Operation, found: Schemas, at: Location
) -> Iterator[Verdict]:
    judge, subject, contract = _judge(_CONTROL), operation_subject(api_id, operation.id), found.contract
    what = f"operation `{operation.id}` of API `{api_id}`"
    # Of a path parameter the gateway's matching bounds the characters, and the length of a whole path is bounded.
    inputs = [_Input(p.name, p.pointer, p.schema) for p in operation.parameters if p.location != "path"]
    described = True
    for body in operation.body:
        if body.schema is None:
            described = False
            sentence = f"the {body.media_type} body of {what} has no schema"
            yield judge.failed("body-without-schema", subject, contract.locate(body.pointer), sentence)
        elif unvalidated(body.media_type):
            sentence = f"{what} takes {body.media_type}, which is not held against its schema"
            yield judge.failed("unvalidated-media-type", subject, contract.locate(body.pointer), sentence)
        else:
            inputs.append(_Input("", body.pointer, body.schema))
    if operation.body and described:
        yield judge.passed("body-without-schema", subject, at, f"every body of {what} has a schema")
    yield from _meaning(declaration, api_id, operation, found)
    yield from _bounds(what, subject, inputs, found, at)
    loose = [p for p in operation.parameters if p.location == "path" and () in openness(found, p.schema).texts]
    if loose:
        names = listed([p.name for p in loose])
        sentence = f"anything but a slash may stand for {names} in the path of {what}"
        yield judge.failed("untyped-path-parameter", subject, contract.locate(loose[0].pointer), sentence)
    elif any(p.location == "path" for p in operation.parameters):
        yield judge.passed("untyped-path-parameter", subject, at, f"the path parameters of {what} are typed")


def _bounds(what: str, subject: str, inputs: Sequence[_Input], found: Schemas, at: Location) -> Iterator[Verdict]:
    """One verdict per kind of value that occurs in an operation's requests."""
    judge = _judge(_CONTROL)
    looked = [(i, openness(found, i.ref)) for i in inputs]
    for kind, check, meaning in _KINDS:
        if not any(kind in o.seen for _, o in looked):
            continue
        places: dict[str, str] = {}
        for item, opened in looked:
            for path in getattr(opened, kind):
                places.setdefault(_shown(item.name, path), item.pointer)
        if places:
            first = next(iter(places.values()))
            sentence = f"{what} takes {meaning} in {listed(tuple(places))}"
            yield judge.failed(check, subject, found.contract.locate(first), sentence)
        else:
            yield judge.passed(check, subject, at, f"{what} does not take {meaning}")


def _shown(name: str, path: tuple[str, ...]) -> str:
    inside = "".join("[]" if step == "*" else f".{step}" for step in path)
    return (name + inside).removeprefix(".") or "the body"


def _meaning(declaration: Declaration, api_id: str, operation: Operation, found: Schemas) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), operation_subject(api_id, operation.id)
    refs = [(p.pointer, p.schema) for p in operation.parameters]
    refs += [(b.pointer, b.schema) for b in operation.body if b.schema is not None]
    for pointer, ref in refs:
        if found.schema(ref) is None:
            sentence = f"a schema in requests of operation `{operation.id}` of API `{api_id}` is defined by itself"
            yield judge.failed("schema-without-meaning", subject, found.contract.locate(pointer), sentence)


def _api(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), api_subject(api_id)
    at, size = declaration.locate("apis", api_id, "limits", "body"), api.limits.body
    if size > LARGE:
        sentence = f"a request to API `{api_id}` may have a body of {size} bytes"
        yield judge.failed("large-body-limit", subject, at, sentence)
    else:
        sentence = f"a request to API `{api_id}` has a body of at most {size} bytes"
        yield judge.passed("large-body-limit", subject, at, sentence)
    for name, severity, what in _STRICT:
        at = declaration.locate("apis", api_id, "strict", name)
        if getattr(api.strict, name):
            yield judge.passed("strictness-relaxed", subject, at, f"API `{api_id}` refuses {what}")
        else:
            sentence = f"API `{api_id}` lets {what} through"
            yield judge.failed("strictness-relaxed", f"{subject}.strict.{name}", at, sentence, severity=severity)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    return observed(
        declaration,
        _CONTROL,
        "input-validation-observed",
        api_id,
        api,
        watching=f"requests to {{what}} of API `{api_id}` are only observed",
        enforcing=f"requests to API `{api_id}` that break its contract are refused",
    )
