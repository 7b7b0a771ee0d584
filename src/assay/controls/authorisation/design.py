"""Tests of design: is the matrix of roles and operations complete, and does every object's owner count?"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.observed import observed
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.authorisation.objects import objects
from assay.controls.authorisation.owns import comparable, parse
from assay.controls.authorisation.roles import administrative, holders, roles
from assay.controls.base import Context
from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.model import Access, Api
from assay.declare.rules import rules_by_operation
from assay.declare.selectors import selected
from assay.domain import AssayError, Confidence, Verdict, did_you_mean, listed
from assay.gateway.ir import Ownership

_CONTROL = "authorisation"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SHOWN = 3


def design(context: Context) -> Iterator[Verdict]:
    """Judges every operation, every access rule and every consumer's roles."""
    declaration = context.declaration
    held = holders(declaration)
    for api_id, api in served_apis(declaration):
        operations = declaration.operations(api_id)
        covered = rules_by_operation(api, operations)
        at = declaration.locate("apis", api_id, "access")
        yield from _covered(declaration, api_id, operations, {o for o, rules in covered.items() if rules})
        ownerships: dict[int, tuple[Ownership, ...]] = {}
        for index, rule in enumerate(api.access):
            yield from _rule(declaration, api_id, api, index)
            found = yield from _owns(declaration, api_id, index, rule, operations)
            if found:
                ownerships[index] = found
        yield from objects(declaration, api_id, operations, covered, ownerships, held)
        if not api.access:
            sentence = f"API `{api_id}` has no access rule, so every call is refused"
            for check in ("wildcard-operations", "anonymous-write"):
                yield _judge(_CONTROL).not_applicable(check, api_subject(api_id), at, sentence)
        yield from _observed(declaration, api_id, api)
    yield from roles(declaration, held)


def _covered(
    declaration: Declaration, api_id: str, operations: tuple[Operation, ...], covered: set[str]
) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "operation-without-access-rule"
    at = declaration.locate("apis", api_id, "access")
    contract = declaration.contracts[api_id]
    for operation in operations:
        subject = operation_subject(api_id, operation.id)
        if operation.id in covered:
            sentence = f"an access rule says who may call operation `{operation.id}` of API `{api_id}`"
            yield judge.passed(check, subject, at, sentence)
            continue
        sentence = f"no access rule names operation `{operation.id}` of API `{api_id}`, so every call to it is refused"
        fix = f"write `{{roles: [ROLE], operations: [{operation.id}]}}` under `access:`, or drop it from the contract"
        yield judge.failed(check, subject, at, sentence, fix=fix, related=(contract.locate(operation.pointer),))


def _rule(declaration: Declaration, api_id: str, api: Api, index: int) -> Iterator[Verdict]:
    judge, rule, operations = _judge(_CONTROL), api.access[index], declaration.operations(api_id)
    route = ("apis", api_id, "access", index)
    subject = f"{api_subject(api_id)}.access.{index}"
    at = declaration.locate(*route, "operations")
    who = ", ".join(rule.roles) or "anonymous callers"
    modest = [r for r in rule.roles if not administrative(r)]
    if "*" not in rule.operations:
        yield judge.passed("wildcard-operations", subject, at, f"rule {index} of API `{api_id}` names its operations")
    elif rule.anonymous or modest:
        what = "anonymous callers" if rule.anonymous else ", ".join(modest)
        sentence = f"rule {index} lets {what} call every operation of API `{api_id}`, those to come included"
        yield judge.failed("wildcard-operations", subject, at, sentence, confidence=Confidence.MEDIUM)
    else:
        sentence = f"rule {index} of API `{api_id}` lets only administrators ({who}) call every operation"
        yield judge.passed("wildcard-operations", subject, at, sentence)
    if rule.anonymous:
        writes = listed((o.id for o in _of(rule, operations) if o.method in _WRITES), _SHOWN)
        where = declaration.locate(*route, "anonymous")
        if writes:
            sentence = f"rule {index} lets anybody change things through {writes} of API `{api_id}`"
            yield judge.failed("anonymous-write", subject, where, sentence)
        else:
            sentence = f"what anybody may call by rule {index} of API `{api_id}` only reads"
            yield judge.passed("anonymous-write", subject, where, sentence)
    if rule.scopes:
        known = {s for scheme in declaration.contracts[api_id].security_schemes.values() for s in scheme.scopes}
        missing = [s for s in rule.scopes if s not in known]
        where = declaration.locate(*route, "scopes")
        for scope in missing:
            sentence = f"rule {index} of API `{api_id}` asks for scope `{scope}`, which the contract does not declare"
            fix = did_you_mean(scope, known, what="scope")
            yield judge.failed("scope-not-in-contract", subject, where, sentence, fix=fix)
        if not missing:
            sentence = f"the contract declares every scope that rule {index} of API `{api_id}` asks for"
            yield judge.passed("scope-not-in-contract", subject, where, sentence)


def _of(rule: Access, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    names = set(selected(rule.operations, (o.id for o in operations)))
    return tuple(o for o in operations if o.id in names)


def _owns(
    declaration: Declaration, api_id: str, index: int, rule: Access, operations: tuple[Operation, ...]
) -> Generator[Verdict, None, tuple[Ownership, ...]]:
    """Judges the ownership of a rule; returns what could be read of it."""
    judge, subject = _judge(_CONTROL), f"{api_subject(api_id)}.access.{index}"
    read: list[Ownership] = []
    for number, text in enumerate(rule.owns):
        route = ("apis", api_id, "access", index, "owns", number)
        at = declaration.locate(*route)
        try:
            ownership = parse(text, at)
        except AssayError as error:
            yield judge.failed("owner-rule-unreadable", subject, at, error.sentence, fix=error.fix)
            continue
        read.append(ownership)
        claim = ".".join(ownership.claim)
        sentence = (
            f"rule {index} of API `{api_id}` compares path parameter `{ownership.parameter}` with claim `{claim}`"
        )
        yield judge.passed("owner-rule-unreadable", subject, at, sentence)
        missing = [o for o in _of(rule, operations) if not comparable(o, ownership.parameter)]
        if missing:
            names = listed((o.id for o in missing), _SHOWN)
            sentence = (
                f"`{ownership.parameter}` is no path segment of its own in {names}: rule {index} allows nothing there"
            )
            known = {p.name for o in missing for p in o.parameters if p.location == "path" and comparable(o, p.name)}
            fix = did_you_mean(ownership.parameter, known, what="path parameter") if known else ""
            related = tuple(declaration.contracts[api_id].locate(o.pointer) for o in missing[:_SHOWN])
            yield judge.failed("owner-parameter-missing", subject, at, sentence, fix=fix, related=related)
        else:
            sentence = (
                f"every operation of rule {index} of API `{api_id}` has the path parameter `{ownership.parameter}`"
            )
            yield judge.passed("owner-parameter-missing", subject, at, sentence)
    return tuple(read)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    return observed(
        declaration,
        _CONTROL,
        "authorisation-observed",
        api_id,
        api,
        watching=f"authorisation only observes {{what}} of API `{api_id}`",
        enforcing=f"authorisation refuses on every operation of API `{api_id}`",
    )
