"""`assay up` in a terminal: what it says, that Ctrl-C ends all it started, and that no file of the user's is run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.planted import plant

from assay.gateway.ports import free_ports

pytestmark = pytest.mark.integration


class Up:
    """`assay up` as a process, and what it has said so far."""

    def __init__(self, place: Path, port: int) -> None:
        self.log = (place / "up.txt").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assay", "up"],
            cwd=place,
            env={
                **os.environ,
                "CUSTOMER_DATA_LISTEN": f"127.0.0.1:{port}",
                "CRM_DSN": "sqlite:///nowhere",
                "NO_COLOR": "1",
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def until(self, words: str, seconds: float = 120.0) -> list[psutil.Process]:
        """Waits until it has said so; returns the processes it started."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if words in self.said():
                return psutil.Process(self.process.pid).children(recursive=True)
            time.sleep(0.1)
        raise AssertionError(self.said())

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def port() -> int:
    return free_ports(2)


@pytest.fixture
def up(project: Path, port: int) -> Iterator[Up]:
    found = Up(plant(project), port)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    found.log.close()


def _gone(processes: list[psutil.Process]) -> bool:
    return psutil.wait_procs(processes, timeout=60)[1] == []


def test_ctrl_c_ends_every_part_and_leaves_no_socket(up: Up, project: Path, port: int) -> None:
    processes = up.until("Ctrl-C stops it")
    assert len(processes) >= 4
    assert f"https://127.0.0.1:{port}" in up.said()
    assert up.stop() == 0
    assert _gone(processes)
    assert [p.name for p in (project / ".assay" / "run").iterdir() if p.is_socket()] == []
    for part in ("Envoy", "inspector", "processor", "development issuer"):
        assert f"{part} has stopped" in up.said()
    assert "Traceback" not in up.said()


def test_a_closed_terminal_ends_it_too(up: Up) -> None:
    processes = up.until("Ctrl-C stops it")
    assert up.stop(signal.SIGHUP) == 0
    assert _gone(processes)


def test_ctrl_c_while_it_starts_leaves_nothing_and_claims_nothing(up: Up) -> None:
    processes = up.until("inspector is starting")
    code = up.stop()
    assert _gone(processes)
    # A machine may pause this test until the start is over.
    assert (code, "the gateway is up" in up.said()) in ((3, False), (0, True))
    assert "Traceback" not in up.said()


def test_a_port_in_use_is_told_with_the_line_that_declares_it(assay, project: Path, port: int, monkeypatch) -> None:
    monkeypatch.setenv("CUSTOMER_DATA_LISTEN", f"127.0.0.1:{port}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = assay("up")
    assert said.exit == 3
    assert f"127.0.0.1:{port}" in said.err and "in use" in said.err
    assert "assay.yaml:" in said.err
    assert "fix " in said.err
