"""What an upstream says when it fails stays inside: its error pages tell attackers about code, queries and versions."""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter, typed

NAME = "envoy.filters.http.custom_response"
_RESPONSE = "envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy"
_STATUS_INPUT = {
    "name": "envoy.matching.inputs.response_status_code",
    "typed_config": typed("envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput"),
}


def _generic() -> Json:
    """An answer of the gateway's own, whose body the listener's replies write as they do for every refusal."""
    return {"action": {"name": "generic", "typed_config": typed(_RESPONSE)}}


def _statuses(view: View, api: str) -> tuple[int, ...]:
    """The statuses to replace; an API that only observes keeps its upstream's pages."""
    mine = (e for e in view.policy.errors if e.api == api and e.mode is ir.Mode.ENFORCE)
    return tuple(sorted({s for e in mine for s in e.statuses}))


def _shared(view: View) -> tuple[int, ...]:
    """The statuses of every API when they are the same for all: then one configuration serves every route."""
    return view.once(__name__, lambda: _of_all(view))


def _of_all(view: View) -> tuple[int, ...]:
    found = {_statuses(view, upstream.api) for upstream in view.policy.upstreams}
    return found.pop() if len(found) == 1 else ()


def _configuration(statuses: tuple[int, ...]) -> Json | None:
    if not statuses:
        return None
    answers = {str(s): _generic() for s in statuses}
    matcher = {"matcher_tree": {"input": _STATUS_INPUT, "exact_match_map": {"map": answers}}}
    return http_filter("custom_response.v3.CustomResponse", custom_response_matcher=matcher)


def _listener(view: View) -> Json | None:
    return http_filter("custom_response.v3.CustomResponse") if view.policy.errors else None


def _everywhere(view: View) -> Json | None:
    return _configuration(_shared(view))


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    return None if _shared(view) else _configuration(_statuses(view, operation.route.api))


FILTER = Filter(NAME, Slot.ERRORS, _listener, _everywhere, _route)
