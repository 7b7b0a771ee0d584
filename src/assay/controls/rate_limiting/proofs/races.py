"""Calls at the same time come to no more, and to no less, than the same calls one after the other (CWE-362).

Judged by a figure that the caller can read, such as a balance: what one call moves it by is seen first, and what
several at once moved it by is held against how many of them were told that they had succeeded.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from assay.controls._lib.answers import callers
from assay.controls._lib.attempts import Ready, reachable, ready, signs_in, tester
from assay.controls.rate_limiting.proofs.replay import key_of
from assay.declare.contract import Direction, SchemaRef
from assay.declare.media import may_be_json
from assay.domain import AssayError
from assay.prove.case import Call, Draft, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

AT_ONCE = 5
REQUESTS = 2 * (AT_ONCE + 3) + 7
"""The most that one case sends: two rounds at once, figures before and after, what is made and what is tried before."""
_SETTLES = 1.0
"""Seconds after which a figure that is counted in the background should show what was done."""
_NO_FIGURES = frozenset({"total", "count", "size", "page", "limit", "offset", "number", "status", "version", "id"})
_UNANSWERED = (0, 401, 403, 429)


@dataclass(frozen=True, slots=True)
class Tally:
    """A figure that an operation moves, and the operation that shows it to its owner."""

    reader: Target
    name: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a request's body names and so uses up (a voucher's code), and the operation that makes one."""

    maker: Target
    name: str


def plan(surface: Surface) -> Iterator[tuple[Target, Tally, Persona]]:
    """Operations that move a figure which their caller can read, and who calls them."""
    readers = [
        t
        for t in surface.targets
        if t.operation.method.upper() == "GET"
        and "{" not in t.operation.path
        and surface.is_open(t) is False
        and not any(p.required for p in t.operation.parameters)
    ]
    shown = {(t.api, name): t for t in reversed(readers) for name in _answered(surface, t, "integer", "number")}
    taken: dict[tuple[str, str], int] = {}
    for target in surface.targets:
        if target.operation.method.upper() != "POST" or signs_in(target) or not reachable(surface, target):
            continue
        for name in sorted(_answered(surface, target, "integer", "number") - _NO_FIGURES):
            reader = shown.get((target.api, name))
            turn = taken.get((target.api, name), 0)
            persona = _caller(surface, target, reader, turn) if reader is not None else None
            if reader is not None and persona is not None:
                taken[target.api, name] = turn + 1
                yield target, Tally(reader, name), persona
                break


def _caller(surface: Surface, target: Target, reader: Target, turn: int) -> Persona | None:
    """Who calls: whoever tries other things on the target, where each case can have a caller of its own, and otherwise
    somebody whose figures those tries do not move."""
    usual = tester(surface, target)
    if usual is None or (not usual.given and surface.allows(reader, usual)):
        return usual
    able = [p for p in callers(surface, target) if surface.allows(reader, p)]
    others = sorted((p for p in able if p.name != usual.name), key=lambda p: (bool(surface.owns(target, p)), p.name))
    return others[turn % len(others)] if others else next(iter(able), None)


def ticket_of(surface: Surface, target: Target) -> Ticket | None:
    """What an operation uses up: a property of its body that only the collection above it gives."""
    wanted = set().union(*(_fields(surface, target, b.schema, "request", "string") for b in target.operation.body))
    for maker in surface.targets if wanted else ():
        above = maker.operation.path.rstrip("/") + "/"
        if maker.api != target.api or maker.operation.method.upper() != "POST" or "{" in above or maker.id == target.id:
            continue
        if not target.operation.path.startswith(above):
            continue
        asked = set().union(*(_fields(surface, maker, b.schema, "request") for b in maker.operation.body))
        given = sorted((_answered(surface, maker, "string") & wanted) - asked)
        if given and surface.permitted(maker):
            return Ticket(maker, given[0])
    return None


def _answered(surface: Surface, target: Target, *kinds: str) -> set[str]:
    """Names of such properties at the top of a target's successful answers."""
    found: set[str] = set()
    for response in target.operation.responses:
        if response.status.startswith("2") and may_be_json(response.media_type or ""):
            found |= _fields(surface, target, response.schema, "response", *kinds)
    return found


def _fields(surface: Surface, target: Target, ref: SchemaRef | None, direction: Direction, *kinds: str) -> set[str]:
    if ref is None:
        return set()
    try:
        listed = surface.contract(target).fields(ref, direction=direction, nested=False)
    except AssayError:
        return set()
    return {f.name for f in listed if len(f.path) == 1 and (not kinds or f.schema.get("type") in kinds)}


def raced(surface: Surface, target: Target, tally: Tally, persona: Persona) -> Callable[[Lab], Awaitable[Judged]]:
    """The case for one operation."""
    ticket = ticket_of(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=True)
        if able.thing is not None and "{" in target.operation.path and not able.thing.made:
            raise NotReached("the object was not made by this run, and would be used up")
        racer = Racer(lab, tally, able, key_of(target.operation) or "")
        press = await _press(lab, ticket)
        if press is not None:
            racer.mine = await press.make()
        start = await racer.figure()
        first = await lab.call(racer.call("once"))
        if not first.ok:
            raise NotReached(f"the valid request was answered {first.status or first.error}")
        step = await racer.figure() - start
        if not step:
            raise NotReached(f"`{tally.name}` did not move, so no effect would be seen")
        again = await lab.call(racer.call("once more"))
        if again.status in _UNANSWERED or again.status >= 500:
            raise NotReached(f"the same request once more was answered {again.status or again.error}")
        effects = _times(await racer.figure() - start, step)
        if again.ok and effects == 2:
            return await _counted(racer, step)
        if again.ok or effects != 1:
            return unclear("two calls one after the other moved the figure in ways that say nothing", again)
        if press is None:
            raise NotReached("the second call was refused, and this run can make nothing of the same kind to be used")
        racer.mine = await press.make()
        return await _used_up(racer, step)

    return run


@dataclass
class Press:
    """Makes things to be used up, all by the same request: how often each can be used is then the same, too."""

    lab: Lab
    ticket: Ticket
    able: Ready

    async def make(self) -> tuple[str, str]:
        """One more: which property of a request's body names it, and how.

        Raises:
            NotReached: it was not made.
        """
        maker = self.ticket.maker
        seen = await self.lab.call(self.able.call(self.lab, self.able.draft, "makes what is used up"))
        body = seen.json() if seen.ok else None
        value = body.get(self.ticket.name) if isinstance(body, dict) else None
        if not isinstance(value, str):
            raise NotReached(f"`{maker.id}` was answered {seen.status}, so there is nothing to use up")
        return self.ticket.name, value


async def _press(lab: Lab, ticket: Ticket | None) -> Press | None:
    """Somebody who may make what is used up; None: nothing is known to make it. Raises NotReached: nobody can."""
    if ticket is None:
        return None
    return Press(lab, ticket, await ready(lab, ticket.maker, lab.surface.permitted(ticket.maker)[0]))


@dataclass
class Racer:
    """Somebody who calls an operation, alone and several times at once, and reads what it came to.

    ``mine``: property of the body and its value; None: the request is sent as the contract drafts it.
    """

    lab: Lab
    tally: Tally
    able: Ready
    key: str
    mine: tuple[str, str] | None = None
    _count: Iterator[int] = field(default_factory=itertools.count)

    def call(self, purpose: str) -> Call:
        """One call; under an idempotency key of its own where the contract has such keys."""
        draft = self.able.draft
        if self.mine is not None and isinstance(draft.body, dict):
            draft = replace(draft, body={**draft.body, self.mine[0]: self.mine[1]})
        if self.key:
            kept = tuple(h for h in draft.headers if h[0].lower() != self.key.lower())
            draft = replace(draft, headers=(*kept, (self.key, f"{self.lab.nonce}-r{next(self._count)}")))
        return self.able.call(self.lab, draft, purpose)

    async def figure(self) -> float:
        """What the figure is now.

        Raises:
            NotReached: it cannot be read.
        """
        call = self.lab.request(self.tally.reader, Draft({}), self.able.who, purpose=f"reads `{self.tally.name}`")
        seen = await self.lab.call(call)
        body = seen.json() if seen.ok else None
        value = body.get(self.tally.name) if isinstance(body, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotReached(f"`{self.tally.name}` cannot be read back: status {seen.status}")
        return value

    async def at_once(self, before: float) -> tuple[list[Seen], float]:
        """The answers that were successes, and by how much the figure moved since it was ``before``."""
        calls = [self.call(f"{AT_ONCE} at once") for _ in range(AT_ONCE)]
        seen = await self.lab.together(calls)
        return [s for s in seen if s.ok], await self.figure() - before


def _times(moved: float, step: float) -> float:
    """How often a figure moved; what is lost in adding fractions up is no part of it."""
    return round(moved / step, 6)


async def _used_up(racer: Racer, step: float) -> Judged:
    """What can be used once, one after the other: so it must be when several try at once."""
    taken, moved = await racer.at_once(await racer.figure())
    name = racer.tally.name
    if not taken:
        raise NotReached(f"none of {AT_ONCE} calls at once succeeded")
    effects = _times(moved, step)
    facts: dict[str, Any] = {"at_once": AT_ONCE, "successes": len(taken), "effects": effects}
    if len(taken) > 1 and effects >= 2:
        sentence = f"what can be used once was used {len(taken)} times by {AT_ONCE} calls at once (`{name}` shows it)"
        return broken(sentence, taken[-1], **facts)
    if len(taken) > 1 or effects != 1:
        words = f"{len(taken)} of {AT_ONCE} calls at once succeeded, and `{name}` moved as by {effects:g} of them"
        return unclear(words, taken[-1], **facts)
    return held(f"of {AT_ONCE} calls at once one succeeded, and `{name}` moved once", taken[-1], **facts)


async def _counted(racer: Racer, step: float) -> Judged:
    """What can be done any number of times: each success moves the figure once, twice in a row."""
    lost = None
    for _ in range(2):
        start = await racer.figure()
        taken, moved = await racer.at_once(start)
        if not taken:
            raise NotReached(f"none of {AT_ONCE} calls at once succeeded")
        effects = _times(moved, step)
        facts: dict[str, Any] = {"at_once": AT_ONCE, "successes": len(taken), "effects": effects}
        words = f"{len(taken)} of {AT_ONCE} calls at once succeeded, and `{racer.tally.name}` moved"
        if 0 <= effects < len(taken):
            # What is counted in the background comes a moment later.
            await racer.lab.wait(_SETTLES)
            effects = _times(await racer.figure() - start, step)
            facts["effects"] = effects
        if effects == len(taken):
            return held(f"{words} as often", taken[-1], **facts)
        if not 0 <= effects < len(taken):
            return unclear(f"{words} as by {effects:g} of them; perhaps by others as well", taken[-1], **facts)
        lost = broken(f"{words} as by {effects:g} of them only: the others were lost", taken[-1], **facts)
    assert lost is not None  # noqa: S101 - both rounds were short
    return lost
