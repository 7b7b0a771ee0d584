"""The routes: one per operation of a contract, and a refusal for everything else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters import CHAIN, View, keys, limits
from assay.gateway.envoy.listener import ROUTES
from assay.gateway.envoy.prefixes import literal_start
from assay.gateway.envoy.types import (
    CALLER_HEADER,
    CERTIFICATE_HEADER,
    ISSUER_HEADER,
    OBSERVED_LIMIT_HEADER,
    OPERATION_HEADER,
    Json,
    absent,
    header,
    http_filter,
    seconds,
    typed,
    upstream_cluster,
)
from assay.gateway.envoy.variants import Templates, spellings

NOT_IN_CONTRACT = "assay/not-in-contract"
METHOD_NOT_ALLOWED = "assay/method-not-allowed"
RETIRED = "assay/retired"
_ACCESS_OFF: Json = {"assay.access": http_filter("rbac.v3.RBACPerRoute")}
_INTERNAL = (OPERATION_HEADER, CALLER_HEADER, CERTIFICATE_HEADER, ISSUER_HEADER, OBSERVED_LIMIT_HEADER)


def _path(route: ir.Route, *headers: Json) -> Json:
    """A match on the path and on headers. Envoy tries header by header before any expression, so its start comes first.

    Routes are tried one after another: in an API of a hundred operations most of a request's time went there.
    """
    if not route.pattern:
        return {"path": route.public_base + route.template, **({"headers": list(headers)} if headers else {})}
    start = literal_start(route.pattern)
    tried = [*([header(":path", prefix=start)] if start.strip("/") else []), *headers]
    return {"safe_regex": {"regex": route.pattern}, **({"headers": tried} if tried else {})}


def _rewrite(route: ir.Route) -> Json:
    if route.public_base == route.upstream_base:
        return {}
    pattern = {"pattern": {"regex": "^" + re.escape(route.public_base)}, "substitution": route.upstream_base}
    return {"regex_rewrite": pattern}


def _action(view: View, operation: OperationPolicy) -> Json:
    upstream = operation.upstream
    default = 443 if upstream.tls else 80
    authority = upstream.host if upstream.port == default else f"{upstream.host}:{upstream.port}"
    return {
        "cluster": upstream_cluster(upstream.api),
        "timeout": seconds(upstream.timeout_seconds),
        "host_rewrite_literal": authority,
        "rate_limits": limits.on_route(view, operation),
        **_rewrite(operation.route),
    }


def _per_filter(view: View, operation: OperationPolicy, queried: bool) -> Json:
    return {item.name: found for item in CHAIN if (found := item.route(view, operation, queried)) is not None}


def _keys_removed(view: View, operation: OperationPolicy) -> list[str]:
    """API keys end at the gateway, as bearer tokens do: an upstream cannot lose what it never sees."""
    return [h for h in view.key_headers if operation.authentication]


def _route(view: View, operation: OperationPolicy, queried: bool, *only: Json) -> Json:
    matchers = [header(":method", exact=operation.route.method), *only]
    return {
        "name": operation.id,
        "match": _path(operation.route, *matchers),
        "route": _action(view, operation),
        "typed_per_filter_config": _per_filter(view, operation, queried),
        "request_headers_to_remove": [*_INTERNAL, *_keys_removed(view, operation)],
        **_announced(view, operation),
    }


def _announced(view: View, operation: OperationPolicy) -> Json:
    """What answers say about the API's end. On its own routes alone: other APIs of the host do not end with it."""
    piece = view.policy.lifecycles.get(operation.route.api)
    return {"response_headers_to_add": [_told(name, value) for name, value in piece.add]} if piece else {}


def _told(name: str, value: str) -> Json:
    """A header of answers. A service's own links stay beside ours; of everything else there can be only one."""
    action = "APPEND_IF_EXISTS_OR_ADD" if name == "link" else "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": name, "value": value}, "append_action": action}


def _operation(view: View, operation: OperationPolicy) -> list[Json]:
    """One route, or two when only requests that carry something need the inspector: a query string, or a body.

    A body announced by its length is the inspector's to refuse: the size filter lets through what arrives in one
    piece, and refuses only what comes in several.
    """
    if operation.inspection and operation.inspection.query_only:
        bare = header(":path", contains="?", invert=True), absent("content-length")
        return [
            *_keyless(view, operation, False, *bare),
            _route(view, operation, False, *bare),
            _route(view, operation, True),
        ]
    return [*_keyless(view, operation, True), _route(view, operation, True)]


def _keyless(view: View, operation: OperationPolicy, queried: bool, *only: Json) -> list[Json]:
    """A route of its own for calls that bring no API key where one could be: they need no filter that looks for it."""
    if not keys.accepted(operation):
        return []
    bringing_none = [absent(name) for name in view.key_headers]
    route = _route(view, keys.without(operation), queried, *only, *bringing_none)
    route["typed_per_filter_config"][keys.NAME] = keys.OFF
    return [route]


def _refusal(name: str, match: Json, status: int, allow: Iterable[str] = ()) -> Json:
    route: Json = {
        "name": name,
        "match": match,
        "direct_response": {"status": status},
        "typed_per_filter_config": _ACCESS_OFF,
    }
    if allow:
        added = {"header": {"key": "allow", "value": ", ".join(sorted(allow))}}
        route["response_headers_to_add"] = [added]
    return route


def _of_paths(view: View, operations: Iterable[OperationPolicy]) -> list[Json]:
    """Routes grouped by path, each group closed by a refusal of every other method."""
    groups: dict[tuple[int, str, str], list[OperationPolicy]] = defaultdict(list)
    for operation in operations:
        route = operation.route
        groups[(route.order, route.public_base + route.template, route.pattern)].append(operation)
    routes = []
    templates = Templates(group[0].route for group in groups.values())
    for group in groups.values():
        for operation in group:
            routes += _operation(view, operation)
        methods = {o.route.method for o in group}
        first = group[0].route
        routes.append(_refusal(METHOD_NOT_ALLOWED, _path(first), 405, methods))
        if templates.covered(first):
            routes.append(_refusal(NOT_IN_CONTRACT, {"safe_regex": {"regex": spellings(first)}}, 404))
    return routes


def _response_headers(view: View) -> tuple[list[Json], list[str]]:
    """Headers of every answer. Those that differ between APIs sharing a host apply to all of them."""
    add: dict[str, str] = {}
    remove: set[str] = set()
    for piece in view.policy.headers:
        add.update({k.lower(): v for k, v in piece.add})
        remove.update(h.lower() for h in piece.remove)
    tls = view.policy.listener.tls
    if tls and tls.hsts_seconds:
        add["strict-transport-security"] = f"max-age={tls.hsts_seconds}; includeSubDomains"
    return [_told(k, v) for k, v in sorted(add.items())], sorted(remove - set(add))


def _gone(view: View, hosts: Iterable[str]) -> list[Json]:
    """Refusals of what was retired, after everything that is served, so that nothing served is refused by them."""
    found: dict[str, Json] = {}
    wanted = set(hosts)
    for piece in sorted(view.policy.retired, key=lambda p: (p.order, p.api, p.name)):
        if wanted & set(piece.hosts) or "*" in piece.hosts:
            path = piece.public_base + piece.name
            found.setdefault(
                piece.pattern or path,
                {"safe_regex": {"regex": piece.pattern}} if piece.pattern else {"path": path},
            )
    return [_refusal(RETIRED, match, 410) for match in found.values()]


def routes(view: View) -> Json:
    """The route configuration. Hosts share it; a host that no API names gets nothing but refusals."""
    by_hosts: dict[tuple[str, ...], list[OperationPolicy]] = defaultdict(list)
    for operation in view.policy.operations:
        by_hosts[operation.route.hosts].append(operation)
    domains: dict[str, list[OperationPolicy]] = defaultdict(list)
    for hosts, operations in by_hosts.items():
        for host in hosts:
            domains[host] += operations
    shared: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for host, operations in domains.items():
        shared[tuple(o.id for o in operations)].append(host)
    found_hosts: list[Json] = []
    for names in shared.values():
        gone = _gone(view, names)
        body = [*_of_paths(view, domains[names[0]]), *gone, _refusal(NOT_IN_CONTRACT, {"prefix": "/"}, 404)]
        found_hosts.append({"name": names[0], "domains": sorted(names), "routes": body})
    if "*" not in domains:
        body = [*_gone(view, ("*",)), _refusal(NOT_IN_CONTRACT, {"prefix": "/"}, 404)]
        found_hosts.append({"name": "assay.unknown-host", "domains": ["*"], "routes": body})
    add, remove = _response_headers(view)
    everywhere = {item.name: found for item in CHAIN if (found := item.everywhere(view)) is not None}
    return typed(
        "envoy.config.route.v3.RouteConfiguration",
        name=ROUTES,
        virtual_hosts=found_hosts,
        typed_per_filter_config=everywhere,
        response_headers_to_add=add,
        response_headers_to_remove=remove,
        validate_clusters=False,
        max_direct_response_body_size_bytes=4096,
    )


def marked(configuration: Json, version: str) -> Json:
    """The route configuration with the version that the access log will name on every line."""
    mark = {"filter_metadata": {"assay": {"configuration": version}}}
    return {**configuration, "virtual_hosts": [{**host, "metadata": mark} for host in configuration["virtual_hosts"]]}
