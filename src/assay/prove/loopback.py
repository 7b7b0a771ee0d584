"""A small server of the run's own on loopback: it takes connections, and ends with every one of them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar


class Loopback(ABC):
    """Listens on 127.0.0.1, at a port that the system chooses; what is said on a connection is the subclass's.

    Attributes:
        head_bytes: longest head of a request that is read.
    """

    head_bytes: ClassVar[int]

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listens, unless it does already; returns the port."""
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=self.head_bytes)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Ends the server and every connection."""
        if self._server is not None:
            self._server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            return  # whoever hangs up, or sends something else, is asking for nothing
        finally:
            writer.transport.abort()

    @abstractmethod
    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte. What the other side does wrong may be raised as it comes."""
