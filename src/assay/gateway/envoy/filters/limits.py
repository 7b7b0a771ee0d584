"""Rate limits. Every limit is a descriptor with a bucket for each distinct caller, consumer or client address.

Envoy keeps the buckets of a descriptor with a blank value in a list of limited length, 20 by default: with that, a
refused caller is let in again as soon as 20 others have called. The length here is :data:`CALLERS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.caller import consumer_pattern
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import (
    CALLER_HEADER,
    CONSUMER_HEADER,
    OBSERVED_LIMIT_HEADER,
    Json,
    header,
    http_filter,
    seconds,
)

CALLERS = 100_000
"""How many distinct callers keep a bucket of their own at the same time. Each costs a few hundred bytes, once seen."""
_UNBOUNDED = 4_000_000_000
_NETWORK, _CALLER, _OBSERVED = range(3)


def _label(limit: ir.Limit) -> str:
    return f"{limit.api or 'gateway'}/{limit.name}"


def _covers(limit: ir.Limit, route: ir.Route) -> bool:
    """Whether calls of an operation count towards a limit."""
    if limit.api and limit.api != route.api:
        return False
    if limit.operations and route.operation not in limit.operations:
        return False
    return not limit.methods or route.method in limit.methods


def _mark(limit: ir.Limit) -> Json:
    return {"generic_key": {"descriptor_key": "limit", "descriptor_value": _label(limit)}}


def _mark_if(limit: ir.Limit, condition: Json) -> Json:
    label = {"descriptor_key": "limit", "descriptor_value": _label(limit)}
    return {"header_value_match": {**label, "headers": [condition]}}


def _of_consumer(limit: ir.Limit, view: View, operation: OperationPolicy) -> list[list[Json]]:
    """Only what the operation accepts is in a consumer's mark, so only that is looked for."""
    caller = next((c for c in view.policy.callers if c.consumer == limit.consumer), None)
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    kinds = {proof.kind for alternative in alternatives for proof in alternative}
    if caller is None:
        return []
    client = caller.client if "token" in kinds else None
    key = caller.consumer if caller.api_key and "key" in kinds else None
    certificate = caller.certificate_name if "certificate" in kinds else None
    if not (client or key or certificate):
        return []
    pattern = consumer_pattern(client, caller.opaque, key, certificate)
    return [[_mark_if(limit, header(CONSUMER_HEADER, safe_regex=pattern))]]


def _always_named(operation: OperationPolicy) -> bool:
    """Whether every call that gets as far as the limits carries the caller's mark.

    Certificates may have no DNS name, and then leave none.
    """
    authentication = operation.authentication
    if authentication is None or authentication.mode is ir.Mode.OBSERVE:
        return False
    return all(any(p.kind in ("token", "key") for p in a) for a in authentication.alternatives)


def _actions(limit: ir.Limit, view: View, operation: OperationPolicy) -> list[list[Json]]:
    """The ways a call of the operation falls under the limit; each yields one descriptor or none."""
    if limit.per == "network":
        return [[_mark(limit), {"remote_address": {}}]]
    if limit.per == "consumer":
        return _of_consumer(limit, view, operation)
    # A caller that has proven nothing is told apart by its address; all the others by what they have proven.
    proven = [_mark(limit), {"request_headers": {"header_name": CALLER_HEADER, "descriptor_key": "caller"}}]
    if _always_named(operation):
        return [proven]
    anonymous = {"name": CALLER_HEADER, "present_match": True, "invert_match": True}
    return [proven, [_mark_if(limit, anonymous), {"remote_address": {}}]]


def _stage(limit: ir.Limit) -> int:
    """Which of the three filters counts for a limit; Envoy's word for how a route tells them apart."""
    if limit.mode is ir.Mode.OBSERVE:
        return _OBSERVED
    return _NETWORK if limit.per == "network" else _CALLER


def _told(limit: ir.Limit) -> Json:
    """Callers are told of a limit that counts for them, and of no other: the filter's own bucket is nobody's limit."""
    return {} if limit.mode is ir.Mode.OBSERVE else {"x_ratelimit_option": "DRAFT_VERSION_03"}


def on_route(view: View, operation: OperationPolicy) -> list[Json]:
    """RouteAction.rate_limits: what calls of this operation count towards.

    With the routes and not with the filter, which would try every limit of every API for each call.
    """
    return [
        {"stage": _stage(limit), "actions": actions, **_told(limit)}
        for limit in view.policy.limits
        if _covers(limit, operation.route)
        for actions in _actions(limit, view, operation)
    ]


def _descriptors(limit: ir.Limit) -> list[Json]:
    bucket = {
        "max_tokens": limit.requests,
        "tokens_per_fill": limit.requests,
        "fill_interval": seconds(limit.seconds),
    }
    label = {"key": "limit", "value": _label(limit)}
    if limit.per == "consumer":
        return [{"entries": [label], "token_bucket": bucket}]
    keys = ("remote_address",) if limit.per == "network" else ("caller", "remote_address")
    return [{"entries": [label, {"key": key}], "token_bucket": bucket} for key in keys]


def _configuration(limits: tuple[ir.Limit, ...], prefix: str, stage: int) -> Json | None:
    if not limits:
        return None
    observe = stage == _OBSERVED
    enforced = 0 if observe else 100
    fields: Json = {
        "stat_prefix": prefix,
        "status": {"code": "TooManyRequests"},
        "token_bucket": {"max_tokens": _UNBOUNDED, "tokens_per_fill": _UNBOUNDED, "fill_interval": "1s"},
        "filter_enabled": {"default_value": {"numerator": 100}, "runtime_key": f"{prefix}_enabled"},
        "filter_enforced": {"default_value": {"numerator": enforced}, "runtime_key": f"{prefix}_enforced"},
        "stage": stage,
        "descriptors": [d for limit in limits for d in _descriptors(limit)],
        "max_dynamic_descriptors": CALLERS,
        "always_consume_default_token_bucket": False,
    }
    if observe:
        name = {"key": OBSERVED_LIMIT_HEADER, "value": "rate_limiting"}
        fields["request_headers_to_add_when_not_enforced"] = [{"header": name}]
    else:
        fields["response_headers_to_add"] = [{"header": {"key": "retry-after", "value": str(_wait(limits))}}]
    return http_filter("local_ratelimit.v3.LocalRateLimit", **fields)


def _wait(limits: Iterable[ir.Limit]) -> int:
    """Seconds after which a refused caller has a token again, whichever of the limits refused it (RFC 9110 §10.2.3)."""
    return max(math.ceil(limit.seconds / limit.requests) for limit in limits)


def _filter(name: str, slot: Slot, prefix: str, stage: int) -> Filter:
    def mine(view: View) -> tuple[ir.Limit, ...]:
        return tuple(limit for limit in view.policy.limits if _stage(limit) == stage)

    def listener(view: View) -> Json | None:
        # Buckets live as long as what configures them: routes come and go with every key and every operation.
        return _configuration(mine(view), prefix, stage)

    return Filter(name, slot, listener, off_by_default=False)


NETWORK = _filter("assay.network_limits", Slot.NETWORK_LIMIT, "network_limits", _NETWORK)
CALLER = _filter("assay.limits", Slot.RATE_LIMIT, "limits", _CALLER)
OBSERVED = _filter("assay.limits_observed", Slot.RATE_LIMIT_OBSERVED, "limits_observed", _OBSERVED)
