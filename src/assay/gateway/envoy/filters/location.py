"""Where an answer points: a service that names itself by its own address inside is given the gateway's paths instead.

Envoy has nothing of its own that rewrites `Location`. The program runs only for answers that carry an absolute address
there, which a matcher finds out; all others pay for that look alone: about two per cent of a read's instructions, where
the program would be nine. A second header to look for costs more again, so `Content-Location` is mended only beside it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json, http_filter, typed

NAME = "assay.location"


@cache
def _program() -> str:
    return (resources.files(__package__) / "location.lua").read_text(encoding="utf-8")


def _names_an_authority() -> Json:
    value = {
        "name": "location",
        "typed_config": typed("envoy.type.matcher.v3.HttpResponseHeaderMatchInput", header_name="location"),
    }
    return {"single_predicate": {"input": value, "value_match": {"contains": "//"}}}


def _listener(view: View) -> Json | None:
    if not view.policy.upstreams:
        return None
    program = http_filter("lua.v3.Lua", default_source_code={"inline_string": _program()})
    skip = {
        "name": "skip",
        "typed_config": typed("envoy.extensions.filters.common.matcher.action.v3.SkipFilter"),
    }
    matcher = {"predicate": {"not_matcher": _names_an_authority()}, "on_match": {"action": skip}}
    return typed(
        "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
        extension_config={"name": NAME, "typed_config": program},
        xds_matcher={"matcher_list": {"matchers": [matcher]}},
    )


def authorities(upstream: ir.Upstream) -> tuple[str, ...]:
    """How a service may write its own authority: always with the port, and without where the scheme implies it."""
    host = upstream.host.lower()
    written = f"[{host}]" if ":" in host and not host.startswith("[") else host
    bare = (written,) if upstream.port in (80, 443) else ()
    return (f"{written}:{upstream.port}", *bare)


def _route(_view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    route = operation.route
    context = {
        "own": " ".join(authorities(operation.upstream)),
        "from": route.upstream_base,
        "to": route.public_base,
    }
    return http_filter("lua.v3.LuaPerRoute", filter_context=context)


FILTER = Filter(NAME, Slot.LOCATION, _listener, route=_route, off_by_default=False)
