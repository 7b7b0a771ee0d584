"""Runs a service as a process: prints one line, ``listening http://127.0.0.1:PORT``, when it answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import NoReturn

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette

from assay.gateway.ports import free_ports

HOST = "127.0.0.1"


def free_port(wanted: int = 0) -> int:
    """``wanted``, or any free port for 0.

    Raises:
        OSError: it is in use.
    """
    if not wanted:
        return free_ports()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, wanted))
        return int(probe.getsockname()[1])


async def serve(app: Starlette, port: int) -> None:
    """Serves until SIGINT or SIGTERM."""
    server = Server(app, address=HOST, port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve())
    announcing = asyncio.create_task(_announce(port))
    try:
        await serving
    finally:
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing


def end(code: int) -> NoReturn:
    """Ends the process at once, after :func:`serve`.

    Threads of the server, which is native code, are still there when it has stopped. One that asks for the interpreter
    while that is being taken down aborts the whole process.
    """
    with contextlib.suppress(OSError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


async def _announce(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            await writer.wait_closed()
            break
        await asyncio.sleep(0.02)
    sys.stdout.write(f"listening http://{HOST}:{port}\n")
    sys.stdout.flush()
