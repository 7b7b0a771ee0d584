"""The demonstration as a process of its own, watched from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.planted import plant


@dataclass
class Running:
    """`assay demo` while it runs. Everything it writes goes to ``place``."""

    process: subprocess.Popen[str]
    place: Path

    def started(self) -> list[psutil.Process]:
        """Every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def until(self, enough: int, seconds: float = 120.0) -> list[psutil.Process]:
        """Waits until so many processes run below it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if len(found := self.started()) >= enough:
                return found
            time.sleep(0.1)
        raise AssertionError(f"it did not start {enough} processes: {self.process.poll()}")

    def tell(self, number: signal.Signals) -> tuple[int, str, str]:
        """Sends a signal; returns exit code and what was printed."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=180)
        return self.process.returncode, out, err


@pytest.fixture
def demo(request, tmp_path: Path) -> Iterator[Running]:
    # Not tmp_path itself: a database that must not run as root has to reach its files in there.
    with tempfile.TemporaryDirectory(prefix="assay-test-") as name:
        place = Path(name)
        place.chmod(0o711)
        process = subprocess.Popen(
            [sys.executable, "-m", "assay", "demo", *getattr(request, "param", ())],
            cwd=plant(tmp_path / "elsewhere"),
            env={**os.environ, "TMPDIR": name, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Running(process, place)
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=180)
