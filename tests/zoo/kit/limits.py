"""Counting of calls in windows."""

from __future__ import annotations

import math
from collections.abc import Callable

from tests.zoo.flaws import Switches
from tests.zoo.kit.model import Call, Problem

_MOST_KEYS = 10_000


class Limits:
    """Fixed windows, one for each operation and caller.

    Args:
        default: (calls, seconds) for one caller, all operations together.
    """

    def __init__(self, *, default: tuple[int, float], flaws: Switches, clock: Callable[[], float]) -> None:
        self._default, self._flaws, self._clock = default, flaws, clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, call: Call) -> None:
        """Counts one call.

        Raises:
            Problem: 429 with Retry-After, the window is full.
        """
        who = self._key(call)
        self._spend(("", who), self._default)
        if call.operation.rate and "no-rate-limit" not in self._flaws:
            self._spend((call.operation.id, who), call.operation.rate)

    def _key(self, call: Call) -> str:
        headers = call.request.headers
        address = call.request.client.host if call.request.client else "nobody"
        who = call.who.id if call.who else address
        if "limit-per-token" in self._flaws and call.who:
            who = headers.get("authorization", "")
        if "limit-by-forwarded-for" in self._flaws:
            who += "|" + headers.get("x-forwarded-for", "").partition(",")[0].strip()
        return who

    def _spend(self, key: tuple[str, str], rate: tuple[int, float]) -> None:
        calls, seconds = rate
        now = self._clock()
        began, used = self._windows.get(key, (now, 0))
        if now >= began + seconds:
            began, used = now, 0
        if used >= calls:
            raise Problem(429, "Too many requests", {"retry-after": str(max(1, math.ceil(began + seconds - now)))})
        if len(self._windows) > _MOST_KEYS:
            self._windows.clear()
        self._windows[key] = (began, used + 1)
