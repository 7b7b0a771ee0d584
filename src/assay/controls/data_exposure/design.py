"""Tests of design: is the data classified, can every response be masked, and does every permission have its effect?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.exposed import in_urls
from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.observed import observed
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.base import Context
from assay.controls.data_exposure.permissions import permissions
from assay.controls.data_exposure.responses import Carried, Responses, is_success
from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.media import may_be_json
from assay.declare.model import Api
from assay.domain import Confidence, Severity, Verdict, listed
from assay.sensitivity.bodies import Labels, labels
from assay.sensitivity.levels import level_of, rank

_CONTROL = "data_exposure"
_CONFIDENTIAL, _RESTRICTED = rank("confidential"), rank("restricted")


def design(context: Context) -> Iterator[Verdict]:
    """Judges the classification of every API's data, every operation's responses, and every entry of ``reveal``."""
    declaration = context.declaration
    judged: set[tuple[str, str]] = set()
    for api_id, api in served_apis(declaration):
        found = labels(declaration, api_id)
        yield _classified(declaration, api_id, found)
        yield from _observed(declaration, api_id, api)
        yield from _urls(declaration, api_id)
        responses = Responses(declaration.contracts[api_id], found)
        if found.data:
            for name in found.data:
                if (name, api.contract) not in judged:
                    judged.add((name, api.contract))
                    yield _fields(declaration, name, found)
                    yield from _revealable(declaration, name)
            for operation in declaration.operations(api_id):
                yield from _operation(declaration, api_id, api, operation, responses, found)
        yield from permissions(declaration, api_id, api, responses)


def _classified(declaration: Declaration, api_id: str, found: Labels) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "unclassified-api", api_subject(api_id)
    at = declaration.locate("apis", api_id, "contract")
    if found.data:
        sentence = f"data set {listed(found.data)} says what the data of API `{api_id}` is"
        return judge.passed(check, subject, at, sentence)
    answers = (r for o in declaration.operations(api_id) for r in o.responses)
    if not any(r.schema is not None and is_structured(r.media_type) for r in answers):
        return judge.not_applicable(check, subject, at, f"the contract of API `{api_id}` describes no answer with data")
    sentence = f"no data set names a schema of API `{api_id}`, so nothing in its answers is masked"
    return judge.failed(check, subject, at, sentence)


def is_structured(media_type: str | None) -> bool:
    """Whether bodies of this type have fields."""
    return media_type is not None and (may_be_json(media_type) or "xml" in media_type or "form" in media_type)


def _fields(declaration: Declaration, name: str, found: Labels) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "unclassified-field", f"data.{name}"
    missing = found.unlabelled(name)
    at = declaration.places.key("data", name, "fields")
    if missing:
        sentence = f"data set `{name}` does not say what {listed(missing)} of its schemas is"
        return judge.failed(check, subject, at, sentence)
    return judge.passed(check, subject, at, f"data set `{name}` names every field of its schemas")


def _revealable(declaration: Declaration, name: str) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "unrevealable-field"
    for key, field in declaration.model.data[name].fields.items():
        level = level_of(field)
        if rank(level) < _CONFIDENTIAL:
            continue
        at, subject = declaration.places.key("data", name, "fields", key), f"data.{name}.fields.{key}"
        if field.category:
            sentence = f"field `{key}` of data set `{name}` can be revealed as {field.category}"
            yield judge.passed(check, subject, at, sentence)
        else:
            sentence = f"field `{key}` of data set `{name}` is {level} and has no category to reveal it by"
            yield judge.failed(check, subject, at, sentence)


def _operation(
    declaration: Declaration, api_id: str, api: Api, operation: Operation, responses: Responses, found: Labels
) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), operation_subject(api_id, operation.id)
    contract, what = declaration.contracts[api_id], f"operation `{operation.id}` of API `{api_id}`"
    at = declaration.locate("apis", api_id, "contract")
    for response in operation.responses:
        if response.media_type and response.schema is None and is_success(operation, response):
            sentence = f"the answer {response.status} of {what} has no schema, so nothing in it is masked"
            yield judge.failed("response-without-schema", subject, contract.locate(response.pointer), sentence)
    carried = responses.carried(operation)
    if not carried.masked:
        return
    yield _open(declaration, api_id, api, operation, carried)
    if carried.hidden:
        paths = listed([".".join(path) for path, _ in carried.hidden])
        sentence = f"what lies below {paths} in answers of {what} is hidden from everybody: the schema contains itself"
        yield judge.failed("deep-response", subject, contract.locate(operation.pointer), sentence)
    other = [r for r in operation.responses if r.schema is not None and not may_be_json(r.media_type)]
    spilling = [
        r for r in other if any(rank(i.label.level) >= _CONFIDENTIAL for i in found.of(r.schema, "response").labelled)
    ]
    if spilling:
        kinds = listed(tuple(dict.fromkeys(str(r.media_type) for r in spilling)))
        sentence = f"{what} answers classified data as {kinds}, which the gateway refuses"
        yield judge.failed("unmaskable-response", subject, contract.locate(spilling[0].pointer), sentence)
    else:
        sentence = f"{what} answers classified data in JSON only"
        yield judge.passed("unmaskable-response", subject, at, sentence)
    yield _errors(declaration, api_id, operation, found)


def _open(declaration: Declaration, api_id: str, api: Api, operation: Operation, carried: Carried) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "open-response", operation_subject(api_id, operation.id)
    what = f"operation `{operation.id}` of API `{api_id}`"
    if carried.known is None:
        at = declaration.contracts[api_id].locate(operation.pointer)
        sentence = f"an answer of {what} may hold anything, so what a service adds to it comes out in clear"
        return judge.failed(check, subject, at, sentence)
    if not api.strict.body:
        at = declaration.locate("apis", api_id, "strict", "body")
        sentence = f"answers of {what} are not closed, since `strict.body` is off"
        return judge.failed(check, subject, at, sentence)
    at = declaration.locate("apis", api_id, "contract")
    return judge.passed(check, subject, at, f"what the contract does not name is dropped from answers of {what}")


def _errors(declaration: Declaration, api_id: str, operation: Operation, found: Labels) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "classified-data-in-errors", operation_subject(api_id, operation.id)
    what = f"operation `{operation.id}` of API `{api_id}`"
    for response in operation.responses:
        if is_success(operation, response):
            continue
        carried = [i.label.name for i in found.of(response.schema, "response").labelled if _confidential(i.label.level)]
        if carried:
            sentence = f"the error {response.status} of {what} carries {listed(tuple(dict.fromkeys(carried)))}"
            at = declaration.contracts[api_id].locate(response.pointer)
            return judge.failed(check, subject, at, sentence)
    at = declaration.locate("apis", api_id, "contract")
    return judge.passed(check, subject, at, f"no error of {what} carries classified data")


def _confidential(level: object) -> bool:
    return level in ("confidential", "restricted", "special")


def _urls(declaration: Declaration, api_id: str) -> Iterator[Verdict]:
    judge, check, contract = _judge(_CONTROL), "sensitive-data-in-url", declaration.contracts[api_id]
    found = False
    for operation, parameter, label in in_urls(declaration, api_id):
        found = True
        sentence = (
            f"{parameter.location} parameter `{parameter.name}` of operation `{operation.id}` of API `{api_id}`"
            f" puts {label.name}, which is {label.level}, into the URL"
        )
        yield judge.failed(
            check,
            operation_subject(api_id, operation.id),
            contract.locate(parameter.pointer),
            sentence,
            severity=Severity.HIGH if rank(label.level) >= _RESTRICTED else Severity.MEDIUM,
            confidence=Confidence.MEDIUM,
            related=(declaration.places.key("data", label.data, "fields", label.key),),
        )
    if not found:
        at = declaration.locate("apis", api_id, "contract")
        sentence = f"no parameter in a URL of API `{api_id}` is called like a confidential field of its data"
        yield judge.passed(check, api_subject(api_id), at, sentence)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    return observed(
        declaration,
        _CONTROL,
        "data-exposure-observed",
        api_id,
        api,
        watching=f"the masks of {{what}} of API `{api_id}` only count",
        enforcing=f"the masks of API `{api_id}` apply",
    )
