"""Keeps the parts running: starts them in order, starts them again when they end, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from assay.domain import IncompleteError, Location
from assay.gateway.supervisor.events import (
    Event,
    PartExited,
    PartFailing,
    PartReady,
    PartRestarting,
    PartStarting,
    PartStopped,
    PartUnresponsive,
    exit_of,
)
from assay.gateway.supervisor.part import Backoff, Part, Running
from assay.gateway.supervisor.processes import created, signal_group

_POLL = 0.05
_HEALTH = 2.0
_ANSWER = 3.0

Emit = Callable[[Event], None]


def _nobody(_: Event) -> None:
    return None


@dataclass
class Supervisor:
    """Runs parts until it is told to stop.

    Attributes:
        emit: is given every event, from the event loop's thread.
        changed: is called after every change of a part's state, to note it.
        backoff: how restarts are spaced.
        health_seconds: how often a part that is ready is asked whether it still is.
        clock: wall clock, for "since when".
    """

    emit: Emit = _nobody
    changed: Callable[[], None] = lambda: None
    backoff: Backoff = field(default_factory=Backoff)
    health_seconds: float = _HEALTH
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _running: dict[str, Running] = field(default_factory=dict, init=False)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _stopping: bool = field(default=False, init=False)

    @property
    def parts(self) -> tuple[Running, ...]:
        """Every part in the order of starting, as it is now."""
        return tuple(self._running.values())

    async def start(self, parts: Sequence[Part]) -> None:
        """Starts parts one after the other, each when the one before is ready. May be called again with more.

        Raises:
            IncompleteError: a part ended or was not ready in time. Nothing is stopped here: call :meth:`stop`.
        """
        for part in parts:
            running = self._running[part.name] = Running(part)
            first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._tasks[part.name] = asyncio.create_task(self._keep(running, first), name=f"keep {part.name}")
            await first

    async def stop(self) -> None:
        """Stops every part, the last started first, and waits for each."""
        self._stopping = True
        for name in reversed(self._running):
            task, running = self._tasks[name], self._running[name]
            if running.process is None:
                task.cancel()
            else:
                forced = await self._end(running)
                self.emit(PartStopped(name, forced))
            with contextlib.suppress(asyncio.CancelledError, IncompleteError):
                await task
            running.state = "stopped"
            running.part.remove_sockets()
            self.changed()

    async def _keep(self, running: Running, first: asyncio.Future[None]) -> None:
        part = running.part
        while not self._stopping:
            part.remove_sockets()
            said_before = part.log_size()
            started = time.monotonic()
            self._set(running, "starting")
            self.emit(PartStarting(part.name))
            try:
                process = await self._spawn(running)
            except (OSError, IncompleteError) as error:
                if not first.done():
                    self._fail(first, part, str(error))
                    return
                self._set(running, "failing")
                self.emit(PartFailing(part.name, 1, 0.0, str(error)))
                await asyncio.sleep(self.backoff.longest_seconds)
                continue
            came_up = await self._until_ready(running, process)
            if came_up:
                self._set(running, "ready")
                self.emit(PartReady(part.name, process.pid, time.monotonic() - started))
                if not first.done():
                    first.set_result(None)
                await self._watch(running, process)
            elif process.returncode is None and not self._stopping:
                await self._end(running)
            returncode = await process.wait()
            lived = time.monotonic() - started
            self._sweep(process.pid)
            running.process, running.pid = None, 0
            if self._stopping:
                return
            code, killed_by = exit_of(returncode)
            event = PartExited(part.name, code, killed_by, lived)
            running.last_exit = event.sentence
            self.emit(event)
            if not first.done():
                words = part.last_words(since=said_before)
                self._fail(first, part, words or event.sentence, ended=came_up is None)
                return
            if running.exited(time.monotonic(), lived, self.backoff):
                words = part.last_words(since=said_before)
                self.emit(PartFailing(part.name, len(running.exits), self.backoff.failing_seconds, words))
            wait = self.backoff.wait(running.in_a_row)
            running.restarts += 1
            self.changed()
            self.emit(PartRestarting(part.name, wait, running.restarts))
            await asyncio.sleep(wait)

    async def _spawn(self, running: Running) -> asyncio.subprocess.Process:
        part = running.part
        log = part.open_log()
        try:
            process = await asyncio.create_subprocess_exec(
                *part.command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(part.environment),
                start_new_session=True,
            )
        finally:
            os.close(log)
        running.process, running.pid, running.since = process, process.pid, self.clock()
        running.created = created(process.pid) or 0.0
        self.changed()
        return process

    async def _until_ready(self, running: Running, process: asyncio.subprocess.Process) -> bool | None:
        """True when the part is ready; None when it ended first; False when its time is over."""
        deadline = time.monotonic() + running.part.start_seconds
        while time.monotonic() < deadline:
            if process.returncode is not None:
                return None
            if self._stopping:
                return False
            if await _ready(running.part) and process.returncode is None:
                return True
            await asyncio.sleep(_POLL)
        return False

    async def _watch(self, running: Running, process: asyncio.subprocess.Process) -> None:
        """Waits for the end of a part that is ready, and asks it from time to time whether it still is."""
        ended = asyncio.ensure_future(process.wait())
        since = time.monotonic()
        try:
            while True:
                done, _ = await asyncio.wait({ended}, timeout=self.health_seconds)
                if done or self._stopping:
                    return
                healthy = await _ready(running.part)
                if process.returncode is not None:
                    return
                if healthy and running.state == "unresponsive":
                    self._set(running, "ready")
                    self.emit(PartReady(running.part.name, process.pid, time.monotonic() - since))
                elif not healthy and running.state == "ready":
                    self._set(running, "unresponsive")
                    self.emit(PartUnresponsive(running.part.name, process.pid))
        finally:
            ended.cancel()

    async def _end(self, running: Running) -> bool:
        """Ends a part's whole process group; true when it had to be killed."""
        process = running.process
        if process is None or process.returncode is not None:
            return False
        signal_group(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(running.part.grace_seconds):
                await process.wait()
        except TimeoutError:
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()
            return True
        self._sweep(process.pid)
        return False

    def _sweep(self, pid: int) -> None:
        """Ends what a part's main process left in its group, so that a restart finds its sockets free."""
        signal_group(pid, signal.SIGKILL)

    def _set(self, running: Running, state: str) -> None:
        running.state = state  # type: ignore[assignment]
        self.changed()

    def _fail(self, first: asyncio.Future[None], part: Part, reason: str, *, ended: bool = True) -> None:
        how = "ended while starting" if ended else f"was not ready within {part.start_seconds:g} s"
        error = IncompleteError(
            f"the {part.name} {how}: {reason}",
            fix=f"read its log: {part.log}",
            location=Location(str(part.log)),
        )
        if not first.done():
            first.set_exception(error)


async def _ready(part: Part) -> bool:
    """A part that takes too long to say that it is ready is not."""
    try:
        async with asyncio.timeout(_ANSWER):
            return await part.ready()
    except TimeoutError:
        return False
