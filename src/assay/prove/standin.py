"""A service of the run's own: it answers each request as the case that sent it has asked for, however badly."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from assay.prove.loopback import Loopback
from assay.prove.played import Played

_BODY_BYTES = 1024 * 1024
_LONGEST_SECONDS = 120.0
_DRIP_SECONDS = 0.2
_ID = b"x-request-id"


@dataclass
class _Part:
    """What one request is answered, and how often it was asked."""

    played: Played
    asked: int = 0


class StandIn(Loopback):
    """An HTTP/1.1 server on 127.0.0.1. Requests are told apart by ``x-request-id``; unknown ones get 404."""

    head_bytes = 128 * 1024

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[str, _Part] = {}

    def expect(self, request_id: str, played: Played) -> None:
        """Says how one request is to be answered."""
        self._parts[request_id] = _Part(played)

    def asked(self, request_id: str) -> int:
        """How often the request has come."""
        part = self._parts.get(request_id)
        return part.asked if part else 0

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_LONGEST_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            fields = _fields(head)
            length = fields.get(b"content-length", b"0")
            if length.isdigit() and len(length) < 8:
                await reader.readexactly(min(int(length), _BODY_BYTES))
            part = self._parts.get(fields.get(_ID, b"").decode("latin-1"))
            if part is None:
                await _send(writer, Played(status=404))
            else:
                part.asked += 1
                await _play(reader, writer, part.played)


def _fields(head: bytes) -> dict[bytes, bytes]:
    """Header fields of a request by lower-case name; of repeated ones the last."""
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, mark, value in lines if mark}


async def _play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, played: Played) -> None:
    match played.how:
        case "hang":
            await reader.read(1)  # until the other side hangs up
        case "reset":
            with suppress(AttributeError, OSError):
                # Without lingering, closing sends a reset instead of an orderly end (socket(7)).
                own: socket.socket = writer.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case "cut":
            await _send(writer, played, upto=max(1, len(played.body) // 2))
        case "slow":
            writer.write(_head(played))
            for number in range(len(played.body)):
                writer.write(played.body[number : number + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_SECONDS)
            await _finish(writer)
        case _:
            await _send(writer, played)


def _head(played: Played) -> bytes:
    lines = [f"HTTP/1.1 {played.status} Played", *(f"{name}: {value}" for name, value in played.headers)]
    if played.body or played.status not in (204, 304):
        lines.append(f"content-length: {len(played.body)}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1", "replace")


async def _send(writer: asyncio.StreamWriter, played: Played, *, upto: int | None = None) -> None:
    writer.write(_head(played) + played.body[:upto])
    await _finish(writer)


async def _finish(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.close()
    await writer.wait_closed()
