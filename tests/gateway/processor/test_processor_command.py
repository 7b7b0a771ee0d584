"""The processor's command: sockets, exit codes, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.server import sockets, status_path

pytestmark = pytest.mark.integration

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command with the bundle, keys and socket in ``tmp_path``."""
    (tmp_path / "bundle.json").write_bytes(bundles.encode(bundles.Bundle(version=bundles.VERSION, digest="d")))
    started: list[subprocess.Popen[str]] = []

    def run(*more: str, uds: Path = tmp_path / "p.sock") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "assay.gateway.processor", "--bundle", str(tmp_path / "bundle.json")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        arguments = ["--keys", str(tmp_path / "keys"), "--uds", str(uds), *more]
        started.append(subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate(timeout=90)


def wait(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def serves(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_socket_and_status_are_private_and_removed_in_the_end(start: Start, tmp_path: Path) -> None:
    process, uds = start(), tmp_path / "p.sock"
    wait(lambda: serves(uds))
    assert stat.S_IMODE(uds.stat().st_mode) == 0o600
    assert stat.S_IMODE(status_path(uds).stat().st_mode) == 0o600
    process.send_signal(signal.SIGTERM)
    assert process.wait(90) == 0
    assert not uds.exists()
    assert not status_path(uds).exists()


def test_a_second_processor_on_the_same_socket_says_so(start: Start, tmp_path: Path) -> None:
    start()
    wait(lambda: serves(tmp_path / "p.sock"))
    second = start()
    _, said = second.communicate(timeout=90)
    assert second.returncode == 2
    assert "already answers" in said
    assert "fix:" in said
    assert serves(tmp_path / "p.sock")


def test_a_socket_left_by_a_killed_processor_is_taken_over(start: Start, tmp_path: Path) -> None:
    first = start()
    wait(lambda: serves(tmp_path / "p.sock"))
    first.kill()
    first.wait(90)
    start()
    wait(lambda: serves(tmp_path / "p.sock"))


def test_what_cannot_start_says_why(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for uds, code in ((tmp_path / "file", 2), (tmp_path / "absent" / "p.sock", None), (tmp_path / ("x" * 120), 2)):
        process = start(uds=uds)
        _, said = process.communicate(timeout=90)
        assert process.returncode != 0
        assert code is None or process.returncode == code
        assert "fix:" in said
        assert "Traceback" not in said
    process = start("--workers", "0")
    assert process.wait(90) == 2
    (tmp_path / "bundle.json").write_text("{")
    process = start()
    _, said = process.communicate(timeout=90)
    assert process.returncode == 3
    assert "cannot be read" in said


def test_several_workers_serve_a_socket_each_and_end_together(start: Start, tmp_path: Path) -> None:
    paths = sockets(tmp_path / "p.sock", 2)
    process = start("--workers", "2")
    wait(lambda: all(serves(path) for path in paths))
    process.send_signal(signal.SIGTERM)
    assert process.wait(90) == 0
    assert not any(path.exists() for path in paths)


def test_workers_do_not_outlive_a_killed_parent(start: Start, tmp_path: Path) -> None:
    paths = sockets(tmp_path / "p.sock", 2)
    process = start("--workers", "2")
    wait(lambda: all(serves(path) for path in paths))
    process.kill()
    process.wait(90)
    wait(lambda: not any(path.exists() for path in paths))
