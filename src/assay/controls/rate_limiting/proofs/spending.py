"""Calls that use a limit up: by whom, from where, and in which form, so that nothing is changed by them."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from assay.controls._lib.attempts import Ready, ready
from assay.controls.rate_limiting.proofs.bounds import Bound, many
from assay.prove.case import Call, Draft, Identity, Lab, NotReached, Seen
from assay.prove.surface import Persona

_AT_ONCE = 20
_SEQUENTIAL = 100
_QUICK = 10.0
"""Calls a second that may come back faster than they can be made one after the other."""
_BLANK = b"{"
"""A body that is no JSON: it is counted by limits, which come before, and changes nothing."""


@dataclass
class Spender:
    """Somebody who uses a limit up. Made by :func:`spender`."""

    lab: Lab
    bound: Bound
    callers: list[Ready]
    source: str | None
    _turn: int = field(default=0)

    def call(self, purpose: str = "one of many", headers: Sequence[tuple[str, str]] = ()) -> Call:
        """The next call: of the callers in turn."""
        able = self.callers[self._turn % len(self.callers)]
        self._turn += 1
        return shaped(self.lab, self.bound, able, purpose, headers, self.source)

    async def spend(self) -> Spent:
        """Calls until somebody is refused for the rate, or more calls passed than the limit allows."""
        began = self.lab.now()
        passed, first, last = 0, None, None
        rate = self.bound.rate
        while True:
            elapsed = self.lab.now() - began
            most = self.bound.most + math.ceil(elapsed * rate.per_second)
            if passed >= most:
                return Spent(passed, elapsed, None, last, first)
            if first is None or (rate.requests <= _SEQUENTIAL and rate.per_second < _QUICK):
                seen: Sequence[Seen] = (await self.lab.call(self.call()),)
            else:
                seen = await _side_by_side(self.lab, [self.call() for _ in range(min(_AT_ONCE, most - passed))])
            for one in seen:
                if one.status == 0:
                    raise NotReached(f"a call got no answer: {one.error}")
                if one.status != 429:
                    passed, first, last = passed + 1, first or one, one
            refused = next((s for s in seen if s.status == 429), None)
            if refused is not None:
                return Spent(passed, self.lab.now() - began, refused, last, first)

    async def again(self) -> Seen | None:
        """Uses up what came back meanwhile. None: nobody is refused any more, however much passes.

        Little comes back between two calls. All of it may have, where so much was done meanwhile that a window passed.
        """
        for _ in range(max(5, self.bound.rate.requests // 5)):
            seen = await self.lab.call(self.call("uses up what came back"))
            if seen.status == 429:
                return seen
        return (await self.spend()).refused


async def _side_by_side(lab: Lab, calls: Sequence[Call]) -> Sequence[Seen]:
    """Sends calls at the same time on connections that are kept: hundreds of handshakes would take longer than they.

    Raises:
        NotReached: as ``Lab.call`` does; the others have ended by then.
    """
    tasks = [asyncio.create_task(lab.call(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Spent:
    """How many calls passed, in how many seconds, the first refusal for the rate, the last and first that passed."""

    passed: int
    seconds: float
    refused: Seen | None
    last: Seen | None
    first: Seen | None = None


async def spender(lab: Lab, bound: Bound) -> Spender:
    """Callers with whole buckets for a limit.

    Raises:
        NotReached: they cannot be made.
    """
    source = source_of(lab) if bound.per == "network" else None
    if bound.persona is None:
        nobody = Ready(bound.target, None, None, lab.draft(bound.target))
        return Spender(lab, bound, [nobody], source)
    found = [await _caller(lab, bound) for _ in range(bound.people)]
    return Spender(lab, bound, found, source)


async def another(lab: Lab, bound: Bound, than: Spender) -> Call | None:
    """A call of somebody else with a bucket of their own; None: nobody else is known."""
    if bound.per == "network":
        nobody = than.callers[0]
        return replace(shaped(lab, bound, nobody, "another address"), source=source_of(lab, 1))
    if bound.per == "caller" and bound.persona is not None and many(bound.persona):
        try:
            who = await lab.act(bound.persona, fresh=True)
        except NotReached:
            who = None
        if who is not None:
            # Where callers are bound to objects, whoever owns the one that was found calls: it may be the same again.
            able = await _as(lab, bound, who)
            if able.who is not None and able.who.subject not in {c.who.subject for c in than.callers if c.who}:
                return shaped(lab, bound, able, "another caller")
    for persona in lab.surface.permitted(bound.target):
        if bound.persona is not None and _apart(persona, bound.persona):
            with suppress(NotReached):
                return shaped(lab, bound, await ready(lab, bound.target, persona), "another caller")
    return None


def _apart(one: Persona, other: Persona) -> bool:
    """Whether two personas share no limit."""
    return one.name != other.name and (one.consumer != other.consumer or one.consumer is None)


def shaped(
    lab: Lab,
    bound: Bound,
    able: Ready,
    purpose: str,
    headers: Sequence[tuple[str, str]] = (),
    source: str | None = None,
) -> Call:
    """A call that counts, and that changes nothing where our gateway would refuse its body after counting it."""
    target = bound.target
    call = lab.request(target, able.draft, able.who, purpose=purpose, headers=headers, source=source)
    if target.writes and lab.surface.fronted:
        return replace(call, body=_BLANK, content_type="application/json")
    return call


async def _caller(lab: Lab, bound: Bound) -> Ready:
    assert bound.persona is not None  # noqa: S101 - the others are nobody
    if "{" in bound.target.operation.path and lab.surface.owns(bound.target, bound.persona):
        return await ready(lab, bound.target, bound.persona, own=True)
    who = await lab.act(bound.persona, fresh=True)
    return await _as(lab, bound, who)


async def _as(lab: Lab, bound: Bound, who: Identity) -> Ready:
    if "{" in bound.target.operation.path:
        assert bound.persona is not None  # noqa: S101 - as above
        found = await ready(lab, bound.target, bound.persona)
        return found if lab.surface.owns(bound.target, bound.persona) else replace(found, who=who)
    if bound.target.writes and lab.surface.fronted:
        return Ready(bound.target, bound.persona, who, Draft({}))
    return Ready(bound.target, bound.persona, who, lab.draft(bound.target))


def source_of(lab: Lab, which: int = 0) -> str:
    """An address of this machine that no other case calls from, and no other attempt or run: their limit is worn."""
    made = hashlib.sha256(f"{lab.nonce}:{which}".encode()).digest()
    return f"127.0.{1 + made[0] % 254}.{1 + made[1] % 254}"
