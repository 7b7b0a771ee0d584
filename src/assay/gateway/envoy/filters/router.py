"""The end of the chain: the upstream."""

from __future__ import annotations

from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter

NAME = "envoy.filters.http.router"


def _listener(_view: View) -> Json | None:
    # Counters by status and cluster are looked up by name for each answer, one instruction in forty of a read, and
    # nobody reads them: the access log says more.
    return http_filter("router.v3.Router", suppress_envoy_headers=True, dynamic_stats=False)


FILTER = Filter(NAME, Slot.ROUTER, _listener, off_by_default=False)
