"""Documents in child processes, a few at a time: one that never ends or eats all memory costs only itself."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
from benchmarks.crater.document import Machine, Result, examine

MEMORY = 12 << 30
"""Bytes of address space one document may take."""


@dataclass(slots=True)
class _Working:
    name: str
    process: BaseProcess
    pipe: Connection
    until: float


def examine_all(
    files: Iterable[tuple[str, Path]], machine: Machine, *, jobs: int, limit_seconds: float
) -> Iterator[Result]:
    """A result per document, in the order they finish. One that takes too long is ended with all it started."""
    # Forked from a server that has imported everything and runs no thread: milliseconds instead of seconds each.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crater.document"])
    waiting, working = iter(files), list[_Working]()
    more = True
    try:
        while more or working:
            while more and len(working) < jobs:
                found = next(waiting, None)
                if found is None:
                    more = False
                    break
                name, file = found
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(name, str(file), machine, sender), daemon=False)
                process.start()
                sender.close()
                working.append(_Working(name, process, receiver, time.monotonic() + limit_seconds))
            if not working:
                break
            ready = wait([w.pipe for w in working], timeout=0.5)
            for one in list(working):
                if one.pipe in ready:
                    yield _finished(one)
                elif time.monotonic() > one.until:
                    _end(one.process)
                    yield _failed(one, "timeout", f"not done within {limit_seconds:g} seconds")
                else:
                    continue
                one.pipe.close()
                working.remove(one)
    finally:
        for one in working:
            _end(one.process)


def _work(name: str, file: str, machine: Machine, pipe: Connection) -> None:
    os.setsid()  # so that Envoy ends with this process when its time is up
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pipe.send_bytes(msgspec.json.encode(examine(name, Path(file), machine)))


def _finished(one: _Working) -> Result:
    try:
        result = msgspec.json.decode(one.pipe.recv_bytes(), type=Result)
    except EOFError:
        one.process.join(10)
        return _failed(one, "died", f"the process ended with {one.process.exitcode}")
    one.process.join(10)
    return result


def _failed(one: _Working, reason: str, said: str) -> Result:
    return Result(name=one.name, outcome="failed", step="process", reasons=[reason], said=said)


def _end(process: BaseProcess) -> None:
    if process.pid is not None and process.is_alive():
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
    process.join(10)
