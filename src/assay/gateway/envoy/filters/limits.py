"""Rate limits. Every limit is a descriptor with a bucket for each distinct caller, consumer or client address.

Envoy keeps the buckets of a descriptor with a blank value in a list of limited length, 20 by default: with that, a
refused caller is let in again as soon as 20 others have called. The length here is :data:`CALLERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from assay.gateway import ir
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.caller import consumer_pattern
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import (
    CALLER_HEADER,
    CONSUMER_HEADER,
    OBSERVED_LIMIT_HEADER,
    OPERATION_HEADER,
    Json,
    header,
    http_filter,
    seconds,
)

CALLERS = 100_000
"""How many distinct callers keep a bucket of their own at the same time. Each costs a few hundred bytes, once seen."""
_UNBOUNDED = 4_000_000_000


def _label(limit: ir.Limit) -> str:
    return f"{limit.api or 'gateway'}/{limit.name}"


def _conditions(limit: ir.Limit) -> list[Json]:
    """When the limit applies, as header matchers."""
    conditions = []
    if limit.operations:
        names = "|".join(re.escape(f"{limit.api}/{o}") for o in limit.operations)
        conditions.append(header(OPERATION_HEADER, safe_regex=names))
    elif limit.api:
        conditions.append(header(OPERATION_HEADER, prefix=f"{limit.api}/"))
    if limit.methods:
        conditions.append(header(":method", safe_regex="|".join(limit.methods)))
    return conditions


def _applies(limit: ir.Limit, *more: Json) -> Json:
    conditions = [*_conditions(limit), *more]
    if not conditions:
        return {"generic_key": {"descriptor_key": "limit", "descriptor_value": _label(limit)}}
    return {"header_value_match": {"descriptor_key": "limit", "descriptor_value": _label(limit), "headers": conditions}}


def _consumer(limit: ir.Limit, view: View) -> Json | None:
    caller = next((c for c in view.policy.callers if c.consumer == limit.consumer), None)
    if caller is None:
        return None
    pattern = consumer_pattern(
        caller.client, caller.opaque, caller.consumer if caller.api_key else None, caller.certificate_name
    )
    return _applies(limit, header(CONSUMER_HEADER, safe_regex=pattern))


def _actions(limit: ir.Limit, view: View) -> list[Json]:
    """The ways a request falls under the limit; each yields one descriptor or none."""
    if limit.per == "network":
        return [{"actions": [_applies(limit), {"remote_address": {}}]}]
    if limit.per == "consumer":
        found = _consumer(limit, view)
        return [{"actions": [found]}] if found else []
    # A caller that has proven nothing is told apart by its address; all the others by what they have proven.
    proven = {"request_headers": {"header_name": CALLER_HEADER, "descriptor_key": "caller"}}
    anonymous = {"name": CALLER_HEADER, "present_match": True, "invert_match": True}
    return [
        {"actions": [_applies(limit), proven]},
        {"actions": [_applies(limit, anonymous), {"remote_address": {}}]},
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


def _configuration(limits: Iterable[ir.Limit], view: View, prefix: str, *, observe: bool) -> Json | None:
    limits = tuple(limits)
    if not limits:
        return None
    enforced = 0 if observe else 100
    fields: Json = {
        "stat_prefix": prefix,
        "status": {"code": "TooManyRequests"},
        "token_bucket": {"max_tokens": _UNBOUNDED, "tokens_per_fill": _UNBOUNDED, "fill_interval": "1s"},
        "filter_enabled": {"default_value": {"numerator": 100}, "runtime_key": f"{prefix}_enabled"},
        "filter_enforced": {"default_value": {"numerator": enforced}, "runtime_key": f"{prefix}_enforced"},
        "rate_limits": [a for limit in limits for a in _actions(limit, view)],
        "descriptors": [d for limit in limits for d in _descriptors(limit)],
        "max_dynamic_descriptors": CALLERS,
        "always_consume_default_token_bucket": False,
    }
    if observe:
        name = {"key": OBSERVED_LIMIT_HEADER, "value": "rate_limiting"}
        fields["request_headers_to_add_when_not_enforced"] = [{"header": name}]
    else:
        fields["enable_x_ratelimit_headers"] = "DRAFT_VERSION_03"
    return http_filter("local_ratelimit.v3.LocalRateLimit", **fields)


def _filter(name: str, slot: Slot, prefix: str, mine: Callable[[ir.Limit], bool], *, observe: bool = False) -> Filter:
    def everywhere(view: View) -> Json | None:
        return _configuration((x for x in view.policy.limits if mine(x)), view, prefix, observe=observe)

    def listener(view: View) -> Json | None:
        if not any(mine(limit) for limit in view.policy.limits):
            return None
        return http_filter("local_ratelimit.v3.LocalRateLimit", stat_prefix=prefix)

    return Filter(name, slot, listener, everywhere)


NETWORK = _filter(
    "assay.network_limits",
    Slot.NETWORK_LIMIT,
    "network_limits",
    lambda limit: limit.mode is ir.Mode.ENFORCE and limit.per == "network",
)
CALLER = _filter(
    "assay.limits",
    Slot.RATE_LIMIT,
    "limits",
    lambda limit: limit.mode is ir.Mode.ENFORCE and limit.per != "network",
)
OBSERVED = _filter(
    "assay.limits_observed",
    Slot.RATE_LIMIT_OBSERVED,
    "limits_observed",
    lambda limit: limit.mode is ir.Mode.OBSERVE,
    observe=True,
)
