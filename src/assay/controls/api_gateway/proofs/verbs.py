"""Methods that the contract does not name: sent as they are, named in headers, and TRACE."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import ask, marker, works
from assay.controls.api_gateway.proofs.common import anybody, api_case, apis
from assay.domain import Severity
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, Run, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_VERBS = ("PUT", "PATCH", "DELETE", "POST")
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")


def verbs(surface: Surface) -> Iterator[Case]:
    """For each readable path: methods it does not have; for each API: methods in headers, and TRACE."""
    for api in apis(surface):
        targets = [t for t in surface.targets if t.api == api]
        declared: dict[str, set[str]] = {}
        for target in targets:
            declared.setdefault(target.operation.path, set()).add(target.operation.method.upper())
        reading = [t for t in targets if t.operation.method.upper() == "GET" and anybody(surface, t)]
        for target in reading:
            # What is not an object of this run's own could be everybody's, or the caller's own account.
            offered = _VERBS if target.operation.path.endswith("}") else ()
            missing = tuple(v for v in offered if v not in declared[target.operation.path])
            persona = anybody(surface, target)
            if missing and persona and not surface.is_open(target) and surface.allow_writes:
                run = _undeclared(target, persona, missing)
                count = 3 + 3 * len(missing)
                yield api_case(
                    surface, "undeclared-method-served", api, run,
                    target=target, family=Family.CROSS_WRITE, requests=count, writes=len(missing),
                )  # fmt: skip
        for target in (t for t in reading if t.operation.path.endswith("}") and not surface.is_open(t)):
            persona = anybody(surface, target)
            if persona and surface.allow_writes:
                yield api_case(
                    surface, "method-override-honoured", api, _override(target, persona),
                    target=target, family=Family.CROSS_WRITE, requests=6, writes=2,
                )  # fmt: skip
                break
        if targets:
            yield api_case(surface, "trace-answered", api, _trace(targets[0]), requests=1)


def _undeclared(target: Target, persona: Persona, missing: tuple[str, ...]) -> Run:
    async def run(lab: Lab) -> Judged:
        thing = await lab.owned(target, persona, fresh=True)
        if not thing.made:
            raise NotReached("there is no object of this run's own that undeclared methods could be tried on")
        who = thing.owner
        read = lab.request(target, lab.draft(target, thing), who, purpose="it is there")
        good = await works(lab, read)
        last: Seen | None = None
        through = []
        for verb in missing:
            answer = await ask(lab, _as(read, verb, marker(lab)))
            if answer.policy.startswith("input_validation/"):
                # Refused for its body. That says nothing about the method, so it is sent without one.
                answer = await ask(lab, _as(read, verb, ""))
            elif answer.decision is None and answer.seen.status in (400, 415, 422):
                # So did the service: what is meant may stand in the query.
                answer = await ask(lab, _asked(read, verb, marker(lab)))
            last = answer.seen
            if answer.decision is not None and answer.decision.outcome == "allowed" and answer.refused:
                sentence = f"{verb}, which the contract does not name here, reaches the service; only that refuses it"
                return broken(f"{sentence} ({last.status})", last, severity=Severity.MEDIUM)
            if answer.at_gateway or answer.refused or answer.seen.status in (400, 415, 501):
                continue
            through.append(f"{verb} ({answer.seen.status})")
            happened = await _happened(lab, read, good, thing)
            if happened:
                return broken(
                    f"{verb}, which the contract does not name here, is answered {last.status}: {happened}", last
                )
            if answer.decision is not None:
                return broken(f"{verb}, which the contract does not name here, reaches the service", last)
        if not through:
            return held(f"{', '.join(missing)}, which the contract does not name here, are refused", last)
        return unclear(f"{', '.join(through)} are not in the contract and not refused, but changed nothing", last)

    return run


def _as(read: Call, verb: str, text: str) -> Call:
    body = None if verb == "DELETE" or not text else json.dumps({"note": text}).encode()
    kind = "application/json" if body else None
    return replace(read, method=verb, body=body, content_type=kind, purpose=f"{verb}, which is in no contract")


def _asked(read: Call, verb: str, text: str) -> Call:
    joined = "&" if "?" in read.target else "?"
    return replace(read, method=verb, target=f"{read.target}{joined}note={text}", purpose=f"{verb}, without a body")


async def _happened(lab: Lab, read: Call, good: Seen, thing: Thing | None) -> str:
    """What an undeclared call did to the object that was read before."""
    again = await lab.call(replace(read, purpose="is it still as it was?"))
    if again.status in (404, 410):
        return "what was there is gone"
    if marker(lab) in again.text and marker(lab) not in good.text:
        return "what was sent is there now"
    if thing is not None and thing.nonce and thing.nonce in good.text and thing.nonce not in again.text:
        return "what was planted in it is gone"
    return ""


def _override(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        thing = await lab.owned(target, persona, fresh=True)
        if not thing.made:
            raise NotReached("there is no object of this run's own that this could be tried on")
        read = lab.request(target, lab.draft(target, thing), thing.owner, purpose="it is there")
        good = await works(lab, read)
        what = "a header that names another method"
        headers = tuple((name, "DELETE") for name in _OVERRIDES)
        last = good
        for method, query in (("GET", ""), ("POST", "?_method=DELETE")):
            call = replace(
                read, method=method, target=read.target + query, headers=(*read.headers, *headers),
                purpose=f"{method} with DELETE in a header",
            )  # fmt: skip
            answer = await ask(lab, call)
            last = answer.seen
            happened = await _happened(lab, read, good, thing)
            if happened:
                return broken(f"{what} is honoured: {happened}", last)
        return held(f"{what} changes nothing ({last.status})", last)

    return run


def _trace(target: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        path = target.base + "/" if "{" in target.path else target.path
        marker = ("x-assay-marker", lab.nonce)
        seen = await lab.call(
            Call(method="TRACE", target=path or "/", headers=(marker,), purpose="TRACE", api=target.api)
        )
        if lab.nonce in seen.text:
            return broken("TRACE is answered with the headers of the request, credentials included", seen)
        if seen.status == 0 or seen.refused or seen.status in (501, 503):
            return held(f"TRACE is refused ({seen.status or 'the connection ended'})", seen)
        return unclear(f"TRACE is answered {seen.status}, without the request in it", seen)

    return run
