"""A listener on loopback: whoever fetches one of its URLs was told to by a payload of this run."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.prove.awake import wait
from assay.prove.case import Canary
from assay.prove.loopback import Loopback

_SECONDS = 5.0
_AT_ONCE = 64


@dataclass
class _Page:
    """What one URL answers, and whether anybody asked."""

    redirect_to: str | None
    body: bytes
    content_type: str
    heard: asyncio.Event = field(default_factory=asyncio.Event)


def _nonce() -> str:
    return secrets.token_hex(12)


class Listener(Loopback):
    """An HTTP server on 127.0.0.1, started when the first URL is asked for.

    Args:
        nonce: makes the part of a URL that nobody can guess.
    """

    head_bytes = 16 * 1024

    def __init__(self, nonce: Callable[[], str] = _nonce) -> None:
        super().__init__()
        self._nonce = nonce
        self._pages: dict[str, _Page] = {}
        self._busy = 0

    async def url(
        self, *, redirect_to: str | None = None, body: bytes = b"", content_type: str = "text/plain"
    ) -> Canary:
        """A new URL; it answers with ``body``, or leads on to ``redirect_to``."""
        port = await self.start()
        nonce = self._nonce()
        self._pages[nonce] = _Page(redirect_to, body, content_type)
        return Canary(f"http://127.0.0.1:{port}/{nonce}", nonce)

    async def heard(self, canary: Canary, *, within: float) -> bool:
        """Whether somebody fetched the URL; waits no longer than ``within`` seconds, pauses of the machine left out."""
        page = self._pages.get(canary.nonce)
        if page is None:
            return False
        await wait(page.heard, within)
        return page.heard.is_set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy += 1
        try:
            if self._busy <= _AT_ONCE:
                async with asyncio.timeout(_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            self._busy -= 1

    def _answer(self, head: bytes) -> bytes:
        target = head.split(b" ", 2)[1] if head.count(b" ") >= 2 else b""
        # The nonce may come with a path, a query or another host's name behind it.
        page = next((page for nonce, page in self._pages.items() if nonce.encode() in target), None)
        if page is None:
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        page.heard.set()
        if page.redirect_to:
            return (
                f"HTTP/1.1 302 Found\r\nlocation: {page.redirect_to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ).encode()
        top = f"HTTP/1.1 200 OK\r\ncontent-type: {page.content_type}\r\ncontent-length: {len(page.body)}\r\n"
        return top.encode() + b"connection: close\r\n\r\n" + page.body
