"""An HTTP/1.1 request as bytes, and an answer read from bytes. No I/O, and nothing is normalised."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import h11

from assay.domain import UsageError
from assay.prove.scope import Origin
from assay.prove.seams import ClientCertificate

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_GRAPHIC = re.compile(r"[\x00-\x20\x7f]")
_LINE_BREAKING = re.compile(r"[\r\n\x00]")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_HOP = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "expect", "te"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request and where it goes.

    Attributes:
        target: path and query, sent as they are.
        headers: sent in this order after ``Host``; ``Host`` and ``Content-Length`` given here replace the own ones.
        source: address of this machine to connect from.
        certificate: shown in the TLS handshake.
    """

    origin: Origin
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    source: str | None = None
    certificate: ClientCertificate | None = None

    @property
    def reusable(self) -> bool:
        """Whether the connection can serve another request: not if its framing was meddled with."""
        return not any(name.lower() in _HOP for name, _ in self.headers)

    def encode(self) -> bytes:
        """The bytes (RFC 9112).

        Raises:
            UsageError: they would not be one request. What is meant to be malformed goes over a raw connection.
        """
        if not _TOKEN.fullmatch(self.method):
            raise UsageError(f"{self.method!r} is no HTTP method", fix="send it over a raw connection")
        if not self.target or _NOT_GRAPHIC.search(self.target):
            raise UsageError(
                f"{self.target!r} is no request target", fix="percent-encode spaces and control characters"
            )
        path = self.target.partition("?")[0]
        if "{" in path or "}" in path:
            raise UsageError(f"the path {path!r} holds a literal brace", fix="fill the template with a real value")
        given = {name.lower() for name, _ in self.headers}
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        if "host" not in given:
            lines.append(f"host: {self.origin.authority}")
        for name, value in self.headers:
            if not _TOKEN.fullmatch(name) or _LINE_BREAKING.search(value):
                raise UsageError(f"the header {name!r} cannot be sent as one header", fix="use a raw connection")
            lines.append(f"{name}: {value}")
        sized = "content-length" in given or "transfer-encoding" in given
        if not sized and (self.body is not None or self.method.upper() in _BODY_METHODS):
            lines.append(f"content-length: {len(self.body or b'')}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        # Header values beyond ASCII go out as UTF-8, as browsers and curl send them.
        return head.encode("utf-8", "surrogateescape") + (self.body or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. ``status`` 0: no HTTP answer; with a status *and* an error, the body broke off."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""
    truncated: bool = False

    @property
    def joined(self) -> Mapping[str, str]:
        """Headers by lower-case name, repeated ones joined by ``, ``."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return found


class Reader:
    """Takes bytes as they come, until one answer is complete or as large as it may be.

    Raises (from :meth:`feed`):
        h11.RemoteProtocolError: this is no HTTP answer.
    """

    def __init__(self, message: Message, *, bound: int) -> None:
        self._bound = bound
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=128 * 1024)
        # The parser only frames the answer, which depends on the method; what was sent it need not know.
        upgrade = [(b"upgrade", b"any"), (b"connection", b"upgrade")] if self._asks_upgrade(message) else []
        self._parser.send(h11.Request(method=message.method, target="/", headers=[(b"host", b"x"), *upgrade]))
        self._parser.send(h11.EndOfMessage())
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._body = bytearray()
        self.done = False
        self.truncated = False
        self.keep_alive = False

    @staticmethod
    def _asks_upgrade(message: Message) -> bool:
        return any(name.lower() == "upgrade" for name, _ in message.headers)

    @property
    def started(self) -> bool:
        """Whether a status line came."""
        return self._status != 0

    def feed(self, data: bytes) -> None:
        """More bytes; none of them at the end of the connection."""
        self._parser.receive_data(data)
        while not self.done:
            event = self._parser.next_event()
            if isinstance(event, h11.Response):
                self._take_head(event)
            elif isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                self._take_head(event)
                self.done = True
            elif isinstance(event, h11.Data):
                self._take_data(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self.done = True
                left, _ = self._parser.trailing_data
                self.keep_alive = not left and self._parser.their_state is h11.DONE
            elif isinstance(event, h11.ConnectionClosed):
                self.done = True
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                if event is h11.PAUSED:
                    self.done = True
                return

    def answer(self, *, seconds: float, error: str = "") -> Answer:
        """What has been read so far."""
        body, cut = inflated(bytes(self._body), dict(self._headers).get("content-encoding", ""), self._bound)
        return Answer(
            status=self._status,
            headers=self._headers,
            body=body,
            seconds=seconds,
            error=error,
            truncated=self.truncated or cut or bool(error and self.started),
        )

    def _take_head(self, event: h11.Response | h11.InformationalResponse) -> None:
        self._status = event.status_code
        self._headers = tuple((n.decode("latin-1").lower(), v.decode("utf-8", "replace")) for n, v in event.headers)

    def _take_data(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._bound:
            del self._body[self._bound :]
            self.truncated = self.done = True


def inflated(body: bytes, encoding: str, bound: int) -> tuple[bytes, bool]:
    """A gzip or deflate body unfolded to at most ``bound`` bytes, and whether there was more. Others: as they are."""
    if not body or encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return body, False
    unfolding = zlib.decompressobj(47 if "gzip" in encoding.lower() else 15)
    try:
        found = unfolding.decompress(body, bound)
    except zlib.error:
        return body, False
    return found, bool(unfolding.unconsumed_tail)
