"""Unix sockets of the parts beside Envoy: a private one to listen on, and processes that serve together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from assay.domain import UsageError

_BACKLOG: Final = 1024
_LONGEST_PATH: Final = 107
"""Bytes of a socket's path, its terminator not counted (unix(7))."""
_POLL_SECONDS: Final = 0.2


def listen(uds: Path, *, part: str) -> socket.socket:
    """A socket, mode 0600, that takes connections; one that was left by a process that is gone is replaced.

    Args:
        uds: its path; the folder must exist.
        part: who will answer, for the sentences, such as ``inspector``.

    Raises:
        UsageError: somebody answers there, something else lies there, or the path cannot be used.
    """
    clear(uds, part=part)
    listening = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        listening.bind(str(uds))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"The socket `{uds}` cannot be created: {error.strerror or error}.",
            fix="choose a directory that you may write to",
        ) from error
    finally:
        os.umask(previous)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


def clear(uds: Path, *, part: str) -> None:
    """Removes a socket that nobody answers on any more; anything else in the way is an error.

    Raises:
        UsageError: see :func:`listen`.
    """
    if len(os.fsencode(uds)) > _LONGEST_PATH:
        raise UsageError(
            f"The socket path `{uds}` is longer than {_LONGEST_PATH} bytes.", fix="choose a shorter directory"
        )
    if not uds.parent.is_dir():
        raise UsageError(f"The folder of the socket `{uds}` does not exist.", fix="create it with mode 0700")
    if not uds.exists() and not uds.is_symlink():
        return
    if not uds.is_socket():
        raise UsageError(f"`{uds}` exists and is not a socket.", fix="remove it, or choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(uds))
        except (ConnectionRefusedError, FileNotFoundError):
            uds.unlink(missing_ok=True)
            return
        except OSError as error:
            raise UsageError(
                f"The socket `{uds}` cannot be used: {error.strerror or error}.", fix="choose another path"
            ) from error
    raise UsageError(f"Another {part} already answers on `{uds}`.", fix="stop it, or choose another path")


def supervise(commands: Sequence[Sequence[str]], *, inherited: Sequence[int] = ()) -> list[int]:
    """Runs programs until SIGTERM, SIGINT or the end of one of them, which is everybody's end.

    SIGHUP is handed on to each.

    Args:
        commands: program and arguments of each.
        inherited: descriptors that they may use.

    Returns:
        The exit codes when one ended by itself; nothing when they were told to end.
    """
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    def reload(*_: object) -> None:
        _tell(running, signal.SIGHUP)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    running = [subprocess.Popen(command, pass_fds=tuple(inherited)) for command in commands]
    signal.signal(signal.SIGHUP, reload)
    while not stopping and all(one.poll() is None for one in running):
        time.sleep(_POLL_SECONDS)
    _tell(running, signal.SIGTERM)
    codes = [one.wait() for one in running]
    return [] if stopping else codes


def _tell(running: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for one in running:
        if one.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                one.send_signal(number)
