"""A small HTTP/1.1 client that sends at a fixed rate, whatever the answers do; ``python -m benchmarks.gateway.client``.

It runs in a process of its own. A request's time counts from the moment at which it was due, not from the moment at
which it could be sent: a server that stalls does not make the client stop asking, and the requests that wait meanwhile
are counted with their waiting ("coordinated omission"). ``select`` and not an event loop, because its timeouts are
exact to microseconds. With rate 0 every connection asks again as soon as it is answered.

Reads a :class:`Task` as JSON from standard input, and writes a :class:`Measured` to standard output.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_PATIENCE = 5.0
_WAITING = 20_000
"""Requests that may wait for a connection: a bound on memory, reached only far beyond what a server can take."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to send. ``messages`` are whole HTTP/1.1 requests, base64, sent in turn; ``rate`` is per second."""

    port: int
    messages: tuple[str, ...]
    rate: float
    seconds: float
    connections: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of it. Latencies in milliseconds; ``failed``: no 2xx answer, or none at all; ``unsent``: too late."""

    requests: int
    seconds: float
    failed: int
    unsent: int
    median: float
    p99: float
    worst: float


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due: float | None = None
        self._buffer = b""

    def send(self, message: bytes, due: float) -> None:
        self.due = due
        self.socket.sendall(message)

    def answer(self) -> bool | None:
        """Reads; whether the answer was a 2xx, or None while it is incomplete.

        Raises:
            OSError: the other side closed the connection.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._buffer, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return None
        good = self._buffer.startswith(b"HTTP/1.1 2")
        self._buffer = self._buffer[whole:]
        self.due = None
        return good


def run(task: Task) -> Measured:
    """Carries out the task."""
    messages = [base64.b64decode(m) for m in task.messages]
    idle = deque(_Connection(task.port) for _ in range(task.connections))
    busy: dict[socket.socket, _Connection] = {}
    waiting: deque[float] = deque()
    took: list[float] = []
    sent = failed = unsent = 0
    start = time.perf_counter()
    end = start + task.seconds
    period = 1 / task.rate if task.rate else 0.0
    following = start
    while True:
        now = time.perf_counter()
        while task.rate and following <= now and following < end:
            if len(waiting) < _WAITING:
                waiting.append(following)
            else:
                unsent += 1
            following += period
        if not task.rate and now < end:
            waiting.extend([now] * len(idle))
        while waiting and idle and now < end:
            connection = idle.popleft()
            connection.send(messages[sent % len(messages)], waiting.popleft())
            busy[connection.socket] = connection
            sent += 1
        if (now >= end and not busy) or now > end + _PATIENCE:
            break
        limit = following if task.rate and now < end else now + 0.05
        ready, _, _ = select.select(list(busy), (), (), max(0.0, min(limit - now, 0.05)))
        for one in ready:
            connection = busy[one]
            due = connection.due or now
            try:
                good = connection.answer()
            except OSError:
                good, connection = False, _replace(busy, connection, task.port)
                busy[connection.socket] = connection
            if good is None:
                continue
            took.append(time.perf_counter() - due)
            failed += not good
            idle.append(busy.pop(connection.socket))
    took.sort()
    return Measured(
        requests=len(took),
        seconds=time.perf_counter() - start,
        failed=failed + len(busy),
        unsent=unsent + len(waiting),
        median=_quantile(took, 0.5),
        p99=_quantile(took, 0.99),
        worst=_quantile(took, 1.0),
    )


def _replace(busy: dict[socket.socket, _Connection], broken: _Connection, port: int) -> _Connection:
    del busy[broken.socket]
    broken.socket.close()
    return _Connection(port)


def _quantile(ordered: list[float], share: float) -> float:
    """In milliseconds; the value that this share of all is at or below."""
    return ordered[max(0, round(share * len(ordered)) - 1)] * 1000 if ordered else float("nan")


def main() -> None:
    """Standard input to standard output."""
    asked = json.load(sys.stdin)
    print(json.dumps(dataclasses.asdict(run(Task(**{**asked, "messages": tuple(asked["messages"])})))))


if __name__ == "__main__":
    main()
