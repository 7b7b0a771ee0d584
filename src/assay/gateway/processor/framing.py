"""gRPC's length-prefixed messages, as they lie in an HTTP/2 body.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: one byte that tells whether the message is compressed,
its length as four bytes, big endian, then the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_PREFIX = 5


class FramingError(Exception):
    """The stream cannot be understood from here on; it must end with an error, and never leaves this package."""


class Messages:
    """Cuts a stream of chunks into messages. ``limit`` bounds one message, in bytes."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """The messages that ``chunk`` completes, to be consumed before the next chunk is fed.

        Raises:
            FramingError: a message is compressed (nobody asked for that) or larger than the limit.
        """
        if not self._buffer:  # nearly always a chunk is one message, or nothing
            if not chunk:
                return ()
            size = len(chunk) - _PREFIX
            if 0 <= size <= self._limit and chunk[:_PREFIX] == b"\0" + size.to_bytes(4, "big"):
                return (chunk[_PREFIX:],)
        return self._cut(chunk)

    def _cut(self, chunk: bytes) -> Iterator[bytes]:
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= _PREFIX:
            length = int.from_bytes(buffer[1:_PREFIX], "big")
            if buffer[0] != 0 or length > self._limit:
                raise FramingError
            end = _PREFIX + length
            if len(buffer) < end:
                return
            message = bytes(buffer[_PREFIX:end])
            del buffer[:end]
            yield message


def frame(message: bytes) -> bytes:
    """``message`` with its prefix, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message
