"""The lab that the engine gives to a case: real identities, real objects, real exchanges, all of them recorded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from assay.gateway.decision import Decision, decide
from assay.prove import reproduce
from assay.prove.abroad import Visit
from assay.prove.bench import Bench
from assay.prove.bounds import BoundsReached
from assay.prove.case import (
    Call,
    Canary,
    Case,
    Draft,
    Identity,
    NotReached,
    Offer,
    RawSeen,
    Seen,
    Shaken,
    Thing,
)
from assay.prove.concluding import correlation, nonce
from assay.prove.courier import Courier, Sent
from assay.prove.foreign import Abroad
from assay.prove.governed import Governed
from assay.prove.handshake import exchange_raw, shake
from assay.prove.patience import Patience
from assay.prove.played import Behind, Played
from assay.prove.slots import Slot
from assay.prove.surface import Persona, Surface, Target
from assay.prove.wire import Answer

if TYPE_CHECKING:
    from assay.declare.model import MessageRecipe
    from assay.privilege.rights import Rights
    from assay.prove.seams import Confided

_RAW_BYTES = 64 * 1024
_RAW_SECONDS = 4.0
"""What is no request may get no answer, and some services serve nobody else while they wait for the rest of it."""
T = TypeVar("T")


class EngineLab:
    """Implements :class:`assay.prove.case.Lab` for one attempt at a case.

    Args:
        attempt: from 1; each has its own nonce and request ids.
        fresh: shares no identity and no object with other cases, as far as others can be had.
        deadline: of the attempt; moved when the case waits.
    """

    def __init__(
        self,
        bench: Bench,
        case: Case,
        *,
        attempt: int = 1,
        fresh: bool = False,
        slot: Slot | None = None,
        deadline: asyncio.Timeout | None = None,
        cleaning: bool = False,
    ) -> None:
        self._bench, self._case, self._attempt, self._fresh = bench, case, attempt, fresh
        self._courier = Courier(bench, case, attempt, cleaning=cleaning)
        self._patience = Patience(bench, case, self._courier, fresh=fresh or cleaning, slot=slot, deadline=deadline)
        self._random = random.Random(f"{bench.settings.seed}:{case.id}")  # noqa: S311 - choices, no secrets
        self.facts: dict[str, Any] = {}
        self.cut = ""
        """Why the bounds ended this attempt, even if the case did not let that through."""

    # What the case was given ---------------------------------------------------------------------------------------

    @property
    def surface(self) -> Surface:
        """See Lab."""
        return self._bench.settings.surface

    @property
    def random(self) -> random.Random:
        """See Lab."""
        return self._random

    @property
    def nonce(self) -> str:
        """See Lab."""
        return nonce(self._bench.settings.run, self._case.id, self._attempt)

    @property
    def worn(self) -> bool:
        """Whether somebody's rate limit was used up, even if the case did not let that through."""
        return bool(self._patience.worn)

    @property
    def sent(self) -> Sequence[Sent]:
        """Every exchange of this attempt so far."""
        return self._courier.sent

    def now(self) -> float:
        """See Lab."""
        return self._bench.settings.clock().timestamp()

    # Who -----------------------------------------------------------------------------------------------------------

    async def act(self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None) -> Identity:
        """See Lab."""
        cast = self._bench.settings.cast
        if self._fresh and not fresh:
            # Asked for by the engine and not by the case: where there is nobody else, the usual one must do.
            with suppress(NotReached):
                return await self._bounded(cast.act(persona, fresh=True, scopes=scopes, send=self._setup))
        return await self._bounded(cast.act(persona, fresh=fresh, scopes=scopes, send=self._setup))

    async def credential(self, who: Identity) -> str:
        """See Lab."""
        return await self._bench.settings.cast.credential(who)

    async def mint(
        self,
        who: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        """See Lab."""
        return await self._bench.settings.cast.mint(who, claims=claims, without=without, header=header, key=key)

    async def issuer_keys(self) -> Mapping[str, Any]:
        """See Lab."""
        return await self._bench.settings.cast.issuer_keys()

    def mac(self, recipe: MessageRecipe, content: bytes) -> bytes:
        """See Lab."""
        return self._confided().mac(recipe, content)

    async def code_sent_to(self, address: str, *, within: float = 10.0) -> str:
        """See Lab."""
        return await self._confided().code(address, within=within)

    # What ----------------------------------------------------------------------------------------------------------

    async def owned(
        self, target: Target, persona: Persona, *, other_than: Sequence[Identity] = (), fresh: bool = False
    ) -> Thing:
        """See Lab."""
        objects = self._bench.settings.objects

        async def find(fresh: bool) -> Thing:
            thing = await objects.owned(
                target,
                persona,
                self._setup,
                other_than=other_than,
                fresh=fresh,
                nonce=self.nonce,
                random=self._random,
            )
            if thing.made:
                self._bench.made.update(thing.params.values())
            return thing

        if self._fresh and not fresh:
            with suppress(NotReached):
                return await self._bounded(find(True))
        return await self._bounded(find(fresh))

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        """See Lab."""
        return self._bench.settings.objects.draft(target, thing, plant=plant, random=self._random)

    def request(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        """See Lab."""
        call = self._bench.settings.objects.encode(target, draft, who, purpose=purpose, headers=headers, source=source)
        return call if call.api else replace(call, api=target.api)

    # Doing ---------------------------------------------------------------------------------------------------------

    async def call(self, call: Call) -> Seen:
        """See Lab."""
        if call.who is not None and self._bench.cast_of(call.who.name) is not self._bench.settings.cast:
            # Nobody renews a stranger's credential for it, or lets another one take its place.
            return await self._bounded(self._courier.send(call))
        seen = await self._bounded(self._patience.call(call, guarded=True))
        self._noticed(call, seen)
        return seen

    async def together(self, calls: Sequence[Call]) -> tuple[Seen, ...]:
        """See Lab."""
        for call in calls:
            await self._courier.meet(call)
        found = await self._bounded(self._courier.together(calls))
        for call, seen in zip(calls, found, strict=True):
            self._noticed(call, seen)
        for call, seen in zip(calls, found, strict=True):
            self._patience.after_together(call, seen)
        return found

    async def raw(self, data: bytes, *, tls: bool = True, purpose: str = "") -> RawSeen:
        """See Lab."""
        origin = self._courier.origin()
        number, settings = self._courier.number(), self._bench.settings
        await self._bounded(self._courier.take())
        started, spoken = settings.clock(), tls and origin.tls
        context = self._bench.transport.context(None) if spoken else None
        got = await exchange_raw(
            origin, data, context=context, seconds=min(_RAW_SECONDS, settings.limits.call_seconds), bound=_RAW_BYTES
        )
        text = self._bench.redaction.text(data.decode("latin-1"))
        line = reproduce.raw(origin, text, tls=spoken) if len(data) <= 2048 else ""
        self._courier.sent.append(
            Sent(
                number=number,
                kind="raw",
                purpose=purpose,
                who="anonymous",
                started=started,
                origin=origin,
                sent=data,
                answer=Answer(body=got.data, error=got.error, seconds=got.seconds),
                reproduce=line,
            )
        )
        return RawSeen(number, got.data, got.closed, got.seconds, got.error)

    async def handshake(self, offer: Offer) -> Shaken:
        """See Lab."""
        origin, settings = self._courier.origin(), self._bench.settings
        cast = self._bench.cast_of(offer.certificate)
        certificate = await cast.certificate(offer.certificate) if offer.certificate != "none" else None
        number = self._courier.number()
        await self._bounded(self._courier.take())
        started = settings.clock()
        got = await shake(
            origin,
            offer,
            certificate=certificate,
            authority=settings.authority,
            seconds=settings.limits.call_seconds,
        )
        offered = f"TLS {offer.minimum} to {offer.maximum}, suites {offer.suites or 'usual'}"
        shown = f"{offered}, certificate {offer.certificate}"
        ended = "" if got.error else f"TLS {got.version}, {got.suite}"
        self._courier.sent.append(
            Sent(
                number=number,
                kind="handshake",
                purpose=offer.purpose,
                who=offer.certificate if offer.certificate != "none" else "anonymous",
                started=started,
                origin=origin,
                sent=shown.encode(),
                answer=Answer(body=ended.encode(), error=got.error, seconds=got.seconds),
                reproduce=reproduce.s_client(origin, offer),
            )
        )
        return Shaken(number, got.version, got.suite, got.certificate, got.error)

    async def behind(self, call: Call, played: Played) -> Behind:
        """See Lab."""
        settings = self._bench.settings
        mirror = await self._bench.mirror()
        # An id of its own: numbers within the case are those of exchanges, which this one is not the only kind of.
        known = correlation(f"{settings.run}/behind", self._case.id, self._attempt, len(self._courier.sent))
        mirror.service.expect(known, played)
        call = replace(call, headers=(*call.headers, ("x-request-id", known)))
        with self._patience.standing_aside() as aside:
            seen = await self._bounded(self._courier.send(call, guarded=False, mirror=mirror))
            line = await mirror.log.line(known, within=settings.limits.log_seconds)
            await aside.back()
        timeout = mirror.timeouts.get(call.api or self._case.api, 0.0)
        decision = decide(line) if line is not None else None
        return Behind(seen, mirror.service.asked(known), timeout, decision, mirror.facts)

    async def once(self, what: str, ask: Callable[[], Awaitable[Seen]]) -> Seen:
        """See Lab."""
        if self._fresh:
            return await ask()
        seen, others = await self._bench.successes.get(what, ask)
        if others:
            self.facts["positive_control"] = seen.correlation
        return seen

    def used(self, consumer: str, requests: int, seconds: int) -> tuple[float, float]:
        """See Lab."""
        return self._bench.usage.used(consumer, requests, seconds)

    async def wait(self, seconds: float) -> None:
        """See Lab."""
        await self._bounded(self._patience.pause(seconds, "a window must pass"))

    # Seeing --------------------------------------------------------------------------------------------------------

    async def decision(self, seen: Seen) -> Decision | None:
        """See Lab."""
        line = await self.log_line(seen)
        return decide(line) if line is not None else None

    async def log_line(self, seen: Seen) -> Mapping[str, Any] | None:
        """See Lab."""
        log = self._bench.log
        if log is None or not seen.correlation or not self._logged(seen):
            return None
        if (line := log.known(seen.correlation)) is not None:
            return line
        with self._patience.standing_aside() as aside:
            line = await log.line(seen.correlation, within=self._bench.settings.limits.log_seconds)
            await aside.back()
        return line

    async def log_holds(self, text: str) -> bool:
        """See Lab."""
        if self._bench.log is None:
            raise NotReached("there is no access log of our own gateway to read")
        try:
            return await self._bench.log.holds(text)
        except OSError as error:
            raise NotReached(f"the access log cannot be read: {error.strerror}") from error

    async def listen(self, *, redirect_to: str | None = None) -> Canary:
        """See Lab."""
        return await self._bench.listener.url(redirect_to=redirect_to)

    async def heard(self, canary: Canary, *, within: float = 1.0) -> bool:
        """See Lab."""
        return await self._bench.listener.heard(canary, within=within)

    async def stored(self, needle: bytes, *, system: str | None = None) -> bool:
        """See Lab."""
        looked = await self._bench.settings.stores.holds(needle, system)
        self.facts["looked"] = looked.how
        return looked.found

    async def identifying(self, system: str, fields: Collection[str], *, at_most: int) -> tuple[bytes, ...]:
        """See Lab."""
        return await self._bench.settings.stores.identifying(system, fields, at_most)

    async def abroad(self, environment: str) -> Abroad:
        """See Lab."""
        neighbour, side = await self._bench.side(environment)

        async def send(call: Call) -> Seen:
            return await self._bounded(self._courier.send(call, guarded=False, mirror=side))

        return Visit(neighbour, send, self._random)

    async def rights(self, account: str) -> Rights:
        """See Lab."""
        granted = self._bench.settings.granted
        if granted is None:
            raise NotReached("rights of accounts are not read in this run")
        return await granted.rights(account)

    def governed(self) -> Governed:
        """See Lab."""
        governed = self._bench.settings.governed
        if governed is None:
            raise NotReached("there is no gateway of ours, whose files and versions could be looked at")
        return governed

    async def prepare(self) -> None:
        """Has what requests of the case's operation must name beside their path, so that no case depends on what
        others happened to see before it. What cannot be had is missed, and told, by the case itself."""
        settings, case = self._bench.settings, self._case
        target = settings.surface.by_id.get((case.api, case.operation))
        if target is None or not settings.objects.lacks(target):
            return
        named = self._bench.personas.get(case.identity)
        chance = random.Random(f"{settings.seed}:{target.api}.{target.id}")  # noqa: S311 - choices, no secrets
        for persona in (named,) if named else settings.surface.permitted(target)[:1]:
            with suppress(NotReached):
                await settings.objects.refer(target, persona, self._setup, random=chance)

    async def send_for_cleaning(self, call: Call) -> Seen:
        """Sends what removes an object of this run. A rate limit is waited for; nobody takes the caller's place."""
        return await self._setup(call)

    def _confided(self) -> Confided:
        confided = self._bench.settings.confided
        if confided is None:
            raise NotReached("this run was told no secrets of senders, and no inbox")
        return confided

    # Inside --------------------------------------------------------------------------------------------------------

    async def _setup(self, call: Call) -> Seen:
        """Sends what identities and objects need; they change nothing but what they make themselves."""
        return await self._bounded(self._patience.call(call, guarded=False))

    def _noticed(self, call: Call, seen: Seen) -> None:
        self._bench.settings.objects.noticed(call, seen, call.api or self._case.api)

    async def _bounded(self, work: Awaitable[T]) -> T:
        """Notes that the bounds ended the attempt, whatever the case makes of it."""
        try:
            return await work
        except BoundsReached as error:
            self.cut = str(error)
            raise

    def _logged(self, seen: Seen) -> bool:
        return any(sent.number == seen.number and sent.logged for sent in self._courier.sent)
