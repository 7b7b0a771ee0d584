"""As much of HTTP/2 (RFC 9113) as Envoy's gRPC client speaks to the processor: bytes in, bytes out, no sockets.

The peer is Envoy, over a socket that only the gateway's user may open, and it asks for one method only. So the fields
of a request are not decoded: whatever is asked is answered as ``ExternalProcessor/Process``. What is no HTTP/2 ends the
connection, and Envoy refuses the exchanges that were under way on it.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from assay.domain import AssayError

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME: Final = 16_384
MAX_STREAMS: Final = 4096
_HEADER: Final = struct.Struct(">HBBBI")
_SETTING: Final = struct.Struct(">HI")
_NUMBER: Final = struct.Struct(">I")
_DATA, _HEADERS, _PRIORITY, _RESET, _SETTINGS, _PROMISE, _PING, _AWAY, _WINDOW, _CONTINUATION = range(10)
_END_STREAM: Final = 0x1
_ACK: Final = 0x1
_END_HEADERS: Final = 0x4
_PADDED: Final = 0x8
_LARGEST_WINDOW: Final = 2**31 - 1
_FIRST_WINDOW: Final = 65_535
_RENEW: Final = 1 << 24
_INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE, _MAX_CONCURRENT_STREAMS = 4, 5, 3
# :status 200 from the static table; content-type (31 there) as a literal that is not indexed (RFC 7541).
_FIELDS: Final = b"\x88\x0f\x10" + bytes([len(b"application/grpc")]) + b"application/grpc"
_REFUSED_STREAM: Final = 7
_INTERNAL_ERROR: Final = 2


class ProtocolError(AssayError):
    """What arrived is not HTTP/2 as Envoy speaks it; the connection cannot go on."""


@dataclass(slots=True)
class _Stream:
    window: int
    waiting: deque[memoryview] = field(default_factory=deque)
    answered: bool = False
    ended: bool = False


class Received(NamedTuple):
    """Something that arrived on a stream: bytes, its end, or both. ``gone``: it was reset, so nobody listens."""

    stream: int
    data: bytes = b""
    ended: bool = False
    gone: bool = False


def _frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    size = len(payload)
    return b"".join((_HEADER.pack(size >> 8, size & 255, kind, flags, stream), payload))


class Session:
    """The server's side of one connection. :meth:`receive` takes bytes; :meth:`outgoing` gives what is to be sent."""

    def __init__(self) -> None:
        settings = _SETTING.pack(_INITIAL_WINDOW_SIZE, _LARGEST_WINDOW)
        settings += _SETTING.pack(_MAX_CONCURRENT_STREAMS, MAX_STREAMS)
        self._out: list[bytes] = [
            _frame(_SETTINGS, 0, 0, settings),
            _frame(_WINDOW, 0, 0, _NUMBER.pack(_LARGEST_WINDOW - _FIRST_WINDOW)),
        ]
        self._rest = b""
        self._begun = False
        self._streams: dict[int, _Stream] = {}
        self._left: deque[int] = deque(maxlen=MAX_STREAMS)
        self._last = 0
        self._continued = 0
        self._consumed = 0
        self._window = _FIRST_WINDOW
        self._first_window = _FIRST_WINDOW
        self._frame_size = MAX_FRAME

    def outgoing(self) -> bytes:
        """What is to be sent now; each byte is given once."""
        found = b"".join(self._out)
        self._out.clear()
        return found

    def receive(self, data: bytes) -> Iterator[Received]:
        """What arrived on streams, in order.

        Raises:
            ProtocolError: the connection cannot go on.
        """
        if self._rest:  # less than one frame
            data = self._rest + data
        size, at = len(data), 0
        try:
            if not self._begun:
                if not PREFACE.startswith(data[: len(PREFACE)]):
                    raise ProtocolError("The connection does not begin as HTTP/2 does.")
                if size < len(PREFACE):
                    return
                self._begun, at = True, len(PREFACE)
            while size - at >= _HEADER.size:
                high, low, kind, flags, stream = _HEADER.unpack_from(data, at)
                start = at + _HEADER.size
                end = start + (high << 8 | low)
                if end - start > MAX_FRAME:
                    raise ProtocolError("A frame is larger than was agreed.")
                if size < end:
                    return
                at = end
                found = self._take(kind, flags, stream & _LARGEST_WINDOW, data[start:end])
                if found is not None:
                    yield found
        finally:
            self._rest = data[at:]

    def send(self, stream: int, data: bytes) -> None:
        """Sends bytes on a stream, after the response's fields if they have not been sent; nothing if it is gone."""
        found = self._streams.get(stream)
        if found is None:
            return
        if not found.answered:
            found.answered = True
            self._out.append(_frame(_HEADERS, _END_HEADERS, stream, _FIELDS))
        size = len(data)
        if not found.waiting and size <= self._window and size <= found.window and size <= self._frame_size:
            self._window -= size
            found.window -= size
            self._out.append(_frame(_DATA, 0, stream, data))
            return
        found.waiting.append(memoryview(data))
        self._flush(stream, found)

    def finish(self, stream: int) -> None:
        """Ends a stream from this side, after what waits to be sent; without trailers."""
        found = self._streams.get(stream)
        if found is not None:
            if not found.answered:
                self.reset(stream)
                return
            found.ended = True
            self._flush(stream, found)

    def away(self) -> None:
        """Says that no new streams are taken; those under way go on (RFC 9113 section 6.8)."""
        self._out.append(_frame(_AWAY, 0, 0, _NUMBER.pack(self._last) + _NUMBER.pack(0)))

    def reset(self, stream: int) -> None:
        """Breaks a stream off."""
        if self._streams.pop(stream, None) is not None:
            self._left.append(stream)
            self._out.append(_frame(_RESET, 0, stream, _NUMBER.pack(_INTERNAL_ERROR)))

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> Received | None:
        if self._continued and (kind != _CONTINUATION or stream != self._continued):
            raise ProtocolError("A block of fields is not continued.")
        if kind == _DATA:
            return self._data(flags, stream, payload)
        if kind == _HEADERS:
            return self._fields(flags, stream)
        if kind == _CONTINUATION:
            if not self._continued:
                raise ProtocolError("There is no block of fields to continue.")
            self._continued = 0 if flags & _END_HEADERS else stream
        elif kind == _RESET:
            if self._streams.pop(stream, None) is not None:
                return Received(stream, gone=True)
        elif kind == _SETTINGS:
            self._settings(flags, payload)
        elif kind == _PING:
            if len(payload) != 8:
                raise ProtocolError("A ping has not 8 bytes.")
            if not flags & _ACK:
                self._out.append(_frame(_PING, _ACK, 0, payload))
        elif kind == _WINDOW:
            self._widen(stream, payload)
        elif kind == _PROMISE:
            raise ProtocolError("A client cannot promise.")
        return None

    def _fields(self, flags: int, stream: int) -> Received | None:
        self._continued = 0 if flags & _END_HEADERS else stream
        ended = bool(flags & _END_STREAM)
        if stream in self._streams:  # trailers
            return Received(stream, ended=ended)
        if stream in self._left:  # trailers that crossed our reset (RFC 9113 section 5.1)
            return None
        if not stream % 2 or stream <= self._last:
            raise ProtocolError("A stream has a number that it cannot have.")
        self._last = stream
        if len(self._streams) >= MAX_STREAMS:
            self._left.append(stream)
            self._out.append(_frame(_RESET, 0, stream, _NUMBER.pack(_REFUSED_STREAM)))
            return None
        self._streams[stream] = _Stream(self._first_window)
        return Received(stream, ended=ended)

    def _data(self, flags: int, stream: int, payload: bytes) -> Received | None:
        if stream == 0 or stream > self._last:
            raise ProtocolError("Data belong to no stream.")
        self._consumed += len(payload)
        if self._consumed >= _RENEW:
            self._out.append(_frame(_WINDOW, 0, 0, _NUMBER.pack(self._consumed)))
            self._consumed = 0
        if flags & _PADDED:
            if not payload or payload[0] >= len(payload):
                raise ProtocolError("Padding is longer than its frame.")
            payload = payload[1 : len(payload) - payload[0]]
        if stream not in self._streams:
            return None  # it was reset; this was under way
        return Received(stream, payload, bool(flags & _END_STREAM))

    def _settings(self, flags: int, payload: bytes) -> None:
        if flags & _ACK:
            return
        if len(payload) % _SETTING.size:
            raise ProtocolError("Settings are incomplete.")
        for name, value in _SETTING.iter_unpack(payload):
            if name == _INITIAL_WINDOW_SIZE:
                if value > _LARGEST_WINDOW:
                    raise ProtocolError("A window is too large.")
                for one in self._streams.values():
                    one.window += value - self._first_window
                self._first_window = value
            elif name == _MAX_FRAME_SIZE:
                if not MAX_FRAME <= value < 1 << 24:
                    raise ProtocolError("A frame's size is out of bounds.")
                self._frame_size = value
        self._out.append(_frame(_SETTINGS, _ACK, 0))
        self._flush_all()

    def _widen(self, stream: int, payload: bytes) -> None:
        if len(payload) != _NUMBER.size:
            raise ProtocolError("A window update has not 4 bytes.")
        more = _NUMBER.unpack(payload)[0] & _LARGEST_WINDOW
        if stream == 0:
            self._window += more
            if self._window > _LARGEST_WINDOW:
                raise ProtocolError("A window is too large.")
            self._flush_all()
            return
        found = self._streams.get(stream)
        if found is not None:
            found.window += more
            if found.window > _LARGEST_WINDOW:
                raise ProtocolError("A window is too large.")
            self._flush(stream, found)

    def _flush_all(self) -> None:
        for stream, found in tuple(self._streams.items()):
            if found.waiting or found.ended:
                self._flush(stream, found)

    def _flush(self, stream: int, found: _Stream) -> None:
        """Sends what the windows let through; the rest waits for a window update."""
        while found.waiting:
            piece = found.waiting[0]
            allowed = min(len(piece), self._window, found.window, self._frame_size)
            if allowed <= 0:
                return
            self._out.append(_frame(_DATA, 0, stream, piece[:allowed]))
            self._window -= allowed
            found.window -= allowed
            if allowed == len(piece):
                found.waiting.popleft()
            else:
                found.waiting[0] = piece[allowed:]
        if found.ended:
            self._out.append(_frame(_DATA, _END_STREAM, stream))
            del self._streams[stream]
