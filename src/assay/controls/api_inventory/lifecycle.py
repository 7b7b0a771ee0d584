"""From design to retirement: dates in order, callers told in time, and nothing left that needs what is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, served_apis
from assay.controls.api_gateway.paths import public_base, shape
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Product
from assay.domain import Location, Verdict

_CONTROL = "api_inventory"
_SHOWN = 4
Address = tuple[str, str, tuple[str, ...]]
"""Host, method and shape of a public path."""


@dataclass(frozen=True, slots=True)
class Use:
    """What is served, indexed once: the APIs that need another one, the roles, and the public addresses."""

    behind: Mapping[str, tuple[tuple[str, int], ...]]
    served_roles: frozenset[str]
    addresses: Mapping[Address, tuple[str, str]]


def use(declaration: Declaration) -> Use:
    """Everything that served APIs hold on to. Looks at operations only when some API was retired."""
    behind: dict[str, list[tuple[str, int]]] = defaultdict(list)
    roles: set[str] = set()
    for api_id, api in served_apis(declaration):
        for index, name in enumerate(api.backed_by):
            behind[name].append((api_id, index))
        roles.update(r for rule in api.access for r in rule.roles)
    addresses: dict[Address, tuple[str, str]] = {}
    if any(a.product.lifecycle == "retired" for a in declaration.model.apis.values()):
        for api_id, api in served_apis(declaration):
            for address, operation in _addresses(declaration, api_id, api):
                addresses.setdefault(address, (api_id, operation))
    return Use({k: tuple(v) for k, v in behind.items()}, frozenset(roles), addresses)


def _addresses(declaration: Declaration, api_id: str, api: Api) -> Iterator[tuple[Address, str]]:
    base = public_base(api, declaration.contracts[api_id])
    for operation in declaration.operations(api_id):
        for host in api.hosts:
            yield (host, operation.method, shape(base + operation.path)), operation.id


def lifecycle(context: Context, api_id: str, api: Api, used: Use) -> Iterator[Verdict]:
    """Judges one API's dates, its announcement, and what still holds on to it once it is retired."""
    yield _order(context, api_id, api)
    if api.product.lifecycle == "deprecated":
        yield from _announced(context.declaration, api_id, api.product)
    if api.product.lifecycle == "retired":
        yield from _retired(context.declaration, api_id, api, used)


def _order(context: Context, api_id: str, api: Api) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "lifecycle-out-of-order", api_subject(api_id)
    problem = _disorder(api.product, context.today)
    if problem is None:
        at = context.declaration.locate("apis", api_id, "product")
        return judge.passed(
            check, subject, at, f"the dates of API `{api_id}` fit its lifecycle, {api.product.lifecycle}"
        )
    word, sentence = problem
    at = context.declaration.locate("apis", api_id, "product", word)
    return judge.failed(check, subject, at, f"API `{api_id}` {sentence}")


def _disorder(product: Product, today: date) -> tuple[str, str] | None:
    """The word that contradicts another, and how."""
    state, since, until = product.lifecycle, product.deprecated, product.sunset
    if since and until and until < since:
        return "sunset", f"ends on {until.isoformat()}, before it is deprecated on {since.isoformat()} (RFC 9745 §4)"
    if state == "retired" and until and until > today:
        return "sunset", f"is retired already, but promised until {until.isoformat()}"
    if state == "deprecated" and since and since > today:
        return "deprecated", f"is deprecated already, but not before {since.isoformat()} by its date"
    if state in ("design", "beta", "live") and since and since <= today:
        return "lifecycle", f"is {state}, although it is deprecated since {since.isoformat()}"
    if state == "design" and until and until <= today:
        return "sunset", f"is still in design, and ended on {until.isoformat()}"
    return None


def _announced(declaration: Declaration, api_id: str, product: Product) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), api_subject(api_id)
    at = declaration.locate("apis", api_id, "product", "lifecycle")
    if product.sunset is None:
        sentence = f"API `{api_id}` is deprecated without a day on which it ends"
        yield judge.failed("deprecated-without-sunset", subject, at, sentence)
    else:
        sentence = f"API `{api_id}` is deprecated, and ends on {product.sunset.isoformat()}"
        yield judge.passed("deprecated-without-sunset", subject, at, sentence)
    if product.deprecated is None:
        sentence = f"API `{api_id}` is deprecated, and no answer says so, since the day is not declared"
        yield judge.failed("deprecation-not-announced", subject, at, sentence)
    else:
        sentence = (
            f"every answer of API `{api_id}` is to say that it is deprecated since {product.deprecated.isoformat()}"
        )
        yield judge.passed("deprecation-not-announced", subject, at, sentence)
    yield _replacement(declaration, api_id, product, at)


def _replacement(declaration: Declaration, api_id: str, product: Product, at: Location) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "deprecated-without-replacement", api_subject(api_id)
    if product.replaced_by is None:
        return judge.failed(check, subject, at, f"API `{api_id}` is deprecated, and nothing says what to use instead")
    at = declaration.locate("apis", api_id, "product", "replaced_by")
    successor = declaration.model.apis[product.replaced_by]
    if product.replaced_by == api_id:
        return judge.failed(check, subject, at, f"API `{api_id}` is to be replaced by itself")
    if successor.product.lifecycle not in ("beta", "live"):
        state = successor.product.lifecycle
        sentence = f"API `{api_id}` is to be replaced by `{product.replaced_by}`, which is {state}"
        return judge.failed(check, subject, at, sentence)
    return judge.passed(check, subject, at, f"API `{api_id}` is replaced by `{product.replaced_by}`")


def _retired(declaration: Declaration, api_id: str, api: Api, used: Use) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "retired-still-reached", api_subject(api_id)
    here = declaration.locate("apis", api_id, "product", "lifecycle")
    found = False
    for caller, index in used.behind.get(api_id, ()):
        found = True
        at = declaration.locate("apis", caller, "backed_by", index)
        sentence = f"API `{caller}` is served, and backed by API `{api_id}`, which is retired"
        yield judge.failed(check, subject, at, sentence, related=(here,))
    again = [(o, used.addresses[a]) for a, o in _addresses(declaration, api_id, api) if a in used.addresses]
    if again:
        found = True
        shown = ", ".join(f"`{o}`" for o in dict.fromkeys(o for o, _ in again[:_SHOWN]))
        by = again[0][1][0]
        related = (declaration.locate("apis", by, "contract"),)
        sentence = f"API `{api_id}` is retired, and API `{by}` serves {shown} at the same address"
        yield judge.failed(check, subject, here, sentence, related=related)
    if not found:
        sentence = f"API `{api_id}` is retired, and nothing that is served leads to it"
        yield judge.passed(check, subject, here, sentence)
    yield from _left_with_roles(declaration, api_id, api, used)


def _left_with_roles(declaration: Declaration, api_id: str, api: Api, used: Use) -> Iterator[Verdict]:
    """Consumers with a role that only retired APIs knew."""
    judge, check = _judge(_CONTROL), "role-of-retired-api"
    idle = {r for rule in api.access for r in rule.roles} - used.served_roles
    for name, consumer in declaration.model.consumers.items() if idle else ():
        for index, role in enumerate(consumer.roles):
            if role in idle:
                at = declaration.locate("consumers", name, "roles", index)
                sentence = f"consumer `{name}` still has the role `{role}`, which only retired API `{api_id}` knew"
                yield judge.failed(check, f"consumers.{name}", at, sentence)
