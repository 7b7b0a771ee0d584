"""What all cases of a run share: the ways to send and to look, and what was learnt about identities meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from assay.prove.abroad import Neighbour, Side, side_of
from assay.prove.accesslog import AccessLog
from assay.prove.bounds import Budget, Limits, Stop
from assay.prove.case import Identity, NotReached
from assay.prove.events import Emit
from assay.prove.governed import Governed
from assay.prove.listener import Listener
from assay.prove.mirror import Mirror, Mirroring, open_mirror
from assay.prove.redaction import Redaction
from assay.prove.scope import Origin, Scope, origin_of
from assay.prove.seams import Cast, Confided, Granted, Objects, Stores
from assay.prove.slots import Slots
from assay.prove.sources import Sources, declared_networks, spreadable
from assay.prove.successes import Successes
from assay.prove.surface import Persona, Surface
from assay.prove.transport import Transport
from assay.prove.usage import Usage


def _alone(environment: str) -> str:
    """There are no other environments."""
    return f"nothing is known of environment `{environment}`"


def _silent(_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run depends on beside its cases.

    Attributes:
        target: URL of what is tested; its path does not matter, since calls carry their own.
        scope: where anything may be sent; see :func:`assay.prove.scope.scope_of`.
        run: id of the run; exchanges are found in the gateway's log by ids made from it.
        clock: the time of day, in UTC.
        redact: a last pass over everything that is kept, after the engine's own.
        authority: PEM file of the authorities to trust; None: the public ones.
        access_log: the gateway's; None: there is none to read.
        stop_file: the run ends when it appears.
        authorised: somebody said that production may be tested.
        mirroring: what a mirror of the live gateway is made of; None: there is no gateway of ours.
        neighbour: makes another environment ready to be visited, or says why nothing can be had of it. Blocking.
        granted: reads the rights of accounts; None: nothing does.
        governed: the gateway's own files and versions; None: there is none of ours.
        confided: secrets of those who send messages, and mail of test users; None: none are declared.
    """

    surface: Surface
    target: str
    scope: Scope
    cast: Cast
    objects: Objects
    stores: Stores
    run: str
    clock: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    emit: Emit = _silent
    redact: Callable[[str], str] = str
    authority: Path | None = None
    access_log: Path | None = None
    stop_file: Path | None = None
    authorised: bool = False
    configuration_digest: str = ""
    mirroring: Mirroring | None = None
    neighbour: Callable[[str], Neighbour | str] = _alone
    granted: Granted | None = None
    governed: Governed | None = None
    confided: Confided | None = None


@dataclass
class Bench:
    """The parts that a run's cases share, made for one run and closed after it."""

    settings: Settings
    stop: Stop = field(init=False)
    budget: Budget = field(init=False)
    transport: Transport = field(init=False)
    log: AccessLog | None = field(init=False, default=None)
    listener: Listener = field(init=False, default_factory=Listener)
    sources: Sources = field(init=False)
    redaction: Redaction = field(init=False)
    slots: Slots = field(init=False)
    successes: Successes = field(init=False)
    usage: Usage = field(init=False)
    made: set[str] = field(init=False, default_factory=set)
    """Values of path parameters that address objects which this run made."""
    accepted: set[str] = field(init=False, default_factory=set)
    """Names of identities whose own credential has been accepted."""
    _calls: Counter[str] = field(init=False, default_factory=Counter)
    _writes: Counter[str] = field(init=False, default_factory=Counter)
    _retired: set[str] = field(init=False, default_factory=set)
    _renewing: dict[str, asyncio.Lock] = field(init=False, default_factory=dict)
    _mirror: Mirror | None = field(init=False, default=None)
    _sides: dict[str, Side] = field(init=False, default_factory=dict)
    _visited: dict[str, Neighbour | str] = field(init=False, default_factory=dict)
    _visiting: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _unmirrored: str = field(init=False, default="")
    _opening: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        settings, loop = self.settings, asyncio.get_running_loop()
        limits = settings.limits
        self.stop = Stop(settings.stop_file, loop.time)
        self.budget = Budget(limits, self.stop, loop.time, owed=self._owed)
        self.transport = Transport(
            settings.scope,
            authority=settings.authority,
            seconds=limits.call_seconds,
            body_bytes=limits.body_bytes,
        )
        if settings.access_log is not None and settings.surface.fronted and settings.surface.via == "gateway":
            self.log = AccessLog(settings.access_log)
            self.log.start()
        self.sources = Sources(declared_networks(settings.surface.declaration), spread=spreadable())
        self.redaction = Redaction(self._secrets, settings.redact)
        self.slots = Slots(limits.concurrency)
        self.successes = Successes(loop.time)
        self.usage = Usage(loop.time)

    def _secrets(self) -> frozenset[str]:
        found = self.settings.cast.secrets()
        if self.settings.confided is not None:
            found |= self.settings.confided.secrets()
        for neighbour in self.neighbours:
            found |= neighbour.cast.secrets()
        return found

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """Other environments that were visited in this run."""
        return tuple(n for n in self._visited.values() if isinstance(n, Neighbour))

    def cast_of(self, name: str) -> Cast:
        """The cast that an identity of this name is of: the run's own, or a neighbour's."""
        return next((n.cast for n in self.neighbours if n.knows(name)), self.settings.cast)

    async def side(self, environment: str) -> tuple[Neighbour, Side]:
        """Another environment, and the way to its gateway.

        Raises:
            NotReached: nothing can be had of it, with the reason; or it is production, which nobody said may be called.
        """
        async with self._visiting:
            if environment not in self._visited:
                self._visited[environment] = await asyncio.to_thread(self.settings.neighbour, environment)
        known = self._visited[environment]
        if isinstance(known, str):
            raise NotReached(known)
        if known.production and not self.settings.authorised:
            raise NotReached(
                f"environment `{environment}` is production, which is not called without authority to do so: add "
                "--i-am-authorised, which is recorded in the evidence"
            )
        if environment not in self._sides:
            limits = self.settings.limits
            self._sides[environment] = side_of(known, seconds=limits.call_seconds, body_bytes=limits.body_bytes)
        return known, self._sides[environment]

    def _owed(self) -> int:
        return self.settings.objects.pending

    @cached_property
    def target(self) -> Origin:
        """What is tested."""
        return origin_of(self.settings.target)

    @cached_property
    def personas(self) -> dict[str, Persona]:
        """Kinds of callers by name."""
        return {p.name: p for p in self.settings.surface.personas}

    def host_of(self, api: str) -> str | None:
        """The host name that the gateway knows an API by, where it answers to certain names only."""
        declared = self.settings.surface.declaration.model.apis.get(api)
        if declared is None or not declared.hosts or "*" in declared.hosts or self.settings.surface.via == "direct":
            return None
        first = declared.hosts[0]
        return f"assay{first[1:]}" if first.startswith("*.") else first

    @cached_property
    def allowance(self) -> tuple[int, int]:
        """How many calls, and how many that change something, one identity makes before another takes its place.

        Half of the smallest declared limit, so that no case is refused for what another one used up.
        """
        limits = [api.limits for api in self.settings.surface.declaration.model.apis.values()]
        calls = [each.default.requests for each in limits if each.default]
        writes = [each.write.requests for each in limits if each.write]
        half_calls = max(1, min(calls) // 2) if calls else 1_000_000
        return half_calls, max(1, min(writes) // 2) if writes else half_calls

    def count(self, who: Identity, *, writes: bool) -> None:
        """One more call of an identity. Retires it when it has done its share."""
        self._calls[who.name] += 1
        self._writes[who.name] += writes
        calls, changes = self.allowance
        if self._calls[who.name] >= calls or self._writes[who.name] >= changes:
            self.retire(who)

    def retire(self, who: Identity) -> None:
        """Lets another identity take this one's place; whoever has it keeps it."""
        if who.name not in self._retired and not who.disposable:
            self._retired.add(who.name)
            self.settings.cast.retire(who)
            self.settings.objects.retire(who)

    def renewing(self, who: Identity) -> asyncio.Lock:
        """One renewal of an identity at a time."""
        return self._renewing.setdefault(who.name, asyncio.Lock())

    async def mirror(self) -> Mirror:
        """The mirror of the live gateway, started when it is first asked for.

        Raises:
            NotReached: there is no gateway of ours, or it cannot be mirrored. It is tried once in a run.
        """
        made_of = self.settings.mirroring
        if made_of is None:
            raise NotReached("there is no gateway of ours in front, whose policy could be tried with another service")
        async with self._opening:
            if self._unmirrored:
                raise NotReached(self._unmirrored)
            if self._mirror is None:
                try:
                    self._mirror = await open_mirror(made_of, body_bytes=self.settings.limits.body_bytes)
                except NotReached as reason:
                    self._unmirrored = str(reason)
                    raise
        return self._mirror

    async def close(self) -> None:
        """Ends every connection and every task of the run's own."""
        self.transport.close()
        for side in self._sides.values():
            side.transport.close()
        if self._mirror:
            await self._mirror.close()
        await self.listener.close()
        if self.log:
            await self.log.close()
