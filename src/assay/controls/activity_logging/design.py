"""Tests of design: will the record name every caller, and nothing that does not belong into a log?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.exposed import in_urls
from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production, operation_subject, served_apis
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.rules import rules_by_operation
from assay.domain import Category, Confidence, Edit, Severity, Verdict

_CONTROL = "activity_logging"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def design(context: Context) -> Iterator[Verdict]:
    """Judges every API, then the issuers of the environments that APIs are served in."""
    declaration = context.declaration
    for api_id, api in served_apis(declaration):
        yield from _paths(declaration, api_id)
        yield from _attributed(declaration, api_id, api)
        yield _promised(declaration, api_id, api)
        yield from _observed(declaration, api_id, api)
    yield from _claims(declaration)


def _paths(declaration: Declaration, api_id: str) -> Iterator[Verdict]:
    judge, check, contract = _judge(_CONTROL), "personal-data-in-log", declaration.contracts[api_id]
    found = False
    for operation, parameter, label in in_urls(declaration, api_id):
        if parameter.location == "path":
            found = True
            sentence = (
                f"every call of operation `{operation.id}` of API `{api_id}` writes a {label.name} into the log,"
                f" as `{parameter.name}` of its path"
            )
            at = contract.locate(parameter.pointer)
            related = (declaration.places.key("data", label.data, "fields", label.key),)
            subject = operation_subject(api_id, operation.id)
            yield judge.failed(check, subject, at, sentence, confidence=Confidence.MEDIUM, related=related)
    if not found:
        at = declaration.locate("apis", api_id, "contract")
        sentence = f"no path parameter of API `{api_id}` is called like a confidential field of its data"
        yield judge.passed(check, api_subject(api_id), at, sentence)


def _attributed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check, operations = _judge(_CONTROL), "unattributed-calls", declaration.operations(api_id)
    rules = rules_by_operation(api, operations)
    found = False
    for operation in operations:
        index = next((i for i, rule in rules[operation.id] if rule.anonymous), None)
        if index is None:
            continue
        found = True
        severity = Severity.NOTE if operation.method in _READS else Severity.MEDIUM
        at = declaration.locate("apis", api_id, "access", index, "anonymous")
        sentence = f"calls of operation `{operation.id}` of API `{api_id}` may be recorded with an address alone"
        yield judge.failed(check, operation_subject(api_id, operation.id), at, sentence, severity=severity)
    if not found:
        at = declaration.locate("apis", api_id, "access")
        sentence = f"every call that API `{api_id}` answers is recorded with its consumer"
        yield judge.passed(check, api_subject(api_id), at, sentence)


def _promised(declaration: Declaration, api_id: str, api: Api) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "activity-without-objective", api_subject(api_id)
    for name, objective in declaration.model.objectives.items():
        if objective.category is Category.NON_REPUDIATION and (
            _CONTROL in objective.controls and api_id in (objective.scope.apis or (api_id,))
        ):
            at = declaration.places.key("objectives", name)
            return judge.passed(check, subject, at, f"objective `{name}` promises a record of API `{api_id}`")
    at = declaration.places.key("apis", api_id)
    if not in_production(declaration, api.environment):
        return judge.not_applicable(check, subject, at, f"API `{api_id}` is not a production API")
    return judge.failed(check, subject, at, f"no objective promises a record of the calls of API `{api_id}`")


def _claims(declaration: Declaration) -> Iterator[Verdict]:
    judge, check, model = _judge(_CONTROL), "claims-not-logged", declaration.model
    names = dict.fromkeys(api.environment for _, api in served_apis(declaration))
    issuers = [(n, e.issuer) for n in names if (e := model.environments.get(n)) and e.issuer]
    # The gateway keeps issuers sorted by name, and its log reads the claims of the first.
    issuers.sort()
    for name, issuer in issuers:
        first, logged = issuers[0][0], issuers[0][1].claims
        at, subject = declaration.locate("environments", name, "issuer", "claims"), f"environments.{name}"
        if (issuer.claims.client, issuer.claims.subject) == (logged.client, logged.subject):
            sentence = f"the log names the client and the subject of tokens of environment `{name}`"
            yield judge.passed(check, subject, at, sentence)
        else:
            sentence = (
                f"the log reads `{logged.client}` and `{logged.subject}`, as environment `{first}` calls them;"
                f" tokens of environment `{name}` have `{issuer.claims.client}` and `{issuer.claims.subject}`"
            )
            related = (declaration.locate("environments", first, "issuer", "claims"),)
            yield judge.failed(check, subject, at, sentence, related=related)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "logging-observed", api_subject(api_id)
    watched = [i for i, o in enumerate(api.observe) if o.control == _CONTROL]
    for index in watched:
        place = declaration.places.at("apis", api_id, "observe", index)
        edits = (Edit(place.value.file, place.file_path, remove=True),) if place.file_path else ()
        sentence = f"API `{api_id}` observes its log, which changes nothing"
        yield judge.failed(check, subject, place.value, sentence, edits=edits, safe=len(watched) == 1)
    if not watched:
        at = declaration.places.key("apis", api_id)
        yield judge.passed(check, subject, at, f"API `{api_id}` does not observe its log")
