"""Tests of design: is every operation and every consumer bounded, and does every limit mean what it says?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.observed import observed
from assay.controls._lib.subjects import api_subject, operation_subject, served_apis
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Consumer
from assay.declare.quantities import RateValue
from assay.declare.rules import rules_by_operation
from assay.declare.selectors import selected
from assay.domain import Confidence, Severity, Verdict, listed

_CONTROL = "rate_limiting"
GENEROUS = 100.0
"""Calls per second of one caller above which a limit hardly bounds anything."""
_SHOWN = 3


def design(context: Context) -> Iterator[Verdict]:
    """Judges the limits of every API, of what anybody may call, and of every consumer."""
    declaration = context.declaration
    for api_id, api in served_apis(declaration):
        yield _bounded(declaration, api_id, api)
        yield _guessing(declaration, api_id, api)
        yield from _anonymous(declaration, api_id, api)
        yield from _each(declaration, api_id, api)
        yield from _observed(declaration, api_id, api)
    for name, consumer in declaration.model.consumers.items():
        yield _consumer(declaration, name, consumer)
        if consumer.limit:
            yield from _consumer_effect(declaration, name, consumer, consumer.limit)


def never_reached(rate: RateValue, other: RateValue) -> bool:
    """Whether calls that keep to ``other`` always keep to ``rate``.

    Both are token buckets that start full and fill continuously, so what fits through one fits through another that
    holds at least as much and fills at least as fast.
    """
    return rate.requests >= other.requests and rate.per_second >= other.per_second


def _bounded(declaration: Declaration, api_id: str, api: Api) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "api-without-limit", api_subject(api_id)
    at, limits = declaration.locate("apis", api_id, "limits"), api.limits
    if limits.default:
        sentence = f"the calls of one caller to API `{api_id}` are bounded to {limits.default}"
        return judge.passed(check, subject, declaration.locate("apis", api_id, "limits", "default"), sentence)
    operations = tuple(o.id for o in declaration.operations(api_id))
    bounded = set(selected(limits.operations, operations))
    open_ones = [o for o in operations if o not in bounded]
    if not open_ones:
        return judge.passed(check, subject, at, f"every operation of API `{api_id}` has a limit of its own")
    severity = Severity.MEDIUM if api.exposure == "internal" else Severity.HIGH
    what = f"{listed(open_ones, _SHOWN)} of API `{api_id}`" if bounded or limits.write else f"API `{api_id}`"
    sentence = f"nothing bounds how often a caller may call {what}"
    if limits.network:
        severity = Severity.MEDIUM
        sentence += f"; those of all callers at one address together are bounded to {limits.network}"
    return judge.failed(check, subject, at, sentence, severity=severity)


def _guessing(declaration: Declaration, api_id: str, api: Api) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "guessing-unlimited", api_subject(api_id)
    at = declaration.locate("apis", api_id, "limits")
    if api.limits.network:
        sentence = f"calls from one address to API `{api_id}`, refused or not, are bounded to {api.limits.network}"
        return judge.passed(check, subject, declaration.locate("apis", api_id, "limits", "network"), sentence)
    severity = Severity.LOW if api.exposure == "internal" else Severity.MEDIUM
    sentence = f"nothing bounds how often an address may try API `{api_id}` with credentials that are refused"
    return judge.failed(check, subject, at, sentence, severity=severity)


def _anonymous(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "anonymous-operation-unlimited"
    at, limits = declaration.locate("apis", api_id, "limits"), api.limits
    operations = declaration.operations(api_id)
    rules = rules_by_operation(api, operations)
    free = [o for o in operations if any(rule.anonymous for _, rule in rules[o.id])]
    bounded = set(selected(limits.operations, (o.id for o in free)))
    for operation in free:
        subject = operation_subject(api_id, operation.id)
        if limits.default or limits.network or operation.id in bounded:
            sentence = f"operation `{operation.id}` of API `{api_id}`, which anybody may call, is bounded per address"
            yield judge.passed(check, subject, at, sentence)
        else:
            sentence = f"anybody may call operation `{operation.id}` of API `{api_id}`, as often as they like"
            index = next(i for i, rule in rules[operation.id] if rule.anonymous)
            related = (declaration.locate("apis", api_id, "access", index),)
            yield judge.failed(check, subject, at, sentence, related=related)
    if not free:
        sentence = f"no access rule of API `{api_id}` lets anybody in without a credential"
        yield judge.not_applicable(check, api_subject(api_id), at, sentence)


def _each(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    """Judges single rates: is one too high to bound anything, or never reached because of another one?"""
    judge, limits, base = _judge(_CONTROL), api.limits, ("apis", api_id, "limits")
    written: list[tuple[tuple[str, ...], str, RateValue, Sequence[tuple[str, RateValue]]]] = []
    first = [("default", limits.default)] if limits.default else []
    if limits.default:
        written.append((("default",), "default", limits.default, ()))
    if limits.write:
        written.append((("write",), "write", limits.write, first))
    for selector, rate in limits.operations.items():
        written.append((("operations", selector), f"operations.{selector}", rate, first))
    for steps, name, rate, others in written:
        at, subject = declaration.locate(*base, *steps), f"{api_subject(api_id)}.limits.{name}"
        if rate.per_second > GENEROUS:
            sentence = f"the limit `{name}` of API `{api_id}` is {rate} for each caller, which hardly bounds anything"
            yield judge.failed("limit-too-generous", subject, at, sentence, confidence=Confidence.LOW)
        else:
            sentence = f"the limit `{name}` of API `{api_id}`, {rate}, bounds a caller"
            yield judge.passed("limit-too-generous", subject, at, sentence)
        for other, bound in others:
            related = (declaration.locate(*base, other),)
            if never_reached(rate, bound):
                sentence = f"the limit `{name}` of API `{api_id}`, {rate}, is never reached: `{other}` allows {bound}"
                yield judge.failed("limit-without-effect", subject, at, sentence, related=related)
            else:
                sentence = f"the limit `{name}` of API `{api_id}`, {rate}, bites before `{other}`, {bound}"
                yield judge.passed("limit-without-effect", subject, at, sentence)


def _consumer(declaration: Declaration, name: str, consumer: Consumer) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "consumer-without-limit", f"consumers.{name}"
    if consumer.limit:
        sentence = f"the calls of consumer `{name}` to all APIs together are bounded to {consumer.limit}"
        return judge.passed(check, subject, declaration.locate("consumers", name, "limit"), sentence)
    at = declaration.places.key("consumers", name)
    many = _many_callers(consumer)
    open_ones = [i for i, a in _reached(declaration, consumer) if not a.limits.default]
    if open_ones:
        sentence = f"nothing bounds consumer `{name}` at {listed(open_ones, _SHOWN)}"
        return judge.failed(check, subject, at, sentence, severity=Severity.MEDIUM)
    if many:
        sentence = f"each user of consumer `{name}` is bounded, but not all of them together"
        return judge.failed(check, subject, at, sentence, confidence=many)
    sentence = f"consumer `{name}` is one caller, which the limits of the APIs it may call bound"
    return judge.passed(check, subject, at, sentence)


def _many_callers(consumer: Consumer) -> Confidence | None:
    """How sure it is that a consumer's calls come in the name of many users; None when they come in its own."""
    client = consumer.authenticate.oauth2
    if client is None:
        return None
    if "password" in client.grants or consumer.kind == "person":
        return Confidence.HIGH
    return Confidence.LOW if consumer.kind == "application" else None


def _reached(declaration: Declaration, consumer: Consumer) -> list[tuple[str, Api]]:
    """The APIs that a rule opens to one of the consumer's roles."""
    roles = set(consumer.roles)
    return [(i, a) for i, a in served_apis(declaration) if any(roles & set(rule.roles) for rule in a.access)]


def _consumer_effect(declaration: Declaration, name: str, consumer: Consumer, limit: RateValue) -> Iterator[Verdict]:
    """A consumer that is one caller never gets more than the limits of its APIs add up to."""
    judge, check, subject = _judge(_CONTROL), "consumer-limit-without-effect", f"consumers.{name}"
    at, ways = declaration.locate("consumers", name, "limit"), consumer.authenticate
    callers = sum(1 for w in (ways.oauth2, ways.api_key, ways.mtls) if w)
    reached = _reached(declaration, consumer)
    if _many_callers(consumer) or callers != 1 or len(reached) != 1 or not reached[0][1].limits.default:
        sentence = f"consumer `{name}` may be several callers, or call where no single limit bounds it first"
        yield judge.not_applicable(check, subject, at, sentence)
        return
    api_id, api = reached[0]
    default = api.limits.default
    if default and limit != default and never_reached(limit, default):
        sentence = f"consumer `{name}` never reaches its {limit}: API `{api_id}` allows a caller {default}"
        related = (declaration.locate("apis", api_id, "limits", "default"),)
        yield judge.failed(check, subject, at, sentence, related=related)
    else:
        sentence = f"the limit of consumer `{name}`, {limit}, goes with what API `{api_id}` allows a caller"
        yield judge.passed(check, subject, at, sentence)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    return observed(
        declaration,
        _CONTROL,
        "rate-limiting-observed",
        api_id,
        api,
        watching=f"the limits of {{what}} of API `{api_id}` only observe",
        enforcing=f"the limits of API `{api_id}` refuse",
    )
