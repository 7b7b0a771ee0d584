"""Moves what observing limits noted from a header to metadata: the access log finds it there, no upstream does."""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import OBSERVED_LIMIT_HEADER, OBSERVED_NAMESPACE, Json, http_filter

NAME = "assay.observed"


def _listener(view: View) -> Json | None:
    if not any(limit.mode is ir.Mode.OBSERVE for limit in view.policy.limits):
        return None
    rule = {
        "header": OBSERVED_LIMIT_HEADER,
        "on_header_present": {"metadata_namespace": OBSERVED_NAMESPACE, "key": "limit", "type": "STRING"},
        "remove": True,
    }
    return http_filter("header_to_metadata.v3.Config", request_rules=[rule])


FILTER = Filter(NAME, Slot.RATE_LIMIT_NOTED, _listener, off_by_default=False)
