"""nginx: servers and locations. Files are read by crossplane, which is nginx's own reader for Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assay.domain import Location, UsageError
from assay.importing.gateways.foreign import Foreign, Limit, Proof, Route, Unread, Use, lax_networks

PLATFORM = "nginx"
_RATE = re.compile(r"rate=([0-9]{1,9})r/([sm])")
_SIZE = re.compile(r"([0-9]{1,12})([kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_OUTDATED = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
_DEPTH, _FILES = 16, 200
_MANY = ("allow", "deny", "limit_req", "limit_conn", "proxy_hide_header", "access_log")
"""Directives that stand several times; a level that has one of them takes none of the level above."""
_ONE = (
    "auth_basic", "auth_request", "auth_jwt", "auth_jwt_require", "auth_require", "auth_oidc", "ssl_verify_client",
    "ssl_protocols", "modsecurity", "app_protect_enable", "client_max_body_size", "proxy_intercept_errors",
    "sub_filter", "proxy_pass", "satisfy", "limit_req_dry_run",
)  # fmt: skip
_LOOKED_AT = {*_MANY, *_ONE, "limit_except", "location", "if"}


@dataclass(frozen=True, slots=True)
class _Directive:
    name: str
    args: tuple[str, ...]
    at: Location
    block: tuple[_Directive, ...] | None = None

    def below(self, name: str) -> Iterator[_Directive]:
        return (d for d in self.block or () if d.name == name)


_PASSING = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass")

Level = dict[str, list[_Directive]]


@dataclass(slots=True)
class _Reading:
    """Reads a file and what it includes, below its own directory only."""

    root: Path
    shown: str
    unread: list[Unread] = field(default_factory=list)
    files: int = 0

    def file(self, path: Path, depth: int) -> tuple[_Directive, ...]:
        # Only here: every `assay check` loads this module, and few read an nginx configuration.
        import crossplane
        from crossplane.errors import NgxParserBaseException

        self.files += 1
        name = str(Path(self.shown).parent / path.relative_to(self.root))
        try:
            read = crossplane.parse(str(path), single=True, catch_errors=False, check_ctx=False, check_args=False)
            last, line = _last(crossplane.lex(str(path)), path.read_text(encoding="utf-8", errors="replace"))
        except NgxParserBaseException as error:
            raise _unread(str(error.strerror or error), Location(name, error.lineno or 1)) from None
        except (OSError, UnicodeDecodeError, RecursionError, ValueError, TypeError, IndexError) as error:
            raise UsageError(f"`{path}` is no nginx configuration", fix="test it with `nginx -t`") from error
        # What stops the reader in mid-file is noted by it and not raised; what ends in mid-word, it leaves out.
        why = next((str(e["error"]).partition(" in ")[0] for e in read["errors"]), "")
        if why or read["errors"] or last not in ("", ";", "}"):
            at = next((e["line"] for e in read["errors"] if e["line"]), line)
            raise _unread(why or "the file ends in the middle of a directive", Location(name, at))
        return tuple(self._directives(read["config"][0]["parsed"], name, depth))

    def _directives(self, parsed: Sequence[Mapping[str, Any]], name: str, depth: int) -> Iterator[_Directive]:
        for raw in parsed:
            at = Location(name, raw["line"])
            if raw["directive"] == "include":
                yield from self._included(raw["args"], at, depth)
                continue
            block = raw.get("block")
            below = None if block is None else tuple(self._directives(block, name, depth))
            yield _Directive(raw["directive"], tuple(raw["args"]), at, below)

    def _included(self, args: Sequence[str], at: Location, depth: int) -> Iterator[_Directive]:
        pattern = args[0] if args else ""
        inside = not Path(pattern).is_absolute() and ".." not in Path(pattern).parts
        found = sorted(self.root.glob(pattern)) if inside and pattern else []
        if not found or depth >= _DEPTH:
            self.unread.append(Unread(f"`include {pattern}`: not below the file's own directory, or not there", at))
        for path in found:
            if path.is_file() and self.files < _FILES and path.resolve().is_relative_to(self.root.resolve()):
                yield from self.file(path, depth + 1)


def _unread(why: str, at: Location) -> UsageError:
    return UsageError(f"nginx would not read this: {why}", fix="test it with `nginx -t`", location=at)


def _last(tokens: Iterable[tuple[str, int, bool]], text: str) -> tuple[str, int]:
    """The last token that is no comment, and its line; an empty one when there is none.

    The reader does not say the very last word when no line ends after it, so that is looked for in the text.
    """
    last = "", 1
    for token, line, quoted in tokens:
        if quoted or not token.startswith("#"):
            last = ('"' if quoted else token), line
    lines = text.rstrip().splitlines() or [""]
    if "#" not in lines[-1] and not lines[-1].endswith((";", "}")):
        last = lines[-1], len(lines)
    return last


def read(path: Path, shown: str) -> Foreign:
    """The configuration that starts in this file.

    Args:
        shown: how places in the file are named.

    Raises:
        UsageError: nginx would not read it.
    """
    reading = _Reading(path.parent, shown)
    top = reading.file(path, 0)
    http = [d for block in top if block.name == "http" for d in block.block or ()] or list(top)
    zones = {z: d for d in http if d.name == "limit_req_zone" for a in d.args if (z := _zone(a))}
    world = _World(zones, {d.args[0]: d for d in http if d.name == "upstream" and d.args})
    around = _level({}, http)
    routes = [r for d in http if d.name == "server" for r in world.server(d, around)]
    return Foreign(platform=PLATFORM, routes=tuple(routes), unread=tuple(reading.unread))


def recognises(text: str) -> bool:
    """Whether a text is nginx's: it has a block that serves."""
    return bool(re.search(r"^\s*(server|http|location[^{};]*|events)\s*\{", text, re.MULTILINE))


def _zone(argument: str) -> str:
    return argument.removeprefix("zone=").partition(":")[0] if argument.startswith("zone=") else ""


def _level(above: Level, directives: Sequence[_Directive]) -> Level:
    """What holds at a level: its own directives, and of the level above those that it does not repeat."""
    own: Level = {}
    for directive in directives:
        if directive.name in _LOOKED_AT:
            own.setdefault(directive.name, []).append(directive)
    if "allow" in own or "deny" in own:
        own.setdefault("allow", [])
        own.setdefault("deny", [])
    return {**{n: d for n, d in above.items() if n in _MANY or n in _ONE}, **own}


@dataclass(frozen=True, slots=True)
class _World:
    zones: Mapping[str, _Directive]
    upstreams: Mapping[str, _Directive]

    def server(self, server: _Directive, above: Level) -> Iterator[Route]:
        names = tuple(n for d in server.below("server_name") for n in d.args if n not in ("_", ""))
        name = names[0] if names else f"server-{server.at.line}"
        around = _level(above, server.block or ())
        listens = list(server.below("listen"))
        secure = [d for d in listens if "ssl" in d.args or "quic" in d.args]
        plain = [d for d in listens if d not in secure]
        transport = _transport(around, secure, plain)
        yield from self._locations(server, around, name, names, transport)

    def _locations(
        self, holder: _Directive, around: Level, api: str, hosts: tuple[str, ...], transport: tuple[Use, ...]
    ) -> Iterator[Route]:
        for location in holder.below("location"):
            level = _level(around, location.block or ())
            modifier = location.args[0] if len(location.args) > 1 else ""
            path = location.args[-1] if location.args else "/"
            # A location that serves files or answers by itself is no API behind a gateway.
            if any(d.name in _PASSING for d in location.block or ()):
                base = Route(
                    id=f"{api} {path}",
                    api=api,
                    path=path,
                    prefix=modifier in ("", "^~"),
                    at=location.at,
                    hosts=hosts,
                    upstream=self._upstream(location),
                    uses=transport,
                )
                yield self._with(base, level)
            yield from self._locations(location, level, api, hosts, transport)

    def _upstream(self, location: _Directive) -> str:
        for directive in location.below("proxy_pass"):
            scheme, _, rest = (directive.args[0] if directive.args else "").partition("://")
            host, slash, path = rest.partition("/")
            group = self.upstreams.get(host)
            servers = [d.args[0] for d in group.below("server") if d.args] if group else []
            found = f"{scheme}://{servers[0] if servers else host}{slash}{path}"
            return found if scheme in ("http", "https") and "$" not in found else ""
        return ""

    def _with(self, route: Route, level: Level) -> Route:
        uses, proofs = list(route.uses), list(route.proofs)
        lax = next((d for d in level.get("satisfy", ()) if d.args == ("any",)), None)
        either = "" if lax is None or not level.get("allow") else "an allowed address is enough (satisfy any)"
        for name, proof in _PROOFS.items():
            for directive in level.get(name, ()):
                if directive.args in (("off",), ("optional",), ("optional_no_ca",)):
                    if directive.args != ("off",):
                        uses.append(Use(name, directive.at, "", "a certificate is asked for and not demanded"))
                    continue
                weak = "a password is sent with every call" if name == "auth_basic" else either
                uses.append(Use(name, directive.at, f"callers prove who they are by {name}", weak))
                proofs += [] if either else [proof]
        uses += [Use(n, d.at) for n in ("auth_jwt_require", "auth_require", "limit_except") for d in level.get(n, ())]
        route = replace(route, proofs=tuple(proofs), uses=tuple(uses))
        return _logged(_bounded(self._limited(_networks(route, level), level), level), level)

    def _limited(self, route: Route, level: Level) -> Route:
        dry = any(d.args == ("on",) for d in level.get("limit_req_dry_run", ()))
        for directive in level.get("limit_req", ()):
            zone = self.zones.get(next((z for a in directive.args if (z := _zone(a))), ""))
            rate = next((m for a in zone.args if (m := _RATE.fullmatch(a))), None) if zone else None
            if zone is None or rate is None:
                use = Use("limit_req", directive.at, "", "its zone is not in the configuration")
                route = replace(route, uses=(*route.uses, use))
                continue
            key = zone.args[0]
            per = "address" if "remote_addr" in key else "caller" if "http_" in key or "jwt" in key else "all"
            limit = Limit(int(rate[1]), 1 if rate[2] == "s" else 60, per)  # type: ignore[arg-type]
            weak = "it only counts (limit_req_dry_run)" if dry else ""
            if "http_" in key:
                weak = weak or f"callers are told apart by {key}, which they may change"
            use = Use("limit_req", directive.at, f"{rate[1]} in {limit.seconds} s for each {key}", weak)
            route = replace(route, limit=limit, uses=(*route.uses, use))
        for directive in level.get("limit_conn", ()):
            weak = "it bounds connections at the same time, not calls in a time"
            route = replace(route, uses=(*route.uses, Use("limit_conn", directive.at, "", weak)))
        return route


_PROOFS: Mapping[str, Proof] = {
    "auth_basic": "password",
    "auth_request": "elsewhere",
    "auth_jwt": "token",
    "auth_oidc": "token",
    "ssl_verify_client": "certificate",
}


def _transport(level: Level, secure: list[_Directive], plain: list[_Directive]) -> tuple[Use, ...]:
    if not secure:
        return ()
    protocols = next(iter(level.get("ssl_protocols", ())), None)
    outdated = [v for v in (protocols.args if protocols else ()) if v in _OUTDATED]
    weak = f"{', '.join(outdated)} let in" if outdated else ""
    if plain:
        weak = weak or f"line {plain[0].at.line} serves it without TLS too"
    at = protocols.at if protocols and outdated else secure[0].at
    return (Use("ssl", at, f"TLS: {', '.join(protocols.args) if protocols else 'the defaults of nginx'}", weak),)


def _networks(route: Route, level: Level) -> Route:
    allow = tuple(d.args[0] for d in level.get("allow", ()) if d.args)
    deny = tuple(d.args[0] for d in level.get("deny", ()) if d.args)
    if not (allow or deny):
        return route
    at = (level.get("allow") or level["deny"])[0].at
    open_ = "all" in allow or "all" not in deny
    weak = "everybody else is let in: there is no `deny all`" if open_ else lax_networks(allow)
    use = Use("allow" if allow else "deny", at, f"{len(allow)} networks allowed, {len(deny)} denied", weak)
    kept = tuple(a for a in allow if a not in ("all", "unix:"))
    return replace(route, allow=kept, deny=tuple(d for d in deny if d not in ("all", "unix:")), uses=(*route.uses, use))


def _bounded(route: Route, level: Level) -> Route:
    for name in ("modsecurity", "app_protect_enable"):
        for directive in level.get(name, ()):
            if directive.args == ("on",):
                route = replace(route, uses=(*route.uses, Use(name, directive.at, "a web application firewall")))
    for directive in level.get("client_max_body_size", ()):
        size = _SIZE.fullmatch(directive.args[0]) if directive.args else None
        if size is None:
            continue
        weak = "a bound on the size says nothing of the content" if int(size[1]) else "0 means no bound at all"
        use = Use("client_max_body_size", directive.at, f"bodies up to {directive.args[0]}", weak)
        route = replace(route, body=int(size[1]) * _UNITS[size[2].lower()] or None, uses=(*route.uses, use))
    return route


def _logged(route: Route, level: Level) -> Route:
    for name in ("proxy_hide_header", "sub_filter"):
        for directive in level.get(name, ()):
            weak = "headers are hidden; what bodies carry is not looked at" if name == "proxy_hide_header" else ""
            route = replace(route, uses=(*route.uses, Use(name, directive.at, "", weak)))
    if any(d.args == ("on",) for d in level.get("proxy_intercept_errors", ())):
        directive = level["proxy_intercept_errors"][0]
        route = replace(
            route, uses=(*route.uses, Use("proxy_intercept_errors", directive.at, "error pages of our own"))
        )
    logs = level.get("access_log")
    if logs is None:
        return replace(route, uses=(*route.uses, Use("access_log", route.at, "nginx's default log")))
    for directive in logs:
        if directive.args[:1] != ("off",):
            weak = "only some calls are written (`if=`)" if any(a.startswith("if=") for a in directive.args) else ""
            route = replace(route, uses=(*route.uses, Use("access_log", directive.at, "every call", weak)))
    return route
