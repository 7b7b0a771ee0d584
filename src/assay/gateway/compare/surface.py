"""What the gateway serves: its listener, the upstreams, the operations, headers, error bodies and the log."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from assay.gateway import ir
from assay.gateway.compare.drafts import ON, Context, Draft, members, neutral, number, opaque, single, switch


def _reach(address: str) -> int:
    """How many can connect to an address: 0 this machine, 1 one network interface, 2 every interface."""
    parsed = ipaddress.ip_address(address.strip("[]"))
    return 0 if parsed.is_loopback else 2 if parsed.is_unspecified else 1


def _listener(old: ir.Listener, new: ir.Listener, _: Context) -> Iterator[Draft]:
    if old.address != new.address:
        before, after = _reach(old.address), _reach(new.address)
        what = f"{ON} listens on {new.address} instead of {old.address}"
        if before == after:
            yield Draft("neutral", what, old.address, new.address)
        else:
            yield Draft("loosening" if after > before else "tightening", what, old.address, new.address)
    yield from neutral(f"the port of {ON}", old.port, new.port)
    yield from number(
        f"the number of trusted proxies before {ON}", old.trusted_hops, new.trusted_hops, higher="loosening"
    )
    yield from number(f"the connection limit of {ON}", old.max_connections, new.max_connections, higher="loosening")
    yield from number(f"the largest size of headers at {ON}", old.header_bytes, new.header_bytes, higher="loosening")
    yield from number(f"the number of header fields {ON} accepts", old.headers, new.headers, higher="loosening")
    yield from switch(
        old.tls is not None,
        new.tls is not None,
        on=f"{ON} serves TLS",
        off=f"{ON} serves plaintext HTTP instead of TLS",
        turning_on="tightening",
    )
    if old.tls and new.tls:
        yield from _tls(old.tls, new.tls)


def _tls(old: ir.Tls, new: ir.Tls) -> Iterator[Draft]:
    yield from number(
        f"the lowest TLS version of {ON}", float(old.minimum), float(new.minimum), higher="tightening", show=str
    )
    yield from neutral(f"the certificate of {ON}", old.certificate, new.certificate)
    yield from neutral(f"the private key of {ON}", old.private_key, new.private_key)
    yield from number(f"the HSTS time of {ON}", old.hsts_seconds, new.hsts_seconds, higher="tightening", show=_seconds)
    if bool(old.client_ca) != bool(new.client_ca):
        yield from switch(
            bool(old.client_ca),
            bool(new.client_ca),
            on=f"{ON} accepts client certificates signed by {new.client_ca}",
            off=f"{ON} no longer accepts client certificates",
            turning_on="loosening",
        )
    else:
        yield from opaque(f"the authority for client certificates at {ON}", old.client_ca, new.client_ca)


def _seconds(value: float) -> str:
    return f"{value:g} s"


def _no_listener(_: ir.Listener, __: Context) -> Iterator[Draft]:
    yield Draft("neutral", f"{ON} starts or stops listening")


def _upstream(old: ir.Upstream, new: ir.Upstream, _: Context) -> Iterator[Draft]:
    where = f"the service behind {ON}"
    yield from neutral(where, f"{old.host}:{old.port}{old.base_path}", f"{new.host}:{new.port}{new.base_path}")
    yield from neutral(f"the time {where} may take", old.timeout_seconds, new.timeout_seconds)
    yield from switch(
        old.tls is not None,
        new.tls is not None,
        on=f"{where} is reached over TLS",
        off=f"{where} is reached in plaintext instead of TLS",
        turning_on="tightening",
    )
    if old.tls and new.tls:
        yield from opaque(f"the authority trusted for {where}", old.tls.ca, new.tls.ca)
        yield from opaque(f"the certificate name expected of {where}", old.tls.name, new.tls.name)


def _upstream_added(piece: ir.Upstream, _: Context) -> Iterator[Draft]:
    yield Draft("neutral", f"{ON} gets a service behind it: {piece.host}:{piece.port}", "", piece.host)


def _upstream_removed(piece: ir.Upstream, _: Context) -> Iterator[Draft]:
    yield Draft("neutral", f"{ON} loses the service behind it: {piece.host}:{piece.port}", piece.host, "")


def _path(route: ir.Route) -> str:
    return f"{route.method} {route.public_base}{route.template}"


def _route(old: ir.Route, new: ir.Route, _: Context) -> Iterator[Draft]:
    yield from opaque(f"the address of {ON}", _path(old), _path(new))
    yield from opaque(f"the expression for paths of {ON}", old.pattern, new.pattern)
    if "*" in old.hosts or "*" in new.hosts:
        yield from switch(
            "*" in old.hosts,
            "*" in new.hosts,
            on=f"{ON} is reachable under every host name",
            off=f"{ON} is reachable only as {', '.join(new.hosts)}",
            turning_on="loosening",
        )
    if "*" not in old.hosts and "*" not in new.hosts:
        yield from members(
            old.hosts,
            new.hosts,
            more="loosening",
            added=lambda h: f"{ON} is reachable as {h}",
            removed=lambda h: f"{ON} is no longer reachable as {h}",
        )
    elif set(old.hosts) - {"*"} != set(new.hosts) - {"*"} and ("*" in old.hosts) == ("*" in new.hosts):
        yield from neutral(f"the host names of {ON}", old.hosts, new.hosts)
    if old.hosts != new.hosts and set(old.hosts) == set(new.hosts):
        yield from neutral(f"the order of host names of {ON}", old.hosts, new.hosts)
    yield from neutral(f"the order of matching {ON}", old.order, new.order)
    yield from neutral(f"the path of {ON} at the service behind it", old.upstream_base, new.upstream_base)


def _route_added(piece: ir.Route, _: Context) -> Iterator[Draft]:
    yield Draft("loosening", f"{ON} becomes reachable", "", _path(piece))


def _route_removed(piece: ir.Route, _: Context) -> Iterator[Draft]:
    yield Draft("tightening", f"{ON} is no longer reachable", _path(piece), "")


def _headers(old: ir.ResponseHeaders, new: ir.ResponseHeaders, _: Context) -> Iterator[Draft]:
    before, after = dict(old.add), dict(new.add)
    yield from members(
        before,
        after,
        more="tightening",
        added=lambda h: f"answers of {ON} carry `{h}`",
        removed=lambda h: f"answers of {ON} no longer carry `{h}`",
    )
    for name in sorted(before.keys() & after.keys()):
        yield from opaque(f"the header `{name}` on answers of {ON}", before[name], after[name])
    yield from members(
        old.remove,
        new.remove,
        more="tightening",
        added=lambda h: f"`{h}` is removed from answers of {ON}",
        removed=lambda h: f"`{h}` is no longer removed from answers of {ON}",
    )
    if set(old.add) == set(new.add) and set(old.remove) == set(new.remove):
        yield from neutral(f"the order of headers on answers of {ON}", (old.add, old.remove), (new.add, new.remove))


def _errors(old: ir.ErrorMasking, new: ir.ErrorMasking, _: Context) -> Iterator[Draft]:
    yield from members(
        map(str, old.statuses),
        map(str, new.statuses),
        more="tightening",
        added=lambda s: f"bodies of {s} answers of {ON} are replaced",
        removed=lambda s: f"bodies of {s} answers of {ON} reach callers again",
    )
    if set(old.statuses) == set(new.statuses):
        yield from neutral(f"the order of masked statuses of {ON}", old.statuses, new.statuses)


def _lifecycle(old: ir.Lifecycle, new: ir.Lifecycle, _: Context) -> Iterator[Draft]:
    """What callers are told about an API's end lets nobody in and keeps nobody out."""
    before, after = dict(old.add), dict(new.add)
    for name in sorted({*before, *after}):
        yield from neutral(f"the header `{name}` on answers of {ON}", before.get(name, ""), after.get(name, ""))


def _retired(old: ir.Retired, new: ir.Retired, _: Context) -> Iterator[Draft]:
    yield from neutral(f"where {ON} is refused as gone", _gone(old), _gone(new))


def _gone(piece: ir.Retired) -> tuple[str, ...]:
    return (*piece.hosts, piece.public_base + piece.name, piece.pattern, str(piece.order))


def _log(old: ir.AccessLog, new: ir.AccessLog, _: Context) -> Iterator[Draft]:
    yield from number(
        f"the time until a line of {ON} is written",
        old.flush_milliseconds,
        new.flush_milliseconds,
        higher="loosening",
        show=lambda v: f"{v:g} ms",
    )


listener = single(_listener, _no_listener, _no_listener, modeless=True)
upstream = single(_upstream, _upstream_added, _upstream_removed, modeless=True)
route = single(_route, _route_added, _route_removed, modeless=True)
headers = single(
    _headers,
    lambda p, c: _headers(ir.ResponseHeaders(control=p.control, source=p.source, api=p.api), p, c),
    lambda p, c: _headers(p, ir.ResponseHeaders(control=p.control, source=p.source, api=p.api), c),
)
lifecycle = single(
    _lifecycle,
    lambda p, c: _lifecycle(ir.Lifecycle(control=p.control, source=p.source, api=p.api, add=()), p, c),
    lambda p, c: _lifecycle(p, ir.Lifecycle(control=p.control, source=p.source, api=p.api, add=()), c),
    modeless=True,
)
retired = single(
    _retired,
    lambda p, _: iter((Draft("neutral", f"{ON} is refused as gone (410)"),)),
    lambda p, _: iter((Draft("neutral", f"{ON} is refused as unknown (404), no longer as gone"),)),
    modeless=True,
)
errors = single(
    _errors,
    lambda p, c: _errors(ir.ErrorMasking(control=p.control, source=p.source, api=p.api, statuses=()), p, c),
    lambda p, c: _errors(p, ir.ErrorMasking(control=p.control, source=p.source, api=p.api, statuses=()), c),
)
log = single(
    _log,
    lambda p, _: iter((Draft("tightening", f"calls are recorded in {ON}"),)),
    lambda p, _: iter((Draft("loosening", f"calls are no longer recorded in {ON}"),)),
    modeless=True,
)
