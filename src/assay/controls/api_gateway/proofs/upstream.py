"""A service that fails, hangs, hangs up or says too much: what the gateway lets its callers have of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.controls._lib.attempts import name_of, ready, tester
from assay.controls._lib.behind import mirrored, ordinary, played, readers
from assay.controls._lib.proving import test_of
from assay.controls._lib.urls import Address, address
from assay.controls.api_gateway.proofs.common import CONTROL
from assay.prove.case import Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.played import Behind, Played
from assay.prove.surface import Surface, Target

_SLACK_SECONDS = 3.0
"""A busy machine is no finding."""
_JSON = ("content-type", "application/json")
_BANNERS = {
    "server": "exampled/2.4.1",
    "x-powered-by": "Example/8.1.2",
    "x-aspnet-version": "4.0.30319",
    "x-aspnetmvc-version": "5.2",
    "x-runtime": "0.0421",
    "x-generator": "Example 6.4",
    "via": "1.1 internal-7",
}
_OTHERS = {
    "set-cookie": "assay=1; Path=/",
    "access-control-allow-origin": "*",
    "x-backend": "10.0.0.3",
}
"""What services may have reason to send: whether it passes is told, and is no verdict."""


def upstream(surface: Surface) -> Iterator[Case]:
    """One operation of each API, in front of a service of the run's own."""
    if not mirrored(surface):
        return
    for target in readers(surface):
        yield _case(surface, target, "upstream-hang-waited-for", _hangs(surface, target), requests=2, seconds=30.0)
        for how in ("reset", "cut"):
            run = _breaks(surface, target, Played(how=how, body=b'{"items": [{"id": "1"}, {"id": "2"}]}'))
            yield _case(surface, target, "broken-answer-passed-on", run, requests=2, variant=how)
        yield _case(surface, target, "upstream-banner-passed-on", _banners(surface, target), requests=2)
        if surface.upstreams.get(target.api):
            run = _redirects(surface, target, surface.upstreams[target.api])
            yield _case(surface, target, "internal-address-passed-on", run, requests=2)


def _case(
    surface: Surface, target: Target, check: str, run: Run, *, requests: int, variant: str = "", seconds: float = 0.0
) -> Case:
    return Case(
        test=test_of(CONTROL, check),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=name_of(tester(surface, target)),
        variant=variant,
        requests=requests,
        seconds=seconds,
        needs_gateway=True,
        run=run,
    )


def _facts(found: Behind, **more: Any) -> dict[str, Any]:
    return {**found.facts, "status": found.seen.status, **more}


def _hangs(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        await ordinary(lab, able)
        for _ in range(2):
            found = await played(lab, able, Played(how="hang"), "the service never answers")
            if found.seen.ok or found.seen.seconds <= found.timeout + _SLACK_SECONDS:
                break  # else the machine may have paused
        seen, facts = found.seen, _facts(found, seconds=round(found.seen.seconds, 1), timeout=found.timeout)
        if seen.ok:
            return broken(f"the service never answered, and the caller got {seen.status}", seen, **facts)
        if seen.seconds > found.timeout + _SLACK_SECONDS:
            sentence = (
                f"the caller waited {seen.seconds:.0f} s for a service that hangs; {found.timeout:g} s are its due"
            )
            return broken(sentence, seen, **facts)
        if seen.status != 504:
            return unclear(
                f"the caller got {seen.status or 'no answer'} for a service that hangs, not 504", seen, **facts
            )
        return held(f"after {seen.seconds:.0f} s the gateway gave up on the service and answered 504", seen, **facts)

    return run


def _breaks(surface: Surface, target: Target, answer: Played) -> Run:
    persona = tester(surface, target)
    words = "resets the connection" if answer.how == "reset" else "hangs up within its answer"

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        await ordinary(lab, able)
        found = await played(lab, able, answer, f"the service {words}")
        seen, facts = found.seen, _facts(found, error=found.seen.error)
        if seen.status >= 500:
            return held(f"the service {words}, and the caller is told so with {seen.status}", seen, **facts)
        if seen.error or seen.truncated:
            return held(f"the service {words}, and the caller's answer ends as visibly broken", seen, **facts)
        return broken(f"the service {words}, and the caller got {seen.status} as if all were there", seen, **facts)

    return run


def _banners(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        answer = Played(headers=(_JSON, *_BANNERS.items(), *_OTHERS.items()))
        await ordinary(lab, able)
        found = await ordinary(lab, able, answer)
        got = found.seen.headers
        told = [name for name, value in _BANNERS.items() if value in got.get(name, "")]
        others = [name for name, value in _OTHERS.items() if value in got.get(name, "")]
        facts = _facts(found, passed_on=told, others_passed_on=others)
        if told:
            words = ", ".join(f"`{name}: {_BANNERS[name]}`" for name in told)
            return broken(f"the caller is told what the service is made of: {words}", found.seen, **facts)
        note = f"; {', '.join(f'`{o}`' for o in others)} passed as the service sent it" if others else ""
        return held(
            f"none of {len(_BANNERS)} headers that name software or hosts inside reached the caller{note}",
            found.seen,
            **facts,
        )

    return run


def _redirects(surface: Surface, target: Target, url: str) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        inside = address(url)
        if inside is None:
            raise NotReached("the service's own address is not known")
        able = await ready(lab, target, persona)
        await ordinary(lab, able)
        place = f"{url.partition('://')[0]}://{_written(inside)}:{inside.port}/{lab.nonce}"
        answer = Played(status=302, headers=(_JSON, ("location", place), ("content-location", place)))
        found = await played(lab, able, answer, "the service sends its caller to itself")
        names = [n for n in ("location", "content-location") if _names(found.seen.headers.get(n, ""), inside)]
        facts = _facts(found, named_by=names, said=found.seen.headers.get("location", ""))
        if "location" in names:
            return broken(f"callers are sent to `{_written(inside)}`, where the service itself is", found.seen, **facts)
        if found.seen.status != 302:
            return unclear(f"a redirect of the service reaches the caller as {found.seen.status}", found.seen, **facts)
        note = "; `content-location`, which nobody follows, names it" if names else ""
        return held(f"a redirect to the service's own address does not lead callers there{note}", found.seen, **facts)

    return run


def _written(inside: Address) -> str:
    """The host as a URL has it (RFC 3986 section 3.2.2)."""
    return f"[{inside.host}]" if ":" in inside.host else inside.host


def _names(text: str, inside: Address) -> bool:
    """Whether a header's value names the service's own address."""
    return f"//{_written(inside)}:{inside.port}/" in text.lower()
