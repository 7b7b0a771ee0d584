"""Sockets of the parts beside Envoy: private, never taken from who answers, served together or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assay.domain import UsageError
from assay.gateway.sockets import clear, listen


def test_a_socket_is_private_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    uds = tmp_path / "s"
    for _ in range(2):  # the first one leaves its file behind
        with listen(uds, part="inspector") as listening:
            assert uds.stat().st_mode & 0o777 == 0o600
            with pytest.raises(UsageError, match="Another inspector"):
                clear(uds, part="inspector")
            assert not listening.getblocking()
    clear(uds, part="inspector")
    assert not uds.exists()


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "s"
    file.write_text("mine")
    with pytest.raises(UsageError, match="not a socket"):
        listen(file, part="processor")
    (tmp_path / "l").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a socket"):
        listen(tmp_path / "l", part="processor")
    assert file.read_text() == "mine"


def test_a_path_that_cannot_be_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="longer than 107"):
        listen(tmp_path / ("x" * 108), part="processor")
    with pytest.raises(UsageError, match="does not exist"):
        listen(Path("/nowhere-at-all/s"), part="processor")


_PROGRAM = """
import sys
from assay.gateway.sockets import supervise
waits = "import os, sys, time; os.write(1, b'.'); time.sleep(float(sys.argv[1])); sys.exit(3)"
child = [sys.executable, "-c", waits]
codes = supervise([[*child, sys.argv[1]], [*child, "60"]])
sys.exit(40 + len(codes))
"""


def test_the_end_of_one_worker_is_the_end_of_all() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, "0.1"], check=False, timeout=90)
    assert done.returncode == 42


def test_workers_end_when_told_to() -> None:
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, "60"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.read(2) == b".."  # both workers run
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(60) == 40
