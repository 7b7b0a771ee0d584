"""Schemathesis on a service of the zoo: installed beside the project, run as documented, read generously."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

VERSION = "4.32.5"
PLACE = Path(__file__).parents[2] / ".cache" / "schemathesis" / VERSION
ENDING = ("logout", "changePassword")
"""Operations it is kept from: a tool that ends its own only session sees nothing but 401 afterwards."""
Failure = tuple[str, str]
"""What kind of failure, and on which operation (``GET /orders``)."""


class Unavailable(Exception):
    """It cannot be had here. The text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its failures, the requests it counts, and seconds."""

    failures: frozenset[Failure]
    requests: int
    seconds: float


def command() -> Path:
    """The program, installed into an environment of its own if it is not there.

    Raises:
        Unavailable: it could not be installed.
    """
    program = PLACE / "bin" / "schemathesis"
    if program.is_file():
        return program
    uv = Path(sys.executable).parent / "uv"
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    for argv in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, PLACE],
        [uv, "pip", "install", "--quiet", "--python", PLACE / "bin" / "python", f"schemathesis=={VERSION}"],
    ):
        try:
            done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"Schemathesis {VERSION} could not be installed: {error}") from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["uv said nothing"])[-1]
            raise Unavailable(
                f"Schemathesis {VERSION} could not be installed ({reason}): is the package registry reachable?"
            )
    return program


def run(url: str, *, user: str, password: str, seconds: int) -> Ran:
    """All its checks and phases on a service that answers at ``url``, as one identity, for so long.

    Raises:
        Unavailable: it is not there, or wrote no report.
    """
    program = command()
    answer = httpx.post(f"{url}/login", json={"user": user, "password": password}, trust_env=False)
    token = answer.raise_for_status().json()["token"]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="schemathesis-") as directory:
        report = Path(directory) / "report.json"
        argv = [str(program), "run", f"{url}/openapi.json", "--checks", "all", "--max-time", str(seconds)]
        argv += ["-H", f"Authorization: Bearer {token}", "--seed", "1", "--continue-on-failure"]
        argv += [part for name in ENDING for part in ("--exclude-operation-id", name)]
        argv += ["--report", "json", "--report-json-path", str(report)]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=seconds * 2 + 60, cwd=directory, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"Schemathesis did not end {seconds + 60} s after its time was over") from error
        if not report.is_file():
            raise Unavailable(f"Schemathesis wrote no report: {(done.stderr or done.stdout).strip()[-300:]}")
        return read(json.loads(report.read_text(encoding="utf-8")), time.perf_counter() - started)


def read(report: dict[str, object], seconds: float) -> Ran:
    """A report in its JSON form, as version 4.32 writes it."""
    failures = report.get("failures")
    cases = report.get("test_cases")
    found = frozenset(
        (str(failure["code"]), str(operation))
        for failure in (failures if isinstance(failures, list) else [])
        for operation in failure["operations"]
    )
    return Ran(found, int(cases["generated"]) if isinstance(cases, dict) else 0, seconds)
