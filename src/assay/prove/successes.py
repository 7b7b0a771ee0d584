"""Positive controls that several cases go by: the first sends it, and the others wait for what it brought."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from assay.prove.case import Seen

LASTS = 10.0
"""Seconds for which a success says that the same would succeed now."""


class Successes:
    """The successes of a family of cases, by what was tried.

    Args:
        time: seconds of a clock that does not jump.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._found: dict[str, tuple[float, Seen]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def get(self, what: str, ask: Callable[[], Awaitable[Seen]]) -> tuple[Seen, bool]:
        """A success not older than :data:`LASTS`, and whether it is somebody else's. What is no success is not kept.

        Raises whatever ``ask`` raises; the next one asks for itself.
        """
        async with self._asking.setdefault(what, asyncio.Lock()):
            known = self._found.get(what)
            if known is not None and self._time() - known[0] <= LASTS:
                return known[1], True
            seen = await ask()
            if seen.ok:
                self._found[what] = (self._time(), seen)
            return seen, False

    def clear(self) -> None:
        """Forgets all of them: identities and objects are made anew."""
        self._found.clear()
