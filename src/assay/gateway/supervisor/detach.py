"""Runs the gateway in the background: the command returns when it is ready, or says why it is not."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from assay.domain import AssayError, IncompleteError, Location
from assay.gateway.supervisor.processes import end_group


class Announcement(msgspec.Struct, frozen=True):
    """What the process in the background says to the one that started it. ``error`` is empty when all is well."""

    pid: int = 0
    address: str = ""
    error: str = ""
    fix: str = ""
    at: Location | None = None
    exit: int = 0


def announce(descriptor: int, said: Announcement) -> None:
    """Says it, once, and closes the pipe. A parent that is gone is no concern."""
    try:
        os.write(descriptor, msgspec.json.encode(said) + b"\n")
    except OSError:
        pass
    finally:
        os.close(descriptor)


def announce_error(descriptor: int, error: AssayError) -> None:
    """Says why the gateway is not ready."""
    announce(descriptor, Announcement(error=error.sentence, fix=error.fix, at=error.location, exit=int(error.exit)))


def detach(
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    descriptor_option: str = "--ready-fd",
    timeout: float = 120.0,
) -> Announcement:
    """Starts ``argv`` in a session of its own, and waits until it announces itself.

    Args:
        argv: program and arguments; ``descriptor_option`` and the number of a pipe are appended.
        log: file for its output.
        environment: its environment.
        descriptor_option: how the pipe's number is given.
        timeout: seconds to wait.

    Raises:
        IncompleteError: it ended without a word, or said nothing in time (it is then ended).
    """
    read_end, write_end = os.pipe()
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            process = subprocess.Popen(
                [*argv, descriptor_option, str(write_end)],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(environment),
                pass_fds=(write_end,),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
            os.close(write_end)
        return _listen(process, read_end, log, timeout)
    except OSError as error:
        raise IncompleteError(
            f"the gateway cannot be started in the background: {error.strerror}", fix="start it with `assay up`"
        ) from error
    finally:
        os.close(read_end)


def _listen(process: subprocess.Popen[bytes], descriptor: int, log: Path, timeout: float) -> Announcement:
    deadline, heard = time.monotonic() + timeout, b""
    while not heard.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            end_group(process.pid)
            process.wait(5)
            raise IncompleteError(
                f"the gateway was not ready within {timeout:g} s",
                fix=f"read its log: {log}",
                location=Location(str(log)),
            )
        more = os.read(descriptor, 65536)
        if not more:
            process.wait(5)
            raise IncompleteError(
                f"the gateway ended while starting, with exit code {process.returncode}",
                fix=f"read its log: {log}",
                location=Location(str(log)),
            )
        heard += more
    try:
        said = msgspec.json.decode(heard, type=Announcement)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IncompleteError("the gateway said something that cannot be read", fix=f"read its log: {log}") from error
    # It is meant to outlive this process: nobody waits for it, and nobody is to be warned about that.
    process.returncode = 0
    return said
