"""What the operating system knows of processes: the one place that asks it."""

from __future__ import annotations

import contextlib
import os
import signal

import psutil  # type: ignore[import-untyped]

_SAME_PROCESS = 1.5
"""Seconds by which two readings of one process's time of making may differ when the clock was set between them."""


def created(pid: int) -> float | None:
    """When a process was made (Unix seconds), which together with its id names it; None when it is gone."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def is_same(pid: int, made: float) -> bool:
    """Whether the process with this id is the one made then, and not a later one with its number."""
    now = created(pid)
    return now is not None and abs(now - made) < _SAME_PROCESS


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signals a process group by its leader's id; a group that is gone is no concern."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end_group(pid: int, *, grace_seconds: float = 3.0) -> None:
    """Ends a process that leads a group, and the group: asked first, then killed. Others are left alone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != pid:
                return
            os.killpg(pid, number)
        try:
            psutil.Process(pid).wait(grace_seconds)
        except psutil.TimeoutExpired:
            continue
        except psutil.Error:
            pass
        signal_group(pid, signal.SIGKILL)
        return


def who_listens(port: int) -> str | None:
    """The program that listens on a TCP port, as ``NAME (process PID)``; None when that cannot be seen."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return None
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return None
    return None
