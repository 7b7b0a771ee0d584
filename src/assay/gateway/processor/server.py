"""The ext_proc server: gRPC over a Unix socket, one stream per HTTP exchange, answered in the event loop itself.

A message is answered in the callback that its last bytes arrive in, because handing it to other threads costs several
times as much as the answer. gRPC's asyncio server spends about 400 µs per exchange on itself, Granian about 200 µs.

No trailers are sent, so a stream that ends from this side always looks broken to Envoy. That is welcome: Envoy proceeds
*without* a processor that closes a stream cleanly, and refuses when it breaks. Streams here end after Envoy ended them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from envoy.config.core.v3 import base_pb2

from assay.gateway.keysets import CiphertextError
from assay.gateway.processor import problems
from assay.gateway.processor.callers import Directory, Identity
from assay.gateway.processor.exchange import Exchange, Step
from assay.gateway.processor.framing import FramingError, Messages, frame
from assay.gateway.processor.http2 import ProtocolError, Session
from assay.gateway.processor.reload import Reloader
from assay.gateway.processor.wire import (
    CERTIFICATE_HEADER,
    Asked,
    asked_of,
    body_of,
    headers_of,
    operation_of,
    proofs_of,
    response_of,
)
from assay.gateway.sockets import clear, listen

WATCH_SECONDS = 0.2
MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message that is read at all. Bodies are bounded by the bundle, with a better answer."""
_IDENTITIES = 4096
"""Callers remembered: one per token, so their number has a bound."""
GRACE_SECONDS = 2.0


def status_path(uds: Path) -> Path:
    """Where the processor on this socket writes its status: ``SOCKET.status.json``."""
    return uds.with_name(f"{uds.name}.status.json")


def sockets(uds: Path, workers: int) -> tuple[Path, ...]:
    """The sockets of that many workers: the given one, then ``SOCKET.1``, …; Envoy's cluster must list them all."""
    return (uds, *(uds.with_name(f"{uds.name}.{number}") for number in range(1, workers)))


class Processor:
    """Answers Envoy's messages with the reloader's current policy."""

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader
        self._directory = reloader.engine.directory
        self._identities: dict[tuple[bytes, str | None], Identity] = {}

    def begin(self) -> Exchange:
        """A new exchange, under the policy of this moment."""
        return Exchange(self._reloader.engine)

    def answer(self, exchange: Exchange, message: bytes) -> bytes:
        """The ``ProcessingResponse`` to one ``ProcessingRequest``; a refusal whenever anything goes wrong."""
        try:
            asked = asked_of(message)
            return response_of(asked.kind, self._step(exchange, asked))
        except Exception:  # noqa: BLE001  # fail closed, whatever it was
            refusal = problems.PROCESSOR_ERROR
            report = {"decision": "refuse", "policy": refusal.policy}
            return response_of("", Step(refusal=refusal, report=report))

    def _step(self, exchange: Exchange, asked: Asked) -> Step:
        kind = asked.kind
        if kind == "request_headers":
            headers, ended = headers_of(asked.content)
            identity = self._identity(exchange.engine.directory, asked.metadata, headers)
            return exchange.request_headers(operation_of(asked.attributes), identity, headers, ended=ended)
        if kind == "request_body":
            return exchange.request_body(body_of(asked.content))
        if kind == "response_headers":
            headers, ended = headers_of(asked.content)
            return exchange.response_headers(headers, ended=ended)
        if kind == "response_body":
            return self._response_body(exchange, body_of(asked.content))
        return Step()

    def _identity(self, directory: Directory, metadata: bytes, headers: Mapping[str, str]) -> Identity:
        """The caller, remembered by everything that was verified about it.

        Envoy writes the members of an object in any order; read and written once more they have one order.
        """
        if directory is not self._directory or len(self._identities) >= _IDENTITIES:
            self._directory, self._identities = directory, {}
        verified: Any = base_pb2.Metadata.FromString(metadata)
        key = verified.SerializeToString(), headers.get(CERTIFICATE_HEADER)
        identity = self._identities.get(key)
        if identity is None:
            identity = directory.identify(proofs_of(verified, headers, directory.claim_roots))
            self._identities[key] = identity
        return identity

    def _response_body(self, exchange: Exchange, body: bytes) -> Step:
        try:
            return exchange.response_body(body)
        except CiphertextError:
            # Another worker may have rotated to a key that this one has not read yet.
            if self._reloader.refresh():
                exchange.renew(self._reloader.engine)
                with contextlib.suppress(CiphertextError):
                    return exchange.response_body(body)
            return exchange.undecipherable()


class Connection(asyncio.Protocol):
    """One connection of Envoy's, with all exchanges that are under way on it."""

    def __init__(self, processor: Processor, alive: set[Connection]) -> None:
        self._processor = processor
        self._alive = alive
        self._session = Session()
        self._exchanges: dict[int, tuple[Exchange, Messages]] = {}
        self._transport: asyncio.Transport | None = None
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # what a stream server makes
        self._alive.add(self)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._transport = None
        self._exchanges.clear()
        self._alive.discard(self)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        ended = []
        try:
            for stream, content, last, gone in self._session.receive(data):
                if gone:
                    self._exchanges.pop(stream, None)
                else:
                    self._take(stream, content)
                    if last and self._exchanges.pop(stream, None) is not None:
                        ended.append(stream)
        except ProtocolError:
            if self._transport is not None:
                self._transport.abort()
            return
        for stream in ended:  # Envoy resets a stream in the same breath, and then nobody waits for its end
            self._session.finish(stream)
        self._send()

    def finish(self) -> None:
        """Takes no new exchanges, and closes the connection after those that are under way."""
        self._ending = True
        self._session.away()
        self._send()

    def _take(self, stream: int, data: bytes) -> None:
        known = self._exchanges.get(stream)
        if known is None:
            if data:  # after its end
                self._session.reset(stream)
                return
            known = self._exchanges[stream] = (self._processor.begin(), Messages(MESSAGE_BYTES))
        exchange, messages = known
        try:
            for message in messages.feed(data):
                self._session.send(stream, frame(self._processor.answer(exchange, message)))
        except FramingError:
            del self._exchanges[stream]
            self._session.reset(stream)

    def _send(self) -> None:
        transport = self._transport
        if transport is None:
            return
        outgoing = self._session.outgoing()
        if outgoing:
            transport.write(outgoing)
        if self._ending and not self._exchanges:
            transport.close()


async def serve(bundle: Path, keys: Path, uds: Path, *, parent: int | None = None) -> None:
    """Serve on ``uds`` until SIGTERM or SIGINT, or until process ``parent`` is no longer the parent of this one.

    SIGHUP loads the policy again at once.

    Raises:
        AssayError: the policy or its keys cannot be loaded, or the socket cannot be used.
    """
    clear(uds, part="processor")
    reloader = Reloader(bundle, keys, status=status_path(uds))
    processor = Processor(reloader)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, partial(reloader.refresh, force=True))
    alive: set[Connection] = set()
    # What has been compiled stays; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    server = await loop.create_unix_server(lambda: Connection(processor, alive), sock=listen(uds, part="processor"))
    try:
        await _watch(reloader, stop, parent)
        server.close()
        for one in tuple(alive):
            one.finish()
        end = loop.time() + GRACE_SECONDS
        while alive and loop.time() < end:  # noqa: ASYNC110  # once, at the end
            await asyncio.sleep(0.01)
    finally:
        for path in (uds, status_path(uds)):
            path.unlink(missing_ok=True)


async def _watch(reloader: Reloader, stop: asyncio.Event, parent: int | None) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
        await asyncio.to_thread(reloader.refresh)  # compiling a large policy must not hold up the requests
        if parent is not None and os.getppid() != parent:
            stop.set()
