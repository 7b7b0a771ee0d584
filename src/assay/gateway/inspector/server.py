"""Serves the inspector on a Unix socket, in one process or several."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from assay.domain import AssayError, Location, Secret
from assay.domain.programs import command
from assay.gateway import sockets
from assay.gateway.inspector.application import Application
from assay.gateway.inspector.bundle import Bundle, Compiled
from assay.gateway.inspector.holder import Holder, compiler
from assay.gateway.inspector.http1 import Malformed, Reader
from assay.gateway.inspector.injection import Engine
from assay.identity.secrets import resolve

GRACE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.2


def holder(bundle: Path, *, environ: Mapping[str, str]) -> Holder:
    """A holder for a bundle file; secret references are resolved in ``environ`` and relative to the file's folder."""
    engine = Engine()

    def secret(reference: str) -> Secret:
        return resolve(reference, environ=environ, base=bundle.parent)

    def make(content: Bundle) -> Compiled:
        return Compiled(content, engine=engine, resolve=secret)

    return Holder(bundle, compiler(make, str(bundle)))


class Connection(asyncio.Protocol):
    """One connection of Envoy's. Answers leave in the order of the requests.

    A request is decided in the callback that its last bytes arrive in: no task, no thread and no queue lie between.
    """

    def __init__(self, application: Application, alive: set[Connection]) -> None:
        self._application = application
        self._reader = Reader()
        self._alive = alive
        self._transport: asyncio.Transport | None = None
        self._asking: asyncio.Task[None] | None = None
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)  # what a stream server makes
        self._alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop. A token that is still asked about will not be answered."""
        self._transport = None
        self._alive.discard(self)
        if self._asking is not None:
            self._asking.cancel()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        try:
            self._reader.feed(data)
        except Malformed as flaw:
            self._refuse(flaw)
            return
        if self._asking is None:
            self._advance()

    def finish(self) -> asyncio.Task[None] | None:
        """Closes the connection; if an answer is still awaited, after it: then the task that this takes."""
        self._ending = True
        if self._asking is None and self._transport is not None:
            self._transport.close()
        return self._asking

    def _advance(self) -> None:
        while self._transport is not None and not self._transport.is_closing():
            try:
                request = self._reader.next()
            except Malformed as flaw:
                self._refuse(flaw)
                return
            if request is None:
                return
            found = self._application.answer(request)
            if not isinstance(found, bytes):
                self._asking = asyncio.get_running_loop().create_task(self._later(found, keep=request.keep))
                return
            self._send(found, keep=request.keep)

    async def _later(self, answer: Coroutine[Any, Any, bytes], *, keep: bool) -> None:
        found = await answer
        self._asking = None
        self._send(found, keep=keep)
        self._advance()

    def _send(self, answer: bytes, *, keep: bool) -> None:
        if self._transport is not None:
            self._transport.write(answer)
            if not keep or self._ending:
                self._transport.close()

    def _refuse(self, flaw: Malformed) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._send(self._application.malformed(flaw), keep=False)


async def _work(application: Application, listening: socket.socket, parent: int | None) -> None:
    """Answers on a listening socket until SIGTERM or SIGINT, or until ``parent`` is no longer this one's parent."""
    stop, wake = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, wake.set)
    alive: set[Connection] = set()
    async with application.running(wake):
        server = await loop.create_unix_server(lambda: Connection(application, alive), sock=listening)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), None if parent is None else _POLL_SECONDS)
            if parent is not None and os.getppid() != parent:
                stop.set()
        server.close()
        awaited = [task for one in tuple(alive) if (task := one.finish()) is not None]
        if awaited:
            await asyncio.wait(awaited, timeout=GRACE_SECONDS)


def serve(*, bundle: Path, uds: Path, workers: int = 1) -> None:
    """Runs until SIGTERM or SIGINT; then running requests end and the socket is removed.

    SIGHUP loads the bundle again at once. With several workers, one's end is everybody's: whoever supervises this
    process starts them afresh.

    Args:
        bundle: the bundle file to watch.
        uds: the socket to create, mode 0600; its folder must exist.
        workers: processes; they all accept from the same socket.

    Raises:
        AssayError: the bundle cannot be used, another process answers on the socket, or a worker ended by itself.
    """
    application = _application(bundle)
    listening = sockets.listen(uds, part="inspector")
    try:
        if workers == 1:
            _run(application, listening, parent=None)
        else:
            _share(bundle, listening.fileno(), workers)
    finally:
        listening.close()
        uds.unlink(missing_ok=True)


def _share(bundle: Path, descriptor: int, workers: int) -> None:
    worker = command("assay.gateway.inspector", "--bundle", str(bundle), "--worker", str(descriptor))
    codes = sockets.supervise([worker] * workers, inherited=[descriptor])
    if codes:
        raise AssayError(f"A worker of the inspector ended by itself (codes {codes}).", fix="read the lines above")


def work(*, bundle: Path, descriptor: int, parent: int) -> None:
    """A worker of several: answers on the listening socket that it has inherited, as long as ``parent`` lives.

    Raises:
        AssayError: the bundle cannot be used.
    """
    with socket.socket(fileno=descriptor) as listening:
        _run(_application(bundle), listening, parent=parent)


def _application(bundle: Path) -> Application:
    found = holder(bundle, environ=os.environ)
    if not found.reload():
        raise AssayError(found.error, fix="apply the declaration again", location=Location(str(bundle)))
    return Application(found)


def _run(application: Application, listening: socket.socket, *, parent: int | None) -> None:
    # What has been compiled stays; the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    uvloop.run(_work(application, listening, parent))


def wait_until_ready(uds: Path, *, seconds: float = 10.0) -> bool:
    """Whether something accepts connections on the socket within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(uds))
            return True
        time.sleep(0.02)
    return False
