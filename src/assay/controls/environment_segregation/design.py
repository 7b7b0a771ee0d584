"""Tests of design: is everything that an environment has its own, and does production data stay in production?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, served_apis
from assay.controls.base import Context
from assay.controls.environment_segregation.crossing import strangers
from assay.controls.environment_segregation.flows import flows
from assay.controls.environment_segregation.shared import Element, elements, pairs
from assay.declare.declaration import Declaration
from assay.declare.gateways import gateways
from assay.domain import Severity, Verdict

_CONTROL = "environment_segregation"
_KINDS = (
    "host-in-both-tiers",
    "credential-in-both-tiers",
    "keyset-in-both-tiers",
    "issuer-of-both-tiers",
    "audience-of-both-tiers",
    "store-in-both-tiers",
)


def design(context: Context) -> Iterator[Verdict]:
    """Judges what environments of different tier have in common, every crossing of their border, and every gateway."""
    declaration = context.declaration
    tiers = {name: e.tier for name, e in declaration.model.environments.items()}
    if len(set(tiers.values())) < 2:
        at = declaration.locate("environments")
        sentence = "environments of one tier only are declared, so nothing can be shared between tiers"
        yield _judge(_CONTROL).not_applicable("host-in-both-tiers", "environments", at, sentence)
        return
    production = frozenset(name for name, tier in tiers.items() if tier == "production")
    yield from _shared(declaration, production)
    yield from _gateways(declaration, production)
    yield from _backing(declaration, production)
    yield from _accounts(declaration, production)
    yield from _consumers(declaration, production)
    yield from flows(declaration, production)
    yield from _observed(declaration)


def _shared(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    judge = _judge(_CONTROL)
    found = list(elements(declaration))
    bad: set[str] = set()
    for known, other in pairs(found, production):
        bad.add(other.check)
        shown = f"{other.value}:{other.port}" if other.port else other.value
        sentence = f"{_of(other)} has the same {other.what} as {_of(known)}: `{shown}`"
        yield judge.failed(
            other.check,
            f"environments.{other.environment}",
            declaration.locate(*other.route),
            sentence,
            severity=_severity(declaration, known, other),
            related=(declaration.locate(*known.route),),
        )
    for check in _KINDS:
        if check not in bad:
            there = sum(1 for e in found if e.check == check)
            what = check.partition("-")[0]
            sentence = f"no {what} of production is one of another tier ({there} declared)"
            yield judge.passed(check, "environments", declaration.locate("environments"), sentence)


def _of(element: Element) -> str:
    where = f"environment `{element.environment}`"
    return where if element.whose == where else f"{element.whose} in {where}"


def _severity(declaration: Declaration, known: Element, other: Element) -> Severity | None:
    """An audience, or the id of an OAuth client, is shared in name only where different issuers speak for it."""
    if other.what not in ("audience", "OAuth client"):
        return None
    one, two = (declaration.model.environments[e.environment].issuer for e in (known, other))
    if one is None or two is None or one.development != two.development:
        return Severity.LOW
    return None if one.development or (one.url or "").rstrip("/") == (two.url or "").rstrip("/") else Severity.LOW


def _gateways(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "gateway-of-both-tiers"
    lived_in = {api.environment for _, api in served_apis(declaration)}
    for own, environments in gateways(declaration.model).items():
        served = [e for e in environments if e in lived_in]
        inside, outside = [e for e in served if e in production], [e for e in served if e not in production]
        route = ("environments", own, "gateway") if own else ("gateway",)
        if inside and outside:
            sentence = f"one gateway serves APIs of production (`{inside[0]}`) and of `{outside[0]}`"
            at = declaration.places.key("environments", outside[0])
            yield judge.failed(check, f"environments.{outside[0]}", at, sentence)
        elif served:
            what = f"the gateway of {' and '.join(f'`{e}`' for e in served)}"
            yield judge.passed(
                check, f"environments.{served[0]}", declaration.locate(*route), f"{what} serves one tier"
            )


def _backing(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    judge, check, model = _judge(_CONTROL), "store-of-other-tier", declaration.model
    for api_id, api in served_apis(declaration):
        mine, wrong = api.environment in production, False
        for index, name in enumerate(api.backed_by):
            system, other = model.systems.get(name), model.apis.get(name)
            behind = system.environment if system else other.environment if other and name != api_id else None
            if behind is None or (behind in production) == mine:
                continue
            wrong = True
            sentence = f"API `{api_id}` in `{api.environment}` is backed by `{name}`, which is in `{behind}`"
            at = declaration.locate("apis", api_id, "backed_by", index)
            yield judge.failed(check, api_subject(api_id), at, sentence)
        if not wrong and api.backed_by:
            at = declaration.locate("apis", api_id, "backed_by")
            yield judge.passed(check, api_subject(api_id), at, f"everything behind API `{api_id}` is in its own tier")


def _accounts(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "account-of-other-tier"
    for name, account in declaration.model.accounts.items():
        system = declaration.model.systems[account.system]
        at, subject = declaration.locate("accounts", name, "environment"), f"accounts.{name}"
        mine = account.environment in production
        if mine != (system.environment in production):
            sentence = (
                f"account `{name}` of environment `{account.environment}` opens system `{account.system}` in "
                f"`{system.environment}`"
            )
            related = (declaration.locate("systems", account.system, "environment"),)
            yield judge.failed(check, subject, at, sentence, related=related)
            continue
        foreign = [
            (index, user, min(found))
            for index, user in enumerate(account.used_by)
            if (found := _lived_in(declaration, user)) and all((e in production) != mine for e in found)
        ]
        for index, user, environment in foreign:
            sentence = (
                f"account `{name}` of environment `{account.environment}` is used by `{user}`, in `{environment}`"
            )
            at = declaration.locate("accounts", name, "used_by", index)
            yield judge.failed(check, subject, at, sentence)
        if not foreign:
            sentence = f"account `{name}` is of the tier of system `{account.system}`, and of those who use it"
            yield judge.passed(check, subject, at, sentence)


def _lived_in(declaration: Declaration, user: str) -> frozenset[str]:
    """The environments of what uses an account. An id that names several things may be any of them."""
    model = declaration.model
    found = (model.apis.get(user), model.systems.get(user), model.consumers.get(user))
    return frozenset(one.environment for one in found if one is not None and one.environment is not None)


def _consumers(declaration: Declaration, production: frozenset[str]) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "consumer-of-both-tiers"
    by_tier: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for api_id, api in served_apis(declaration):
        for rule in api.access:
            for role in rule.roles:
                by_tier[api.environment in production].setdefault(role, api_id)
    for name, consumer in declaration.model.consumers.items():
        at, subject = declaration.places.key("consumers", name), f"consumers.{name}"
        if consumer.environment:
            sentence = f"consumer `{name}` belongs to environment `{consumer.environment}`"
            yield judge.passed(check, subject, declaration.locate("consumers", name, "environment"), sentence)
            continue
        inside, outside = (
            next((by_tier[tier][r] for r in consumer.roles if r in by_tier[tier]), None) for tier in (True, False)
        )
        if inside and outside:
            sentence = (
                f"consumer `{name}` names no environment, and may call API `{inside}` in production and `{outside}` "
                "outside it"
            )
            yield judge.failed(check, subject, at, sentence)
        else:
            sentence = f"consumer `{name}` names no environment, and its roles open APIs of one tier at most"
            yield judge.passed(check, subject, at, sentence)


def _observed(declaration: Declaration) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "environments-observed"
    known = strangers(declaration)
    for api_id, api in served_apis(declaration):
        subject = api_subject(api_id)
        for index, entry in enumerate(api.observe):
            if entry.control == _CONTROL:
                who = (
                    ", ".join(f"`{c}`" for c in known[api.environment][:4]) or "whoever comes from another environment"
                )
                at = declaration.locate("apis", api_id, "observe", index)
                sentence = f"API `{api_id}` counts calls by {who}, and does not refuse them"
                yield judge.failed(check, subject, at, sentence)
                break
        else:
            at = declaration.locate("apis", api_id, "environment")
            yield judge.passed(check, subject, at, f"API `{api_id}` refuses callers of other environments")
