"""Small real child processes to supervise."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.gateway.supervisor.part import Part

LIVES = """
import pathlib, signal, sys, time
ready = pathlib.Path(sys.argv[1])
def stop(*_):
    ready.unlink(missing_ok=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
ready.write_text("yes")
time.sleep(60)
"""
STUBBORN = LIVES.replace("signal.SIGTERM, stop", "signal.SIGTERM, signal.SIG_IGN")
DIES = "import sys; print('the reason is known'); sys.exit(3)"
NEVER_READY = "import time; time.sleep(60)"
WITH_CHILD = LIVES.replace(
    "time.sleep(60)",
    "import subprocess; c = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)']);"
    "pathlib.Path(sys.argv[1] + '.child').write_text(str(c.pid)); time.sleep(60)",
)

MakePart = Callable[..., Part]


@pytest.fixture
def make_part(tmp_path: Path) -> MakePart:
    def make(name: str = "worker", code: str = LIVES, **more: Any) -> Part:
        flag = tmp_path / f"{name}.ready"

        async def ready() -> bool:
            return flag.exists()

        options: dict[str, Any] = {
            "ready": ready,
            "sockets": (flag,),
            "start_seconds": 60.0,
            "grace_seconds": 20.0,
            "environment": dict(os.environ),
            **more,
        }
        return Part(
            name=name,
            argv=(sys.executable, "-I", "-S", "-c", code, str(flag)),
            log=tmp_path / f"{name}.log",
            **options,
        )

    return make


@pytest.fixture
def codes() -> dict[str, str]:
    return {"stubborn": STUBBORN, "dies": DIES, "never": NEVER_READY, "child": WITH_CHILD}
