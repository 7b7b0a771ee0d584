"""A consumer calls only from its own networks, whatever credential it holds."""

from __future__ import annotations

from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import addresses, all_of, any_of, is_caller, negate
from assay.gateway.envoy.types import Json, http_filter
from assay.gateway.ir import Caller, Proof

NAME = "assay.consumer_networks"


def _anyhow(caller: Caller, view: View) -> Json:
    """The consumer, by whichever credential."""
    proofs = (Proof("token", issuer=caller.issuer), Proof("key"), Proof("certificate"))
    return any_of(p for proof in proofs if (p := is_caller(caller, proof, view.issuers)))


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC") if any(c.networks for c in view.policy.callers) else None


def _everywhere(view: View) -> Json | None:
    policies = {
        f"network_ranges/consumer/{caller.consumer}": {
            "permissions": [{"any": True}],
            "principals": [all_of([_anyhow(caller, view), negate(addresses(caller.networks))])],
        }
        for caller in view.policy.callers
        if caller.networks
    }
    if not policies:
        return None
    rbac: Json = {"rules": {"action": "DENY", "policies": policies}, "rules_stat_prefix": "consumer_networks_"}
    return http_filter("rbac.v3.RBACPerRoute", rbac=rbac)


FILTER = Filter(NAME, Slot.CONSUMER_NETWORK, _listener, _everywhere)
