"""gRPC's length-prefixed messages, as they lie in an HTTP/2 body.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: one byte that tells whether the message is compressed,
its length as four bytes, big endian, then the message.
"""

from __future__ import annotations

from collections.abc import Iterator

_PREFIX = 5


class FramingError(Exception):
    """The stream cannot be understood from here on; it must end with an error, and never leaves this package."""


class Messages:
    """Cuts a stream of chunks into messages. ``limit`` bounds one message, in bytes."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The messages that ``chunk`` completes, to be consumed before the next chunk is fed.

        Raises:
            FramingError: a message is compressed (nobody asked for that) or larger than the limit.
        """
        buffer = self._buffer
        if not buffer and len(chunk) >= _PREFIX and chunk[0] == 0:
            size = int.from_bytes(chunk[1:_PREFIX], "big")
            if size <= self._limit and len(chunk) == _PREFIX + size:  # as nearly always: one message, whole
                yield chunk[_PREFIX:]
                return
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
