"""Tests of design on operations: can every protected field that passes be found, encrypted and found again?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import operation_subject
from assay.controls.encryption_at_rest.protected import Flow, Flows
from assay.declare.contract import Contract, Operation, SchemaRef
from assay.declare.contract.compositions import parts
from assay.declare.declaration import Declaration
from assay.domain import Severity, Verdict
from assay.sensitivity.bodies import Labelled

_CONTROL = "encryption_at_rest"


def passing(declaration: Declaration, api_id: str, flows: Flows) -> Iterator[Verdict]:
    """Judges every operation that a protected field passes through."""
    if not flows.fields or not flows.labels.data:
        return
    contract = declaration.contracts[api_id]
    shown: set[SchemaRef] = set()
    for operation in contract.operations:
        flow = flows.of(operation)
        if not flow.any:
            continue
        yield from _complete(declaration, api_id, operation, flow)
        yield from _searched(declaration, api_id, operation, flow)
        for item in flow.request:
            if item.place not in shown:
                shown.add(item.place)
                yield _text(contract, api_id, operation, item)


def _complete(declaration: Declaration, api_id: str, operation: Operation, flow: Flow) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "encryption-incomplete", operation_subject(api_id, operation.id)
    contract, what = declaration.contracts[api_id], f"operation `{operation.id}` of API `{api_id}`"
    sound = True
    for body in flow.forms:
        sound = False
        sentence = (
            f"{what} takes protected fields as {body.media_type}, which the gateway refuses: it encrypts JSON only"
        )
        yield judge.failed(check, subject, contract.locate(body.pointer), sentence, severity=Severity.MEDIUM)
    for body in flow.patches:
        sound = False
        why = "without a schema" if body.schema is None else f"as {body.media_type}"
        end = "which the gateway refuses" if flow.request else "so protected fields in it are stored in clear"
        severity = Severity.MEDIUM if flow.request else Severity.HIGH
        sentence = f"{what} takes a body {why}, {end}"
        yield judge.failed(check, subject, contract.locate(body.pointer), sentence, severity=severity)
    if flow.too_deep:
        sound = False
        sentence = f"a body of {what} contains itself; protected fields far below its top are not encrypted"
        yield judge.failed(check, subject, contract.locate(operation.pointer), sentence)
    if sound:
        at = declaration.locate("apis", api_id, "contract")
        yield judge.passed(check, subject, at, f"every protected field in a body of {what} can be named")


def _searched(declaration: Declaration, api_id: str, operation: Operation, flow: Flow) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "encrypted-field-searched", operation_subject(api_id, operation.id)
    contract, what = declaration.contracts[api_id], f"operation `{operation.id}` of API `{api_id}`"
    for parameter, label in flow.searches:
        where = contract.locate(parameter.pointer)
        related = (declaration.places.key("data", label.data, "fields", label.key),)
        if parameter.location == "path":
            sentence = f"{what} names an object by {label.name}, which is encrypted; paths are passed on as they are"
        else:
            sentence = f"{what} searches {label.name}, which is encrypted so that equal values do not look equal"
        yield judge.failed(check, subject, where, sentence, related=related)
    for parameter, label in flow.lookups:
        sentence = f"the gateway looks {label.name} up by its ciphertext where {what} is called with `{parameter.name}`"
        yield judge.passed(check, subject, contract.locate(parameter.pointer), sentence)


def _text(contract: Contract, api_id: str, operation: Operation, item: Labelled) -> Verdict:
    """A service that keeps to its contract must be able to store a string where the field stands."""
    judge, check, subject = _judge(_CONTROL), "encrypted-field-not-text", operation_subject(api_id, operation.id)
    at = contract.locate(str(item.place))
    kinds = _types(contract, item.place)
    path = ".".join(item.path)
    if kinds and "string" not in kinds:
        sentence = f"`{path}` in requests of operation `{operation.id}` is of type {', '.join(sorted(kinds))}"
        return judge.failed(check, subject, at, f"{sentence}, but reaches the service as a string")
    return judge.passed(check, subject, at, f"`{path}` in requests of operation `{operation.id}` may be a string")


def _types(contract: Contract, place: SchemaRef) -> set[str]:
    """The types that a schema states; empty when it states none."""
    raw = contract.documents.schema(place)
    found: set[str] = set()
    for part in parts(contract.documents, place, raw):
        kind = part.raw.get("type")
        if isinstance(kind, str):
            found.add(kind)
        elif isinstance(kind, list):
            found.update(k for k in kind if isinstance(k, str))
    return found
