"""Tests of design: does every operation know its caller, and is every credential one that can be trusted?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.authentication.consumers import consumers
from assay.controls.authentication.issuers import issuers
from assay.controls.authentication.reach import reach
from assay.controls.authentication.schemes import Accepted, Alternatives, Resolver
from assay.controls.base import Context
from assay.declare.contract import Contract, Operation
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.rules import Numbered, rules_by_operation
from assay.domain import Severity, Verdict

_CONTROL = "authentication"
_NOT_DROPPED: Mapping[str, str] = {
    "basic-authentication": "no operation takes a password with every call",
    "key-in-url": "no operation takes a key in the URL",
    "key-in-cookie": "no operation takes a key in a cookie",
    "unsupported-scheme": "the gateway can verify every scheme of the contract",
    "environment-without-issuer": "every token it accepts has a known issuer",
}
_WORDS = {"token": "an access token", "key": "an API key", "certificate": "a client certificate"}


@dataclass(frozen=True, slots=True)
class _Served:
    """An API with what each of its operations accepts, in the contract's order."""

    id: str
    api: Api
    contract: Contract
    accepted: tuple[tuple[Operation, Accepted, tuple[Numbered, ...]], ...]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset().union(*{accepted.kinds for _, accepted, _ in self.accepted})


def design(context: Context) -> Iterator[Verdict]:
    """Judges every operation, scheme, issuer and consumer."""
    declaration = context.declaration
    served = tuple(_resolve(declaration, api_id, api) for api_id, api in served_apis(declaration))
    for entry in served:
        yield from _operations(declaration, entry)
        yield from reach(declaration, entry.id, entry.accepted)
        yield from _schemes(declaration, entry)
        yield from _without_consumer(declaration, entry)
        yield from _observed(declaration, entry)
    yield from issuers(declaration)
    yield from consumers(declaration, {entry.id: entry.kinds for entry in served})


def _resolve(declaration: Declaration, api_id: str, api: Api) -> _Served:
    contract = declaration.contracts[api_id]
    rules, resolver = rules_by_operation(api, contract.operations), Resolver(declaration, api, contract)
    found = tuple((o, resolver.accepted(o, rules[o.id]), rules[o.id]) for o in contract.operations)
    return _Served(api_id, api, contract, found)


def _operations(declaration: Declaration, served: _Served) -> Iterator[Verdict]:
    judge, api = _judge(_CONTROL), served.id
    at = declaration.locate("apis", api, "contract")
    told: dict[Alternatives, str] = {}
    for operation, accepted, rules in served.accepted:
        subject = operation_subject(api, operation.id)
        if accepted.alternatives:
            if accepted.alternatives not in told:
                told[accepted.alternatives] = _accepts(accepted.alternatives)
            sentence = f"operation `{operation.id}` of API `{api}` accepts {told[accepted.alternatives]}"
            yield judge.passed("operation-without-scheme", subject, at, sentence)
        else:
            yield _nobody(declaration, served, operation, accepted)
        if accepted.refused_anonymous:
            index = next(i for i, rule in rules if rule.anonymous)
            sentence = (
                f"an access rule lets anybody call operation `{operation.id}` of API `{api}`,"
                f" but the contract {'names no scheme for it' if accepted.silent else 'asks for a credential'}"
            )
            where = declaration.locate("apis", api, "access", index, "anonymous")
            related = (served.contract.locate(operation.pointer),)
            yield judge.failed("anonymous-against-contract", subject, where, sentence, related=related)
        elif () in accepted.alternatives:
            sentence = f"contract and declaration agree that anybody may call operation `{operation.id}` of API `{api}`"
            yield judge.passed("anonymous-against-contract", subject, at, sentence)


def _accepts(alternatives: Alternatives) -> str:
    ways = dict.fromkeys(" with ".join(_WORDS[proof.kind] for proof in a) or "no credential" for a in alternatives)
    return " or ".join(ways)


def _nobody(declaration: Declaration, served: _Served, operation: Operation, accepted: Accepted) -> Verdict:
    judge, api = _judge(_CONTROL), served.id
    where, related = served.contract.locate(operation.pointer), (declaration.locate("apis", api, "contract"),)
    fix, what = "", f"operation `{operation.id}` of API `{api}`"
    if accepted.dropped:
        reasons = "; ".join(dict.fromkeys(d.sentence for d in accepted.dropped))
        sentence = f"no scheme of {what} is accepted, so nobody can call it: {reasons}"
        fix = "offer another scheme in the contract, or declare what this one needs"
    elif () in operation.security:
        sentence = f"{what} accepts no credential, and no access rule lets anonymous callers in, so nobody can call it"
        fix = f"write `{{anonymous: true, operations: [{operation.id}]}}` under `access:`, or `security: any`"
    elif served.api.security == "any":
        sentence = (
            f"{what} accepts any credential of a declared consumer, but none can be verified, so nobody can call it"
        )
        fix = "declare a consumer, and an issuer if it uses tokens"
    else:
        sentence = f"the contract names no scheme for {what}, so nobody can call it"
    return judge.failed(
        "operation-without-scheme", operation_subject(api, operation.id), where, sentence, fix=fix, related=related
    )


def _schemes(declaration: Declaration, served: _Served) -> Iterator[Verdict]:
    """One verdict for each scheme that is not accepted, however many operations name it; else a pass."""
    judge, api, contract = _judge(_CONTROL), served.id, served.contract
    at = declaration.locate("apis", api, "contract")
    blamed = Counter(
        (d.reason, d.sentence, d.scheme.pointer if d.scheme else "")
        for _, accepted, _ in served.accepted
        for d in accepted.dropped
    )
    for (reason, sentence, pointer), count in blamed.items():
        where = contract.locate(pointer) if pointer else at
        if reason == "environment-without-issuer":
            where = declaration.places.key("environments", served.api.environment)
        many = f"{count} operation{'s' * (count != 1)} of API `{api}`"
        yield judge.failed(reason, api_subject(api), where, f"{sentence}; it is named by {many}")
    met = {reason for reason, _, _ in blamed}
    for check, good in _NOT_DROPPED.items():
        if check not in met:
            yield judge.passed(check, api_subject(api), at, f"API `{api}`: {good}")
    ignored = Counter(r for _, accepted, _ in served.accepted for r in accepted.roles_ignored)
    for requirement, count in ignored.items():
        names = ", ".join(f"`{s}`" for s in requirement.scopes)
        sentence = (
            f"scheme `{requirement.scheme}` carries no scopes, but {count} operation{'s' * (count != 1)} of API `{api}`"
            f" would have it carry {names}"
        )
        scheme = contract.security_schemes.get(requirement.scheme)
        where = contract.locate(scheme.pointer) if scheme else at
        yield judge.failed("requirement-roles-ignored", api_subject(api), where, sentence)
    if not ignored:
        sentence = f"API `{api}` asks for scopes only where credentials carry them"
        yield judge.passed("requirement-roles-ignored", api_subject(api), at, sentence)


def _without_consumer(declaration: Declaration, served: _Served) -> Iterator[Verdict]:
    judge, api = _judge(_CONTROL), served.id
    ways = [c.authenticate for c in declaration.model.consumers.values()]
    held: Mapping[str, bool] = {
        "token": any(w.oauth2 for w in ways),
        "key": any(w.api_key for w in ways),
        "certificate": any(w.mtls for w in ways),
    }
    at = declaration.locate("apis", api, "contract")
    for kind in sorted(served.kinds):
        if held[kind]:
            sentence = f"API `{api}` accepts {_WORDS[kind]}, and a declared consumer has one"
            yield judge.passed("scheme-without-consumer", api_subject(api), at, sentence)
        else:
            sentence = f"API `{api}` accepts {_WORDS[kind]}, but no declared consumer has one"
            yield judge.failed("scheme-without-consumer", api_subject(api), at, sentence)


def _observed(declaration: Declaration, served: _Served) -> Iterator[Verdict]:
    judge, api, check = _judge(_CONTROL), served.id, "authentication-observed"
    watched = [(i, o) for i, o in enumerate(served.api.observe) if o.control == _CONTROL]
    for index, entry in watched:
        at = declaration.locate("apis", api, "observe", index)
        also = any(o.control == "authorisation" for o in served.api.observe)
        what = "every operation" if "*" in entry.operations else ", ".join(entry.operations)
        sentence = f"authentication only observes {what} of API `{api}`"
        if also:
            sentence += ", and authorisation observes too: calls without a valid credential can get through"
        else:
            sentence += ": what has no valid credential is refused by authorisation, if by anything"
        severity = Severity.HIGH if also else None
        yield judge.failed(check, api_subject(api), at, sentence, severity=severity)
    if not watched:
        sentence = f"authentication refuses on every operation of API `{api}`"
        yield judge.passed(check, api_subject(api), declaration.places.key("apis", api), sentence)
