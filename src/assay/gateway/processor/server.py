"""The ext_proc server: gRPC over a Unix socket, one stream per HTTP exchange.

Envoy proceeds *without* us when a stream is closed cleanly, so a stream here ends only after Envoy has ended it; every
failure is answered with a refusal, or ends the stream with an error, which Envoy turns into a refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from assay.domain import UsageError
from assay.gateway.keysets import CiphertextError
from assay.gateway.processor import problems
from assay.gateway.processor.exchange import Exchange, Step
from assay.gateway.processor.reload import Reloader
from assay.gateway.processor.wire import headers_of, operation_of, proofs_of, response_of

WATCH_SECONDS = 0.2
GRACE_SECONDS = 2.0
_MAX_SOCKET_PATH = 107
_SERVING = b"\x08\x01"
"""grpc.health.v1.HealthCheckResponse with status SERVING."""


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

    async def process(self, _requests: AsyncIterator[Any], context: Any) -> None:
        """Serve one stream: one HTTP exchange."""
        exchange = Exchange(self._reloader.engine)
        while (request := await context.read()) is not grpc.aio.EOF:
            await context.write(self.answer(exchange, request))

    def answer(self, exchange: Exchange, request: Any) -> Any:
        """The response to one ``ProcessingRequest``; a refusal whenever anything goes wrong."""
        kind = request.WhichOneof("request")
        try:
            return response_of(kind, self._step(exchange, kind, request))
        except Exception:  # noqa: BLE001  # fail closed, whatever it was
            refusal = problems.PROCESSOR_ERROR
            report = {"decision": "refuse", "policy": refusal.policy, "digest": self._reloader.engine.digest}
            return response_of(kind or "request_headers", Step(refusal=refusal, report=report))

    def _step(self, exchange: Exchange, kind: str, request: Any) -> Step:
        if kind == "request_headers":
            headers = headers_of(request.request_headers)
            directory = self._reloader.engine.directory
            identity = directory.identify(proofs_of(request, headers, directory.claim_roots))
            ended = request.request_headers.end_of_stream
            return exchange.request_headers(operation_of(request), identity, headers, ended=ended)
        if kind == "request_body":
            return exchange.request_body(request.request_body.body)
        if kind == "response_headers":
            message = request.response_headers
            return exchange.response_headers(headers_of(message), ended=message.end_of_stream)
        if kind == "response_body":
            return self._response_body(exchange, request.response_body.body)
        return Step()

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


async def serve(bundle: Path, keys: Path, uds: Path, *, parent: int | None = None) -> None:
    """Serve on ``uds`` until SIGTERM or SIGINT, or until process ``parent`` is no longer the parent of this one.

    SIGHUP loads the policy again at once.

    Raises:
        AssayError: the policy or its keys cannot be loaded, or the socket cannot be used.
    """
    check_socket(uds)
    reloader = Reloader(bundle, keys, status=status_path(uds))
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((_handlers(Processor(reloader)),))
    previous = os.umask(0o177)
    try:
        bound = server.add_insecure_port(f"unix:{uds}")
    except RuntimeError:
        bound = 0
    finally:
        os.umask(previous)
    if not bound:
        raise UsageError(f"The socket `{uds}` cannot be created.", fix="choose a directory that you may write to")
    await server.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: reloader.refresh(force=True))
    watcher = asyncio.create_task(_watch(reloader, stop, parent))
    await stop.wait()
    await server.stop(GRACE_SECONDS)
    await watcher
    for path in (uds, status_path(uds)):
        path.unlink(missing_ok=True)


def check_socket(uds: Path) -> None:
    """A socket path that fits the operating system's limit and that nobody serves.

    Raises:
        UsageError: too long, in use, or taken by something that is no socket.
    """
    if len(os.fsencode(uds)) > _MAX_SOCKET_PATH:
        raise UsageError(
            f"The socket path `{uds}` is longer than {_MAX_SOCKET_PATH} bytes.", fix="choose a shorter directory"
        )
    if not uds.exists():
        return
    if not uds.is_socket():
        raise UsageError(f"`{uds}` exists and is not a socket.", fix="choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(uds))
        except OSError:
            uds.unlink(missing_ok=True)
        else:
            raise UsageError(f"Another processor already serves on `{uds}`.", fix="stop it, or choose another path")


async def _watch(reloader: Reloader, stop: asyncio.Event, parent: int | None) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
        reloader.refresh()
        if parent is not None and os.getppid() != parent:
            stop.set()


def _handlers(processor: Processor) -> Any:
    async def health(_request: bytes, _context: Any) -> bytes:
        return _SERVING

    methods = {
        "/envoy.service.ext_proc.v3.ExternalProcessor/Process": grpc.stream_stream_rpc_method_handler(
            processor.process,
            request_deserializer=ext_proc.ProcessingRequest.FromString,
            response_serializer=ext_proc.ProcessingResponse.SerializeToString,
        ),
        # A processor that has no policy does not start, so one that answers serves.
        "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(health),
    }

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # the package is untyped
        def service(self, details: Any) -> Any:
            return methods.get(details.method)

    return Handler()
