"""A declared limit lets as many calls pass as it says, refuses the next, says when to come back, and recovers."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from assay.controls.rate_limiting.proofs.bounds import Bound
from assay.controls.rate_limiting.proofs.spending import Spender, Spent, another, source_of, spender
from assay.domain import Severity
from assay.prove.case import Call, Judged, Lab, NotReached, Seen, broken, held, unclear

_FIRST_IN_LINE = ("authentication", "authorisation", "network_ranges", "api_gateway")
SPOOFS = (
    ("x-forwarded-for", "203.0.113.77"),
    ("x-real-ip", "203.0.113.77"),
    ("forwarded", "for=203.0.113.77"),
    ("true-client-ip", "203.0.113.77"),
    ("cf-connecting-ip", "203.0.113.77"),
    ("x-client-ip", "203.0.113.77"),
)


def exact(bound: Bound) -> Callable[[Lab], Awaitable[Judged]]:
    """The case for one limit."""

    async def run(lab: Lab) -> Judged:
        many = await spender(lab, bound)
        other = await _somebody_else(lab, many)
        taken = await _taken(lab, bound)
        spent = await many.spend()
        if spent.last is not None and bound.per != "network":
            await _counted(lab, spent.last)
        if spent.refused is not None and (lower := _of_another(lab, bound, spent.refused)):
            sentence = f"a limit of {lower} refused before {bound.words} was reached"
            return unclear(sentence, spent.refused, declared=bound.rate.requests, passed=spent.passed)
        used = _used(bound, spent, taken)
        if spent.refused is not None and not used[1] and spent.passed < _range(bound, spent, used)[0]:
            try:
                await lab.wait(bound.rate.seconds + 0.5)
            except NotReached as reason:
                sentence = f"{bound.words} refused after {spent.passed} calls already, and {reason}"
                return unclear(sentence, spent.refused, declared=bound.rate.requests, passed=spent.passed)
            spent = await many.spend()
            used = _used(bound, spent, (0, 0))
        facts: dict[str, Any] = {"declared": bound.rate.requests, "seconds": bound.rate.seconds, "passed": spent.passed}
        if used[1]:
            facts["used_before"] = used[1] if used[0] == used[1] else list(used)
        if spent.refused is None:
            sentence = (
                f"{spent.passed} calls passed within {spent.seconds:.1f} s, and {bound.words} refused none of them"
            )
            return broken(sentence, spent.last, **facts)
        least, most = _range(bound, spent, used)
        if spent.passed < least:
            sentence = f"{bound.words} refused after {spent.passed} calls already"
            return unclear(sentence + "; perhaps somebody else used some of it up", spent.refused, **facts)
        if spent.passed > most:
            return broken(f"{bound.words} let {spent.passed} calls pass", spent.refused, **facts)
        lacking = _lacking(spent.refused)
        if lacking:
            sentence = f"{bound.words} refused after {spent.passed} calls, but {lacking}"
            return broken(sentence, spent.refused, severity=Severity.LOW, **facts)
        notes = [f"{spent.passed} calls passed, then 429 with `retry-after`"]
        if used[1]:
            notes.insert(0, _before(used, said=used_before(bound, spent) > 0))
        if other is not None:
            seen = await _besides(lab, bound, other)
            if seen.status != 429:
                notes.append("another caller was not refused" if bound.per == "caller" else "others were not refused")
            elif _worn(lab, other):
                notes.append("whether others are refused was not seen, for their own limit is used up as well")
            else:
                return broken(f"when one had used up {bound.words}, another was refused as well", seen, **facts)
        if bound.per == "network" and (spoofed := await _spoofed(lab, many)) is not None:
            sentence = f"{bound.words} is counted anew for every address that a caller claims in a header"
            return broken(sentence, spoofed, **facts)
        back = await _recovers(lab, many, spent.refused)
        if back is False:
            return broken(f"{bound.words} refused still after its window had passed", spent.refused, **facts)
        notes.append("calls pass again later" if back else "its recovery was not waited for")
        return held(f"{bound.words}: {'; '.join(notes)}", spent.refused, **facts)

    return run


async def _taken(lab: Lab, bound: Bound) -> tuple[int, int]:
    """The fewest and the most calls that this run's other cases have taken out of a consumer's limit.

    Where they are further apart than a limit may be off, what they took is waited for.

    Raises:
        NotReached: that takes longer than this run may wait.
    """
    consumer = bound.persona.consumer if bound.persona is not None else None
    if bound.per != "consumer" or consumer is None:
        return 0, 0
    rate = bound.rate
    least, most = lab.used(consumer, rate.requests, rate.seconds)
    if most - least > max(1, rate.requests // 10):
        await lab.wait(most / rate.per_second)
        least, most = lab.used(consumer, rate.requests, rate.seconds)
    return math.floor(least), math.ceil(most)


def _used(bound: Bound, spent: Spent, taken: tuple[int, int]) -> tuple[int, int]:
    """The fewest and the most that had been used before: what the answers say counts for more than a reckoning."""
    said = used_before(bound, spent)
    return (said, said) if said else taken


def _before(used: tuple[int, int], *, said: bool) -> str:
    if said:
        return f"{used[0]} had been used before, as the answers say"
    shown = str(used[0]) if used[0] == used[1] else f"{used[0]} to {used[1]}"
    return f"{shown} had been used by other cases of this run"


def _of_another(lab: Lab, bound: Bound, refused: Seen) -> int:
    """The number of another limit that refused, by the gateway's own ``x-ratelimit-limit``; 0: none did, or none is
    named."""
    said = refused.headers.get("x-ratelimit-limit", "").partition(",")[0].strip()
    ours = lab.surface.fronted and lab.surface.via == "gateway"
    if not ours or not (said.isascii() and said.isdigit() and len(said) < 10):
        return 0
    return 0 if int(said) == bound.rate.requests else int(said)


def _range(bound: Bound, spent: Spent, used: tuple[int, int]) -> tuple[int, int]:
    """How many calls may pass: 10 % about what is declared, and what comes back while they are made.

    What comes back does so evenly: Envoy's buckets have no moment at which they are full again at once, so there is
    no boundary about which twice as many could pass.

    Args:
        used: the fewest and the most calls that others had made before: so many fewer may pass.
    """
    slack = max(1, bound.rate.requests // 10)
    back = math.ceil(spent.seconds * bound.rate.per_second)
    return bound.rate.requests - slack - used[1], bound.rate.requests + slack + back - used[0]


def used_before(bound: Bound, spent: Spent) -> int:
    """How much of the limit others had used, by the ``x-ratelimit-*`` fields of the first answer; 0: nothing says so.

    Believed only about the declared limit itself (draft-ietf-httpapi-ratelimit-headers-03).
    """
    if spent.first is None:
        return 0
    limit = spent.first.headers.get("x-ratelimit-limit", "").partition(",")[0].strip()
    left = spent.first.headers.get("x-ratelimit-remaining", "").strip()
    if not (
        limit.isascii() and limit.isdigit() and left.isascii() and left.isdigit() and len(left) < 10 and len(limit) < 10
    ):
        return 0
    if int(limit) != bound.rate.requests:
        return 0
    return max(0, bound.rate.requests - 1 - int(left))


async def _somebody_else(lab: Lab, many: Spender) -> Call | None:
    """A call of somebody who is not refused before the limit is used up; None: nobody is known to be.

    Who is not made for this case may have been refused for what other cases did, which would say nothing.
    """
    other = await another(lab, many.bound, many)
    if other is None or (other.who is not None and other.who.disposable) or many.bound.per == "network":
        return other
    return None if (await lab.call(other)).status == 429 else other


async def _besides(lab: Lab, bound: Bound, other: Call) -> Seen:
    """What somebody else is answered when a limit is used up; from an address of their own, if they are refused first:
    there are fewer addresses than callers, and the limit of an address is not the one that is tried."""
    seen = await lab.call(other)
    ours = lab.surface.fronted and lab.surface.via == "gateway"
    if seen.status != 429 or bound.per == "network" or not ours:
        return seen
    with suppress(NotReached):
        elsewhere = await lab.call(replace(other, source=source_of(lab, 2)))
        return elsewhere if elsewhere.ok else seen
    return seen


def _worn(lab: Lab, other: Call) -> bool:
    """Whether other cases of this run may have used up the limit of the consumer that somebody calls for."""
    persona = next((p for p in lab.surface.personas if other.who and p.name == other.who.persona), None)
    if persona is None or persona.consumer is None:
        return False
    consumer = lab.surface.declaration.model.consumers.get(persona.consumer)
    if consumer is None or consumer.limit is None:
        return False
    _, most = lab.used(persona.consumer, consumer.limit.requests, consumer.limit.seconds)
    return most >= consumer.limit.requests / 2


async def _counted(lab: Lab, seen: Seen) -> None:
    """Calls that were turned down before limits are counted show nothing about a limit."""
    if seen.status not in (401, 403, 404):
        return
    decision = await lab.decision(seen)
    if seen.status == 401 or (decision is not None and decision.policy.startswith(_FIRST_IN_LINE)):
        raise NotReached(f"the calls were answered {seen.status} before the limit was reached")


def _lacking(refused: Seen) -> str:
    if not refused.headers.get("retry-after"):
        return "did not say when to come back (`retry-after`)"
    return ""


async def _spoofed(lab: Lab, many: Spender) -> Seen | None:
    """An answer that was let through under another claimed address, twice; None: none was."""
    seen = None
    for _ in range(2):
        if await many.again() is None:
            return None
        seen = await lab.call(many.call("another address is claimed", SPOOFS))
        if seen.status == 429:
            return None
    return seen


async def _recovers(lab: Lab, many: Spender, refused: Seen) -> bool | None:
    """Whether calls pass again later; None: that is longer than this run may wait."""
    rate = many.bound.rate
    said = refused.headers.get("retry-after", "")
    after = int(said) if said.isdigit() else rate.seconds
    for pause in dict.fromkeys((min(after, 1.5 / rate.per_second + 0.3), float(after) + 0.3, rate.seconds + 0.5)):
        try:
            await lab.wait(pause)
        except NotReached:
            return None
        if (await lab.call(many.call("after a pause"))).status != 429:
            return True
    return False
