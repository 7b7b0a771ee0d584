"""Plans: what subscribers were sold, and whether the limits hold them to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Consumer
from assay.declare.quantities import RateValue
from assay.domain import Verdict

_CONTROL = "api_inventory"


def by_role(declaration: Declaration) -> Mapping[str, tuple[str, ...]]:
    """The consumers with each role."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, consumer in declaration.model.consumers.items():
        for role in consumer.roles:
            found[role].append(name)
    return {role: tuple(names) for role, names in found.items()}


def plans(
    declaration: Declaration, api_id: str, api: Api, consumers: Mapping[str, tuple[str, ...]]
) -> Iterator[Verdict]:
    """Judges whether an API for outsiders has plans, and whether the plans bind those who may call it.

    ``consumers``: as :func:`by_role`.
    """
    judge, check, subject = _judge(_CONTROL), "external-api-without-plan", api_subject(api_id)
    at = declaration.places.key("apis", api_id)
    if api.exposure == "internal":
        yield judge.not_applicable(check, subject, at, f"API `{api_id}` is for callers of the organisation itself")
        return
    if not api.product.plans:
        sentence = f"API `{api_id}` is for {api.exposure} callers, and has no plan that says what they can have"
        yield judge.failed(check, subject, at, sentence)
        return
    where = declaration.locate("apis", api_id, "product", "plans")
    shown = ", ".join(f"`{p}`" for p in api.product.plans)
    yield judge.passed(check, subject, where, f"API `{api_id}` is offered as {shown}")
    names = (name for rule in api.access for role in rule.roles for name in consumers.get(role, ()))
    for name in dict.fromkeys(names):
        yield from _subscriber(declaration, api_id, api, name, declaration.model.consumers[name])


def _subscriber(declaration: Declaration, api_id: str, api: Api, name: str, consumer: Consumer) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), f"consumers.{name}"
    plan = api.product.plans.get(consumer.plan) if consumer.plan is not None else None
    if plan is None:
        if consumer.kind == "partner":
            at = declaration.places.key("consumers", name)
            sentence = f"partner `{name}` may call API `{api_id}` and is on none of its plans"
            yield judge.failed("partner-without-plan", subject, at, sentence)
        return
    at = declaration.locate("consumers", name, "plan")
    if consumer.kind == "partner":
        yield judge.passed("partner-without-plan", subject, at, f"partner `{name}` is on plan `{consumer.plan}`")
    if plan.limit is None:
        return
    # The narrowest of what holds it: its own limit, or the one that every caller of the API has.
    bounds: list[tuple[RateValue, tuple[str, ...]]] = []
    if consumer.limit is not None:
        bounds.append((consumer.limit, ("consumers", name, "limit")))
    if api.limits.default is not None:
        bounds.append((api.limits.default, ("apis", api_id, "limits", "default")))
    check = "limit-above-plan"
    if not bounds:
        sentence = f"plan `{consumer.plan}` gives consumer `{name}` {plan.limit}, and no limit holds it to that"
        yield judge.failed(check, subject, at, sentence)
        return
    limit, where = min(bounds, key=lambda b: b[0].per_second)
    if limit.per_second > plan.limit.per_second:
        related = (declaration.locate("apis", api_id, "product", "plans", consumer.plan or ""),)
        sentence = f"consumer `{name}` may ask {limit}, and its plan `{consumer.plan}` gives it {plan.limit}"
        yield judge.failed(check, subject, declaration.locate(*where), sentence, related=related)
    else:
        sentence = f"consumer `{name}` may ask {limit}, within plan `{consumer.plan}` ({plan.limit})"
        yield judge.passed(check, subject, declaration.locate(*where), sentence)
