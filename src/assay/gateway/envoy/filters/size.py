"""How large a request body may be. An operation without a body takes none."""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter

NAME = "envoy.filters.http.buffer"


def _listener(_view: View) -> Json | None:
    return http_filter("buffer.v3.Buffer", max_request_bytes=1)


def _route(_view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    if operation.size is None:
        return None
    # One byte is the least Envoy can be told; the inspector refuses even that where no body is declared.
    return http_filter("buffer.v3.BufferPerRoute", buffer={"max_request_bytes": max(operation.size.body_bytes, 1)})


FILTER = Filter(NAME, Slot.SIZE, _listener, route=_route)
