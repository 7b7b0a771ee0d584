"""Serves the inspector on a Unix socket with Granian."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from assay.domain import AssayError, Location, Secret
from assay.gateway.inspector.application import Application
from assay.gateway.inspector.bundle import Bundle, Compiled
from assay.gateway.inspector.holder import Holder, compiler
from assay.gateway.inspector.injection import Engine
from assay.identity.secrets import resolve


def holder(bundle: Path, *, environ: Mapping[str, str]) -> Holder:
    """A holder for a bundle file; secret references are resolved in ``environ`` and relative to the file's folder."""
    engine = Engine()

    def secret(reference: str) -> Secret:
        return resolve(reference, environ=environ, base=bundle.parent)

    def make(content: Bundle) -> Compiled:
        return Compiled(content, engine=engine, resolve=secret)

    return Holder(bundle, compiler(make, str(bundle)))


def load(bundle: Path) -> Application:
    """The application of a worker process. A bundle that cannot be used leaves it refusing everything."""
    found = holder(bundle, environ=os.environ)
    found.reload()
    return Application(found)


class _Inspector(Server):  # type: ignore[misc, valid-type]
    """Granian, except that SIGHUP reaches the workers, which reload; by itself it would replace them."""

    def signal_handler_reload(self, *_: Any) -> None:
        for worker in self.wrks:
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(worker.inner.pid, signal.SIGHUP)


def serve(*, bundle: Path, uds: Path, workers: int = 1, log_level: LogLevels = LogLevels.warning) -> None:
    """Runs until SIGTERM or SIGINT; then running requests end and the socket is removed.

    Args:
        bundle: the bundle file to watch.
        uds: the socket to create, mode 0600; its folder must exist.
        workers: processes; requests are spread over them by the kernel.

    Raises:
        AssayError: the bundle cannot be used, or another process answers on the socket.
    """
    found = holder(bundle, environ=os.environ)
    if not found.reload():
        raise AssayError(found.error, fix="apply the declaration again", location=Location(str(bundle)))
    _clear(uds)
    server = _Inspector(
        "assay.gateway.inspector",
        uds=uds,
        uds_permissions=0o600,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(keep_alive=True, max_buffer_size=1 << 20),
        loop=Loops.auto,
        websockets=False,
        workers=workers,
        workers_kill_timeout=5,
        respawn_failed_workers=True,
        log_level=log_level,
    )
    server.serve(target_loader=partial(load, bundle), wrap_loader=False)


def _clear(uds: Path) -> None:
    """Removes the socket of an inspector that is gone; a living one is an error."""
    if not uds.parent.is_dir():
        raise AssayError(f"The folder of the socket `{uds}` does not exist.", fix="create it with mode 0700")
    if not uds.exists() and not uds.is_symlink():
        return
    if not uds.is_socket():
        raise AssayError(f"`{uds}` exists and is no socket.", fix="remove it, or name another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(uds))
        except (ConnectionRefusedError, FileNotFoundError):
            uds.unlink(missing_ok=True)
            return
        except OSError as error:
            raise AssayError(f"The socket `{uds}` cannot be used: {error.strerror}.") from error
    raise AssayError(f"An inspector already answers on `{uds}`.", fix="stop it first")


def wait_until_ready(uds: Path, *, seconds: float = 10.0) -> bool:
    """Whether something accepts connections on the socket within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(uds))
            return True
        time.sleep(0.02)
    return False
