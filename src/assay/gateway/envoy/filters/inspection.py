"""What Envoy cannot decide goes to the inspector: bodies, query strings, free text. Nothing else does."""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters import plain
from assay.gateway.envoy.filters.ask import ask, body
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter

NAME = "assay.inspection"


def _listener(view: View) -> Json | None:
    if not any(o.inspection for o in view.policy.operations):
        return None
    unless = {"filter_enabled_metadata": plain.UNMARKED} if plain.nodes(view) else {}
    return ask("/inspect", timeout="5s", with_body=1024 * 1024) | unless


def _route(_view: View, operation: OperationPolicy, queried: bool) -> Json | None:
    inspection = operation.inspection
    if inspection is None or (inspection.query_only and not queried):
        return None
    settings = {"with_request_body": body(inspection.body_bytes)}
    return http_filter("ext_authz.v3.ExtAuthzPerRoute", check_settings=settings)


FILTER = Filter(NAME, Slot.INSPECTION, _listener, route=_route)
