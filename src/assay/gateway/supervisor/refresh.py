"""Keeps the gateway's keys current: issuers rotate theirs, API keys are issued and revoked, and nobody runs `apply`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.domain import AssayError
from assay.gateway.apply import Gateway, refresh
from assay.gateway.runtime import Runtime
from assay.gateway.supervisor.events import ConfigurationRejected, Event, KeysRefreshed, KeysUnavailable

Stamp = tuple[tuple[int, int, int], ...]


def _no_trouble() -> Iterable[str]:
    return ()


@dataclass
class Refresher:
    """Gathers the run-time facts again from time to time, and at once when a watched file changes.

    Make it before the facts are gathered for the first time: what changes from then on is noticed.

    Attributes:
        gateway: what is refreshed.
        load: gathers the facts; runs in a thread, may block, may raise :class:`AssayError`.
        emit: is given what happened.
        watch: files whose change is looked for every ``poll_seconds``.
        trouble: sentences about facts that could not be gathered the last time.
        interval_seconds: how often the facts are gathered when no file changed.
    """

    gateway: Gateway
    load: Callable[[], Runtime]
    emit: Callable[[Event], None]
    watch: Sequence[Path] = ()
    trouble: Callable[[], Iterable[str]] = _no_trouble
    interval_seconds: float = 30.0
    poll_seconds: float = 0.5
    _told: set[str] = field(default_factory=set, init=False)
    _last: Runtime | None = field(default=None, init=False)
    _seen: Stamp = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self._stamp()

    async def run(self, stop: asyncio.Event) -> None:
        """Refreshes until ``stop`` is set. Nothing that goes wrong ends it: it is told, and tried again."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.interval_seconds
        self._tell(set(self.trouble()))  # what the start met: nobody else would say it
        while not stop.is_set():
            try:
                async with asyncio.timeout(self.poll_seconds):
                    await stop.wait()
            except TimeoutError:
                pass
            seen = self._stamp()
            if stop.is_set() or (seen == self._seen and loop.time() < due):
                continue
            self._seen, due = seen, loop.time() + self.interval_seconds
            await self.once()

    async def once(self) -> None:
        """Gathers the facts and, when they are others than before, makes the gateway work with them."""
        try:
            runtime = await asyncio.to_thread(self.load)
        except AssayError as error:
            self._tell({error.sentence})
            return
        self._tell(set(self.trouble()))
        if runtime == self._last:
            return
        try:
            result = await refresh(self.gateway, runtime)
        except AssayError as error:
            self.emit(ConfigurationRejected(error.sentence))
            return
        if result is None or result.confirmed:
            # Remembered only once the gateway has them, so that what failed is tried again.
            self._last = runtime
        if result is None:
            return
        if result.confirmed and result.applied is not None:
            self.emit(KeysRefreshed(result.applied.configuration))
        else:
            self.emit(ConfigurationRejected(result.verdict.sentence))

    def _tell(self, trouble: set[str]) -> None:
        """Each trouble is told when it begins, not every half minute while it lasts."""
        for sentence in sorted(trouble - self._told):
            self.emit(KeysUnavailable(sentence))
        self._told = trouble

    def _stamp(self) -> Stamp:
        found = []
        for path in self.watch:
            try:
                status = path.stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((status.st_mtime_ns, status.st_ino, status.st_size))
        return tuple(found)
