"""Places for cases that run at the same time. A case that only waits gives up its place, and is first to get one."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """So many places. Those who come back from a wait go before those who have not begun."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._back: deque[asyncio.Future[None]] = deque()
        self._new: deque[asyncio.Future[None]] = deque()

    async def take(self, *, back: bool) -> None:
        """Waits for a place."""
        if self._free > 0 and not self._back and (back or not self._new):
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._back if back else self._new
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # it was given just then
            elif place in queue:
                queue.remove(place)
            raise

    def leave(self) -> None:
        """Gives a place to whoever is next."""
        for queue in (self._back, self._new):
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self._free += 1


class Slot:
    """One case's place."""

    def __init__(self, slots: Slots) -> None:
        self._slots, self._held, self._began = slots, False, False

    async def take(self) -> None:
        """Waits for a place."""
        await self._slots.take(back=self._began)
        self._held = self._began = True

    def leave(self) -> None:
        """Gives the place up, if it is held."""
        if self._held:
            self._held = False
            self._slots.leave()
