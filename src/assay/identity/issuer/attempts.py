"""Checking secrets that strangers send: slowly for guesses, quickly for known callers, at a bounded pace and cost."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from assay.identity.passwords import verify_password

Kind = Literal["client", "user"]


class Throttle:
    """At most ``limit`` failed attempts per name and peer in a window of ``window`` seconds; memory is bounded.

    The oldest entry makes room when ``capacity`` is reached. Pushing an entry out takes ``capacity`` attempts at a
    hash each, which is longer than the window.
    """

    def __init__(self, *, limit: int = 10, window: float = 60.0, capacity: int = 10_000) -> None:
        self._limit = limit
        self._window = window
        self._capacity = capacity
        self._entries: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def begin(self, key: tuple[str, ...], now: float) -> int:
        """Count an attempt. Returns 0 if it may go on, else the seconds to wait. ``now`` is monotonic, in seconds."""
        started, count = self._entries.get(key, (now, 0))
        if now - started >= self._window:
            started, count = now, 0
        if count >= self._limit:
            return max(1, math.ceil(started + self._window - now))
        self._entries[key] = (started, count + 1)
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return 0

    def succeeded(self, key: tuple[str, ...]) -> None:
        """Give one attempt back. Others stay counted: a caller who knows the secret must not cover one who guesses."""
        started, count = self._entries.get(key, (0.0, 0))
        if count > 1:
            self._entries[key] = (started, count - 1)
        else:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended. ``wait`` is positive when it was not even tried: seconds until the next one may be."""

    accepted: bool
    wait: int = 0


class SecretChecker:
    """Checks secrets against their hashes, off the event loop.

    A secret that was accepted once is recognised afterwards by an HMAC under a key of this process, in microseconds
    instead of the 60 ms of scrypt. That the right secret is answered sooner tells nothing the answer does not.
    """

    def __init__(self, throttle: Throttle, *, clock: Callable[[], float], at_once: int = 2, waiting: int = 64) -> None:
        self._throttle = throttle
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._accepted: dict[tuple[str, str], bytes] = {}
        self._slots = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._most_waiting = waiting

    async def check(self, kind: Kind, name: str, secret: str, encoded: str | None, peer: str) -> Attempt:
        """Whether ``secret`` is the one whose hash is ``encoded``. ``encoded`` is None for an unknown name.

        An unknown name costs the same and is throttled alike.
        """
        # Names come from strangers; a digest keeps an entry small whatever they send.
        key = (kind, hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32], peer)
        wait = self._throttle.begin(key, self._clock())
        if wait:
            return Attempt(False, wait)
        mark = hmac.digest(self._key, f"{kind}\0{name}\0{secret}".encode("utf-8", "surrogatepass"), "sha256")
        known = self._accepted.get((kind, name), bytes(32))
        if hmac.compare_digest(mark, known) and encoded is not None:
            self._throttle.succeeded(key)
            return Attempt(True)
        if self._waiting >= self._most_waiting:
            return Attempt(False, 1)
        self._waiting += 1
        try:
            async with self._slots:
                accepted = await asyncio.to_thread(verify_password, secret, encoded)
        finally:
            self._waiting -= 1
        if accepted:
            self._accepted[kind, name] = mark
            self._throttle.succeeded(key)
        return Attempt(accepted)
