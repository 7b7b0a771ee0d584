"""A connection's bytes: exchanges end without a word too many, and what cannot be understood is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.framing import frame
from assay.gateway.processor.http2 import PREFACE
from assay.gateway.processor.reload import Reloader
from assay.gateway.processor.server import Connection, Processor
from assay.gateway.processor.wire import FILTER, ROUTE_NAME

DATA, HEADERS, RESET, SETTINGS = 0, 1, 3, 4
END_STREAM, END_HEADERS = 1, 4


class Written(asyncio.Transport):
    """Remembers what was written, as (kind, flags, stream, payload) of HTTP/2 frames."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    def taken(self) -> list[tuple[int, int, int, bytes]]:
        data, self.data = self.data, b""
        found = []
        while data:
            end = 9 + int.from_bytes(data[:3], "big")
            found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:end]))
            data = data[end:]
        return found


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _asked() -> bytes:
    request: Any = ext_proc.ProcessingRequest(request_headers=ext_proc.HttpHeaders(end_of_stream=True))
    request.request_headers.headers.headers.append(base_pb2.HeaderValue(key=":method", raw_value=b"GET"))
    request.attributes[FILTER].update({ROUTE_NAME: "a/plain"})
    return frame(request.SerializeToString())


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Connection, Written]:
    file = tmp_path / "bundle.json"
    bundle = bundles.Bundle(version=bundles.VERSION, digest="d", operations={"a/plain": bundles.Operation("a")})
    file.write_bytes(bundles.encode(bundle))
    connection, written = Connection(Processor(Reloader(file, tmp_path / "keys")), set()), Written()
    connection.connection_made(written)
    connection.data_received(PREFACE + _frame(SETTINGS, 0, 0))
    written.taken()
    return connection, written


def _answer(frames: list[tuple[int, int, int, bytes]]) -> Any:
    payload = b"".join(payload for kind, _, _, payload in frames if kind == DATA)
    return ext_proc.ProcessingResponse.FromString(payload[5:])


def test_an_exchange_that_is_ended_and_reset_at_once_is_not_answered_further(
    opened: tuple[Connection, Written],
) -> None:
    connection, written = opened
    connection.data_received(_frame(HEADERS, END_HEADERS, 1) + _frame(DATA, 0, 1, _asked()))
    assert _answer(written.taken()).WhichOneof("response") == "request_headers"
    connection.data_received(_frame(DATA, END_STREAM, 1) + _frame(RESET, 0, 1, b"\0\0\0\x08"))
    assert written.taken() == []


def test_an_exchange_that_is_only_ended_is_ended_from_this_side_too(opened: tuple[Connection, Written]) -> None:
    connection, written = opened
    connection.data_received(_frame(HEADERS, END_HEADERS, 1) + _frame(DATA, END_STREAM, 1, _asked()))
    frames = written.taken()
    assert _answer(frames).WhichOneof("response") == "request_headers"
    assert frames[-1] == (DATA, END_STREAM, 1, b"")
    connection.data_received(_frame(RESET, 0, 1, b"\0\0\0\x08"))
    assert written.taken() == []


def test_what_follows_an_end_is_not_answered(opened: tuple[Connection, Written]) -> None:
    connection, written = opened
    connection.data_received(
        _frame(HEADERS, END_HEADERS, 1) + _frame(DATA, END_STREAM, 1, _asked()) + _frame(DATA, 0, 1, _asked())
    )
    frames = written.taken()
    assert len([kind for kind, _, _, payload in frames if kind == DATA and payload]) == 1
    assert frames[-1][0] == RESET


@pytest.mark.parametrize("message", [b"", b"\xff", b"\x12", _asked()[5:] * 2])
def test_a_message_that_cannot_be_understood_is_refused(opened: tuple[Connection, Written], message: bytes) -> None:
    connection, written = opened
    connection.data_received(_frame(HEADERS, END_HEADERS, 1) + _frame(DATA, 0, 1, frame(message)))
    answer = _answer(written.taken())
    assert answer.immediate_response.status.code == 500
    assert answer.immediate_response.details == "data_exposure/processor-error"
