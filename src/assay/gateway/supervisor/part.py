"""One process beside the others: how it is started, when it counts as ready, when it is started again."""

from __future__ import annotations

import asyncio.subprocess
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from assay.domain import IncompleteError

_LAUNCH = Path(__file__).with_name("launch.py")
_TAIL = 4000

State = Literal["starting", "ready", "unresponsive", "waiting", "failing", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process the gateway consists of.

    Attributes:
        name: for people.
        argv: program (an absolute path) and arguments.
        log: file its output is appended to.
        ready: asks whether it does its work; must not raise.
        environment: its whole environment.
        sockets: sockets and status files it may leave behind; removed before each start and after the last end.
        start_seconds: how long it may take to be ready.
        grace_seconds: how long it may take to end when told to.
        death_signal: what the kernel sends it when the supervisor is gone.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str]
    sockets: tuple[Path, ...] = ()
    start_seconds: float = 60.0
    grace_seconds: float = 10.0
    death_signal: signal.Signals = signal.SIGTERM

    def command(self) -> list[str]:
        """The program wrapped so that it ends with this process."""
        return [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(self.death_signal)), *self.argv]

    def open_log(self) -> int:
        """A descriptor to append to the log, which is private.

        Raises:
            IncompleteError: the log cannot be written.
        """
        try:
            return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise IncompleteError(
                f"the log of the {self.name} cannot be written: {error.strerror}", fix=f"check `{self.log}`"
            ) from error

    def last_words(self, *, since: int = 0) -> str:
        """The last line with text in the log after ``since`` bytes: usually why it ended."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(since, size - _TAIL))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def log_size(self) -> int:
        """Bytes in the log so far."""
        return self.log.stat().st_size if self.log.exists() else 0

    def remove_sockets(self) -> None:
        """Removes what a killed process leaves behind."""
        for path in self.sockets:
            if path.is_socket() or path.is_file():
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a restart, and when restarts count as hopeless.

    Attributes:
        first_seconds, factor, longest_seconds: the waits grow by ``factor``.
        stable_seconds: a process that lived so long starts with the first wait again.
        failing_exits, failing_seconds: so many ends in such a time mean that restarting does not help. It is tried
            further, at the longest wait, because what is missing may come back.
    """

    first_seconds: float = 0.1
    factor: float = 2.0
    longest_seconds: float = 30.0
    stable_seconds: float = 60.0
    failing_exits: int = 5
    failing_seconds: float = 60.0

    def wait(self, exits_in_a_row: int) -> float:
        """Seconds to wait after so many ends in a row."""
        grown = self.first_seconds * self.factor ** min(max(0, exits_in_a_row - 1), 30)
        return min(self.longest_seconds, grown)


@dataclass(slots=True)
class Running:
    """What the supervisor knows of a part at the moment."""

    part: Part
    state: State = "starting"
    process: asyncio.subprocess.Process | None = None
    pid: int = 0
    created: float = 0.0
    since: datetime | None = None
    restarts: int = 0
    in_a_row: int = 0
    last_exit: str = ""
    exits: deque[float] = field(default_factory=deque)

    def exited(self, now: float, lived: float, backoff: Backoff) -> bool:
        """Notes an end; true when this is the one with which restarting stops to help."""
        self.in_a_row = 1 if lived >= backoff.stable_seconds else self.in_a_row + 1
        self.exits.append(now)
        while self.exits and self.exits[0] < now - backoff.failing_seconds:
            self.exits.popleft()
        failing = len(self.exits) >= backoff.failing_exits
        newly = failing and self.state != "failing"
        self.state = "failing" if failing else "waiting"
        return newly
