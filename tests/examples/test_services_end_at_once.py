"""Programs on a server of native threads end with the exit code that they say, whatever those threads do meanwhile.

A thread that asks for the interpreter while that is being taken down aborts the process. Whether one does is chance, so
what is asked here is whether the interpreter is taken down at all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from assay.gateway.ports import free_ports
from assay.identity.issuer import ClientSpec, prepare_issuer

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
TAKEN_DOWN = "import atexit, sys\natexit.register(sys.stderr.write, 'taken down')\n"


def _issuer(folder: Path, listen: str) -> list[str]:
    clients = {"app": ClientSpec(audience=("api",))}
    prepare_issuer(folder, clients, {}, issuer_url=f"http://{listen}", listen=listen, now=int(time.time()))
    return ["-P", "-m", "assay.identity.issuer", str(folder / "issuer.json")]


def _example(name: str) -> Callable[[Path, str], list[str]]:
    service = str(ROOT / "examples" / name / "service.py")
    return lambda folder, listen: [service, "--port", listen.rpartition(":")[2], "--data", str(folder)]


PROGRAMS: dict[str, Callable[[Path, str], list[str]]] = {
    "customer-data": _example("customer-data"),
    "retailer": _example("retailer-fixed"),
    "zoo": lambda _, listen: ["-m", "tests.zoo", "shop", "--port", listen.rpartition(":")[2]],
    "issuer": _issuer,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_stopped_service_ends_well_and_says_nothing(tmp_path: Path, program: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(TAKEN_DOWN)
    listen = f"127.0.0.1:{free_ports()}"
    command = [sys.executable, *PROGRAMS[program](tmp_path / "data", listen)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            _until_it_answers(f"http://{listen}/health", process)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
    assert (process.returncode, [line for line in said.splitlines() if " assay.issuer " not in line]) == (0, [])


def _until_it_answers(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=30, trust_env=False)
            return
        except httpx.HTTPError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
