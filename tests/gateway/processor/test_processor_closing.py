"""Envoy goes on without a processor that ends its stream cleanly; ours cannot, whatever ends the stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway import ir
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.framing import FramingError, Messages, frame

QUITTER = """
import asyncio, pathlib, sys
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from assay.gateway.processor.framing import Messages, frame

class Quitter:
    "Answers the headers, asks for the body, and leaves."
    async def __rsgi__(self, scope, protocol):
        transport = protocol.response_stream(200, [("content-type", "application/grpc")])
        messages = Messages(1 << 20)
        async for chunk in protocol:
            for message in messages.feed(chunk):
                response = ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse())
                response.mode_override.response_header_mode = 1
                response.mode_override.response_body_mode = 2
                if AFTER:
                    await transport.send_bytes(frame(response.SerializeToString()))
                return

asyncio.run(Server(Quitter(), uds=pathlib.Path(sys.argv[1]), interface=Interfaces.RSGI, http=HTTPModes.http2,
                   websockets=False, log_enabled=False).serve())
"""


@pytest.mark.integration
@pytest.mark.parametrize("after", [False, True])
def test_a_stream_that_the_processor_ends_early_is_a_refusal(make_rig: Callable[..., Any], after: bool) -> None:
    masking = ir.Masking(control="c", source="s", api="a", operation="read", fields=())
    bundle = bundles.Bundle(
        version=bundles.VERSION, digest="d", operations={"a/read": bundles.Operation("a", masking=masking)}
    )
    rig = make_rig(bundle, instead=QUITTER.replace("AFTER", str(after)))
    rig.upstream.body = b'{"email":"alice@example.com"}'
    for _ in range(5):
        response = rig.call("a/read")
        assert response.status_code >= 500
        assert "alice" not in response.text


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 50))
def test_messages_survive_any_chunking(messages: list[bytes], size: int) -> None:
    stream = b"".join(frame(message) for message in messages)
    reader = Messages(1000)
    found = [m for i in range(0, len(stream), size) for m in reader.feed(stream[i : i + size])]
    assert found == messages


@pytest.mark.parametrize("chunk", [b"\x01\0\0\0\0", b"\0\0\0\x04\x01", b"\0\xff\xff\xff\xff"])
def test_compressed_and_huge_messages_end_the_stream(chunk: bytes) -> None:
    with pytest.raises(FramingError):
        list(Messages(1024).feed(chunk))


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_arbitrary_bytes_end_the_stream_or_wait_for_more(chunks: list[bytes]) -> None:
    reader = Messages(100)
    try:
        for chunk in chunks:
            assert all(len(message) <= 100 for message in reader.feed(chunk))
    except FramingError:
        pass
