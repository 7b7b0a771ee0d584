"""Roles: who holds which, which of them administer, and the tests of design on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, served_apis
from assay.declare.declaration import Declaration
from assay.domain import Verdict, did_you_mean, nearest

_CONTROL = "authorisation"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_ADMINISTRATIVE = frozenset(
    {"admin", "admins", "administrator", "administrators", "root", "superuser", "sysadmin", "owner"}
)
_STAFF = frozenset(
    {
        "agent", "auditor", "analyst", "backend", "backoffice", "batch", "bot", "clerk", "desk", "employee", "exporter",
        "helpdesk", "importer", "integration", "internal", "job", "machine", "manager", "monitor", "office", "operator",
        "ops", "reader", "service", "staff", "supervisor", "support", "sync", "system", "worker", "writer",
    }
)  # fmt: skip


def _words(role: str) -> frozenset[str]:
    return frozenset(w.lower() for w in _WORD.findall(role))


def administrative(role: str) -> bool:
    """Whether a role's name says that it administers everything."""
    return bool(_words(role) & _ADMINISTRATIVE)


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds a role.

    Attributes:
        consumers: ids of the consumers whose calls may have it.
        readable_token: one of them uses signed tokens, whose claims can be compared.
        people: end users act through one of them: a test user has the role, or the consumer is a person or an
            application (partners and services act for themselves).
    """

    consumers: tuple[str, ...] = ()
    readable_token: bool = False
    people: bool = False


NOBODY = Holders()


def holders(declaration: Declaration) -> Mapping[str, Holders]:
    """Who holds each role that a consumer has."""
    test_roles = {
        role
        for environment in declaration.model.environments.values()
        if environment.issuer
        for user in environment.issuer.users.values()
        for role in user.roles
    }
    found: dict[str, Holders] = {}
    for name, consumer in declaration.model.consumers.items():
        client = consumer.authenticate.oauth2
        for role in consumer.roles:
            before = found.get(role, NOBODY)
            found[role] = Holders(
                consumers=(*before.consumers, name),
                readable_token=before.readable_token or (client is not None and not client.opaque),
                people=before.people or role in test_roles or consumer.kind in ("person", "application"),
            )
    return found


def for_own_objects(role: str, holder: Holders) -> bool:
    """Whether a role looks like that of end users, each with objects of their own. A guess from names and kinds."""
    return holder.people and not _words(role) & (_ADMINISTRATIVE | _STAFF)


def roles(declaration: Declaration, held: Mapping[str, Holders]) -> Iterator[Verdict]:
    """Judges the roles of every rule (does anybody have them?) and of every consumer (do they allow anything?)."""
    judge = _judge(_CONTROL)
    known = judge.about.checks["role-without-rule"]
    named: set[str] = set()
    for api_id, api in served_apis(declaration):
        for index, rule in enumerate(api.access):
            named.update(rule.roles)
            subject = f"{api_subject(api_id)}.access.{index}"
            for number, role in enumerate(rule.roles):
                at = declaration.locate("apis", api_id, "access", index, "roles", number)
                holder = held.get(role, NOBODY)
                if holder.consumers:
                    sentence = f"role `{role}` of rule {index} of API `{api_id}` belongs to a consumer"
                    yield judge.passed("rule-for-unknown-role", subject, at, sentence)
                else:
                    sentence = f"no consumer has the role `{role}` that rule {index} of API `{api_id}` names"
                    fix = did_you_mean(role, held, what="role")
                    yield judge.failed("rule-for-unknown-role", subject, at, sentence, fix=fix)
                if not rule.owns or not holder.consumers:
                    continue
                if holder.readable_token:
                    sentence = f"role `{role}` comes with signed tokens, which say whose objects are whose"
                    yield judge.passed("owner-rule-without-token", subject, at, sentence)
                else:
                    sentence = (
                        f"no consumer in role `{role}` has signed tokens, so ownership rule {index} never matches"
                    )
                    yield judge.failed("owner-rule-without-token", subject, at, sentence)
    for name, consumer in declaration.model.consumers.items():
        for number, role in enumerate(consumer.roles):
            at = declaration.locate("consumers", name, "roles", number)
            if role in named:
                sentence = f"a rule says what role `{role}` of consumer `{name}` may do"
                yield judge.passed("role-without-rule", f"consumers.{name}", at, sentence)
            else:
                sentence = f"no access rule names the role `{role}` of consumer `{name}`"
                close = nearest(role, named)
                fix = known.fix + (f"; or did you mean `{close}`?" if close else "")
                yield judge.failed("role-without-rule", f"consumers.{name}", at, sentence, fix=fix)
