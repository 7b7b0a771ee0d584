"""As many requests as a subject takes: wrk where it is installed, else a small client of our own."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.client import Measured, Task
from benchmarks.gateway.processes import pinned

CONNECTIONS = 16
_REQUESTS = re.compile(r"(\d+) requests in ([0-9.]+)(ms|s|m),")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the same but for the one header that says who calls; the callers take turns."""

    method: str
    path: str
    callers: tuple[Mapping[str, str], ...]
    body: bytes = b""

    def raw(self) -> list[bytes]:
        """One HTTP/1.1 message for each caller."""
        messages = []
        for caller in self.callers:
            fields = {"host": "bench.example", "user-agent": "benchmark/1", "accept": "application/json", **caller}
            if self.body:
                fields |= {"content-type": "application/json", "content-length": str(len(self.body))}
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            messages.append(f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body)
        return messages


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a round yielded. ``failed`` counts answers that are not 2xx, and connections that broke."""

    requests: int
    seconds: float
    failed: int

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def generator() -> str:
    """What makes the load on this machine."""
    return "wrk" if shutil.which("wrk") else "our own client (Python: it may be slower than what it measures)"


def saturate(call: Call, port: int, directory: Path, *, seconds: int, core: int | None) -> Throughput:
    """Sends requests over :data:`CONNECTIONS` connections, each waiting for its answer, for so long."""
    if shutil.which("wrk") is None:
        found = at_rate(call, port, rate=0, seconds=seconds, core=core)
        return Throughput(found.requests, found.seconds, found.failed)
    script = directory / "wrk.lua"
    script.write_text(_script(call))
    argv = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}")
    return _read(_output(pinned(argv, core)))


def at_rate(call: Call, port: int, *, rate: float, seconds: float, core: int | None) -> Measured:
    """Sends so many requests a second, for so long; latencies count from when each was due."""
    messages = tuple(base64.b64encode(m).decode() for m in call.raw())
    task = Task(port=port, messages=messages, rate=rate, seconds=seconds, connections=CONNECTIONS)
    argv = pinned((sys.executable, "-m", "benchmarks.gateway.client"), core)
    return Measured(**json.loads(_output(argv, json.dumps(dataclasses.asdict(task)))))


def _script(call: Call) -> str:
    requests = ",\n".join(_quoted(message) for message in call.raw())
    return f"local R = {{\n{requests}\n}}\nlocal i = 0\nrequest = function()\n  i = i % #R + 1\n  return R[i]\nend\n"


def _quoted(message: bytes) -> str:
    text = "".join(chr(b) if 32 <= b < 127 and b not in b'\\"' else f"\\{b:03}" for b in message)
    return f'"{text}"'


def _output(argv: Sequence[str], given: str = "") -> str:
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=True, timeout=120).stdout


def _read(text: str) -> Throughput:
    done = _REQUESTS.search(text)
    if done is None:
        raise RuntimeError(f"wrk said: {json.dumps(text)}")
    failed = _FAILED.search(text)
    broken = _ERRORS.search(text)
    count = int(failed[1]) if failed else 0
    count += sum(int(n) for n in broken.groups()) if broken else 0
    return Throughput(int(done[1]), float(done[2]) * _UNITS[done[3]], count)
