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


def _introspected(view: View, operation: OperationPolicy) -> str | None:
    """The issuer whose opaque tokens the operation takes, if any."""
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    issuers = sorted({p.issuer for a in alternatives for p in a if p.kind == "token" and p.issuer})
    return issuers[0] if issuers and issuers[0] in view.issuers and view.issuers[issuers[0]].introspection else None


def _route(view: View, operation: OperationPolicy, queried: bool) -> Json | None:
    issuer, inspection = _introspected(view, operation), operation.inspection
    if issuer is None and (inspection is None or (inspection.query_only and not queried)):
        return None  # nobody is asked, so nobody needs telling
    mutations = [overwrite(OPERATION_HEADER, operation.id)]
    if issuer is not None:
        mutations.append(overwrite(ISSUER_HEADER, issuer))
    return http_filter("header_mutation.v3.HeaderMutationPerRoute", mutations={"request_mutations": mutations})


FILTER = Filter(NAME, Slot.OPERATION, _listener, route=_route)
