"""``python -m assay.identity.issuer CONFIG.json``: serve a development issuer until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from assay.domain import AssayError, Exit, UsageError
from assay.identity.files import ensure_private_directory
from assay.identity.issuer.app import build_app
from assay.identity.issuer.config import IssuerConfig, load_config

_log = logging.getLogger("assay.issuer")


def main(arguments: list[str]) -> int:
    """Run the server. Returns an exit code of :class:`assay.domain.Exit`; errors go to standard error."""
    os.umask(0o077)  # the socket is for this user alone
    try:
        if len(arguments) != 1:
            raise UsageError("One configuration file is needed.", fix="python -m assay.identity.issuer CONFIG.json")
        config = load_config(Path(arguments[0]))
        _claim(config)
        asyncio.run(_serve(config))
    except AssayError as error:
        sys.stderr.write(f"{error.diagnosis()}\n")
        return int(error.exit)
    return int(Exit.OK)


async def _serve(config: IssuerConfig) -> None:
    app = build_app(config, rng=secrets.token_urlsafe)
    host, port = ("127.0.0.1", 0) if config.unix_socket else config.address
    server = Server(
        app,
        address=host,
        port=port,
        uds=config.unix_socket,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=65_536),
        websockets=False,
        log_level=LogLevels.error,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    _log.warning("development issuer, not for production: %s on %s", config.issuer_url, config.listen)
    await server.serve()


def _claim(config: IssuerConfig) -> None:
    """Make sure that nobody listens there. The server would share a port silently (SO_REUSEPORT)."""
    path = config.unix_socket
    if path is not None:
        ensure_private_directory(path.parent)
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except FileNotFoundError:
                return
            except OSError:
                if path.is_socket():
                    path.unlink()  # left behind by a process that was killed
                    return
                raise UsageError(f"`{path}` is in the way and is not a socket.", fix="remove it") from None
        raise AssayError(f"Something listens on `{path}` already.", fix="stop it, or use another socket")
    host, port = config.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AssayError(
                f"The development issuer cannot listen on {config.listen}: {error.strerror}.",
                fix="stop what uses that port, or choose another",
            ) from error


def _end(code: int) -> NoReturn:
    """Ends the process at once.

    Threads of the server, which is native code, are still there when it has stopped. One that asks for the interpreter
    while that is being taken down aborts the whole process, with SIGABRT for an exit code.
    """
    logging.shutdown()
    with contextlib.suppress(OSError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main(sys.argv[1:]))
