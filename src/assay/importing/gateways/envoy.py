"""Envoy's own static configuration: listeners, filter chains, routes and what is switched off for some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from assay.domain import Location
from assay.importing.gateways.catalogue import catalogue
from assay.importing.gateways.foreign import Foreign, Limit, Proof, Route, Unread, Use
from assay.importing.source import Source, Spot

PLATFORM = "envoy"
_PROOFS: Mapping[str, Proof] = {
    "envoy.filters.http.jwt_authn": "token",
    "envoy.filters.http.oauth2": "token",
    "envoy.filters.http.basic_auth": "password",
    "envoy.filters.http.api_key_auth": "api_key",
    "envoy.filters.http.ext_authz": "elsewhere",
}
_ALIASES = {"HttpConnectionManager": "envoy.filters.network.http_connection_manager"}
_OUTDATED = ("TLSv1_0", "TLSv1_1")


def recognises(top: Spot) -> bool:
    """Whether a file is Envoy's."""
    return bool(top["static_resources"]) or bool(top["dynamic_resources"])


def read(sources: Iterable[Source]) -> Foreign:
    """The listeners and routes in these files."""
    tops = [s.top for s in sources]
    clusters = {c["name"].text(): c for top in tops for c in top.down("static_resources", "clusters").each()}
    unread = [
        Unread("`dynamic_resources`: what a control plane sends is not in the file", top["dynamic_resources"].at)
        for top in tops
        if top["dynamic_resources"]
    ]
    routes: list[Route] = []
    for top in tops:
        for listener in top.down("static_resources", "listeners").each():
            for chain in listener["filter_chains"].each():
                routes += _Chain(listener, chain, clusters, unread).routes()
    return Foreign(platform=PLATFORM, routes=tuple(routes), unread=tuple(unread))


@dataclass(frozen=True, slots=True)
class _Chain:
    listener: Spot
    chain: Spot
    clusters: Mapping[str, Spot]
    unread: list[Unread]

    def routes(self) -> Iterator[Route]:
        for filter_ in self.chain["filters"].each():
            manager = filter_["typed_config"]
            name = filter_["name"].text()
            if "http_connection_manager" in name or "HttpConnectionManager" in manager["@type"].text():
                yield from self._served(manager)
            elif "rbac" not in name:
                self.unread.append(Unread(f"network filter `{name}`", filter_.at))

    def _served(self, manager: Spot) -> Iterator[Route]:
        filters = [(f["name"].text(), f) for f in manager["http_filters"].each()]
        for name, spot in filters:
            if not catalogue(PLATFORM).knows(_canonical(name, spot)):
                self.unread.append(Unread(f"HTTP filter `{name}`", spot.at))
        if manager["rds"]:
            self.unread.append(Unread("`rds`: routes that come from elsewhere", manager["rds"].at))
        around = tuple(self._around(manager))
        proofs: tuple[Proof, ...] = (
            ("certificate",)
            if any(u.feature == "require_client_certificate" and not u.weakness for u in around)
            else ()
        )
        for host in manager.down("route_config", "virtual_hosts").each():
            for number, spot in enumerate(host["routes"].each()):
                yield self._route(host, spot, number, filters, replace(_EMPTY, uses=around, proofs=proofs))

    def _around(self, manager: Spot) -> Iterator[Use]:
        tls = self.chain.down("transport_socket", "typed_config")
        if tls:
            common = tls["common_tls_context"]
            minimum = common.down("tls_params", "tls_minimum_protocol_version").text()
            weak = f"{minimum} lets outdated versions in" if minimum in _OUTDATED else ""
            yield Use("tls", tls.at, f"TLS, {minimum or 'at least TLSv1_2'}", weak)
            context = common["validation_context"] or common["combined_validation_context"]
            if tls["require_client_certificate"].flag():
                weakness = "" if context else "any certificate will do: nothing says who signs them"
                yield Use("require_client_certificate", tls["require_client_certificate"].at, "mutual TLS", weakness)
        for filter_ in self.chain["filters"].each():
            if "network.rbac" in filter_["name"].text():
                yield Use("envoy.filters.network.rbac", filter_.at, "networks")
        for log in manager["access_log"].each():
            weak = "only some calls are written (`filter`)" if log["filter"] else ""
            yield Use("access_log", log.at, "every call", weak)

    def _route(self, host: Spot, spot: Spot, number: int, filters: list[tuple[str, Spot]], base: Route) -> Route:
        match = spot["match"]
        kind = next((k for k in ("path", "prefix", "path_separated_prefix", "safe_regex") if match[k]), "prefix")
        path = match["safe_regex"]["regex"].text() if kind == "safe_regex" else match[kind].text("/")
        methods = tuple(
            h.down("string_match", "exact").text() or h["exact_match"].text()
            for h in match["headers"].each()
            if h["name"].text() == ":method"
        )
        cluster = spot.down("route", "cluster").text()
        route = replace(
            base,
            id=spot["name"].text() or f"{host['name'].text() or 'host'}-{number}",
            api=host["name"].text() or "api",
            path=path,
            prefix=kind in ("prefix", "path_separated_prefix"),
            at=spot.at,
            methods=tuple(m for m in methods if m),
            hosts=tuple(d for d in host["domains"].texts() if d != "*"),
            upstream=_address(self.clusters.get(cluster)),
        )
        for name, filter_ in filters:
            override = spot["typed_per_filter_config"][name] or host["typed_per_filter_config"][name]
            route = _with(route, _canonical(name, filter_), filter_, override)
        return route


_EMPTY = Route(id="", api="", path="/", at=Location(""))


def _canonical(name: str, spot: Spot) -> str:
    """The registered name of a filter: names are free since types decide, and mostly kept."""
    if catalogue(PLATFORM).knows(name):
        return name
    kind = spot.down("typed_config", "@type").text().rpartition("/")[2]
    package = kind.removeprefix("envoy.extensions.filters.http.").partition(".")[0] if "filters.http." in kind else ""
    return f"envoy.filters.http.{package}" if package else name


def _address(cluster: Spot | None) -> str:
    if cluster is None:
        return ""
    scheme = "https" if cluster["transport_socket"] else "http"
    for group in cluster.down("load_assignment", "endpoints").each():
        for endpoint in group["lb_endpoints"].each():
            address = endpoint.down("endpoint", "address", "socket_address")
            if address["address"]:
                return f"{scheme}://{address['address'].text()}:{address['port_value'].text()}"
    return ""


def _with(route: Route, name: str, spot: Spot, override: Spot) -> Route:
    """The route with what one filter does to it, unless it is switched off there."""
    if name not in catalogue(PLATFORM).controls or (spot["disabled"].flag() and not override):
        return route
    config = spot["typed_config"]
    if override["disabled"].flag():
        weak = "it is switched off for this route"
        return replace(route, uses=(*route.uses, Use(name, override.at, "", weak)))
    use = Use(name, (override or spot).at)
    if name == "envoy.filters.http.jwt_authn":
        return _tokens(route, use, config)
    if name in _PROOFS:
        weak = "calls pass while the service that decides is down (failure_mode_allow)"
        weak = weak if config["failure_mode_allow"].flag() else ""
        return replace(route, proofs=(*route.proofs, _PROOFS[name]), uses=(*route.uses, replace(use, weakness=weak)))
    if name == "envoy.filters.http.rbac":
        rules = override.down("rbac", "rules") or config["rules"]
        weak = "" if rules else "its rules only watch (shadow_rules)" if config["shadow_rules"] else "it has no rules"
        return replace(route, uses=(*route.uses, replace(use, says="rules", weakness=weak)))
    if name == "envoy.filters.http.local_ratelimit":
        return _limited(route, use, override or config)
    if name == "envoy.filters.http.ratelimit":
        weak = "" if config["failure_mode_deny"].flag() else "calls pass while the limiter is down (failure_mode_deny)"
        return replace(route, uses=(*route.uses, replace(use, says="a limiter elsewhere", weakness=weak)))
    if name == "envoy.filters.http.buffer":
        size = (override.down("buffer", "max_request_bytes") or config["max_request_bytes"]).number()
        use = replace(use, says="a bound on bodies", weakness="a bound on the size says nothing of the content")
        return replace(route, body=size, uses=(*route.uses, use))
    if name in ("envoy.filters.http.ext_proc", "envoy.filters.http.wasm"):
        return replace(route, uses=(*route.uses, replace(use, weakness="what it does is not in this configuration")))
    return replace(route, uses=(*route.uses, use))


def _tokens(route: Route, use: Use, config: Spot) -> Route:
    """Whether a rule of the token filter asks for a token on this path."""
    for rule in config["rules"].each():
        match = rule["match"]
        exact, prefix = match["path"].text(), match["prefix"].text()
        if (exact and exact == route.path) or (prefix and route.path.startswith(prefix)):
            requires = rule["requires"] or rule["requirement_name"]
            if not requires:
                break
            lax = requires["allow_missing"] or requires["allow_missing_or_failed"]
            alternatives = list(requires.down("requires_any", "requirements").each())
            lax = lax or next((a for a in alternatives if a["allow_missing"] or a["allow_missing_or_failed"]), lax)
            weak = "a call without a token passes (allow_missing)" if lax else _loose(config)
            proofs = route.proofs if lax else (*route.proofs, _PROOFS["envoy.filters.http.jwt_authn"])
            return replace(route, proofs=proofs, uses=(*route.uses, replace(use, at=rule.at, weakness=weak)))
    return replace(route, uses=(*route.uses, replace(use, weakness="no rule of it asks for a token on this path")))


def _loose(config: Spot) -> str:
    providers = [p for _, p in config["providers"].items()]
    if providers and not all(p["audiences"] for p in providers):
        return "tokens for any audience are taken (`audiences`)"
    if providers and not all(p["issuer"] for p in providers):
        return "tokens of any issuer are taken (`issuer`)"
    return ""


def _limited(route: Route, use: Use, config: Spot) -> Route:
    bucket = config["token_bucket"]
    count, span = bucket["tokens_per_fill"].number() or bucket["max_tokens"].number(), bucket["fill_interval"].seconds()
    enforced = config.down("filter_enforced", "default_value", "numerator").number()
    if not count or not span:
        return replace(route, uses=(*route.uses, replace(use, weakness="no bucket could be read from it")))
    weak = "" if config["descriptors"] else "all callers share one bucket"
    if not enforced:
        weak = "it counts and refuses nothing (`filter_enforced` is not set)"
    seconds = max(1, round(span))
    use = replace(use, says=f"{count} in {seconds} s", weakness=weak)
    return replace(route, limit=Limit(count, seconds, "all"), uses=(*route.uses, use))
