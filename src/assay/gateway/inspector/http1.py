"""HTTP/1.1 (RFC 9112) as Envoy speaks it to the inspector: bytes in, whole requests out; answers as bytes.

llhttp, the parser of Node.js, reads the messages in its strict mode. The peer is Envoy, over a socket that only the
gateway's user may open; but the names and values of headers are a client's, so what the parser lets a server do beyond
that (older versions, a change of protocol, trailers, transfer codings beside `chunked`) is refused here. A message that
two readers could split differently is no message: it is answered as a failed check, and the connection ends.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserInvalidURLError, HttpParserUpgrade, HttpRequestParser

from assay.domain import AssayError

MAX_HEAD_BYTES: Final = 1024 * 1024
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
_MAX_WAITING_BYTES: Final = MAX_HEAD_BYTES + 2 * MAX_BODY_BYTES
_DIGITS: Final = re.compile(rb"[0-9]{1,9}")
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


class InvalidTarget(Malformed):
    """The target has a character that RFC 3986 leaves to percent-encoding.

    Of a request, the client writes the target, and Envoy passes these on when they come over HTTP/2.
    """


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


class Reader:
    """Collects what arrives on a connection: :meth:`feed` bytes, then take :meth:`next` until there is none.

    Methods whose names begin with ``on_`` are for the parser; what they raise comes out of :meth:`next`.
    """

    def __init__(self) -> None:
        self._parser = HttpRequestParser(self)
        self._whole: deque[Request] = deque()
        self._flaw: Malformed | None = None
        self._waiting = 0
        self._head = 0
        self._begun = self._in_body = False

    def feed(self, data: bytes) -> None:
        """Takes bytes of any size.

        Raises:
            Malformed: more is waiting than a request may have.
        """
        if self._whole:
            self._waiting += len(data)
            if self._waiting > _MAX_WAITING_BYTES:
                raise Malformed("The request is too large.")
        if self._flaw is not None:
            return
        complete = len(self._whole)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._flaw = _flaw(error)
            return
        if self._in_body or not self._begun:
            self._head = 0
            return
        # The parser bounds no head. Only a read that also ended another request is not counted.
        self._head = self._head + len(data) if len(self._whole) == complete else 0
        if self._head > MAX_HEAD_BYTES:
            self._flaw = Malformed("The request's head is too large.")

    def next(self) -> Request | None:
        """The next whole request, or None while there is none.

        Raises:
            Malformed: what arrived cannot become a request. Nothing more can be read from the connection.
        """
        if self._whole:
            return self._whole.popleft()
        self._waiting = 0
        if self._flaw is not None:
            raise self._flaw
        return None

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun, self._in_body = True, False
        self._target = b""
        self._headers: list[Header] = []
        self._body: list[bytes] = []
        self._size = 0
        self._keep = True

    def on_url(self, part: bytes) -> None:
        """A part of the target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header, or a trailer."""
        if self._in_body:
            raise Malformed("Trailers follow the body.")
        self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head ends."""
        parser = self._parser
        if parser.get_http_version() != "1.1":
            raise Malformed("The request line is not one of HTTP/1.1.")
        if parser.should_upgrade():  # the parser would leave out the body
            raise Malformed("The request asks for another protocol.")
        framed = False
        for name, value in self._headers:
            if name == b"content-length":
                if framed or not _DIGITS.fullmatch(value) or int(value) > MAX_BODY_BYTES:
                    raise Malformed("The length of the body is not one number within the limit.")
                framed = True
            elif name == b"transfer-encoding":
                if framed or value.lower() != b"chunked":
                    raise Malformed("The transfer coding is not `chunked` alone.")
                framed = True
        self._in_body = True
        self._keep = parser.should_keep_alive()

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._size += len(part)
        if self._size > MAX_BODY_BYTES:
            raise Malformed("The body is too large.")
        self._body.append(part)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._begun = False
        method = self._parser.get_method().decode()
        self._whole.append(Request(method, self._target, self._headers, b"".join(self._body), self._keep))


def _flaw(error: Exception) -> Malformed:
    found = error.__context__  # what a callback raised
    if isinstance(found, Malformed):
        return found
    if isinstance(error, HttpParserInvalidURLError):
        return InvalidTarget("The target has a character that must be percent-encoded.")
    return Malformed("The request is not HTTP/1.1.")


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
    return head + b"\r\n\r\n" + body
