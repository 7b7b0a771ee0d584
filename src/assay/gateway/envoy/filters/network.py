"""Where calls may come from: the gateway's and each API's networks (RBAC on the client's address)."""

from __future__ import annotations

from collections.abc import Iterable

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import addresses, negate
from assay.gateway.envoy.types import Json, http_filter

NAME = "assay.networks"


def _policies(rules: Iterable[ir.NetworkRule]) -> Json:
    policies: Json = {}
    for rule in rules:
        label = f"{rule.control}/{rule.api or 'gateway'}/{rule.name}"
        if rule.deny:
            policies[f"{label}/denied"] = {"permissions": [{"any": True}], "principals": [addresses(rule.deny)]}
        if rule.allow:
            outside = negate(addresses(rule.allow))
            policies[f"{label}/not-allowed"] = {"permissions": [{"any": True}], "principals": [outside]}
    return policies


def _rbac(rules: tuple[ir.NetworkRule, ...]) -> Json:
    fields: Json = {"rules_stat_prefix": "networks_", "shadow_rules_stat_prefix": "networks_"}
    for mode, key in ((ir.Mode.ENFORCE, "rules"), (ir.Mode.OBSERVE, "shadow_rules")):
        policies = _policies(r for r in rules if r.mode is mode)
        if policies:
            fields[key] = {"action": "DENY", "policies": policies}
    return fields


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC") if view.policy.networks else None


def _everywhere(view: View) -> Json | None:
    rules = tuple(r for r in view.policy.networks if not r.api)
    return http_filter("rbac.v3.RBACPerRoute", rbac=_rbac(rules)) if rules else None


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    # A route's configuration replaces the one for every route, so it repeats the gateway's own rules.
    rules = tuple(r for r in view.policy.networks if r.api in ("", operation.route.api))
    if all(not r.api for r in rules):
        return None
    return http_filter("rbac.v3.RBACPerRoute", rbac=_rbac(rules))


FILTER = Filter(NAME, Slot.NETWORK, _listener, _everywhere, _route)
