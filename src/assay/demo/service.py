"""The example's service, as a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.domain import IncompleteError

Store = Literal["sqlite", "postgresql"]
_START_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs. ``data`` holds everything its store writes; ``dsn`` says how to reach it."""

    url: str
    data: Path
    dsn: str

    def stored(self) -> bytes:
        """Every byte the store has on the disk, write-ahead logs included."""
        return b"".join(_bytes(p) for p in sorted(self.data.rglob("*")) if p.is_file() and not p.is_symlink())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a database removes files of its own while it works
        return b""


@contextmanager
def running_service(example: Path, data: Path, store: Store, log: Path) -> Iterator[Service]:
    """Starts ``service.py`` on a free port, with an empty store, and stops it at the end.

    Raises:
        IncompleteError: it did not start; its own words are in the sentence.
    """
    argv = [
        sys.executable,
        str(example / "service.py"),
        "--port",
        "0",
        "--data",
        str(data),
        "--store",
        store,
        "--no-seed",
    ]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        url = _listening(process, log)
        yield Service(url, data, (data / "dsn").read_text().strip())
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """The URL that the service says it listens on, in its first line."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    descriptor, heard = process.stdout.fileno(), b""
    deadline = time.monotonic() + _START_SECONDS
    while b"\n" not in heard:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        more = os.read(descriptor, 4096)
        if not more:
            break
        heard += more
    word, _, url = heard.decode("utf-8", "replace").strip().partition(" ")
    if word == "listening" and url.startswith("http"):
        return url
    said = log.read_text(encoding="utf-8", errors="replace").strip()[-400:]
    raise IncompleteError(
        f"the example service did not start: {said or heard.decode('utf-8', 'replace')}", fix=str(log)
    )
