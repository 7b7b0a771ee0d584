"""Kong's declarative configuration: services, routes, consumers, and plugins that hold for any of them or for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from assay.importing.gateways.catalogue import catalogue
from assay.importing.gateways.foreign import Caller, Foreign, Limit, Proof, Route, Unread, Use, lax_networks
from assay.importing.source import Source, Spot

PLATFORM = "kong"
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 365 * 86400}
_PROOFS: dict[str, Proof] = {
    "key-auth": "api_key",
    "key-auth-enc": "api_key",
    "jwt": "token",
    "jwt-signer": "token",
    "oauth2": "token",
    "oauth2-introspection": "token",
    "openid-connect": "token",
    "basic-auth": "password",
    "ldap-auth": "password",
    "ldap-auth-advanced": "password",
    "hmac-auth": "api_key",
    "mtls-auth": "certificate",
    "header-cert-auth": "certificate",
    "saml": "elsewhere",
    "session": "elsewhere",
}
_CREDENTIALS: dict[str, Proof] = {
    "keyauth_credentials": "api_key",
    "basicauth_credentials": "password",
    "hmacauth_credentials": "api_key",
    "jwt_secrets": "token",
    "oauth2_credentials": "token",
    "mtls_auth_credentials": "certificate",
}


def recognises(top: Spot) -> bool:
    """Whether a file is Kong's."""
    return bool(top["_format_version"]) or bool(top["_transform"])


def read(sources: Iterable[Source]) -> Foreign:
    """The configuration in these files, which Kong would read as one."""
    tops = [s.top for s in sources]
    plugins = [_Plugin.of(p) for top in tops for p in top["plugins"].each()]
    routes: list[Route] = []
    for top in tops:
        by_name: dict[str, Spot] = {}
        for service in top["services"].each():
            by_name.update(dict.fromkeys(_names(service), service))
            own = [_Plugin.of(p) for p in service["plugins"].each()]
            for number, route in enumerate(service["routes"].each()):
                routes += _routes(route, service, number, [*plugins, *own])
        for number, route in enumerate(top["routes"].each()):
            service = by_name.get(_reference(route["service"]), Spot(route.source, (), None))
            own = [_Plugin.of(p) for p in service["plugins"].each()]
            routes += _routes(route, service, number, [*plugins, *own])
    known = catalogue(PLATFORM)
    nested = (p for top in tops for p in _every_plugin(top))
    unread = tuple(Unread(f"plugin `{p.name}`", p.spot.at) for p in nested if not known.knows(p.name))
    return Foreign(
        platform=PLATFORM,
        routes=tuple(routes),
        callers=tuple(_caller(c) for top in tops for c in top["consumers"].each()),
        unread=unread,
    )


@dataclass(frozen=True, slots=True)
class _Plugin:
    """A plugin, and the service, route and consumer (or group of them) that it is limited to, by name or id.

    Empty: all.
    """

    spot: Spot
    name: str
    service: str
    route: str
    consumer: str

    @classmethod
    def of(cls, spot: Spot) -> _Plugin:
        service, route, consumer, group = (
            _reference(spot[k]) for k in ("service", "route", "consumer", "consumer_group")
        )
        return cls(spot, spot["name"].text(), service, route, consumer or group)

    @property
    def on(self) -> bool:
        return self.spot["enabled"].flag(default=True)

    def holds_for(self, service: tuple[str, ...], route: tuple[str, ...]) -> bool:
        return self.on and self.service in ("", *service) and self.route in ("", *route)


def _reference(spot: Spot) -> str:
    """What another entity is called where it is referred to; what is not understood refers to nothing that is known."""
    if not spot:
        return ""
    found = spot["name"].text() or spot["id"].text() if isinstance(spot.value, dict) else spot.text()
    return found or "?"


def _names(spot: Spot) -> tuple[str, ...]:
    return tuple(name for key in ("name", "id") if (name := spot[key].text()))


def _every_plugin(top: Spot) -> Iterator[_Plugin]:
    holders = [top, *top["services"].each(), *top["routes"].each(), *top["consumers"].each()]
    holders += [r for s in top["services"].each() for r in s["routes"].each()]
    for holder in holders:
        yield from (_Plugin.of(p) for p in holder["plugins"].each())


def _routes(route: Spot, service: Spot, number: int, around: list[_Plugin]) -> Iterator[Route]:
    name, service_name = route["name"].text(), service["name"].text()
    plugins = _effective(
        [p for p in around if p.holds_for(_names(service), _names(route))],
        [p for s in route["plugins"].each() if (p := _Plugin.of(s)).on],
    )
    base = Route(
        id=name or f"{service_name or 'route'}-{number}",
        api=service_name or name or f"route-{number}",
        path="/",
        at=route.at,
        methods=tuple(m.upper() for m in route["methods"].texts()),
        hosts=route["hosts"].texts(),
        upstream=_upstream(service),
    )
    for plugin in plugins:
        base = _with(base, plugin)
    protocols = route["protocols"].texts() or ("http", "https")
    if "http" in protocols:
        weakness = "" if "https" not in protocols else "HTTP without TLS is served too"
        if weakness:
            base = replace(base, uses=(*base.uses, Use("protocols", route["protocols"].at, "HTTPS and HTTP", weakness)))
    else:
        base = replace(base, uses=(*base.uses, Use("protocols", route["protocols"].at, "HTTPS only")))
    for place, path in enumerate(route["paths"].texts() or ("/",)):
        yield replace(
            base,
            id=base.id + (f"-{place}" if place else ""),
            path=path.removeprefix("~").removesuffix("$"),
            prefix=not path.startswith("~"),
        )


def _effective(around: list[_Plugin], own: list[_Plugin]) -> list[_Plugin]:
    """Of several instances of a plugin the most specific one runs: route before service before global."""
    found: dict[str, _Plugin] = {}
    for plugin in sorted(around, key=lambda p: bool(p.service) + 2 * bool(p.route)):
        if not plugin.consumer:
            found[plugin.name] = plugin
    for plugin in own:
        if not plugin.consumer:
            found[plugin.name] = plugin
    return list(found.values())


def _with(route: Route, plugin: _Plugin) -> Route:
    """The route with what one plugin does to it."""
    config, name = plugin.spot["config"], plugin.name
    use = Use(name, plugin.spot.at)
    if name in _PROOFS:
        anonymous = config["anonymous"].text()
        use = replace(use, says=f"callers prove who they are by {name}", weakness=_weak_proof(name, config))
        proofs = route.proofs if anonymous else (*route.proofs, _PROOFS[name])
        return replace(route, proofs=proofs, uses=(*route.uses, use))
    if name == "acl":
        allowed, denied = config["allow"].texts(), config["deny"].texts()
        says = f"only {', '.join(allowed)}" if allowed else f"not {', '.join(denied)}"
        weak = "" if allowed else "a list of who may not lets everybody else in"
        return replace(route, groups=allowed, uses=(*route.uses, replace(use, says=says, weakness=weak)))
    if name in ("rate-limiting", "rate-limiting-advanced"):
        limit = _limit(config)
        says = f"{limit.count} in {limit.seconds} s for each {limit.per}" if limit else ""
        weak = "" if limit else "no limit could be read from it"
        if config["policy"].text("local") == "local" and limit:
            weak = "each node counts for itself (policy: local)"
        if config["fault_tolerant"].flag(default=True) and config["policy"].text() == "redis":
            weak = "calls pass uncounted while the counter's store is down (fault_tolerant)"
        return replace(route, limit=limit, uses=(*route.uses, replace(use, says=says, weakness=weak)))
    if name == "ip-restriction":
        allow, deny = config["allow"].texts(), config["deny"].texts()
        weak = lax_networks(allow, denied=bool(deny))
        says = f"{len(allow)} networks allowed, {len(deny)} denied"
        return replace(route, allow=allow, deny=deny, uses=(*route.uses, replace(use, says=says, weakness=weak)))
    if name == "request-size-limiting":
        unit = {"bytes": 1, "kilobytes": 1024, "megabytes": 1024**2}.get(config["size_unit"].text("megabytes"), 1024**2)
        size = (config["allowed_payload_size"].number() or 128) * unit
        use = replace(
            use, says=f"bodies up to {size} bytes", weakness="a bound on the size says nothing of the content"
        )
        return replace(route, body=size, uses=(*route.uses, use))
    if name in ("request-validator", "oas-validation"):
        weak = "" if config["body_schema"] or config["api_spec"] else "it holds no schema for bodies"
        return replace(route, validated=not weak, uses=(*route.uses, replace(use, says="a schema", weakness=weak)))
    if name == "bot-detection":
        use = replace(use, weakness="a caller's name for itself (User-Agent) is no network")
    return replace(route, uses=(*route.uses, use)) if name in catalogue(PLATFORM).controls else route


def _weak_proof(name: str, config: Spot) -> str:
    if config["anonymous"].text():
        return "callers without a credential are let in as an anonymous consumer"
    if name in ("key-auth", "key-auth-enc") and config["key_in_query"].flag(default=True):
        return "keys are accepted in the URL, where logs keep them (key_in_query)"
    if name == "jwt" and "exp" not in config["claims_to_verify"].texts():
        return "tokens never expire: `claims_to_verify` does not name exp"
    if name == "basic-auth":
        return "a password is sent with every call"
    return ""


def _limit(config: Spot) -> Limit | None:
    """The tightest window that is configured."""
    per = {"consumer": "caller", "credential": "caller", "ip": "address"}.get(
        config["limit_by"].text("consumer"), "all"
    )
    windows = [(n, s) for unit, s in _SECONDS.items() if (n := config[unit].number())]
    if not windows and config["limit"]:
        counts = [s.number() for s in config["limit"].each()]
        sizes = [s.number() for s in config["window_size"].each()]
        windows = [(n, s) for n, s in zip(counts, sizes, strict=False) if n and s]
    if not windows:
        return None
    count, seconds = min(windows, key=lambda w: w[0] / w[1])
    return Limit(count, seconds, per)  # type: ignore[arg-type]  # the three values of the mapping above


def _upstream(service: Spot) -> str:
    if url := service["url"].text():
        return url
    host = service["host"].text()
    if not host:
        return ""
    protocol = service["protocol"].text("http")
    port = service["port"].number() or (443 if protocol == "https" else 80)
    return f"{protocol}://{host}:{port}{service['path'].text()}"


def _caller(spot: Spot) -> Caller:
    limits = [_limit(p["config"]) for p in spot["plugins"].each() if p["name"].text().startswith("rate-limiting")]
    return Caller(
        id=spot["username"].text() or spot["custom_id"].text() or "consumer",
        at=spot.at,
        proofs=tuple(dict.fromkeys(proof for key, proof in _CREDENTIALS.items() if spot[key])),
        groups=tuple(g["group"].text() for g in spot["acls"].each()),
        limit=next((x for x in limits if x), None),
    )
