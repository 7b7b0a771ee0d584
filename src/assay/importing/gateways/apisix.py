"""APISIX: a stand-alone `apisix.yaml`, or what its Admin API lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from assay.importing.gateways.catalogue import catalogue
from assay.importing.gateways.foreign import Caller, Foreign, Limit, Proof, Route, Unread, Use, lax_networks
from assay.importing.source import Source, Spot

PLATFORM = "apisix"
_KINDS = ("routes", "services", "upstreams", "consumers", "global_rules", "plugin_configs", "ssls", "consumer_groups")
_PROOFS: Mapping[str, Proof] = {
    "key-auth": "api_key",
    "hmac-auth": "api_key",
    "jwt-auth": "token",
    "jwe-decrypt": "token",
    "openid-connect": "token",
    "basic-auth": "password",
    "ldap-auth": "password",
    "forward-auth": "elsewhere",
    "cas-auth": "elsewhere",
    "authz-casdoor": "elsewhere",
    "multi-auth": "elsewhere",
}
_LOGGERS = ("-logger", "syslog", "opentelemetry", "zipkin")


def recognises(top: Spot) -> bool:
    """Whether a file is APISIX's."""
    routes = next(iter(_listed(top, "routes")), None)
    return routes is not None and any(routes[key] for key in ("uri", "uris")) and not top["_format_version"]


def read(sources: Iterable[Source]) -> Foreign:
    """The configuration in these files."""
    tops = [s.top for s in sources]
    world = _World({kind: [s for top in tops for s in _listed(top, kind)] for kind in _KINDS})
    return Foreign(
        platform=PLATFORM,
        routes=tuple(r for number, spot in enumerate(world.all["routes"]) for r in world.routes(number, spot)),
        callers=tuple(_caller(spot) for spot in world.all["consumers"]),
        unread=tuple(world.unread()),
    )


def _listed(top: Spot, kind: str) -> Iterator[Spot]:
    """Objects of one kind: a list of the file, or `{list: [{key: /apisix/routes/1, value: {…}}]}` of the Admin API."""
    yield from top[kind].each()
    for item in top["list"].each():
        if f"/{kind}/" in item["key"].text():
            yield item["value"]


@dataclass(frozen=True, slots=True)
class _World:
    all: Mapping[str, list[Spot]]

    def _named(self, kind: str, reference: Spot) -> Spot | None:
        wanted = reference.text()
        if not wanted:
            return None
        found = next((s for s in self.all[kind] if s["id"].text() == wanted), None)
        if found is None:
            reference.wrong(f"the id of one of the {kind}; `{wanted}` is not here")
        return found

    def routes(self, number: int, spot: Spot) -> Iterator[Route]:
        if spot["status"].number() == 0:
            return
        service = self._named("services", spot["service_id"])
        plugins: dict[str, Spot] = {n: p for rule in self.all["global_rules"] for n, p in rule["plugins"].items()}
        # What is nearer wins: the service, then a shared set of plugins, then the route itself.
        for holder in (service, self._named("plugin_configs", spot["plugin_config_id"]), spot):
            if holder is not None:
                plugins.update(dict(holder["plugins"].items()))
        name = spot["name"].text() or spot["id"].text() or f"route-{number}"
        hosts = spot["hosts"].texts() or spot["host"].texts() or (service["hosts"].texts() if service else ())
        base = Route(
            id=name,
            api=(service["name"].text() or service["id"].text()) if service else name,
            path="/",
            at=spot.at,
            methods=tuple(m.upper() for m in spot["methods"].texts()),
            hosts=hosts,
            upstream=self._upstream(spot) or (self._upstream(service) if service else ""),
        )
        for certificate in self.all["ssls"]:
            base = replace(base, uses=(*base.uses, *_certificate(certificate, hosts)))
            break
        for plugin, config in plugins.items():
            if not config.down("_meta", "disable").flag():
                base = _with(base, plugin, config)
        for place, path in enumerate(spot["uris"].texts() or spot["uri"].texts() or ("/*",)):
            prefix = path.endswith("*")
            shown = path.removesuffix("*").rstrip("/") or "/"
            yield replace(base, id=name + (f"-{place}" if place else ""), path=shown, prefix=prefix)

    def _upstream(self, holder: Spot) -> str:
        spot = holder["upstream"] if holder["upstream"] else self._named("upstreams", holder["upstream_id"])
        if spot is None or not spot:
            return ""
        scheme = spot["scheme"].text("http")
        nodes = spot["nodes"]
        if isinstance(nodes.value, dict):
            return next((f"{scheme}://{host}" for host, _ in nodes.items()), "")
        return next((f"{scheme}://{n['host'].text()}:{n['port'].text()}" for n in nodes.each() if n["host"]), "")

    def unread(self) -> Iterator[Unread]:
        known = catalogue(PLATFORM)
        for kind, spots in self.all.items():
            for spot in spots:
                for name, config in spot["plugins"].items():
                    if not known.knows(name):
                        yield Unread(f"plugin `{name}` of {kind}", config.at)


def _certificate(spot: Spot, hosts: tuple[str, ...]) -> Iterator[Use]:
    outdated = {"TLSv1", "TLSv1.1"} & set(spot["ssl_protocols"].texts())
    weak = f"{', '.join(sorted(outdated))} is let in" if outdated else "HTTP without TLS may be served beside it"
    yield Use("ssl", spot.at, f"TLS for {', '.join(spot['snis'].texts() or spot['sni'].texts() or hosts)}", weak)
    if spot["client"]:
        yield Use("ssl", spot["client"].at, "client certificates")


def _with(route: Route, name: str, config: Spot) -> Route:
    """The route with what one plugin does to it."""
    use = Use(name, config.at)
    if name in _PROOFS:
        weak = ""
        if (
            name == "openid-connect"
            and config["bearer_only"].flag() is False
            and config["unauth_action"].text() == "pass"
        ):
            weak = "callers who prove nothing are let through (unauth_action: pass)"
        if name == "basic-auth":
            weak = "a password is sent with every call"
        use = replace(use, says=f"callers prove who they are by {name}", weakness=weak)
        proofs = route.proofs if "let through" in weak else (*route.proofs, _PROOFS[name])
        return replace(route, proofs=proofs, uses=(*route.uses, use))
    if name == "consumer-restriction":
        allowed, denied = config["whitelist"].texts(), config["blacklist"].texts()
        weak = "" if allowed else "a list of who may not lets everybody else in"
        says = f"only {', '.join(allowed)}" if allowed else f"not {', '.join(denied)}"
        return replace(route, groups=allowed, uses=(*route.uses, replace(use, says=says, weakness=weak)))
    if name == "limit-count":
        return _counted(route, use, config["count"].number(), config["time_window"].number(), config)
    if name == "limit-req":
        return _counted(route, use, config["rate"].number(), 1, config)
    if name == "limit-conn":
        weak = "it bounds calls at the same time, not calls in a time"
        return replace(route, uses=(*route.uses, replace(use, says="concurrent calls", weakness=weak)))
    if name == "ip-restriction":
        allow, deny = config["whitelist"].texts(), config["blacklist"].texts()
        weak = lax_networks(allow, denied=bool(deny))
        use = replace(use, says=f"{len(allow)} networks allowed, {len(deny)} denied", weakness=weak)
        return replace(route, allow=allow, deny=deny, uses=(*route.uses, use))
    if name in ("ua-restriction", "referer-restriction", "real-ip"):
        use = replace(use, weakness="it bounds what callers say of themselves, not where they call from")
        return replace(route, uses=(*route.uses, use))
    if name == "request-validation":
        weak = "" if config["body_schema"] else "it holds no schema for bodies"
        return replace(route, validated=not weak, uses=(*route.uses, replace(use, says="a schema", weakness=weak)))
    if name == "client-control":
        size = config["max_body_size"].number()
        use = replace(use, says="a bound on bodies", weakness="a bound on the size says nothing of the content")
        return replace(route, body=size, uses=(*route.uses, use))
    if name == "redirect":
        sure = config["http_to_https"].flag()
        return replace(route, uses=(*route.uses, replace(use, says="HTTP is led to HTTPS"))) if sure else route
    return replace(route, uses=(*route.uses, use)) if name in catalogue(PLATFORM).controls else route


def _counted(route: Route, use: Use, count: int | None, seconds: int | None, config: Spot) -> Route:
    if not count or not seconds:
        return replace(route, uses=(*route.uses, replace(use, weakness="no limit could be read from it")))
    key = config["key"].text("remote_addr")
    weak = "each node counts for itself (policy: local)" if config["policy"].text("local") == "local" else ""
    if config["allow_degradation"].flag():
        weak = "calls pass uncounted when counting fails (allow_degradation)"
    limit = Limit(count, seconds, "caller" if key == "consumer_name" else "address" if "addr" in key else "all")
    use = replace(use, says=f"{count} in {seconds} s for each {key}", weakness=weak)
    return replace(route, limit=limit, uses=(*route.uses, use))


def _caller(spot: Spot) -> Caller:
    proofs = tuple(dict.fromkeys(_PROOFS[n] for n, _ in spot["plugins"].items() if n in _PROOFS))
    group = spot["group_id"].text()
    return Caller(spot["username"].text() or "consumer", spot.at, proofs, (group,) if group else ())
