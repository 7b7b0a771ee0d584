"""The note of what runs, for every other command: who supervises, which processes, since when.

Whether a supervisor runs is decided by a lock that the kernel releases with the process, never by the note alone: a
note stays behind when its writer is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from assay.domain import AssayError, IncompleteError, UsageError
from assay.gateway.state import Paths, read_applied
from assay.gateway.supervisor.events import Event, LeftoverStopped
from assay.gateway.supervisor.part import Running
from assay.gateway.supervisor.processes import created, end_group, is_same
from assay.identity.files import locked, read_private, write_private

_LOOKING_SECONDS = 5.0
"""How long a start waits for commands that merely look whether somebody supervises; the machine may pause one."""


class PartNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part as it was when the note was written. ``pid`` 0: no process at that moment."""

    name: str
    state: str
    pid: int
    created: float
    restarts: int
    since: datetime | None
    last_exit: str


class RunNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who supervises, on which address, and the parts."""

    version: int
    pid: int
    created: float
    since: datetime
    address: str
    parts: tuple[PartNote, ...] = ()


def note(paths: Paths, *, since: datetime, address: str, parts: tuple[Running, ...]) -> None:
    """Writes down what runs under this process."""
    known = tuple(PartNote(r.part.name, r.state, r.pid, r.created, r.restarts, r.since, r.last_exit) for r in parts)
    content = RunNote(1, os.getpid(), created(os.getpid()) or 0.0, since, address, known)
    write_private(paths.run_state, msgspec.json.encode(content))


def read_note(paths: Paths) -> RunNote | None:
    """The last note, or None when there is none or it cannot be read: it is a help, and nothing depends on it."""
    try:
        return msgspec.json.decode(read_private(paths.run_state, what="note of what runs"), type=RunNote)
    except (AssayError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def forget(paths: Paths) -> None:
    """Removes the note."""
    paths.run_state.unlink(missing_ok=True)


@contextlib.contextmanager
def claim(paths: Paths) -> Iterator[None]:
    """Makes this process the one that supervises the state directory, as long as the context lasts.

    Raises:
        UsageError: another process does; the sentence says which one, since when and where.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(paths.run / "supervisor", timeout=_LOOKING_SECONDS))
        except AssayError as error:
            if not supervised(paths):
                raise
            raise UsageError(already(paths), fix="use it, or end it with `assay down`") from error
        yield


def supervised(paths: Paths) -> bool:
    """Whether some process supervises the state directory now."""
    if not paths.run.exists():
        return False
    try:
        with locked(paths.run / "supervisor", timeout=0.0, shared=True):  # others may look at the same moment
            return False
    except AssayError:
        return True


def already(paths: Paths) -> str:
    """What runs already, in a sentence."""
    found = read_note(paths)
    if found is None:
        return "the gateway of this project is starting already"
    try:
        applied = read_applied(paths)
    except AssayError:
        applied = None
    version = f", version {applied.number}" if applied else ""
    return (
        f"the gateway of this project runs already: process {found.pid}, since {found.since:%Y-%m-%d %H:%M:%S} UTC, "
        f"on {found.address}{version}"
    )


def sweep(paths: Paths, emit: Callable[[Event], None]) -> None:
    """Ends processes that a killed supervisor left behind. Call only while holding :func:`claim`."""
    found = read_note(paths)
    for part in found.parts if found else ():
        if part.pid and is_same(part.pid, part.created):
            end_group(part.pid)
            emit(LeftoverStopped(part.name, part.pid))
    forget(paths)


def down(paths: Paths, *, timeout: float = 40.0, poll: float = 0.05) -> RunNote | None:
    """Ends the supervisor and its parts; returns what ran, or None when nothing did.

    Raises:
        IncompleteError: it did not end within ``timeout`` seconds even when killed.
    """
    found = read_note(paths)
    if not supervised(paths):
        if found is not None:
            with claim(paths):
                sweep(paths, lambda _: None)
        return None
    if found is None or not is_same(found.pid, found.created):
        raise IncompleteError(
            "a gateway is starting or stopping, and its process is not known yet", fix="try again in a moment"
        )
    os.kill(found.pid, signal.SIGTERM)
    if not _gone(paths, timeout, poll):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)
        if not _gone(paths, 5.0, poll):
            raise IncompleteError(f"process {found.pid} does not end", fix=f"look at it: ps -p {found.pid}")
        with claim(paths):
            sweep(paths, lambda _: None)
    return found


def _gone(paths: Paths, timeout: float, poll: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not supervised(paths):
            return True
        time.sleep(poll)
    return not supervised(paths)
