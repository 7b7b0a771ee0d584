"""Child processes of a benchmark: each on a core of its own choosing, all stopped by id at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from assay.gateway.ports import free_ports

Process = subprocess.Popen[bytes]


@dataclass
class Crew:
    """Starts processes and ends them, the last one first. A context manager."""

    directory: Path
    _running: list[Process] = field(default_factory=list)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            self.stop(self._running[-1])

    def start(self, name: str, argv: Sequence[str], *, core: int | None) -> Process:
        """Starts a program, its output going to ``NAME.log``; on one core of the machine if ``core`` is given."""
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(pinned(argv, core), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._running.append(process)
        return process

    def stop(self, process: Process) -> None:
        """Ends one process and waits for it."""
        self._running.remove(process)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def pinned(argv: Sequence[str], core: int | None) -> list[str]:
    """The command, kept on one core where the machine has the means (util-linux) and the core."""
    tool = shutil.which("taskset")
    if core is None or tool is None or core not in os.sched_getaffinity(0):
        return list(argv)
    return [tool, "--cpu-list", str(core), *argv]


def processor_seconds(processes: Sequence[Process]) -> float:
    """Processor time that the processes and their children have used."""
    total = 0.0
    for process in processes:
        root = psutil.Process(process.pid)
        for one in (root, *root.children(recursive=True)):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    return free_ports()


def wait_for(where: int | Path, process: Process, *, seconds: float = 20.0) -> None:
    """Until a port or a Unix socket takes connections.

    Raises:
        RuntimeError: the process ended, or it took too long.
    """
    end = time.monotonic() + seconds
    family = socket.AF_INET if isinstance(where, int) else socket.AF_UNIX
    while time.monotonic() < end and process.poll() is None:
        with socket.socket(family) as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", where) if isinstance(where, int) else str(where)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers at {where}")
