"""Somebody must have proven who they are: refuses calls that satisfy none of an operation's alternatives.

Where a token alone will do and is demanded, the token filter has already refused whoever brings none.
"""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters import tokens
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import all_of, any_of, negate, presented
from assay.gateway.envoy.replies import NO_CREDENTIAL
from assay.gateway.envoy.types import Json, http_filter

NAME = "assay.authentication"


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC")


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    authentication = operation.authentication
    alternatives = authentication.alternatives if authentication else ()
    if () in alternatives or tokens.proven(view, operation):
        return None
    accepted = any_of(all_of(presented(p, view.issuers) for p in a) for a in alternatives)
    control = authentication.control if authentication else "authentication"
    rules: Json = {
        "action": "DENY",
        "policies": {f"{control}/{NO_CREDENTIAL}": {"permissions": [{"any": True}], "principals": [negate(accepted)]}},
    }
    observed = authentication is not None and authentication.mode is ir.Mode.OBSERVE
    rbac: Json = {
        "shadow_rules" if observed else "rules": rules,
        "rules_stat_prefix": "authentication_",
        "shadow_rules_stat_prefix": "authentication_",
    }
    return http_filter("rbac.v3.RBACPerRoute", rbac=rbac)


FILTER = Filter(NAME, Slot.AUTHENTICATION, _listener, route=_route)
