"""Ways around the gateway, and requests on which gateway and service may disagree where one ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import callers, carries, real_object, works
from assay.controls._lib.urls import address
from assay.controls.api_gateway.paths import target_of, upstream_base
from assay.controls.api_gateway.proofs.common import anybody, api_case, apis, protected
from assay.domain import Severity
from assay.prove.case import Call, Case, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_BANNERS = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime", "x-generator", "via")
_NUMBERED = re.compile(r"[0-9]+\.[0-9]")


def bypass(surface: Surface) -> Iterator[Case]:
    """For each API: the upstream without the gateway, banners, and two ways to hide one request in another."""
    for api in apis(surface):
        target = protected(surface, api)
        persona = anybody(surface, target) if target else None
        if target and persona and surface.fronted:
            yield api_case(surface, "upstream-reachable", api, _upstream(target, persona), requests=3)
        first = next((t for t in surface.targets if t.api == api and t.operation.method.upper() == "GET"), None)
        if first is not None:
            yield api_case(surface, "version-banner", api, _banner(first), requests=2)
    first = next(iter(surface.targets), None)
    if first is not None:
        for variant, run in (("cl-te", _both_lengths), ("bad-chunk", _bad_chunk), ("two-lengths", _two_lengths)):
            yield api_case(surface, "request-smuggling", first.api, run, variant=variant, requests=1)


def _upstream(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        straight = lab.surface.via == "direct"
        good: Seen | None = None
        thing, who = await real_object(lab, target, persona)
        call = lab.request(target, lab.draft(target, thing), who, purpose="through the gateway")
        if not straight:
            good = await works(lab, call)
        path = _at_upstream(lab, target, call)
        around = replace(call, who=None, target=path, direct=not straight, purpose="around the gateway, by nobody")
        seen = await lab.call(around)
        if seen.status == 0:
            return held(f"the upstream takes no connection but the gateway's ({seen.error})", seen)
        if seen.status in (401, 403):
            return held(f"the upstream refuses a call that does not come through the gateway ({seen.status})", seen)
        if seen.ok and (good is None or carries(seen, good, thing) or seen.json() is not None):
            return _around(lab, target, seen)
        return unclear(f"the upstream can be connected to around the gateway, and answers {seen.status}", seen)

    return run


def _around(lab: Lab, target: Target, seen: Seen) -> Judged:
    """The upstream answered nobody. On the loopback address only this machine's own processes can do that."""
    found = address(lab.surface.api(target).upstream)
    if found is not None and found.loopback:
        sentence = "the upstream answers every process of its own machine around the gateway, and asks nobody who calls"
        return broken(sentence, seen, severity=Severity.LOW)
    return broken("the upstream answers calls that do not come through the gateway, and asks nobody who calls", seen)


def _at_upstream(lab: Lab, target: Target, call: Call) -> str:
    """The call's path as the upstream knows it."""
    if lab.surface.via == "direct":
        return call.target
    api, contract = lab.surface.api(target), lab.surface.contract(target)
    usable = target_of(api, contract)
    if usable is None:
        raise NotReached("the upstream's address cannot be used")
    return upstream_base(usable, contract) + call.target.removeprefix(target.base)


def _banner(target: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        nowhere = Call(method="GET", target=f"{target.base}/assay-{lab.nonce}", purpose="an error", api=target.api)
        seen = [await lab.call(nowhere)]
        people = callers(lab.surface, target)
        if lab.surface.is_open(target) and "{" not in target.path:
            seen.append(await lab.call(lab.request(target, lab.draft(target), None, purpose="a success")))
        elif people:
            thing, who = await real_object(lab, target, people[0])
            seen.append(await lab.call(lab.request(target, lab.draft(target, thing), who, purpose="a success")))
        if any(s.status == 0 for s in seen):
            raise NotReached("there was no answer")
        for answer in seen:
            for name in _BANNERS:
                value = answer.headers.get(name, "")
                if value and (_NUMBERED.search(value) or name.startswith("x-")):
                    return broken(f"answers tell what runs behind them: `{name}: {value[:60]}`", answer)
        return held("answers do not tell which software, in which version, made them", seen[-1])

    return run


async def _both_lengths(lab: Lab) -> Judged:
    """Content-Length and Transfer-Encoding at once (RFC 9112 §6.1): refuse, or end the connection after it."""
    hidden = f"GET /assay-{lab.nonce} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = "0\r\n\r\n" + hidden
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return await _raw(lab, (head + body).encode(), "both Content-Length and Transfer-Encoding")


async def _two_lengths(lab: Lab) -> Judged:
    """Two Content-Length fields that differ (RFC 9112 §6.3)."""
    hidden = f"GET /assay-{lab.nonce} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: {len(hidden)}\r\n\r\n"
    return await _raw(lab, (head + hidden).encode(), "two Content-Length fields")


async def _bad_chunk(lab: Lab) -> Judged:
    """A chunk size that is no number (RFC 9112 §7.1)."""
    hidden = f"GET /assay-{lab.nonce} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"
    return await _raw(lab, (head + hidden).encode(), "a chunk size that is no number")


async def _raw(lab: Lab, data: bytes, what: str) -> Judged:
    seen = await lab.raw(data, tls=lab.surface.tls, purpose=what)
    answers = len(re.findall(rb"HTTP/1\.[01] [0-9]{3}", seen.data))
    status = seen.data[9:12].decode("ascii", "replace") if answers else ""
    if answers > 1:
        return broken(f"a request with {what} is read as {answers} requests: one can be hidden in another", seen)
    if status in ("400", "411", "501"):
        return held(f"a request with {what} is refused with {status}", seen)
    if not answers and (seen.closed or seen.error):
        return held(f"a request with {what} ends the connection", seen)
    if answers and seen.closed:
        return held(f"a request with {what} is answered {status} once, and the connection ends", seen)
    if status.startswith("4"):
        return held(f"a request with {what} is refused with {status}, and what follows it is not read as another", seen)
    return unclear(f"a request with {what} is answered {status or 'with nothing'}, and the connection stays open", seen)
