"""Runs a gateway from start to stop: parts in order, policy applied and confirmed, keys kept current, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from assay.domain import AssayError, IncompleteError, Location
from assay.gateway.apply import Gateway, Result, apply, confirm_started
from assay.gateway.assemble import Policy
from assay.gateway.layout import Paths, close_sockets, open_sockets
from assay.gateway.plan import Signed
from assay.gateway.runtime import Runtime
from assay.gateway.supervisor import running
from assay.gateway.supervisor.events import ConfigurationApplied, ConfigurationRejected, Event, PartReady
from assay.gateway.supervisor.part import Backoff, Part
from assay.gateway.supervisor.parts import ENVOY
from assay.gateway.supervisor.ports import check_free
from assay.gateway.supervisor.refresh import Refresher
from assay.gateway.supervisor.supervise import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything one run depends on.

    Attributes:
        gateway: the gateway.
        policy: what to apply before Envoy starts.
        first: parts that must run before the run-time facts can be gathered (the development issuer).
        parts: the other parts, in the order of starting; Envoy last.
        load: gathers the run-time facts (may block; runs in a thread).
        watch: files that the facts come from.
        trouble: sentences about facts that could not be gathered the last time.
        by, approve, production, at, signed: as for :func:`assay.gateway.apply.apply`.
        emit: is given every event.
        ready: is called once, when the policy is live and confirmed.
        backoff, refresh_seconds: how restarts are spaced; how often facts are gathered.
    """

    gateway: Gateway
    policy: Policy
    parts: Sequence[Part]
    load: Callable[[], Runtime]
    by: str
    emit: Callable[[Event], None]
    first: Sequence[Part] = ()
    watch: Sequence[Path] = ()
    trouble: Callable[[], Iterable[str]] = lambda: ()
    approve: tuple[str, ...] = ()
    production: frozenset[str] | None = None
    at: Location | None = None
    signed: Signed | None = None
    ready: Callable[[Result], None] = lambda _: None
    backoff: Backoff = field(default_factory=Backoff)
    refresh_seconds: float = 30.0

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{self.policy.listener.address}:{self.policy.listener.port}"


async def run(settings: Run, stop: asyncio.Event) -> Result:
    """Runs the gateway until ``stop`` is set; everything that was started has ended when this returns or raises.

    Returns:
        The result of the application at the start.

    Raises:
        UsageError: a gateway of this state directory runs already, or the policy loosens production unapproved.
        IncompleteError: the port is taken, a part does not start, or Envoy does not run the policy.
    """
    gateway, paths = settings.gateway, settings.gateway.paths
    with running.claim(paths), _sockets(paths):
        running.sweep(paths, settings.emit)
        check_free(settings.policy.listener.address, settings.policy.listener.port, at=settings.at)
        watcher = _Watcher(settings, gateway.now())
        supervisor = Supervisor(emit=watcher.seen, changed=watcher.noted, backoff=settings.backoff, clock=gateway.now)
        watcher.supervisor = supervisor
        watcher.noted()
        work: asyncio.Task[Result] = asyncio.create_task(_start(settings, supervisor))
        halt = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, AssayError):
                    await work
                raise IncompleteError("the gateway was told to stop before it was ready", fix="start it again")
            result = work.result()
            settings.ready(result)
            await watcher.until(stop)
            return result
        finally:
            halt.cancel()
            watcher.cancel()
            await supervisor.stop()
            running.forget(paths)


@contextlib.contextmanager
def _sockets(paths: Paths) -> Iterator[None]:
    open_sockets(paths)
    try:
        yield
    finally:
        close_sockets(paths)


async def _start(settings: Run, supervisor: Supervisor) -> Result:
    await supervisor.start(settings.first)
    runtime = await asyncio.to_thread(settings.load)
    written = await apply(
        settings.gateway,
        settings.policy,
        runtime,
        by=settings.by,
        approve=settings.approve,
        production=settings.production,
        at=settings.at,
        signed=settings.signed,
    )
    await supervisor.start(settings.parts)
    confirmed = await confirm_started(settings.gateway, at=settings.at)
    settings.emit(_told(confirmed))
    if not confirmed.confirmed:
        raise IncompleteError(confirmed.verdict.sentence, fix="read Envoy's log", location=settings.at)
    return Result(confirmed.applied, confirmed.verdict, written.plan)


def _told(result: Result) -> Event:
    if result.confirmed and result.applied is not None:
        return ConfigurationApplied(result.applied.number, result.applied.configuration)
    return ConfigurationRejected(result.verdict.sentence)


class _Watcher:
    """Notes what runs for other commands, confirms what a restarted Envoy runs, and keeps the keys current."""

    def __init__(self, settings: Run, since: datetime) -> None:
        self.supervisor: Supervisor | None = None
        self._settings, self._since = settings, since
        self._settled = False
        self._tasks: set[asyncio.Task[None]] = set()
        # Before the start gathers the facts: a key that is revoked meanwhile is not to be good for half a minute more.
        self._refresher = Refresher(
            settings.gateway,
            settings.load,
            settings.emit,
            settings.watch,
            settings.trouble,
            settings.refresh_seconds,
        )

    def noted(self) -> None:
        parts = self.supervisor.parts if self.supervisor else ()
        running.note(self._settings.gateway.paths, since=self._since, address=self._settings.address, parts=parts)

    def seen(self, event: Event) -> None:
        self._settings.emit(event)
        if self._settled and isinstance(event, PartReady) and event.part == ENVOY:
            task = asyncio.create_task(self._confirm())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def until(self, stop: asyncio.Event) -> None:
        self._settled = True
        await self._refresher.run(stop)

    def cancel(self) -> None:
        self._settled = False
        for task in self._tasks:
            task.cancel()

    async def _confirm(self) -> None:
        try:
            self._settings.emit(_told(await confirm_started(self._settings.gateway, at=self._settings.at)))
        except AssayError as error:
            self._settings.emit(ConfigurationRejected(error.sentence))


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal set ``stop`` while the context lasts. Call it in the running event loop."""
    loop = asyncio.get_running_loop()
    # A terminal that is closed is an end, too, unless it was asked to be none (nohup).
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


__all__ = ["Run", "run", "stop_on_signals"]
