"""How much a run may do: requests, their rate, time, and the ways to end it early. It never does more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assay.declare.model.proving import Bounds
from assay.prove.case import NotReached


class BoundsReached(NotReached):
    """The run may not go on: its bounds are used up, or it was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The run's bounds.

    Attributes:
        requests: most requests, handshakes and raw connections included. A tenth of them (100 at most) is kept for
            cleaning up, and one for each object that is known to be there.
        per_second: most of them in any second.
        seconds: longest run; cleaning up may take ``clean_up_seconds`` more.
        wait: longest single pause, in seconds.
        concurrency: cases at the same time.
        call_seconds: longest exchange.
        case_seconds: longest case, beside the pauses it announced (``Case.seconds``).
        body_bytes: largest body that is read; more is cut.
        log_seconds: how long a line of the access log may take to appear.
    """

    requests: int = 4000
    per_second: int = 400
    seconds: float = 300.0
    wait: float = 65.0
    concurrency: int = 8
    call_seconds: float = 10.0
    case_seconds: float = 60.0
    clean_up_seconds: float = 20.0
    body_bytes: int = 1024 * 1024
    log_seconds: float = 5.0

    @classmethod
    def declared(cls, bounds: Bounds) -> Limits:
        """The bounds of a declaration, the engine's own defaults beside them."""
        return cls(
            requests=bounds.requests, per_second=bounds.per_second, seconds=bounds.seconds, wait=float(bounds.wait)
        )

    @property
    def reserve(self) -> int:
        """Requests that are kept for cleaning up."""
        return min(100, self.requests // 10)


class Stop:
    """The ways to end a run early: a file that appears, or somebody who asks.

    Args:
        file: its existence stops the run; looked for at most ten times a second.
        time: seconds of a clock that does not jump.
    """

    def __init__(self, file: Path | None, time: Callable[[], float]) -> None:
        self._file, self._time = file, time
        self._looked = float("-inf")
        self._reason = ""

    def request(self, reason: str) -> None:
        """Stops the run. The first reason is kept."""
        self._reason = self._reason or reason

    @property
    def reason(self) -> str:
        """Why the run is to stop; empty: it is not."""
        now = self._time()
        if not self._reason and self._file is not None and now - self._looked >= 0.1:
            self._looked = now
            if self._file.exists():
                self._reason = f"the stop file {self._file.name} exists"
        return self._reason


class Budget:
    """Counts what is sent. Not for several threads.

    Args:
        time: seconds of a clock that does not jump; the run begins now.
        owed: how many requests cleaning up will take, as far as is known; so many are kept for it, too.
    """

    def __init__(
        self, limits: Limits, stop: Stop, time: Callable[[], float], *, owed: Callable[[], int] = lambda: 0
    ) -> None:
        self.limits, self.stop = limits, stop
        self.requests = 0
        self.writes = 0
        self._time, self._owed = time, owed
        self._began = time()
        self._sent: deque[float] = deque()

    @property
    def seconds_left(self) -> float:
        """Until the run must end; negative: it should have."""
        return self._began + self.limits.seconds - self._time()

    @property
    def used_up(self) -> str:
        """Why nothing more may be sent for a case; empty: more may."""
        if self.stop.reason:
            return self.stop.reason
        if self.requests >= self.limits.requests - max(self.limits.reserve, self._owed()):
            return f"the run's {self.limits.requests} requests are used up"
        if self.seconds_left <= 0:
            return f"the run's {self.limits.seconds:g} seconds are used up"
        return ""

    async def take(self, *, writes: bool = False, cleaning: bool = False) -> None:
        """Returns when one more request may be sent, and counts it.

        Raises:
            BoundsReached: none may. Cleaning up is bound by the number alone.
        """
        while True:
            self._check(cleaning=cleaning)
            now = self._time()
            while self._sent and self._sent[0] <= now - 1.0:
                self._sent.popleft()
            if len(self._sent) < self.limits.per_second:
                break
            await asyncio.sleep(self._sent[0] + 1.0 - now)
        self._sent.append(now)
        self.requests += 1
        self.writes += writes

    async def pause(self, seconds: float) -> None:
        """Lets time pass, and looks around meanwhile.

        Raises:
            BoundsReached: the run has not that much time, or is stopped meanwhile.
            NotReached: a single pause may not be that long.
        """
        if seconds > self.limits.wait:
            raise NotReached(f"a pause of {seconds:.0f} s is longer than this run may wait ({self.limits.wait:.0f} s)")
        if seconds > self.seconds_left:
            raise BoundsReached(self.used_up or f"the run has {max(0.0, self.seconds_left):.0f} s left, too few")
        end = self._time() + seconds
        while (left := end - self._time()) > 0:
            self._check(cleaning=False)
            await asyncio.sleep(min(left, 0.1))

    def _check(self, *, cleaning: bool) -> None:
        if cleaning:
            if self.requests >= self.limits.requests:
                raise BoundsReached(f"the run's {self.limits.requests} requests are used up")
        elif self.used_up:
            raise BoundsReached(self.used_up)
