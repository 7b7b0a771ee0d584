"""What attacks on authentication share: the request that works, and judging the same with a bad credential."""

from __future__ import annotations

from dataclasses import dataclass

from assay.controls._lib.answers import Answer, ask, callers, carries, doubtful, real_object, works
from assay.prove.case import Call, Draft, Identity, Judged, Lab, NotReached, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

CONTROL = "authentication"
GARBAGE = "assay-no-such-credential"
"""A credential that never existed."""


@dataclass(frozen=True, slots=True)
class Known:
    """A request that a real caller succeeded with, and what came back."""

    target: Target
    draft: Draft
    thing: Thing | None
    who: Identity
    call: Call
    seen: Seen


async def known_good(lab: Lab, target: Target, persona: Persona) -> Known:
    """The positive control: somebody who may call, and does.

    Raises:
        NotReached: the request does not work for its rightful caller either.
    """
    thing, who = await real_object(lab, target, persona)
    draft = lab.draft(target, thing)
    call = lab.request(target, draft, who, purpose="the rightful caller")
    return Known(target, draft, thing, who, call, await works(lab, call))


def judge_bad(lab: Lab, answer: Answer, good: Known | None, what: str, *, equivalent: str = CONTROL) -> Judged:
    """Judges an answer to a request that should have failed because of its credential.

    A refusal counts for authentication only when nothing else refused first. The service's own refusal is as good.

    Args:
        good: the same request with a good credential; None when it was not sent (it would change something).
        what: the credential, in words that begin a sentence.
        equivalent: another control whose refusal is as good here.
    """
    seen, watched = answer.seen, answer.observes(CONTROL)
    if answer.at_gateway:
        if answer.policy.startswith((f"{CONTROL}/", f"{equivalent}/")) and not watched:
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        if watched:
            return broken(
                f"{what} passes authentication, which only observes (`{watched}`); {answer.by} refused the call later",
                seen,
            )
        return unclear(f"{what} was refused by {answer.by} before or instead of authentication", seen)
    if seen.ok:
        return _accepted(lab, answer, good, what)
    if seen.status in (401, 403) or (good is not None and 400 <= seen.status < 500):
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if 300 <= seen.status < 400:
        return unclear(f"{what} is answered with a redirect ({seen.status})", seen)
    return unclear(f"{what} is answered {seen.status}, which does not say whether the credential was looked at", seen)


def _accepted(lab: Lab, answer: Answer, good: Known | None, what: str) -> Judged:
    seen, through = answer.seen, answer.decision is not None
    if good is not None and carries(seen, good.seen, good.thing):
        return broken(f"{what} is answered {seen.status} with what the rightful caller gets", seen)
    if through:
        return broken(f"{what} is let through by the gateway and answered {seen.status}", seen)
    if good is None:
        return unclear(f"{what} is answered {seen.status}; whether it had an effect was not seen", seen)
    return unclear(f"{what} is answered {seen.status}, but without what the rightful caller gets", seen)


async def refused_between(lab: Lab, good: Known, call: Call, what: str) -> Judged:
    """Sends a call with a bad credential after a good one worked, and sees that the good one still does.

    Without the second good answer a refusal may be a lock-out, and says nothing about the credential.
    """
    verdict = await _compared(lab, good, call, what)
    if verdict.outcome == "pass":
        await works(lab, good.call)
    return verdict


async def _compared(lab: Lab, good: Known, call: Call, what: str) -> Judged:
    """Judges a bad credential; where the good answer holds too little to be recognised, beside a made-up one."""
    answer = await ask(lab, call)
    verdict = judge_bad(lab, answer, good, what)
    if verdict.outcome != "inconclusive" or not answer.seen.ok or answer.seen.status != good.seen.status:
        return verdict
    made_up = await ask(lab, with_token(lab, good, GARBAGE, "a made-up token, to compare"))
    if made_up.seen.ok:
        return verdict
    return broken(
        f"{what} is answered {answer.seen.status} like a good one, while a made-up one is refused", answer.seen
    )


async def worst(lab: Lab, good: Known, calls: list[tuple[str, Call]]) -> Judged:
    """Several bad credentials on one request: the first that is accepted decides, then the first that is unclear.

    The good credential is tried again at the end.
    """
    verdicts: list[Judged] = []
    for what, call in calls:
        verdict = await _compared(lab, good, call, what)
        if verdict.outcome == "fail":
            return verdict
        verdicts.append(verdict)
    doubtful = next((v for v in verdicts if v.outcome != "pass"), None)
    if doubtful is not None:
        return doubtful
    if not verdicts:
        raise NotReached("no such credential could be made")
    await works(lab, good.call)
    if len(verdicts) == 1:
        return verdicts[0]
    tried = "; ".join(v.sentence for v in verdicts[:1])
    return Judged(
        verdicts[0].outcome,
        f"{tried}, and so are {len(verdicts) - 1} variants of it",
        verdicts[0].decisive,
        {"tried": len(verdicts)},
    )


def token_header(token: str) -> tuple[tuple[str, str], ...]:
    """The header in which a bearer token travels (RFC 6750 §2.1)."""
    return (("authorization", f"Bearer {token}"),)


def with_token(lab: Lab, good: Known, token: str, purpose: str) -> Call:
    """The good request with another token in place of its own; a certificate or key beside it stays."""
    return lab.request(good.target, good.draft, good.who, purpose=purpose, headers=token_header(token))


def bearers(surface: Surface, target: Target) -> tuple[Persona, ...]:
    """Those who may call it and show a token that can be altered, plain ones first."""
    found = [p for p in callers(surface, target) if {"token", "session"} & set(p.ways)]
    return tuple(sorted(found, key=lambda p: (doubtful(surface, target, p), len(p.ways), p.name)))


def representatives(surface: Surface) -> tuple[Target, ...]:
    """One readable operation for each distinct security requirement of each API that is not open to everybody.

    What is sent to it changes nothing; those without parameters come first, since nothing must be made for them.
    """
    chosen: dict[tuple[str, object], Target] = {}
    ordered = sorted(surface.targets, key=lambda t: (t.operation.path.count("{"), len(t.operation.parameters)))
    for target in ordered:
        if target.writes or target.operation.method.upper() not in ("GET",) or surface.is_open(target) is not False:
            continue
        if any(not requirement for requirement in target.operation.security):
            continue
        chosen.setdefault((target.api, target.operation.security), target)
    wanted = {(t.api, t.id) for t in chosen.values()}
    return tuple(t for t in surface.targets if (t.api, t.id) in wanted)
