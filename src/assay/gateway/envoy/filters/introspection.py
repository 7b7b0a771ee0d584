"""Opaque tokens: the inspector asks the issuer about them (RFC 7662), before anything is decided on identity."""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.ask import ask
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter

NAME = "assay.introspection"


def _listener(view: View) -> Json | None:
    if not any(i.introspection for i in view.policy.issuers):
        return None
    return ask("/introspect", timeout="3s")


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    issuers = {p.issuer for a in alternatives for p in a if p.kind == "token"}
    if not any(view.issuers[i].introspection for i in issuers if i in view.issuers):
        return None
    return http_filter("ext_authz.v3.ExtAuthzPerRoute", check_settings={"disable_request_body_buffering": True})


FILTER = Filter(NAME, Slot.INTROSPECTION, _listener, route=_route)
