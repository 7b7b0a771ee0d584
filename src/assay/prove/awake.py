"""Waiting for something that others do, by the time that they had for it: a pause of the whole machine held them up."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_SLICE_SECONDS = 0.1
"""Waiting is done in such slices. One that took more than twice as long was a pause."""


async def wait(event: asyncio.Event, seconds: float) -> float:
    """Waits for the event, at most so many seconds, pauses left out. Returns how many of them are left."""
    loop = asyncio.get_running_loop()
    while not event.is_set() and seconds > 0:
        began = loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _SLICE_SECONDS)):
                await event.wait()
        seconds -= min(loop.time() - began, 2 * _SLICE_SECONDS)
    return seconds
