"""A consumer calls only from its own networks, whatever credential it holds."""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters import keys
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import addresses, all_of, any_of, is_caller, negate
from assay.gateway.envoy.types import Json, filter_off, http_filter
from assay.gateway.ir import Caller, Proof

NAME = "assay.consumer_networks"


def anyhow(caller: Caller, view: View) -> Json:
    """The consumer, by whichever credential."""
    proofs = (Proof("token", issuer=caller.issuer), Proof("key"), Proof("certificate"))
    return any_of(p for proof in proofs if (p := is_caller(caller, proof, view.issuers)))


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC") if any(c.networks for c in view.policy.callers) else None


def _everywhere(view: View) -> Json | None:
    policies = {
        f"network_ranges/consumer/{caller.consumer}": {
            "permissions": [{"any": True}],
            "principals": [all_of([anyhow(caller, view), negate(addresses(caller.networks))])],
        }
        for caller in view.policy.callers
        if caller.networks
    }
    if not policies:
        return None
    rbac: Json = {"rules": {"action": "DENY", "policies": policies}, "rules_stat_prefix": "consumer_networks_"}
    return http_filter("rbac.v3.RBACPerRoute", rbac=rbac)


def _recognisable(caller: Caller, with_keys: bool) -> bool:
    """Whether a consumer can be recognised at all: one that only has a key cannot, where nobody looks for keys."""
    return bool(caller.client or caller.certificate_name or (caller.api_key and with_keys))


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    bound = [c for c in view.policy.callers if c.networks]
    if not bound or any(_recognisable(c, keys.accepted(operation)) for c in bound):
        return None
    return filter_off()


FILTER = Filter(NAME, Slot.CONSUMER_NETWORK, _listener, _everywhere, _route)
