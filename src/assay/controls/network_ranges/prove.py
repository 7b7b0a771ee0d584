"""Proof of network ranges: calls from addresses inside and outside, and addresses that a caller only claims.

On one machine every address of 127.0.0.0/8 is a caller of its own. With proxies declared in front of the gateway the
run plays them: the address then travels in ``X-Forwarded-For``, as the outermost proxy would write it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from assay.controls._lib.answers import Answer, ask, callers, real_object
from assay.controls._lib.proving import test_of
from assay.controls._lib.subjects import api_subject
from assay.controls.network_ranges.lists import read_list
from assay.controls.network_ranges.ranges import Ranges
from assay.declare.model import NetworkList, Networks
from assay.domain import AssayError, Location
from assay.prove.case import Call, Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "network_ranges"
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_ELSEWHERE = ("127.9.9.9", "127.77.1.9", "127.150.3.3", "127.201.0.5", "127.254.254.7")
_PROXIED = ("203.0.113.77", "198.18.7.7", "192.88.99.7", "240.1.2.3")
_CLAIMS = ("x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "x-originating-ip")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The networks that hold for an API or a consumer: what is allowed (empty: everything), and what is denied.

    ``around`` are the networks that hold for everybody, when these are a consumer's. An address that those refuse
    shows nothing about the consumer's own.
    """

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    around: Bounds | None = None

    def inside(self) -> str | None:
        """An address of this machine from which calls are allowed."""
        own = (str(a) for network in self.allow for a in _first(network) if a in _LOOPBACK and a != _OWN)
        return next((a for a in (*own, *_ELSEWHERE, "127.0.0.9") if self._admits(a)), None)

    def outside(self, *, proxied: bool) -> str | None:
        """An address from which calls are not allowed: a denied one, else one that is in no allowed network."""
        networks = self.deny if self.around is None else self.around.allow
        near = [str(a) for network in networks for a in _first(network) if proxied or a in _LOOPBACK]
        return next((a for a in (*near, *(_PROXIED if proxied else _ELSEWHERE)) if self._only_here_refused(a)), None)

    def _only_here_refused(self, address: str) -> bool:
        return not self._admits(address) and (self.around is None or self.around._admits(address))

    def _admits(self, address: str) -> bool:
        if self.deny and Ranges(self.deny).covers(address):
            return False
        return not self.allow or Ranges(self.allow).covers(address)


_OWN = ipaddress.ip_address("127.0.0.1")


def prove(surface: Surface) -> Iterator[Case]:
    """Cases for each API that declared networks hold for, and for each consumer with networks of its own.

    One operation stands for an API: its networks are looked at before anything else is.
    """
    if not surface.fronted:
        return
    for api in dict.fromkeys(t.api for t in surface.targets):
        bounds = _of_api(surface, api)
        picked = _pick(surface, api)
        if bounds is None or picked is None:
            continue
        target, persona = picked
        own = surface.declaration.model.apis[api].networks
        at = surface.declaration.locate("apis", api, "networks") if own else surface.declaration.locate("networks")
        for test, variant, run in (
            ("call-from-refused-network", "", _refused(target, persona, bounds)),
            ("call-from-allowed-network-refused", "", _allowed(target, persona, bounds)),
            ("forged-address-believed", "as-allowed", _forged(target, persona, bounds)),
            ("forged-address-believed", "as-denied", _framed(target, persona, bounds)),
        ):
            yield _case(
                test, api_subject(api), at, target, "anonymous" if persona is None else persona.name, variant, run
            )
    yield from _consumers(surface)


def _consumers(surface: Surface) -> Iterator[Case]:
    done: set[str] = set()
    for persona in surface.personas:
        if not persona.sources or not persona.consumer or persona.consumer in done:
            continue
        target = next((t for t in _readable(surface) if surface.allows(t, persona) and not surface.is_open(t)), None)
        if target is None:
            continue
        done.add(persona.consumer)
        own = _of_api(surface, target.api) or Bounds((), ())
        bounds = Bounds(persona.sources, own.deny, around=own)
        at = surface.declaration.locate("consumers", persona.consumer, "networks")
        subject = f"consumers.{persona.consumer}"
        for test, variant, run in (
            ("call-from-refused-network", "", _refused(target, persona, bounds)),
            ("call-from-allowed-network-refused", "", _allowed(target, persona, bounds)),
            ("forged-address-believed", "as-allowed", _forged(target, persona, bounds)),
        ):
            yield _case(test, subject, at, target, persona.name, variant, run)


def _case(test: str, subject: str, at: Location, target: Target, identity: str, variant: str, run: Run) -> Case:
    return Case(
        test=test_of(_CONTROL, test),
        subject=subject,
        at=at,
        api=target.api,
        operation=target.id,
        identity=identity,
        variant=variant,
        requests=3,
        needs_gateway=True,
        run=run,
    )


def _of_api(surface: Surface, api: str) -> Bounds | None:
    """The gateway's and the API's networks together; None when nothing is declared.

    A list that cannot be read is left out here: the gateway does not start with one.
    """
    whole, own = surface.declaration.model.networks, surface.declaration.model.apis[api].networks
    deny = (*_denied(surface, whole), *(_denied(surface, own) if own else ()))
    lists = [n.allow for n in (whole, own) if n and n.allow]
    if not lists and not deny:
        return None
    allow = lists[0] if lists else ()
    if len(lists) > 1:
        allow = tuple(n for n in lists[1] if Ranges(lists[0]).covers(n)) or lists[1]
    return Bounds(allow, deny)


def _denied(surface: Surface, networks: Networks) -> Iterator[str]:
    for entry in networks.deny:
        if not isinstance(entry, NetworkList):
            yield entry
            continue
        try:
            yield from read_list(surface.declaration.root, entry.list).networks
        except AssayError:
            continue


def _first(network: str) -> Iterable[ipaddress.IPv4Address]:
    """A few addresses of a network, its own part of loopback first; IPv4 only."""
    found = ipaddress.ip_network(network)
    if not isinstance(found, ipaddress.IPv4Network):
        return ()
    if found.supernet_of(_LOOPBACK) and found != _LOOPBACK:  # type: ignore[arg-type]
        return (ipaddress.IPv4Address("127.9.9.9"),)
    start = int(found.network_address)
    last = int(found.broadcast_address)
    return tuple(ipaddress.IPv4Address(min(start + step, last)) for step in (6, 9, 0))


def _readable(surface: Surface) -> list[Target]:
    reading = [t for t in surface.targets if t.operation.method.upper() == "GET"]
    return sorted(reading, key=lambda t: t.operation.path.count("{"))


def _pick(surface: Surface, api: str) -> tuple[Target, Persona | None] | None:
    """A readable operation of an API, open to anybody if there is one, and somebody without networks of their own."""
    for target in sorted(_readable(surface), key=lambda t: not surface.is_open(t)):
        if target.api != api:
            continue
        if surface.is_open(target):
            return target, None
        people = [p for p in callers(surface, target) if not p.sources]
        if people:
            return target, people[0]
    return None


async def _call(lab: Lab, target: Target, persona: Persona | None, address: str, claims: Mapping[str, str]) -> Call:
    """A valid call that comes from an address, or through as many proxies as are declared."""
    who, thing = None, None
    if persona is not None:
        thing, who = await real_object(lab, target, persona)
    hops = lab.surface.declaration.model.gateway.trusted_hops
    headers, source = dict(claims), address
    if hops:
        source = "127.0.0.1"
        chain = [claims["x-forwarded-for"]] if "x-forwarded-for" in claims else []
        # Each proxy appends whom it was called by; the first of them saw the caller itself.
        chain += [address, *(["127.0.0.1"] * (hops - 1))]
        headers["x-forwarded-for"] = ", ".join(chain)
    call = lab.request(target, lab.draft(target, thing), who, purpose=f"from {address}", headers=tuple(headers.items()))
    return replace(call, source=source)


def _claiming(address: str) -> dict[str, str]:
    return {name: f"for={address}" if name == "forwarded" else address for name in _CLAIMS}


def _outside(lab: Lab, bounds: Bounds) -> str:
    proxied = bool(lab.surface.declaration.model.gateway.trusted_hops)
    address = bounds.outside(proxied=proxied)
    if address is None:
        raise NotReached("no address of this machine lies outside the allowed networks or in a denied one")
    return address


def _inside(bounds: Bounds) -> str:
    address = bounds.inside()
    if address is None:
        raise NotReached("no address of this machine lies in the allowed networks")
    return address


def _judge_outside(answer: Answer, what: str) -> Judged:
    seen, watched = answer.seen, answer.observes(_CONTROL)
    if answer.at_gateway and answer.policy.startswith(f"{_CONTROL}/"):
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if watched:
        return broken(f"{what} is let through by network ranges, which only observe (`{watched}`)", seen)
    if answer.at_gateway:
        return broken(f"{what} gets past the network ranges; {answer.by} refused it later", seen)
    if seen.ok or answer.decision is not None:
        return broken(f"{what} is answered {seen.status}", seen)
    if answer.refused:
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    return unclear(f"{what} is answered {seen.status}, which does not say why", seen)


def _refused(target: Target, persona: Persona | None, bounds: Bounds) -> Run:
    async def run(lab: Lab) -> Judged:
        address = _outside(lab, bounds)
        answer = await ask(lab, await _call(lab, target, persona, address, {}))
        return _judge_outside(answer, f"a call from {address}, which is not allowed,")

    return run


def _allowed(target: Target, persona: Persona | None, bounds: Bounds) -> Run:
    async def run(lab: Lab) -> Judged:
        address = _inside(bounds)
        answer = await ask(lab, await _call(lab, target, persona, address, {}))
        seen = answer.seen
        if seen.ok:
            return held(f"a call from {address}, which is allowed, is let through ({seen.status})", seen)
        if answer.policy.startswith(f"{_CONTROL}/"):
            return broken(f"a call from {address}, which is allowed, is refused by {answer.by}", seen)
        return unclear(f"a call from {address} is answered {seen.status} by {answer.by}", seen)

    return run


def _forged(target: Target, persona: Persona | None, bounds: Bounds) -> Run:
    async def run(lab: Lab) -> Judged:
        address, claimed = _outside(lab, bounds), bounds.inside() or "127.0.0.9"
        answer = await ask(lab, await _call(lab, target, persona, address, _claiming(claimed)))
        return _judge_outside(answer, f"a call from {address} whose headers claim {claimed}")

    return run


def _framed(target: Target, persona: Persona | None, bounds: Bounds) -> Run:
    """An allowed caller that claims a denied address must be taken for what it is as well."""

    async def run(lab: Lab) -> Judged:
        address, claimed = _inside(bounds), bounds.outside(proxied=True)
        if claimed is None:
            raise NotReached("nothing is denied that could be claimed")
        answer = await ask(lab, await _call(lab, target, persona, address, _claiming(claimed)))
        seen, what = answer.seen, f"a call from {address} whose headers claim {claimed}"
        if seen.ok:
            return held(f"{what} is let through as what it is ({seen.status})", seen)
        if answer.policy.startswith(f"{_CONTROL}/"):
            return broken(f"{what} is refused by {answer.by}: headers of the caller decide", seen)
        return unclear(f"{what} is answered {seen.status} by {answer.by}", seen)

    return run
