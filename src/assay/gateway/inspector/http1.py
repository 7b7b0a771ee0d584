"""As much of HTTP/1.1 (RFC 9112) as Envoy speaks to the inspector, read strictly: bytes in, whole requests out.

The peer is Envoy, over a socket that only the gateway's user may open; but the names and values of headers are a
client's, so nothing here repairs, guesses or skips. A message that two readers could split differently is no message:
it is answered as a failed check, and the connection ends.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from assay.domain import AssayError

MAX_HEAD_BYTES: Final = 1024 * 1024
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
_MAX_NAMES: Final = 4096
_END: Final = b"\r\n\r\n"
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_TARGET: Final = re.compile(rb"[^\x00-\x20\x7f]+")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}\r\n")
_LONGEST_SIZE_LINE: Final = 10
_DIGITS: Final = re.compile(rb"[0-9]{1,9}")
_CHUNKED: Final = -1
_REASONS: Final = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    503: b"Service Unavailable",
}

Header = tuple[bytes, bytes]


class Malformed(AssayError):
    """What arrived is no request that every reader of HTTP/1.1 splits alike."""


class Request(NamedTuple):
    """One request.

    Attributes:
        method: as it was sent.
        target: path and query as they were sent.
        headers: names in lower case, values without white space around them, in order.
        body: the whole body.
        keep: whether the connection stays open after the answer.
    """

    method: str
    target: bytes
    headers: list[Header]
    body: bytes
    keep: bool


class _Head(NamedTuple):
    method: str
    target: bytes
    headers: list[Header]
    length: int
    keep: bool
    start: int


class Reader:
    """Collects what arrives on a connection: :meth:`feed` bytes, then take :meth:`next` until there is none."""

    __slots__ = ("_buffer", "_head", "_names")

    def __init__(self, names: dict[bytes, bytes]) -> None:
        """``names`` remembers the names of headers that have been read; all connections share one."""
        self._buffer: bytes | bytearray = b""
        self._head: _Head | None = None
        self._names = names

    def feed(self, data: bytes) -> None:
        """Takes bytes of any size.

        Raises:
            Malformed: more is waiting than a request may have.
        """
        if not self._buffer:
            self._buffer = data
            return
        if len(self._buffer) + len(data) > MAX_HEAD_BYTES + 2 * MAX_BODY_BYTES:
            raise Malformed("The request is too large.")
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer)
        self._buffer += data

    def next(self) -> Request | None:
        """The next whole request, or None while there is none.

        Raises:
            Malformed: what arrived cannot become a request. Nothing more can be read from the connection.
        """
        buffer = self._buffer
        head = self._head
        if head is None:
            end = buffer.find(_END)
            if end > MAX_HEAD_BYTES or (end < 0 and len(buffer) > MAX_HEAD_BYTES):
                raise Malformed("The request's head is too large.")
            if end < 0:
                return None
            head = self._head = self._read(bytes(buffer[:end]), end + len(_END))
        if head.length == _CHUNKED:
            found = _chunks(buffer, head.start)
            if found is None:
                return None
            body, end = found
        else:
            end = head.start + head.length
            if len(buffer) < end:
                return None
            body = bytes(buffer[head.start : end])
        self._head = None
        self._buffer = b"" if len(buffer) == end else bytes(buffer[end:])
        return Request(head.method, head.target, head.headers, body, head.keep)

    def _read(self, head: bytes, start: int) -> _Head:
        lines = head.split(b"\r\n")
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
            raise Malformed("The request's head has a line break or a NUL inside a line.")
        parts = lines[0].split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or not _TOKEN.fullmatch(parts[0]):
            raise Malformed("The request line is not one of HTTP/1.1.")
        if not _TARGET.fullmatch(parts[1]):
            raise Malformed("The request's target has a character that a target cannot have.")
        headers: list[Header] = []
        names = self._names
        length: int | None = None
        coding: bytes | None = None
        keep = True
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            known = names.get(name)
            if known is None:
                known = self._name(name)
            if not colon:
                raise Malformed("A header line has no colon.")
            value = value.strip(b" \t")
            headers.append((known, value))
            if known == b"content-length":
                if length is not None or not _DIGITS.fullmatch(value) or int(value) > MAX_BODY_BYTES:
                    raise Malformed("The length of the body is not one number within the limit.")
                length = int(value)
            elif known == b"transfer-encoding":
                if coding is not None or value.lower() != b"chunked":
                    raise Malformed("The transfer coding is not `chunked` alone.")
                coding = value
            elif known == b"connection" and b"close" in value.lower():
                keep = False
        if coding is not None and length is not None:
            raise Malformed("The body has both a length and a transfer coding.")
        framing = _CHUNKED if coding is not None else length or 0
        return _Head(parts[0].decode(), parts[1], headers, framing, keep, start)

    def _name(self, name: bytes) -> bytes:
        """A header's name in lower case; Envoy sends few different ones, so they are remembered."""
        if not _TOKEN.fullmatch(name):
            raise Malformed("The name of a header has a character that a name cannot have.")
        known = name.lower()
        if len(self._names) < _MAX_NAMES and len(name) <= 64:
            self._names[name] = known
        return known


def _chunks(data: bytes | bytearray, at: int) -> tuple[bytes, int] | None:
    """A chunked body that starts at an offset, and where it ends; None while it is incomplete.

    RFC 9112 section 7.1, without chunk extensions and trailers.

    Raises:
        Malformed: anything else.
    """
    pieces: list[bytes] = []
    total = 0
    while True:
        line = _CHUNK_SIZE.match(data, at)
        if line is None:
            rest = bytes(data[at : at + _LONGEST_SIZE_LINE])
            if len(rest) == _LONGEST_SIZE_LINE or not re.fullmatch(rb"[0-9A-Fa-f]*\r?", rest):
                raise Malformed("The size of a chunk is not a hexadecimal number.")
            return None
        size = int(line[0], 16)
        start = line.end()
        total += size
        if total > MAX_BODY_BYTES:
            raise Malformed("The body is too large.")
        ending = bytes(data[start + size : start + size + 2])
        if ending != b"\r\n"[: len(ending)]:
            raise Malformed("A chunk does not end where its size says, or trailers follow.")
        if len(ending) < 2:
            return None
        if not size:
            return b"".join(pieces), start + 2
        pieces.append(bytes(data[start : start + size]))
        at = start + size + 2


def response(status: int, headers: list[Header], body: bytes, *, keep: bool = True) -> bytes:
    """One whole answer as it goes over the wire.

    Raises:
        Malformed: a header would end its own line.
    """
    lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"Answer"))]
    lines += [b"%b: %b" % header for header in headers]
    lines.append(b"content-length: %d" % len(body))
    if not keep:
        lines.append(b"connection: close")
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise Malformed("A header of the answer has a line break or a NUL in it.")
    return head + _END + body
