"""Follows the gateway's access log: one reader for all cases, every line by its request id."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.prove.awake import wait

_POLL_SECONDS = 0.03
_CHUNK = 1024 * 1024
_SETTLED_SECONDS = 0.3
"""Envoy writes the log in bursts, ten a second."""


class AccessLog:
    """The part of the log that was written since :meth:`start`.

    Reads only while somebody waits for a line. A log that is cut or replaced is read again from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = self._offset = 0
        self._inode = 0
        self._rest = b""
        self._lines: dict[str, Mapping[str, Any]] = {}
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins at the log's present end."""
        try:
            found = self._path.stat()
            self._began = self._offset = found.st_size
            self._inode = found.st_ino
        except OSError:
            self._began = self._offset = 0
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Ends the reader."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def known(self, request_id: str) -> Mapping[str, Any] | None:
        """The line about one request, if it has been read already."""
        return self._lines.get(request_id)

    async def line(self, request_id: str, *, within: float) -> Mapping[str, Any] | None:
        """The line about one request; None: it has not come within so many seconds.

        A pause of the whole machine does not count: whoever writes the log was held up by it as well.
        """
        if request_id not in self._lines:
            self._waiting += 1
            self._wanted.set()
            try:
                while request_id not in self._lines and within > 0:
                    within = await wait(self._changed, within)
            finally:
                self._waiting -= 1
        return self._lines.get(request_id)

    async def holds(self, text: str) -> bool:
        """Whether this text stands anywhere in the log of this run, as it is or as JSON would write it.

        Raises:
            OSError: the log cannot be read.
        """
        await asyncio.sleep(_SETTLED_SECONDS)
        needles = {text.encode(), json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
        return await asyncio.to_thread(self._search, needles)

    def _search(self, needles: set[bytes]) -> bool:
        overlap = max(map(len, needles)) - 1
        with self._path.open("rb") as log:
            log.seek(self._began)
            kept = b""
            while chunk := log.read(_CHUNK):
                kept += chunk
                if any(needle in kept for needle in needles):
                    return True
                kept = kept[-overlap:] if overlap else b""
        return False

    async def _follow(self) -> None:
        while True:
            if not self._waiting:
                self._wanted.clear()
                await self._wanted.wait()
            if self._read():
                self._changed.set()
                self._changed = asyncio.Event()
            await asyncio.sleep(_POLL_SECONDS)

    def _read(self) -> bool:
        """Takes what is new, at most a chunk. Whether there was any."""
        try:
            with self._path.open("rb") as log:
                found = os.fstat(log.fileno())
                if found.st_ino != self._inode or found.st_size < self._offset:
                    self._inode, self._began, self._offset, self._rest = found.st_ino, 0, 0, b""
                log.seek(self._offset)
                data = log.read(_CHUNK)
        except OSError:
            return False
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        return bool(lines)

    def _take(self, line: bytes) -> None:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict) and isinstance(value.get("request_id"), str):
            self._lines[value["request_id"]] = value
