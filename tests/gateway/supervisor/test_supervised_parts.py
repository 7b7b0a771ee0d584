"""Parts are started in order, kept running, and never outlive their supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from assay.domain import IncompleteError
from assay.gateway.supervisor.events import (
    Event,
    PartExited,
    PartFailing,
    PartReady,
    PartRestarting,
    PartStarting,
    PartStopped,
    PartUnresponsive,
    exit_of,
)
from assay.gateway.supervisor.part import Backoff, Part
from assay.gateway.supervisor.supervise import Supervisor

pytestmark = pytest.mark.integration
Make = Callable[..., Part]
QUICK = Backoff(first_seconds=0.02, longest_seconds=0.1)


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kinds(events: list[Event], part: str) -> list[str]:
    return [type(e).__name__ for e in events if getattr(e, "part", "") == part]


def test_parts_start_in_order_and_stop_in_reverse(make_part: Make) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        supervisor = Supervisor(emit=events.append, backoff=QUICK)
        await supervisor.start([make_part("one"), make_part("two")])
        pids = [p.pid for p in supervisor.parts]
        assert [p.state for p in supervisor.parts] == ["ready", "ready"]
        await supervisor.stop()
        assert not any(map(alive, pids))
        assert [p.state for p in supervisor.parts] == ["stopped", "stopped"]

    asyncio.run(scenario())
    told = [(type(e).__name__, getattr(e, "part", "")) for e in events]
    assert told == [
        ("PartStarting", "one"),
        ("PartReady", "one"),
        ("PartStarting", "two"),
        ("PartReady", "two"),
        ("PartStopped", "two"),
        ("PartStopped", "one"),
    ]


def test_a_killed_part_is_started_again_and_that_is_noted(make_part: Make) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        supervisor = Supervisor(emit=events.append, backoff=QUICK)
        await supervisor.start([make_part()])
        (running,) = supervisor.parts
        first = running.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: running.state == "ready" and running.pid not in (0, first))
        assert running.restarts == 1
        assert "SIGKILL" in running.last_exit
        await supervisor.stop()

    asyncio.run(scenario())
    assert kinds(events, "worker") == [
        PartStarting.__name__,
        PartReady.__name__,
        PartExited.__name__,
        PartRestarting.__name__,
        PartStarting.__name__,
        PartReady.__name__,
        PartStopped.__name__,
    ]
    (exited,) = [e for e in events if isinstance(e, PartExited)]
    assert (exited.code, exited.signal) == (None, "SIGKILL")
    assert "was killed by SIGKILL" in exited.sentence
    assert exited.as_json()["event"] == "part-exited"


def test_a_part_that_ends_while_starting_says_why(make_part: Make, codes: dict[str, str]) -> None:
    async def scenario() -> None:
        supervisor = Supervisor(backoff=QUICK)
        try:
            with pytest.raises(IncompleteError, match="ended while starting: the reason is known") as failed:
                await supervisor.start([make_part("good"), make_part(code=codes["dies"])])
            assert "worker.log" in failed.value.fix
        finally:
            await supervisor.stop()
        assert not any(alive(p.pid) for p in supervisor.parts if p.pid)

    asyncio.run(scenario())


def test_a_part_that_never_gets_ready_is_ended_and_named(make_part: Make, codes: dict[str, str]) -> None:
    async def scenario() -> None:
        supervisor = Supervisor(backoff=QUICK)
        try:
            with pytest.raises(IncompleteError, match=r"the worker was not ready within 0\.4 s"):
                await supervisor.start([make_part(code=codes["never"], start_seconds=0.4)])
        finally:
            await supervisor.stop()
        assert [p.pid for p in supervisor.parts] == [0]

    asyncio.run(scenario())


def test_a_program_that_does_not_exist_is_said(make_part: Make, tmp_path: Path) -> None:
    part = make_part()
    missing = Part(
        name="ghost",
        argv=(str(tmp_path / "nothing-here"),),
        log=part.log,
        ready=part.ready,
        environment={},
        start_seconds=60.0,
    )

    async def scenario() -> None:
        supervisor = Supervisor(backoff=QUICK)
        try:
            with pytest.raises(IncompleteError, match="cannot be run: No such file"):
                await supervisor.start([missing])
        finally:
            await supervisor.stop()

    asyncio.run(scenario())


def test_a_part_that_keeps_ending_is_said_to_be_failing_and_tried_further(make_part: Make) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        supervisor = Supervisor(emit=events.append, backoff=Backoff(0.01, 2, 0.05, failing_exits=3))
        await supervisor.start([make_part()])
        (running,) = supervisor.parts
        for _ in range(4):
            await until(lambda: running.state == "ready")
            os.kill(running.pid, signal.SIGKILL)
            await until(lambda: running.state != "ready")
        await until(lambda: running.state == "ready")
        await supervisor.stop()

    asyncio.run(scenario())
    failing = [e for e in events if isinstance(e, PartFailing)]
    assert len(failing) >= 1
    assert failing[0].exits == 3


def test_waits_grow_and_end_at_the_longest() -> None:
    backoff = Backoff(first_seconds=0.1, factor=2, longest_seconds=30)
    assert [backoff.wait(n) for n in (1, 2, 3, 10, 10_000)] == [0.1, 0.2, 0.4, 30, 30]


def test_a_part_that_will_not_stop_is_killed(make_part: Make, codes: dict[str, str]) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        supervisor = Supervisor(emit=events.append, backoff=QUICK)
        await supervisor.start([make_part(code=codes["stubborn"], grace_seconds=0.3)])
        pid = supervisor.parts[0].pid
        await supervisor.stop()
        assert not alive(pid)

    asyncio.run(scenario())
    assert [e.forced for e in events if isinstance(e, PartStopped)] == [True]


def test_what_a_part_started_itself_ends_with_it(make_part: Make, codes: dict[str, str], tmp_path: Path) -> None:
    note = tmp_path / "worker.ready.child"

    async def scenario() -> None:
        supervisor = Supervisor(backoff=QUICK)
        await supervisor.start([make_part(code=codes["child"])])
        await until(note.exists)
        await until(lambda: bool(note.read_text()))
        child, running = int(note.read_text()), supervisor.parts[0]
        assert alive(child)
        os.kill(running.pid, signal.SIGKILL)
        await until(lambda: not alive(child))
        await supervisor.stop()

    asyncio.run(scenario())


def test_a_part_that_stops_answering_is_noticed_and_noticed_again_when_it_answers(
    make_part: Make, tmp_path: Path
) -> None:
    events: list[Event] = []
    flag = tmp_path / "worker.ready"

    async def scenario() -> None:
        supervisor = Supervisor(emit=events.append, backoff=QUICK, health_seconds=0.05)
        await supervisor.start([make_part()])
        (running,) = supervisor.parts
        flag.unlink()
        await until(lambda: running.state == "unresponsive")
        flag.write_text("yes")
        await until(lambda: running.state == "ready")
        await supervisor.stop()

    asyncio.run(scenario())
    assert any(isinstance(e, PartUnresponsive) for e in events)


def test_parts_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "supervisor.py"
    program.write_text(
        """
import asyncio, os, pathlib, sys
from assay.gateway.supervisor.part import Part
from assay.gateway.supervisor.supervise import Supervisor

async def ready():
    return True

async def main():
    here = pathlib.Path(sys.argv[1])
    part = Part(name="p", argv=(sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"),
                log=here / "p.log", ready=ready, environment=dict(os.environ))
    supervisor = Supervisor()
    await supervisor.start([part])
    print(supervisor.parts[0].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    )
    supervisor = subprocess.Popen([sys.executable, str(program), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert alive(pid)
        supervisor.kill()
        supervisor.wait(60)
    deadline = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < deadline, "the part outlived its supervisor"
        time.sleep(0.02)


def test_a_part_does_not_start_for_a_supervisor_that_is_gone_already() -> None:
    from assay.gateway.supervisor import part

    launched: Any = subprocess.run(
        [sys.executable, "-I", "-S", str(part._LAUNCH), "1", "15", "/bin/true"], check=False, timeout=90
    )
    assert launched.returncode == 125


@pytest.mark.parametrize(("code", "expected"), [(0, (0, None)), (-9, (None, "SIGKILL")), (-99, (None, "signal 99"))])
def test_exits_are_told_as_code_or_signal(code: int, expected: tuple[int | None, str | None]) -> None:
    assert exit_of(code) == expected
