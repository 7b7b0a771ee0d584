"""Tests of design on objects: where the path holds an object's id, does a rule say whose object it must be?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import operation_subject
from assay.controls.authorisation.owns import comparable
from assay.controls.authorisation.roles import NOBODY, Holders, for_own_objects
from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.rules import Numbered
from assay.domain import Confidence, Severity, Verdict
from assay.gateway.ir import Ownership

_CONTROL = "authorisation"
_CAMEL = re.compile(r"[a-z0-9](?:Id|ID|Uuid|UUID|Guid|Key|Number|No|Ref|Code)$")
_JOINED = re.compile(r"[_.-](?:id|uuid|guid|key|number|no|ref|code)$", re.IGNORECASE)
_BARE = frozenset({"id", "uuid", "guid", "username", "login", "email", "user", "account", "customer", "slug", "key"})


def object_parameters(operation: Operation) -> tuple[str, ...]:
    """The path parameters that look like the id of an object, by their names."""
    return tuple(p.name for p in operation.parameters if p.location == "path" and _is_object(p.name))


def _is_object(name: str) -> bool:
    return name.lower() in _BARE or bool(_CAMEL.search(name) or _JOINED.search(name))


def objects(
    declaration: Declaration,
    api_id: str,
    operations: Sequence[Operation],
    covered: Mapping[str, tuple[Numbered, ...]],
    ownerships: Mapping[int, tuple[Ownership, ...]],
    held: Mapping[str, Holders],
) -> Iterator[Verdict]:
    """One verdict for every operation with an object's id in its path.

    It is a finding when a role may call it without owning the object, and that role owns objects elsewhere in this API
    (sure when it is by the same parameter) or looks like that of end users (a guess, of low confidence).
    """
    judge, check = _judge(_CONTROL), "operation-without-owner-rule"
    owned_by_role: dict[str, set[str]] = {}
    for index, found in ownerships.items():
        for role in declaration.model.apis[api_id].access[index].roles:
            owned_by_role.setdefault(role, set()).update(o.parameter for o in found)
    at = declaration.locate("apis", api_id, "access")
    contract = declaration.contracts[api_id]
    for operation in operations:
        rules = covered[operation.id]
        ids = object_parameters(operation)
        owning = [(i, r) for i, r in rules if any(comparable(operation, o.parameter) for o in ownerships.get(i, ()))]
        if not rules or not (ids or owning):
            continue
        subject = operation_subject(api_id, operation.id)
        bypassed = _bypassed(rules, owning)
        if bypassed:
            role, weak, strong = bypassed
            sentence = (
                f"rule {strong} of API `{api_id}` gives role `{role}` only its own objects in `{operation.id}`,"
                f" but rule {weak} gives it all of them"
            )
            related = (declaration.locate("apis", api_id, "access", strong),)
            where = declaration.locate("apis", api_id, "access", weak)
            yield judge.failed("owner-rule-bypassed", subject, where, sentence, related=related)
            continue
        worst = _worst(rules, owning, ids, owned_by_role, held)
        if worst is None:
            sentence = (
                f"a rule compares the object of operation `{operation.id}` of API `{api_id}` with its owner"
                if owning
                else f"no role of end users may call operation `{operation.id}` of API `{api_id}`"
            )
            yield judge.passed(check, subject, at, sentence)
            continue
        role, index, confidence = worst
        shown = ", ".join(f"`{i}`" for i in ids)
        sentence = (
            f"role `{role}` may call operation `{operation.id}` of API `{api_id}` on any {shown}, not only its own"
        )
        yield judge.failed(
            check,
            subject,
            declaration.locate("apis", api_id, "access", index),
            sentence,
            fix=f"write `owns: path.{ids[0]} == token.sub` in a rule of its own for role `{role}`",
            severity=Severity.MEDIUM if confidence is Confidence.LOW else None,
            confidence=confidence,
            related=(contract.locate(operation.pointer),),
        )


def _bypassed(rules: Sequence[Numbered], owning: Sequence[Numbered]) -> tuple[str, int, int] | None:
    """A role that an ownership rule restricts and another rule of the same operation does not, with both rules."""
    strong = {role: index for index, rule in owning for role in rule.roles}
    restricted = {index for index, _ in owning}
    for index, rule in rules:
        if index in restricted:
            continue
        for role in rule.roles or tuple(strong):
            if role in strong and not rule.owns:
                return role, index, strong[role]
    return None


def _worst(
    rules: Sequence[Numbered],
    owning: Sequence[Numbered],
    ids: Sequence[str],
    owned_by_role: Mapping[str, set[str]],
    held: Mapping[str, Holders],
) -> tuple[str, int, Confidence] | None:
    restricted = {index for index, _ in owning}
    found: tuple[str, int, Confidence] | None = None
    for index, rule in rules:
        if index in restricted or rule.owns or not ids:
            continue
        for role in rule.roles:
            if role in owned_by_role:
                sure = Confidence.HIGH if owned_by_role[role] & set(ids) else Confidence.MEDIUM
            elif for_own_objects(role, held.get(role, NOBODY)):
                sure = Confidence.LOW
            else:
                continue
            if found is None or sure.rank > found[2].rank:
                found = (role, index, sure)
    return found
