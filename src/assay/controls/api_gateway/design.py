"""Tests of design: is there one enforcement point in front of every API, and does it understand every path as meant?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production, operation_subject
from assay.controls._lib.urls import Address, listen_address, reach
from assay.controls.api_gateway.collisions import ambiguous_paths, routes_collide
from assay.controls.api_gateway.foreign import foreign_gateways
from assay.controls.api_gateway.paths import public_base, routable, target_of, upstream_base, usable_base
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.domain import Edit, Verdict

RESERVED_HEADERS = frozenset(
    {
        "x-envoy-original-path",
        "x-forwarded-for",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    }
)
"""Headers with which a caller could change verb, path or address; the gateway strips, overwrites or refuses them."""


def design(context: Context) -> Iterator[Verdict]:
    """Judges every API: its upstream, its public paths, what it routes, and whether it should still be there."""
    declaration = context.declaration
    for api_id, api in declaration.model.apis.items():
        yield from _lifecycle(context, api_id, api)
        if api.product.lifecycle == "retired":
            continue
        yield from _upstream(declaration, api_id, api)
        yield from _public_path(declaration, api_id, api)
        yield from _production_on_loopback(declaration, api_id, api)
        yield from _contract(declaration, api_id)
        yield from ambiguous_paths(declaration, api_id)
        yield from _observed(declaration, api_id, api)
    yield from routes_collide(declaration)
    yield from foreign_gateways(declaration)


def _lifecycle(context: Context, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, product, route = _judge("api_gateway"), api.product, ("apis", api_id, "product")
    at = context.declaration.locate(*route, "sunset")
    if product.lifecycle == "retired":
        sentence = f"API `{api_id}` is retired: the gateway routes none of its operations"
        yield judge.passed("sunset-passed", api_subject(api_id), context.declaration.locate(*route), sentence)
    elif product.sunset is None:
        sentence = f"API `{api_id}` has no sunset date"
        yield judge.not_applicable("sunset-passed", api_subject(api_id), at, sentence)
    elif product.sunset < context.today:
        place = context.declaration.places.at(*route)
        edits = (Edit(place.value.file, (*place.file_path, "lifecycle"), "retired"),) if place.file_path else ()
        sentence = f"API `{api_id}` is still served although its sunset was {product.sunset.isoformat()}"
        yield judge.failed("sunset-passed", api_subject(api_id), at, sentence, edits=edits)
    else:
        sentence = f"API `{api_id}` is served until {product.sunset.isoformat()}"
        yield judge.passed("sunset-passed", api_subject(api_id), at, sentence)


def _upstream(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, subject = _judge("api_gateway"), api_subject(api_id)
    at, target = declaration.locate("apis", api_id, "upstream"), target_of(api, declaration.contracts[api_id])
    if target is None:
        sentence = f"the upstream `{api.upstream}` of API `{api_id}` has no host, port and plain path to connect to"
        yield judge.failed("upstream-unusable", subject, at, sentence)
        return
    ends_at = f"{target.host}:{target.port}{upstream_base(target, declaration.contracts[api_id])}"
    yield judge.passed("upstream-unusable", subject, at, f"calls to API `{api_id}` are forwarded to {ends_at}")
    distance = reach(target.host)
    if distance == "public":
        sentence = f"the upstream of API `{api_id}`, {target.host}, has a public address: callers may reach it directly"
        yield judge.failed("upstream-on-public-address", subject, at, sentence)
    else:
        where = {"loopback": "on the gateway's own machine", "any": "on the gateway's own machine"}.get(
            distance, "on a private address; whether anything beside the gateway reaches it is for a proof to show"
        )
        yield judge.passed("upstream-on-public-address", subject, at, f"the upstream of API `{api_id}` is {where}")
    if _is_gateway(declaration, target):
        sentence = f"the upstream of API `{api_id}` is the address that the gateway itself listens on"
        related = (declaration.locate("gateway", "listen"),)
        yield judge.failed("upstream-is-gateway", subject, at, sentence, related=related)
    else:
        sentence = f"the upstream of API `{api_id}` is not the gateway"
        yield judge.passed("upstream-is-gateway", subject, at, sentence)


def _is_gateway(declaration: Declaration, target: Address) -> bool:
    host, port = listen_address(declaration.model.gateway.listen)
    if port != target.port:
        return False
    here, there = reach(host), reach(target.host)
    if host == target.host:
        return True
    return there in ("loopback", "any") and here in ("loopback", "any")


def _public_path(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, contract = _judge("api_gateway"), declaration.contracts[api_id]
    base = public_base(api, contract)
    written = declaration.places.written("apis", api_id, "path")
    at = declaration.locate("apis", api_id, "path" if written else "contract")
    if usable_base(base):
        sentence = f"API `{api_id}` is served under {base or '/'}"
        yield judge.passed("public-path-unusable", api_subject(api_id), at, sentence)
    else:
        sentence = f"API `{api_id}` would be served under `{base}`, which is no plain path, so it is not served at all"
        yield judge.failed("public-path-unusable", api_subject(api_id), at, sentence)


def _production_on_loopback(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, subject = _judge("api_gateway"), api_subject(api_id)
    at = declaration.locate("gateway", "listen")
    host, _ = listen_address(declaration.model.gateway.listen)
    if api.exposure == "internal" or not in_production(declaration, api.environment):
        sentence = f"API `{api_id}` is not a production API for partners or the public"
        yield judge.not_applicable("production-on-loopback", subject, at, sentence)
    elif reach(host) == "loopback":
        sentence = f"API `{api_id}` is for {api.exposure} callers, but the gateway listens on {host} only"
        yield judge.failed("production-on-loopback", subject, at, sentence)
    else:
        sentence = f"API `{api_id}` is served on {host}"
        yield judge.passed("production-on-loopback", subject, at, sentence)


def _contract(declaration: Declaration, api_id: str) -> Iterator[Verdict]:
    judge, contract, subject = _judge("api_gateway"), declaration.contracts[api_id], api_subject(api_id)
    at = declaration.locate("apis", api_id, "contract")
    count = len(contract.operations)
    if count:
        sentence = f"the contract of API `{api_id}` names {count} operation{'s' * (count != 1)}"
        yield judge.passed("contract-without-operations", subject, at, sentence)
    else:
        sentence = f"the contract of API `{api_id}` names no operation, so nothing is routed"
        yield judge.failed("contract-without-operations", subject, at, sentence)
    refused = [o for o in contract.operations if not routable(o.method)]
    for operation in refused:
        sentence = f"operation `{operation.id}` of API `{api_id}` is {operation.method}, which the gateway never routes"
        where = contract.locate(operation.pointer)
        yield judge.failed("trace-operation", operation_subject(api_id, operation.id), where, sentence)
    if not refused:
        yield judge.passed("trace-operation", subject, at, f"API `{api_id}` offers neither TRACE nor CONNECT")
    reserved = [
        (operation, parameter)
        for operation in contract.operations
        for parameter in operation.parameters
        if parameter.location == "header" and is_reserved(parameter.name)
    ]
    for operation, parameter in reserved:
        sentence = f"operation `{operation.id}` of API `{api_id}` relies on the header `{parameter.name}`"
        where = contract.locate(parameter.pointer)
        yield judge.failed("reserved-header", operation_subject(api_id, operation.id), where, sentence)
    if not reserved:
        sentence = f"no operation of API `{api_id}` relies on a header that the gateway owns"
        yield judge.passed("reserved-header", subject, at, sentence)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check, subject = _judge("api_gateway"), "routing-observed", api_subject(api_id)
    watched = [i for i, o in enumerate(api.observe) if o.control == "api_gateway"]
    for index in watched:
        at = declaration.locate("apis", api_id, "observe", index)
        sentence = f"API `{api_id}` asks to observe routing, which has no effect: what its contract names is routed"
        yield judge.failed(check, subject, at, sentence)
    if not watched:
        at = declaration.places.key("apis", api_id)
        yield judge.passed(check, subject, at, f"routing to API `{api_id}` is enforced")


def is_reserved(header: str) -> bool:
    """Whether the gateway strips, overwrites or refuses a request header."""
    name = header.lower()
    return name in RESERVED_HEADERS or name.startswith(("x-assay-", "x-envoy-"))
