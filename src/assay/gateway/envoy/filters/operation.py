"""Tells the parts beside Envoy which operation a call is, in a header that clients cannot set."""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import ISSUER_HEADER, OPERATION_HEADER, Json, http_filter

NAME = "assay.operation"


def overwrite(name: str, value: str) -> Json:
    """Sets a header, whatever was there."""
    return {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}


def _listener(_view: View) -> Json | None:
    return http_filter("header_mutation.v3.HeaderMutation")


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    mutations = [overwrite(OPERATION_HEADER, operation.id)]
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    issuers = sorted({p.issuer for a in alternatives for p in a if p.kind == "token" and p.issuer})
    if issuers and issuers[0] in view.issuers and view.issuers[issuers[0]].introspection:
        mutations.append(overwrite(ISSUER_HEADER, issuers[0]))
    return http_filter("header_mutation.v3.HeaderMutationPerRoute", mutations={"request_mutations": mutations})


FILTER = Filter(NAME, Slot.OPERATION, _listener, route=_route)
