"""Services from packages, run as they are, and a gateway put in front of them the way a stranger would."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from assay.gateway.ports import free_ports

PROGRAMS = Path(sys.executable).parent
LIMIT = 600
"""Requests per minute that a draft allows each caller."""


@contextmanager
def service(command: Sequence[str], directory: Path, url: str) -> Iterator[None]:
    """A service in a session of its own, from when it answers at ``url`` until the end of the block."""
    log = directory / "service.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=directory, stdout=out, stderr=out, start_new_session=True)
    try:
        end = time.monotonic() + 120
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.1)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Protected:
    """A drafted project whose gateway runs."""

    directory: Path
    url: str
    upstream: str
    said: dict[str, str]

    def assay(self, *arguments: str, expect: Sequence[int] = (0,)) -> str:
        """Runs a command in the project; returns what it prints."""
        return assay(*arguments, directory=self.directory, expect=expect)

    def client(self, **headers: str) -> httpx.Client:
        """A client that trusts the development authority and nothing else."""
        trust = ssl.create_default_context(cafile=str(self.directory / ".assay" / "pki" / "ca.crt"))
        return httpx.Client(base_url=self.url, verify=trust, timeout=30, trust_env=False, headers=headers)

    def bearer(self, consumer: str) -> httpx.Client:
        """A client with a fresh token of a consumer."""
        return self.client(authorization=f"Bearer {self.assay('token', consumer).strip()}")

    def keyed(self, consumer: str) -> httpx.Client:
        """A client with a fresh API key of a consumer."""
        key = self.assay("key", "issue", consumer).strip().splitlines()[-1]
        return self.client(**{"x-api-key": key})


def assay(*arguments: str, directory: Path, expect: Sequence[int] = (0,)) -> str:
    """Runs the command as a user would."""
    done = subprocess.run(
        [str(PROGRAMS / "assay"), *arguments], cwd=directory, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode in expect, f"assay {arguments[0]} exits {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def protected(directory: Path, contract: str, upstream: str, limit: int = LIMIT) -> Iterator[Protected]:
    """From nothing to a gateway in front of a service: `init`, `check`, `up`; and `down` at the end."""
    port = free_ports(2)
    listen = f"127.0.0.1:{port}"
    said = {
        "init": assay("init", "--contract", contract, "--upstream", upstream, "--listen", listen, directory=directory)
    }
    if limit != LIMIT:
        file = directory / "assay.yaml"
        file.write_text(file.read_text().replace(f"default: {LIMIT}/minute", f"default: {limit}/minute"))
    said["check"] = assay("check", "--fail-on", "high", directory=directory)
    said["up"] = assay("up", "--detach", directory=directory)
    project = Protected(directory, f"https://{listen}", upstream, said)
    try:
        yield project
    finally:
        project.assay("down")
