"""Test of design: is there anybody whose role and credentials together open an operation?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import operation_subject
from assay.controls.authentication.schemes import Accepted, Alternatives, home
from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.model import Access, Consumer
from assay.declare.rules import Numbered
from assay.domain import Verdict
from assay.gateway.ir import Proof

_CONTROL = "authentication"
ANYBODY = "anybody"


def reach(
    declaration: Declaration, api: str, accepted: Sequence[tuple[Operation, Accepted, tuple[Numbered, ...]]]
) -> Iterator[Verdict]:
    """One verdict for every operation that has both access rules and accepted credentials."""
    judge, check = _judge(_CONTROL), "operation-out-of-reach"
    at = declaration.locate("apis", api, "access")
    homes = {name: home(declaration, consumer) for name, consumer in declaration.model.consumers.items()}
    known: dict[tuple[Alternatives, tuple[int, ...]], str | None] = {}
    for operation, found, rules in accepted:
        if not rules or not found.alternatives:
            continue
        key = (found.alternatives, tuple(index for index, _ in rules))
        if key not in known:
            known[key] = _somebody(declaration, homes, found.alternatives, [rule for _, rule in rules])
        who, subject = known[key], operation_subject(api, operation.id)
        if who == ANYBODY:
            yield judge.passed(check, subject, at, f"anybody can call operation `{operation.id}` of API `{api}`")
        elif who:
            sentence = f"consumer `{who}` can call operation `{operation.id}` of API `{api}`"
            yield judge.passed(check, subject, at, sentence)
        else:
            sentence = f"no consumer has both a role and the credentials for operation `{operation.id}` of API `{api}`"
            where = declaration.locate("apis", api, "access", rules[0][0])
            related = (declaration.contracts[api].locate(operation.pointer),)
            yield judge.failed(check, subject, where, sentence, related=related)


def _somebody(
    declaration: Declaration, homes: dict[str, str | None], alternatives: Alternatives, rules: Sequence[Access]
) -> str | None:
    if () in alternatives and any(rule.anonymous for rule in rules):
        return ANYBODY
    for name, consumer in declaration.model.consumers.items():
        for rule in rules:
            if not rule.anonymous and not set(rule.roles) & set(consumer.roles):
                continue
            if any(_opens(consumer, homes[name], alternative, rule) for alternative in alternatives if alternative):
                return name
    return None


def _opens(consumer: Consumer, environment: str | None, alternative: tuple[Proof, ...], rule: Access) -> bool:
    ways = consumer.authenticate
    for proof in alternative:
        if proof.kind == "key" and not ways.api_key:
            return False
        if proof.kind == "certificate" and not ways.mtls:
            return False
        if proof.kind == "token":
            if not ways.oauth2 or environment != proof.issuer:
                return False
            # Without a list it is for the issuer to say which scopes this client gets.
            wanted = {*proof.scopes, *rule.scopes}
            if ways.oauth2.scopes and not wanted <= set(ways.oauth2.scopes):
                return False
    if rule.owns or rule.scopes:
        signed = ways.oauth2 is not None and not ways.oauth2.opaque
        has_token = any(proof.kind == "token" for proof in alternative)
        return has_token and (signed or not rule.owns)
    return True
