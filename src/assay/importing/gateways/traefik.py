"""Traefik's dynamic configuration (file provider): routers, services, middlewares and TLS options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from assay.importing.gateways.catalogue import catalogue
from assay.importing.gateways.foreign import Foreign, Limit, Proof, Route, Unread, Use, lax_networks
from assay.importing.source import Source, Spot

PLATFORM = "traefik"
_PROOFS: Mapping[str, Proof] = {
    "basicAuth": "password",
    "digestAuth": "password",
    "forwardAuth": "elsewhere",
    "jwt": "token",
    "oAuthIntrospection": "token",
    "oidc": "token",
    "apiKey": "api_key",
}
_MATCHER = re.compile(r"(!?)([A-Za-z]+)\(([^()]*)\)")
_QUOTED = re.compile(r"[`\"]([^`\"]*)[`\"]")
_DEPTH = 8


def recognises(top: Spot) -> bool:
    """Whether a file is Traefik's dynamic configuration."""
    return bool(top.down("http", "routers")) or bool(top.down("http", "middlewares"))


def read(sources: Iterable[Source]) -> Foreign:
    """The configuration in these files, which Traefik would read as one."""
    tops = [s.top for s in sources]
    world = _World(
        {name: spot for top in tops for name, spot in top.down("http", "middlewares").items()},
        {name: spot for top in tops for name, spot in top.down("http", "services").items()},
        {name: spot for top in tops for name, spot in top.down("tls", "options").items()},
    )
    routers = [(name, spot) for top in tops for name, spot in top.down("http", "routers").items()]
    routes = [route for name, spot in routers for route in world.routes(name, spot)]
    for top in tops:
        log = top["accessLog"]
        if log or log.path in log.source.places:
            routes = [replace(r, uses=(*r.uses, Use("accessLog", log.at, "every call"))) for r in routes]
    return Foreign(
        platform=PLATFORM,
        routes=tuple(routes),
        unread=tuple(world.unread(tops)),
        # The access log and the TLS of an entry point belong to the static configuration.
        unsaid=frozenset({"activity_logging", "transport_encryption"}),
    )


@dataclass(frozen=True, slots=True)
class _World:
    """What routers refer to by name."""

    middlewares: Mapping[str, Spot]
    services: Mapping[str, Spot]
    options: Mapping[str, Spot]

    def routes(self, name: str, router: Spot) -> Iterator[Route]:
        base = Route(
            id=name,
            api=_local(router["service"].text()) or name,
            path="/",
            at=router.at,
            upstream=self._upstream(_local(router["service"].text())),
        )
        base = self._secured(base, router)
        for feature, config in self._chain(router["middlewares"], 0):
            base = _with(base, feature, config)
        rule = router["rule"].text()
        found = [(m[2], _QUOTED.findall(m[3])) for m in _MATCHER.finditer(rule) if not m[1]]
        hosts = tuple(v for kind, values in found if kind == "Host" for v in values)
        methods = tuple(v.upper() for kind, values in found if kind == "Method" for v in values)
        base = replace(base, hosts=hosts, methods=methods)
        paths = [(kind, v) for kind, values in found if kind in ("Path", "PathPrefix", "PathRegexp") for v in values]
        for number, (kind, path) in enumerate(paths or [("PathPrefix", "/")]):
            yield replace(base, id=name + (f"-{number}" if number else ""), path=path, prefix=kind == "PathPrefix")

    def _upstream(self, service: str) -> str:
        servers = self.services[service].down("loadBalancer", "servers") if service in self.services else None
        return next((s["url"].text() for s in servers.each()), "") if servers else ""

    def _secured(self, route: Route, router: Spot) -> Route:
        tls = router["tls"]
        if not tls and tls.path not in tls.source.places:
            return route
        option = self.options.get(_local(tls["options"].text("default")))
        minimum = option["minVersion"].text() if option else ""
        weak = (
            f"`minVersion: {minimum}` lets outdated versions in" if minimum in ("VersionTLS10", "VersionTLS11") else ""
        )
        route = replace(route, uses=(*route.uses, Use("tls", tls.at, f"TLS, {minimum or 'at least 1.2'}", weak)))
        client = option["clientAuth"] if option else None
        if client:
            kind = client["clientAuthType"].text()
            sure = kind == "RequireAndVerifyClientCert"
            weakness = "" if sure else f"`{kind}` lets callers in without a verified certificate"
            proofs: tuple[Proof, ...] = (*route.proofs, "certificate") if sure else route.proofs
            use = Use("clientAuth", client.at, "client certificates", weakness)
            route = replace(route, proofs=proofs, uses=(*route.uses, use))
        return route

    def _chain(self, names: Spot, depth: int) -> Iterator[tuple[str, Spot]]:
        """Features in the order in which they run; chains are followed, circles are not."""
        for name in names.texts():
            spot = self.middlewares.get(_local(name))
            if spot is None:
                names.wrong(f"names of middlewares that exist; `{name}` is not here")
                continue
            for feature, config in spot.items():
                if feature == "chain" and depth < _DEPTH:
                    yield from self._chain(config["middlewares"], depth + 1)
                elif feature == "plugin":
                    yield from config.items()
                else:
                    yield feature, config

    def unread(self, tops: list[Spot]) -> Iterator[Unread]:
        known = catalogue(PLATFORM)
        for spot in self.middlewares.values():
            for feature, config in spot.items():
                if feature == "plugin":
                    yield from (Unread(f"plugin `{n}`", s.at) for n, s in config.items() if not known.knows(n))
                elif not known.knows(feature):
                    yield Unread(f"middleware `{feature}`", config.at)
        for top in tops:
            for part in ("tcp", "udp"):
                if top[part]:
                    yield Unread(f"`{part}` routers", top[part].at)


def _local(name: str) -> str:
    """A name without its provider: ``auth@file`` is ``auth``."""
    return name.partition("@")[0]


def _with(route: Route, feature: str, config: Spot) -> Route:
    """The route with what one middleware does to it."""
    use = Use(feature, config.at)
    if feature in _PROOFS:
        weak = "a password is sent with every call" if feature == "basicAuth" else ""
        use = replace(use, says=f"callers prove who they are by {feature}", weakness=weak)
        return replace(route, proofs=(*route.proofs, _PROOFS[feature]), uses=(*route.uses, use))
    if feature in ("rateLimit", "distributedRateLimit"):
        average = config["average"].number() or config["limit"].number()
        seconds = max(1, round(config["period"].seconds() or 1))
        if not average:
            use = replace(use, weakness="`average` is 0: nothing is limited")
            return replace(route, uses=(*route.uses, use))
        header = config.down("sourceCriterion", "requestHeaderName").text()
        weak = f"callers are told apart by the header `{header}`, which they may change" if header else ""
        limit = Limit(average, seconds, "address")
        use = replace(use, says=f"{average} in {seconds} s for each address", weakness=weak)
        return replace(route, limit=limit, uses=(*route.uses, use))
    if feature == "inFlightReq":
        weak = "it bounds calls at the same time, not calls in a time"
        return replace(route, uses=(*route.uses, replace(use, says="concurrent calls", weakness=weak)))
    if feature in ("ipAllowList", "ipWhiteList"):
        ranges = config["sourceRange"].texts()
        weak = lax_networks(ranges)
        if config.down("ipStrategy", "depth").number() is None and config.down("ipStrategy", "excludedIPs"):
            weak = weak or "the address is taken from X-Forwarded-For without a fixed depth"
        return replace(
            route, allow=ranges, uses=(*route.uses, replace(use, says=f"{len(ranges)} networks", weakness=weak))
        )
    if feature == "buffering":
        size = config["maxRequestBodyBytes"].number()
        use = replace(use, says="a bound on bodies", weakness="a bound on the size says nothing of the content")
        return replace(route, body=size or None, uses=(*route.uses, use))
    if feature == "redirectScheme":
        return replace(route, uses=(*route.uses, replace(use, says=f"to {config['scheme'].text()}")))
    if feature in ("headers", "errors"):
        weak = "headers are set; what bodies carry is not looked at" if feature == "headers" else ""
        return replace(route, uses=(*route.uses, replace(use, weakness=weak)))
    return replace(route, uses=(*route.uses, use)) if feature in catalogue(PLATFORM).controls else route
