"""What a person would do by hand: follow a redirect, sign in again, wait out a rate limit. No verdict comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from assay.prove.bench import Bench
from assay.prove.case import Call, Case, Family, NotReached, Seen
from assay.prove.courier import Courier
from assay.prove.events import Waiting
from assay.prove.scope import Origin
from assay.prove.seams import Presented
from assay.prove.slots import Slot
from assay.prove.surface import WRITING

_REDIRECTS = 5
_SHORT_WAIT = 2.0


class WornOut(Exception):
    """Somebody's rate limit is used up: the case is run again, by others. Not for cases to catch."""


class Patience:
    """Sends calls of one attempt at a case, and does about the answer what is no business of the case.

    Args:
        fresh: the attempt is already one with identities of its own, so nobody else can take their place.
        deadline: of the attempt; moved by pauses.
    """

    def __init__(
        self,
        bench: Bench,
        case: Case,
        courier: Courier,
        *,
        fresh: bool,
        slot: Slot | None,
        deadline: asyncio.Timeout | None,
    ) -> None:
        self._bench, self._case, self._courier, self._fresh = bench, case, courier, fresh
        self._slot, self._deadline = slot, deadline
        self.worn = ""
        """Whose limit was used up, even if the case did not let that through."""

    async def call(self, call: Call, *, guarded: bool) -> Seen:
        """Sends it, and follows redirects to the same origin if it asks for that.

        Raises:
            NotReached: it may not be sent, or a rate limit stands in the way.
            WornOut: others should try.
        """
        await self._courier.meet(call)
        seen = await self._one(call, guarded=guarded)
        for _ in range(_REDIRECTS if call.follow else 0):
            onward = redirected(call, seen, self._courier.origin(call))
            if onward is None:
                break
            call = onward
            seen = await self._one(call, guarded=guarded)
        return seen

    def after_together(self, call: Call, seen: Seen) -> None:
        """What :meth:`call` does about a rate limit, for calls that were sent at the same time."""
        self._count(call)
        if seen.status == 429 and self._case.family < Family.EXHAUSTION:
            self._give_way(call)

    async def pause(self, seconds: float, why: str) -> None:
        """Lets time pass that is nobody's: the case's place is free meanwhile, and its deadline moves.

        Raises:
            NotReached: longer than this run may wait.
        """
        if seconds > 1.0:
            self._bench.settings.emit(Waiting(self._case.id, seconds, why))
        with self.standing_aside() as aside:
            await self._bench.budget.pause(seconds)
            await aside.back()

    def standing_aside(self) -> Aside:
        """Gives up the case's place for a ``with`` block, at whose end :meth:`Aside.back` is awaited."""
        return Aside(self._slot, self._deadline)

    async def _one(self, call: Call, *, guarded: bool) -> Seen:
        presented = self._courier.presents(call)
        seen = await self._courier.send(call, guarded=guarded)
        self._count(call)
        if seen.status == 401 and await self._renewed(call, presented):
            seen = await self._courier.send(call, guarded=guarded)
        if call.who and presented.headers and seen.status not in (0, 401):
            self._bench.accepted.add(call.who.name)
        if seen.status == 429 and self._case.family < Family.EXHAUSTION:
            seen = await self._outwaited(call, seen, guarded=guarded)
        return seen

    async def _renewed(self, call: Call, presented: Presented) -> bool:
        """Whether a credential that was good has been replaced by a new one.

        Not for identities that a case has for itself: their credential may have ended because the case ended it.
        """
        who, bench = call.who, self._bench
        if who is None or who.disposable or not presented.headers or who.name not in bench.accepted:
            return False
        async with bench.renewing(who):
            if self._courier.presents(call) != presented:
                return True  # another case was quicker
            bench.accepted.discard(who.name)
            return await bench.settings.cast.renew(who, send=self._plain)

    async def _plain(self, call: Call) -> Seen:
        """Sends once, and leaves what comes back to whoever asked: for signing in again."""
        return await self._courier.send(call, guarded=False)

    async def _outwaited(self, call: Call, seen: Seen, *, guarded: bool) -> Seen:
        """After a 429: waits for the window if that is short, or lets others try."""
        after = retry_after(seen.headers, self._bench.settings.clock().timestamp())
        if after > _SHORT_WAIT and not self._fresh:
            self._give_way(call)
        await self.pause(after, "the caller's rate limit is used up")
        again = await self._courier.send(call, guarded=guarded)
        if again.status == 429:
            if not self._fresh:
                self._give_way(call)
            raise NotReached("the caller's rate limit was used up, twice")
        return again

    def _give_way(self, call: Call) -> None:
        if call.who:
            self._bench.retire(call.who)
        if self._fresh:
            raise NotReached("the caller's rate limit was used up")
        self.worn = call.who.name if call.who else "anonymous"
        raise WornOut(self.worn)

    def _count(self, call: Call) -> None:
        if call.who and self._case.family < Family.EXHAUSTION:
            self._bench.count(call.who, writes=call.method.upper() in WRITING)


class Aside:
    """A wait that takes neither a place nor the case's own time."""

    def __init__(self, slot: Slot | None, deadline: asyncio.Timeout | None) -> None:
        self._slot, self._deadline = slot, deadline
        self._began = 0.0
        self._end: float | None = None

    def __enter__(self) -> Aside:
        self._began = asyncio.get_running_loop().time()
        if self._slot:
            self._slot.leave()
        if self._deadline is not None:
            self._end = self._deadline.when()
            self._deadline.reschedule(None)
        return self

    async def back(self) -> None:
        """Waits for a place again."""
        if self._slot:
            await self._slot.take()

    def __exit__(self, *_: object) -> None:
        if self._deadline is not None and self._end is not None:
            passed = asyncio.get_running_loop().time() - self._began
            self._deadline.reschedule(self._end + passed)


def redirected(call: Call, seen: Seen, origin: Origin) -> Call | None:
    """The call that a redirect asks for; None: there is none, or it leads elsewhere (RFC 9110 section 15.4)."""
    place = seen.headers.get("location", "")
    if seen.status not in (301, 302, 303, 307, 308) or not place:
        return None
    try:
        there = urlsplit(urljoin(f"{origin}{call.target}", place))
        same = f"{there.scheme}://{there.netloc}".lower() == str(origin)
    except ValueError:
        return None
    if not same:
        return None
    target = (there.path or "/") + (f"?{there.query}" if there.query else "")
    if seen.status in (307, 308) or call.method in ("GET", "HEAD"):
        return replace(call, target=target)
    return replace(call, target=target, method="GET", body=None, content_type=None)


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Seconds until a limit's window has passed, by ``Retry-After`` (RFC 9110 section 10.2.3); 1 when nobody says.

    ``now`` is in seconds since the epoch. A date in the past, or nonsense, counts as 1 second.
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return max(0.1, float(said))
    with suppress(ValueError, TypeError, OverflowError):
        return max(1.0, parsedate_to_datetime(said).timestamp() - now)
    return 1.0
