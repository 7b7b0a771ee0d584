"""Tests of design: are the ranges consistent, readable and in force, and is a caller's address to be believed?"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production, served_apis
from assay.controls._lib.urls import listen_address, reach
from assay.controls.base import Context
from assay.controls.network_ranges.lists import read_list
from assay.controls.network_ranges.ranges import Ranges, redundant
from assay.declare.declaration import Declaration
from assay.declare.model import Api, NetworkList, Networks
from assay.domain import AssayError, Edit, Location, Verdict

_CONTROL = "network_ranges"
_SHOWN = 3
_EVERYWHERE = ("0.0.0.0/0", "::/0")
Route = tuple[str, ...]


def design(context: Context) -> Iterator[Verdict]:
    """Judges every place where networks are declared, then whom they let in, then the proxies in front."""
    declaration = context.declaration
    model = declaration.model
    denied = yield from _networks(declaration, "networks", ("networks",), model.networks)
    for api_id, api in served_apis(declaration):
        if api.networks:
            route = ("apis", api_id, "networks")
            yield from _networks(declaration, f"{api_subject(api_id)}.networks", route, api.networks)
        yield _internal(declaration, api_id, api)
        yield from _observed(declaration, api_id, api)
    for name, consumer in model.consumers.items():
        route = ("consumers", name, "networks")
        if consumer.networks:
            yield from _networks(declaration, f"consumers.{name}.networks", route, consumer.networks)
            yield from _consumer_deny(declaration, name, consumer.networks)
            yield from _consumer_reaches(declaration, name, consumer.networks, denied)
        if consumer.kind == "partner":
            yield _partner(declaration, name, consumer.networks)
    yield from _hops(declaration)


def _networks(
    declaration: Declaration, subject: str, route: Route, networks: Networks
) -> Generator[Verdict, None, tuple[str, ...]]:
    """Judges one ``networks:``; returns everything it denies, as far as it can be read."""
    judge = _judge(_CONTROL)
    at = declaration.locate(*route)
    where = _named(route)
    everywhere = [(i, n) for i, n in enumerate(networks.allow) if n in _EVERYWHERE]
    for index, network in everywhere:
        sentence = f"{where} allow {network}, which is every address"
        yield judge.failed("allows-everywhere", subject, declaration.locate(*route, "allow", index), sentence)
    together = Ranges(networks.allow)
    if not everywhere and any(together.covers(network) for network in _EVERYWHERE):
        sentence = f"{where} together allow every address"
        yield judge.failed("allows-everywhere", subject, declaration.locate(*route, "allow"), sentence)
    elif networks.allow and not everywhere:
        yield judge.passed("allows-everywhere", subject, at, f"{where} allow {_count(len(networks.allow))}")
    denied: list[str] = []
    plain: list[tuple[int, str]] = []
    for index, entry in enumerate(networks.deny):
        if isinstance(entry, NetworkList):
            listed_at = declaration.locate(*route, "deny", index)
            denied += yield from _list(declaration, subject, listed_at, entry.list)
        else:
            plain.append((index, entry))
    yield from _overlaps(declaration, subject, (*route, "allow"), list(enumerate(networks.allow)))
    yield from _overlaps(declaration, subject, (*route, "deny"), plain)
    denied += [network for _, network in plain]
    closed = Ranges(denied)
    contradicted = [(i, n) for i, n in enumerate(networks.allow) if closed.covers(n)]
    for index, network in contradicted:
        sentence = f"{where} allow {network} and deny it too, so it is refused"
        yield judge.failed("allowed-and-denied", subject, declaration.locate(*route, "allow", index), sentence)
    if networks.allow and denied and not contradicted:
        yield judge.passed("allowed-and-denied", subject, at, f"{where} deny none of the networks they allow")
    return tuple(denied)


def _named(route: Route) -> str:
    if route == ("networks",):
        return "the gateway's networks"
    return f"the networks of {'API' if route[0] == 'apis' else 'consumer'} `{route[1]}`"


def _count(number: int) -> str:
    return f"{number} network{'s' * (number != 1)}"


def _list(
    declaration: Declaration, subject: str, at: Location, written: str
) -> Generator[Verdict, None, tuple[str, ...]]:
    judge = _judge(_CONTROL)
    try:
        listed = read_list(declaration.root, written)
    except AssayError as error:
        yield judge.failed("network-list-unreadable", subject, at, error.sentence, fix=error.fix)
        return ()
    yield judge.passed("network-list-unreadable", subject, at, f"the network list {written} can be read")
    for problem in listed.problems:
        sentence = f"`{problem.text}` in the network list {written} is no network"
        yield judge.failed("network-list-malformed", subject, problem.at, sentence, related=(at,))
    if not listed.problems:
        yield judge.passed("network-list-malformed", subject, at, f"every line of {written} is a network or a comment")
    if listed.networks:
        sentence = f"the network list {written} denies {_count(len(listed.networks))}"
        yield judge.passed("network-list-empty", subject, at, sentence)
    else:
        yield judge.failed("network-list-empty", subject, at, f"the network list {written} names no network")
    return listed.networks


def _overlaps(
    declaration: Declaration, subject: str, route: Route, networks: list[tuple[int, str]]
) -> Iterator[Verdict]:
    judge = _judge(_CONTROL)
    if len(networks) < 2:
        return
    found = redundant([network for _, network in networks])
    if found:
        told = [_contained(networks[inner][1], networks[outer][1]) for inner, outer in found]
        # From the last to the first: each removal shifts what stands behind it.
        places = [declaration.places.at(*route, networks[inner][0]) for inner, _ in reversed(found)]
        yield judge.failed(
            "overlapping-networks",
            subject,
            places[-1].value,
            "; ".join(told[:_SHOWN]) + (f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""),
            edits=tuple(Edit(place.value.file, place.file_path, remove=True) for place in places),
            safe=True,
            related=tuple(declaration.locate(*route, networks[outer][0]) for _, outer in found[:_SHOWN]),
        )
    if not found:
        sentence = f"no network under {_named(route[:-1]).removeprefix('the ')} lies within another one"
        yield judge.passed("overlapping-networks", subject, declaration.locate(*route), sentence)


def _contained(inner: str, outer: str) -> str:
    return f"{inner} is listed twice" if inner == outer else f"{inner} lies within {outer}"


def _internal(declaration: Declaration, api_id: str, api: Api) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "internal-api-open-to-all-networks", api_subject(api_id)
    at = declaration.places.key("apis", api_id)
    host, _ = listen_address(declaration.model.gateway.listen)
    if api.exposure != "internal" or not in_production(declaration, api.environment):
        return judge.not_applicable(check, subject, at, f"API `{api_id}` is not an internal production API")
    allowed = (api.networks.allow if api.networks else ()) or declaration.model.networks.allow
    if allowed and not set(allowed) & set(_EVERYWHERE):
        return judge.passed(check, subject, at, f"internal API `{api_id}` is called from {_count(len(allowed))} only")
    if reach(host) in ("loopback", "private"):
        return judge.passed(check, subject, at, f"internal API `{api_id}` is served on {host}, which is not public")
    sentence = f"internal API `{api_id}` is served on {host} to callers from any network"
    return judge.failed(check, subject, at, sentence)


def _partner(declaration: Declaration, name: str, networks: Networks | None) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "partner-without-network", f"consumers.{name}"
    if networks and networks.allow:
        at = declaration.locate("consumers", name, "networks")
        return judge.passed(check, subject, at, f"partner `{name}` calls from {_count(len(networks.allow))} only")
    at = declaration.places.key("consumers", name)
    return judge.failed(check, subject, at, f"partner `{name}` may call from any network")


def _consumer_deny(declaration: Declaration, name: str, networks: Networks) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "consumer-deny-without-effect", f"consumers.{name}"
    at = declaration.locate("consumers", name, "networks", "deny")
    if networks.deny:
        yield judge.failed(check, subject, at, f"what consumer `{name}` denies has no effect")
    else:
        yield judge.passed(check, subject, at, f"consumer `{name}` is bound by what its networks allow")


def _consumer_reaches(
    declaration: Declaration, name: str, networks: Networks, denied: tuple[str, ...]
) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "consumer-network-refused", f"consumers.{name}"
    if not networks.allow:
        return
    at = declaration.locate("consumers", name, "networks", "allow")
    closed, allowed = Ranges(denied), declaration.model.networks.allow
    open_ = Ranges(allowed)
    reachable = [n for n in networks.allow if not closed.covers(n) and (not allowed or open_.touches(n))]
    if reachable:
        yield judge.passed(check, subject, at, f"the gateway lets consumer `{name}` in from {reachable[0]}")
    else:
        sentence = f"the gateway's own networks refuse every network that consumer `{name}` may call from"
        related = (declaration.locate("networks"),)
        yield judge.failed(check, subject, at, sentence, related=related)


def _hops(declaration: Declaration) -> Iterator[Verdict]:
    judge, gateway = _judge(_CONTROL), declaration.model.gateway
    at = declaration.locate("gateway", "trusted_hops")
    host, _ = listen_address(gateway.listen)
    hops = f"{gateway.trusted_hops} trusted prox{'y' if gateway.trusted_hops == 1 else 'ies'}"
    if gateway.plaintext and not gateway.trusted_hops:
        sentence = (
            "something in front of the gateway terminates TLS, but no proxy is trusted to tell callers' addresses"
        )
        yield judge.failed("hops-not-counted", "gateway", at, sentence)
    else:
        how = f"what {hops} in front tell" if gateway.trusted_hops else "the connection"
        yield judge.passed("hops-not-counted", "gateway", at, f"the gateway takes a caller's address from {how}")
    if not gateway.trusted_hops:
        sentence = "the gateway believes no X-Forwarded-For, so a caller cannot claim an address"
        yield judge.passed("hops-trusted-from-anywhere", "gateway", at, sentence)
    elif reach(host) in ("any", "public"):
        sentence = f"the gateway believes {hops} and listens on {host}, which callers may reach beside them"
        yield judge.failed("hops-trusted-from-anywhere", "gateway", at, sentence)
    else:
        sentence = f"the gateway believes {hops} and listens on {host}, which is not public"
        yield judge.passed("hops-trusted-from-anywhere", "gateway", at, sentence)


def _observed(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "network-ranges-observed", api_subject(api_id)
    watched = [(i, o) for i, o in enumerate(api.observe) if o.control == _CONTROL]
    for index, entry in watched:
        at = declaration.locate("apis", api_id, "observe", index)
        if "*" not in entry.operations:
            sentence = (
                f"API `{api_id}` asks to observe its networks on some operations, which has no effect: all or none"
            )
            fix = "remove `network_ranges` from `observe:`, or its `operations:`"
        elif not api.networks:
            sentence = f"API `{api_id}` asks to observe its networks and declares none; the gateway's are enforced"
            fix = "declare `networks:` under the API, or remove `network_ranges` from its `observe:`"
        else:
            sentence, fix = f"the networks of API `{api_id}` are only observed", ""
        yield judge.failed(check, subject, at, sentence, fix=fix)
    if not watched:
        at = declaration.places.key("apis", api_id)
        yield judge.passed(check, subject, at, f"the networks of API `{api_id}` are enforced")
