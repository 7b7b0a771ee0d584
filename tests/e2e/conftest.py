"""The Customer Data API behind a gateway that was started the way a user starts it."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.planted import plant

from assay.demo.service import running_service
from assay.demo.stage import example
from assay.gateway.ports import free_ports

ASSAY = [sys.executable, "-m", "assay"]


@dataclass
class World:
    """A project directory with everything running, and the command line in it."""

    directory: Path
    url: str
    direct: str
    environment: dict[str, str]

    @property
    def state(self) -> Path:
        return self.directory / ".assay"

    def assay(self, *arguments: str, expect: int = 0) -> str:
        """Runs a command as a user would; returns what it prints."""
        done = subprocess.run(
            [*ASSAY, *arguments], cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if expect else "")

    def token(self, *arguments: str) -> str:
        return self.assay("token", *arguments).strip()

    def client(self, **options: Any) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.state / "pki" / "ca.crt"))
        return httpx.Client(base_url=self.url, verify=trust, timeout=30, trust_env=False, **options)

    def status(self) -> dict[str, Any]:
        done = subprocess.run(
            [*ASSAY, "status", "--format", "json"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def part(self, name: str) -> dict[str, Any]:
        return next(p for p in self.status()["parts"] if p["name"] == name)

    def until(self, what: Any, seconds: float = 90.0, every: float = 0.2) -> Any:
        """Asks again and again until ``what`` returns something true. What uses up a limit is not to be asked often."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(every)
        raise AssertionError("it did not happen in time")

    def log(self) -> list[dict[str, Any]]:
        written = (self.state / "logs" / "access.jsonl").read_text().split("\n")
        return [json.loads(line) for line in written[:-1]]  # the last one is empty, or is being written


@contextmanager
def running_world(change: Callable[[str], str] = lambda text: text) -> Iterator[World]:
    """A copy of the example, with its service and its gateway running; ``change`` may edit its `assay.yaml` before."""
    root = Path(tempfile.mkdtemp(prefix="assay-e2e-"))
    root.chmod(0o711)
    directory = root / "customer-data"
    shutil.copytree(example(), directory, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
    file = directory / "assay.yaml"
    file.write_text(change(file.read_text()))
    try:
        with running_service(directory, root / "data", "sqlite", root / "service.log") as service:
            port = free_ports(2)
            environment = {
                **os.environ,
                "CUSTOMER_DATA_LISTEN": f"127.0.0.1:{port}",
                "CUSTOMER_DATA_UPSTREAM": service.url,
                "CRM_DSN": service.dsn,
                "NO_COLOR": "1",
            }
            found = World(directory, f"https://127.0.0.1:{port}", service.url, environment)
            started = World(plant(root / "elsewhere"), found.url, found.direct, environment)
            started.assay("up", str(directory), "--detach")
            try:
                yield found
            finally:
                subprocess.run([*ASSAY, "down"], cwd=directory, env=environment, capture_output=True, timeout=60)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with running_world() as found:
        yield found


OBSERVED = ("rate_limiting", "input_validation", "authorisation")


@pytest.fixture(scope="session")
def observing_world() -> Iterator[World]:
    """The same, with three controls that only observe."""
    with running_world(
        lambda text: text.replace("    limits:", f"    observe: [{', '.join(OBSERVED)}]\n    limits:")
    ) as w:
        yield w
