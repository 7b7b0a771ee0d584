"""Proof of activity logging: marked calls are made, and looked for in the gateway's log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from assay.controls._lib.answers import callers, real_object
from assay.controls._lib.proving import test_of
from assay.gateway.decision import decide
from assay.prove.case import Call, Case, Identity, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "activity_logging"
_WHO: Mapping[str, tuple[str, ...]] = {
    "token": ("client", "subject", "opaque_client", "opaque_subject"),
    "key": ("key_consumer", "key"),
    "certificate": ("certificate",),
}
Look = Callable[[Lab, Target, Persona], Awaitable[Judged]]


def prove(surface: Surface) -> Iterator[Case]:
    """For each API: a call of every kind of caller, a refused one, and secrets that must not be in the log."""
    if not surface.fronted or surface.via != "gateway":
        return
    for api in dict.fromkeys(t.api for t in surface.targets):
        done: set[str] = set()
        for persona in surface.personas:
            target = _readable(surface, api, persona)
            if target is None:
                continue
            yield _case("call-not-logged", target, persona, _logged)
            if persona.ways not in (("token",), ("key",)) or persona.ways[0] in done:
                continue
            done.add(persona.ways[0])
            yield _case("refusal-not-logged", target, persona, _refusal)
            yield _case("secret-in-log", target, persona, _secrets)
        first = next((p for p in surface.personas if _readable(surface, api, p)), None)
        target = _readable(surface, api, first) if first else None
        if first and target:
            yield _case("log-line-forged", target, first, _forged)


def _readable(surface: Surface, api: str, persona: Persona) -> Target | None:
    found = [
        t
        for t in surface.targets
        if t.api == api
        and t.operation.method.upper() == "GET"
        and not surface.is_open(t)
        and persona in callers(surface, t)
    ]
    return min(found, key=lambda t: t.operation.path.count("{"), default=None)


def _case(test: str, target: Target, persona: Persona, look: Look) -> Case:
    async def run(lab: Lab) -> Judged:
        return await look(lab, target, persona)

    return Case(
        test=test_of(_CONTROL, test),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=persona.name,
        requests=2,
        seconds=1.0,
        needs_gateway=True,
        run=run,
    )


async def _valid(lab: Lab, target: Target, persona: Persona, purpose: str) -> tuple[Call, Identity]:
    thing, who = await real_object(lab, target, persona)
    return lab.request(target, lab.draft(target, thing), who, purpose=purpose), who


async def _line(lab: Lab, seen: Seen) -> Mapping[str, Any] | None:
    if seen.status == 0:
        raise NotReached(f"there was no answer: {seen.error}")
    line = await lab.log_line(seen)
    if line is None:
        # No line for this call, or no log at all: only the first is a finding.
        await lab.log_holds(seen.correlation)
    return line


async def _logged(lab: Lab, target: Target, persona: Persona) -> Judged:
    call, who = await _valid(lab, target, persona, "a call that must be logged")
    seen = await lab.call(call)
    line = await _line(lab, seen)
    if line is None:
        return broken("a call left no line in the log", seen)
    decision = decide(line)
    missing = _missing(line, target, persona, who)
    if str(line.get("status")) != str(seen.status):
        missing.append("the status")
    if decision.outcome == "allowed" and not decision.policy and lab.surface.declared_access:
        missing.append("the rule that allowed it")
    if missing:
        return broken(f"the log line of a call does not tell {', '.join(missing)}", seen)
    return held("a call is in the log with who made it, what it was, how it ended and which rule decided", seen)


def _missing(line: Mapping[str, Any], target: Target, persona: Persona, who: Identity) -> list[str]:
    found = []
    if str(line.get("operation")) != f"{target.api}/{target.id}":
        found.append("the operation")
    told = {str(line[name]) for way in persona.ways for name in _WHO.get(way, ()) if line.get(name)}
    if any(way in _WHO for way in persona.ways) and not told:
        found.append("who called")
    elif "token" in persona.ways and who.subject and who.subject not in told:
        found.append("whose token it was")
    elif persona.ways == ("key",) and persona.consumer and str(line.get("key_consumer")) != persona.consumer:
        found.append("whose key it was")
    found.extend(f"the {name}" for name in ("time", "method", "address") if not line.get(name))
    return found


async def _refusal(lab: Lab, target: Target, persona: Persona) -> Judged:
    call, _ = await _valid(lab, target, persona, "a valid call")
    seen = await lab.call(replace(call, who=None, purpose="the same without a credential"))
    if not seen.refused:
        raise NotReached(f"the call was to be refused, and was answered {seen.status or seen.error}")
    line = await _line(lab, seen)
    if line is None:
        return broken("a refused call left no line in the log", seen)
    decision = decide(line)
    if decision.outcome != "refused" or not decision.policy:
        return broken(
            f"the log line of a refused call does not name the policy that refused ({decision.outcome})", seen
        )
    return held(f"a refused call is in the log with the policy that refused it (`{decision.policy}`)", seen)


async def _secrets(lab: Lab, target: Target, persona: Persona) -> Judged:
    call, who = await _valid(lab, target, persona, "a call with secrets in it")
    secret = await lab.credential(who)
    planted = {"the query": f"q{lab.nonce}", "a header": f"h{lab.nonce}", "a cookie": f"c{lab.nonce}"}
    joined = "&" if "?" in call.target else "?"
    headers = (*call.headers, ("x-assay-secret", planted["a header"]), ("cookie", f"session={planted['a cookie']}"))
    target_ = f"{call.target}{joined}assay_secret={planted['the query']}"
    seen = await lab.call(replace(call, target=target_, headers=headers))
    if await _line(lab, seen) is None:
        raise NotReached("the call left no line in the log, so nothing can be said about what a line holds")
    for where, text in (("the credential", secret), *((f"what stood in {w}", t) for w, t in planted.items())):
        if await lab.log_holds(text):
            return broken(f"{where} is in the log", seen)
    signature = secret.rpartition(".")[2] if secret.count(".") == 2 else secret
    if len(signature) >= 16 and await lab.log_holds(signature):
        return broken("the signature of a token is in the log", seen)
    return held("neither the credential nor what was planted in query, header and cookie is in the log", seen)


async def _forged(lab: Lab, target: Target, persona: Persona) -> Judged:
    """A path that ends a line and begins another must stay within its own line."""
    call, _ = await _valid(lab, target, persona, "a call")
    fake = f"forged-{lab.nonce}"
    path = f"{call.target.partition('?')[0]}%0A%7B%22request_id%22:%22{fake}%22%7D"
    seen = await lab.call(replace(call, target=path, purpose="a path that holds a line break"))
    line = await _line(lab, seen)
    if line is None:
        return broken("a call with a line break in its path left no line of its own in the log", seen)
    if line.get("request_id") == fake or await lab.log_holds(f'\n{{"request_id":"{fake}"'):
        return broken("a line break in a path begins a line of its own in the log", seen)
    if fake not in str(line.get("path", "")):
        return unclear("the path is not in the log as it was sent, so nothing could be forged through it", seen)
    return held("a line break in a path stays within the line of its call", seen)
