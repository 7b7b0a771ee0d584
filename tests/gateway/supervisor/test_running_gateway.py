"""A whole gateway: started, killed, refreshed, looked at and stopped, with the real parts."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.gateway import keysets
from assay.gateway.apply import apply
from assay.gateway.processor.bundle import MASKING_KEYSET
from assay.gateway.runtime import KeyDigest
from assay.gateway.supervisor import parts, running
from assay.gateway.supervisor.detach import Announcement, announce, announce_error, detach
from assay.gateway.supervisor.events import (
    ConfigurationApplied,
    ConfigurationRejected,
    Event,
    KeysRefreshed,
    KeysUnavailable,
    LeftoverStopped,
    PartExited,
    PartReady,
)
from assay.gateway.supervisor.part import Backoff, Part
from assay.gateway.supervisor.ports import check_free
from assay.gateway.supervisor.refresh import Refresher
from assay.gateway.supervisor.run import Run, run, stop_on_signals
from assay.gateway.supervisor.status import status
from assay.identity.files import locked

pytestmark = pytest.mark.integration
World = Any
Make = Callable[..., Part]


def environment() -> dict[str, str]:
    return dict(os.environ)


def settings(world: World, events: list[Event], ready: Callable[[], None] = lambda: None, **more: Any) -> Run:
    options: dict[str, Any] = {
        "gateway": world.gateway,
        "policy": world.policy(),
        "parts": [parts.envoy_part(world.gateway, environment(), concurrency=1)],
        "load": lambda: world.runtime,
        "by": "ada",
        "emit": events.append,
        "production": frozenset(),
        "ready": lambda _: ready(),
        "backoff": Backoff(first_seconds=0.05),
        **more,
    }
    return Run(**options)


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


async def answer(world: World, path: str = "/v1/getThing") -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(f"http://127.0.0.1:{world.port}{path}")).status_code


class Up:
    """Runs a gateway in the background of a test's event loop."""

    def __init__(self, made: Callable[[Callable[[], None]], Run]) -> None:
        self.stop, self.is_ready = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(run(made(self.is_ready.set), self.stop))

    async def __aenter__(self) -> Up:
        waiting = asyncio.create_task(self.is_ready.wait())
        await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            self.task.result()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await self.task


def test_envoy_killed_is_started_again_confirmed_and_noted(world: World) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        async with Up(lambda r: settings(world, events, r)):
            assert await answer(world) == 503
            note = running.read_note(world.paths)
            assert note is not None
            os.kill(note.parts[0].pid, signal.SIGKILL)
            await until(lambda: sum(isinstance(e, ConfigurationApplied) for e in events) == 2)
            assert await answer(world) == 503
            now = await status(world.paths, now=datetime.now(UTC))
            assert now.healthy, now.problems
            assert now.parts[0].restarts == 1
            assert "SIGKILL" in now.parts[0].last_exit

    asyncio.run(scenario())
    assert [e.signal for e in events if isinstance(e, PartExited)] == ["SIGKILL"]
    assert running.read_note(world.paths) is None
    assert not world.paths.admin_socket.exists()


def test_a_second_start_says_what_runs_already(world: World) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        async with Up(lambda r: settings(world, events, r)):
            with pytest.raises(UsageError, match="runs already") as refused:
                await run(settings(world, []), asyncio.Event())
            sentence = refused.value.sentence
            assert f"process {os.getpid()}" in sentence
            assert f"127.0.0.1:{world.port}" in sentence
            assert "version 1" in sentence
            assert await answer(world) == 503

    asyncio.run(scenario())


def test_a_port_in_use_is_named_with_its_holder_before_anything_starts(world: World) -> None:
    events: list[Event] = []
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", world.port))
        holder.listen()
        with pytest.raises(IncompleteError, match="is in use") as refused:
            asyncio.run(run(settings(world, events), asyncio.Event()))
    assert f"process {os.getpid()}" in refused.value.sentence
    assert "listen" in refused.value.fix
    assert events == []


def test_an_address_of_another_machine_is_said_before_anything_starts() -> None:
    with pytest.raises(IncompleteError, match="does not have that address"):
        check_free("192.0.2.77", 8443)
    check_free("::1", 0)


def test_a_part_that_does_not_start_stops_everything_again(
    world: World, make_part: Make, codes: dict[str, str]
) -> None:
    events: list[Event] = []
    both = [make_part("good"), make_part("bad", codes["dies"])]
    with pytest.raises(IncompleteError, match="the bad ended while starting"):
        asyncio.run(run(settings(world, events, parts=both), asyncio.Event()))
    assert not running.supervised(world.paths)
    assert running.read_note(world.paths) is None


def test_stopping_before_ready_leaves_nothing_running(world: World, make_part: Make, codes: dict[str, str]) -> None:
    async def scenario() -> None:
        stop = asyncio.Event()
        slow = settings(world, [], parts=[make_part("slow", codes["never"])])
        task = asyncio.create_task(run(slow, stop))
        await asyncio.sleep(1.0)
        stop.set()
        with pytest.raises(IncompleteError, match="told to stop"):
            await task

    asyncio.run(scenario())
    assert not running.supervised(world.paths)


def test_leftovers_of_a_killed_supervisor_are_found_and_ended(world: World, make_part: Make) -> None:
    """The note names a process that still runs; its number and time of making agree."""
    import subprocess

    from assay.gateway.supervisor.processes import created

    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        made = created(left.pid) or 0.0
        known = tuple(
            running.PartNote(name, "ready", pid, at, 0, None, "")
            for name, pid, at in (("mine", left.pid, made), ("reused number", other.pid, made - 3600))
        )
        note = running.RunNote(1, 1, 0.0, datetime.now(UTC), "127.0.0.1:1", known)
        world.paths.run_state.write_bytes(msgspec.json.encode(note))
        world.paths.run_state.chmod(0o600)
        events: list[Event] = []
        with running.claim(world.paths):
            running.sweep(world.paths, events.append)
        assert [e.part for e in events if isinstance(e, LeftoverStopped)] == ["mine"]
        assert created(left.pid) is None
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait(60)


def test_commands_that_look_at_the_same_moment_take_none_of_themselves_for_a_supervisor(world: World) -> None:
    with contextlib.ExitStack() as looking:
        looking.enter_context(locked(world.paths.run / "supervisor", shared=True))
        assert not running.supervised(world.paths)
        threading.Timer(0.5, looking.close).start()
        with running.claim(world.paths):
            assert running.supervised(world.paths)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"version":1}'])
def test_a_damaged_note_hinders_nobody(world: World, content: bytes) -> None:
    world.paths.run_state.write_bytes(content)
    world.paths.run_state.chmod(0o600)
    assert running.read_note(world.paths) is None
    assert running.down(world.paths) is None


def test_a_changed_key_file_reaches_envoy_without_anybody_applying(world: World, tmp_path: Path) -> None:
    events: list[Event] = []
    store = tmp_path / "keys.json"
    store.write_text("1")
    digest = KeyDigest("k1", "app", "0" * 64, 0, int(time.time()) + 1000)

    def load() -> Any:
        keys = (digest,) if store.read_text() == "1" else ()
        return msgspec.structs.replace(world.runtime, keys=keys)

    def compiled(policy: Any, runtime: Any) -> Any:
        from assay.gateway.envoy import translate

        made = translate(policy, runtime)  # a policy without callers has no use for keys: mark them in the cluster
        files = json.loads(json.dumps(made.files))
        files["cds.json"]["resources"][0]["alt_stat_name"] = f"keys-{len(runtime.keys)}"
        version = f"{made.version}-{len(runtime.keys)}"
        for content in files.values():
            content["version_info"] = version
        return dataclasses.replace(made, version=version, files=files)

    gateway = dataclasses.replace(world.gateway, compile=compiled)

    async def scenario() -> None:
        # Sooner than by the regular look at everything.
        more = {"gateway": gateway, "load": load, "watch": (store,), "refresh_seconds": 3600.0}
        made = lambda r: settings(world, events, r, **more)  # noqa: E731
        async with Up(made):
            store.write_text("2")
            await until(lambda: any(isinstance(e, KeysRefreshed) for e in events))
            now = await status(world.paths, now=datetime.now(UTC))
            assert now.confirmed, now.problems

    asyncio.run(scenario())


def test_a_key_file_that_changed_while_the_gateway_started_is_looked_at(world: World, tmp_path: Path) -> None:
    store = tmp_path / "keys.json"
    store.write_text("issued")
    events: list[Event] = []

    def fails() -> Any:
        raise IncompleteError("it was looked at")

    async def scenario() -> None:
        refresher = Refresher(world.gateway, fails, events.append, (store,), interval_seconds=3600.0)
        store.write_text("issued, revoked")
        stop = asyncio.Event()
        looking = asyncio.create_task(refresher.run(stop))
        await until(lambda: bool(events))
        stop.set()
        await looking

    asyncio.run(scenario())
    assert [e.reason for e in events if isinstance(e, KeysUnavailable)] == ["it was looked at"]


def test_an_issuer_that_is_down_is_told_once_and_changes_nothing(world: World) -> None:
    events: list[Event] = []

    def fails() -> Any:
        raise IncompleteError("the issuer does not answer")

    async def scenario() -> None:
        refresher = Refresher(world.gateway, fails, events.append)
        for _ in range(3):
            await refresher.once()
        refresher.load = lambda: world.runtime
        refresher.trouble = lambda: ("another issuer does not answer",)
        await apply(world.gateway, world.policy(), world.runtime, by="ada", production=())
        await refresher.once()
        await refresher.once()

    asyncio.run(scenario())
    told = [e.reason for e in events if isinstance(e, KeysUnavailable)]
    assert told == ["the issuer does not answer", "another issuer does not answer"]


def test_an_issuer_that_was_down_at_the_start_is_told_at_once(world: World) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        stop = asyncio.Event()
        stop.set()
        refresher = Refresher(world.gateway, lambda: world.runtime, events.append, trouble=lambda: ("no keys yet",))
        await refresher.run(stop)

    asyncio.run(scenario())
    assert [e.reason for e in events if isinstance(e, KeysUnavailable)] == ["no keys yet"]


def test_a_refresh_that_fails_is_told_and_tried_again(world: World) -> None:
    events: list[Event] = []

    async def scenario() -> None:
        refresher = Refresher(world.gateway, lambda: world.runtime, events.append)
        await refresher.once()
        await refresher.once()

    asyncio.run(scenario())
    assert [type(e) for e in events] == [ConfigurationRejected, ConfigurationRejected]


def test_status_of_nothing_claims_nothing(world: World) -> None:
    found = asyncio.run(status(world.paths, now=datetime.now(UTC)))
    assert not found.running
    assert not found.healthy
    assert found.confirmed is None
    shown = found.as_json()
    assert (shown["version"], shown["running"], shown["parts"]) == (1, False, [])


def test_status_tells_damage_instead_of_failing(world: World) -> None:
    world.paths.applied.write_bytes(b"{")
    world.paths.applied.chmod(0o600)
    found = asyncio.run(status(world.paths, now=datetime.now(UTC)))
    assert any("damaged" in p for p in found.problems)


def test_status_sees_that_envoy_runs_something_else_than_was_applied(world: World) -> None:
    async def scenario() -> None:
        async with Up(lambda r: settings(world, [], r)):
            good = await status(world.paths, now=datetime.now(UTC))
            assert good.confirmed
            assert good.healthy, good.problems
            live = world.paths.live / "rds.json"
            meddled = json.loads(live.read_bytes())
            meddled["version_info"] += "-meddled"
            meddled["resources"][0]["virtual_hosts"][0]["routes"].pop(0)
            temporary = world.paths.gateway / "meddled"
            temporary.write_text(json.dumps(meddled))
            temporary.rename(live)
            for _ in range(600):
                bad = await status(world.paths, now=datetime.now(UTC))
                if not bad.confirmed:
                    break
                await asyncio.sleep(0.05)
            assert bad.confirmed is False
            assert not bad.healthy

    asyncio.run(scenario())


def test_applying_from_another_command_reaches_the_running_gateway(world: World) -> None:
    async def scenario() -> None:
        async with Up(lambda r: settings(world, [], r)):
            assert await answer(world, "/v1/other") == 404
            result = await apply(
                world.gateway, world.policy("getThing", "other"), world.runtime, by="ada", production=()
            )
            assert result.confirmed
            assert await answer(world, "/v1/other") == 503

    asyncio.run(scenario())


def test_inspector_and_processor_run_beside_envoy_and_take_a_new_policy(world: World) -> None:
    events: list[Event] = []
    keysets.ensure(world.paths.keys, MASKING_KEYSET)
    gateway = dataclasses.replace(
        world.gateway, bundles=parts.bundles(world.paths, world.runtime.folders), timeout=15.0
    )
    own = environment()
    everything = [
        parts.inspector_part(world.paths, own),
        parts.processor_part(world.paths, own),
        parts.envoy_part(gateway, own, concurrency=1),
    ]

    async def scenario() -> None:
        async with Up(lambda r: settings(world, events, r, gateway=gateway, parts=everything)):
            now = await status(world.paths, now=datetime.now(UTC))
            assert now.healthy, now.problems
            assert [p.name for p in now.parts] == ["inspector", "processor", "Envoy"]
            policy = world.policy("getThing", "other")
            result = await apply(gateway, policy, world.runtime, by="ada", production=())
            assert result.confirmed, result.verdict.sentence
            os.kill(now.parts[1].pid, signal.SIGKILL)
            await until(lambda: sum(isinstance(e, PartReady) and e.part == "processor" for e in events) == 2)

    asyncio.run(scenario())
    left = [p for p in world.paths.sockets.iterdir() if p.is_socket()] if world.paths.sockets.exists() else []
    assert left == []
    assert world.paths.sockets == world.paths.run or not world.paths.sockets.exists()


def test_ctrl_c_and_sigterm_ask_for_a_clean_end() -> None:
    async def scenario(number: signal.Signals) -> None:
        stop = asyncio.Event()
        with stop_on_signals(stop):
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                await stop.wait()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.run(scenario(number))


BACKGROUND = """
import asyncio, os, pathlib, sys
from datetime import UTC, datetime
import msgspec
from assay.gateway import state
from assay.gateway.apply import Gateway
from assay.gateway.apply.binary import find_envoy
from assay.gateway.assemble import decode
from assay.gateway.runtime import Runtime
from assay.gateway.supervisor import parts
from assay.gateway.supervisor.detach import Announcement, announce
from assay.gateway.supervisor.run import Run, run, stop_on_signals

root, policy, runtime, descriptor = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[5])
paths = state.prepare(root, environ={})
gateway = Gateway(paths=paths, envoy=find_envoy(), now=lambda: datetime.now(UTC))
facts = msgspec.json.decode(pathlib.Path(runtime).read_bytes(), type=Runtime)

async def main():
    stop = asyncio.Event()
    settings = Run(gateway=gateway, policy=decode(pathlib.Path(policy).read_bytes()),
        parts=[parts.envoy_part(gateway, dict(os.environ), concurrency=1)], load=lambda: facts, by="ada",
        emit=lambda e: None, production=frozenset(),
        ready=lambda r: announce(descriptor, Announcement(pid=os.getpid(), address=settings.address)))
    with stop_on_signals(stop):
        await run(settings, stop)

asyncio.run(main())
"""


@contextlib.contextmanager
def background(world: World, tmp_path: Path) -> Iterator[Announcement]:
    from assay.gateway.assemble import encode

    (tmp_path / "background.py").write_text(BACKGROUND)
    (tmp_path / "policy.json").write_bytes(encode(world.policy()))
    (tmp_path / "runtime.json").write_bytes(msgspec.json.encode(world.runtime))
    arguments = [str(world.paths.root), str(tmp_path / "policy.json"), str(tmp_path / "runtime.json")]
    said = detach(
        [sys.executable, str(tmp_path / "background.py"), *arguments],
        log=world.paths.logs / "up.log",
        environment=environment(),
        timeout=90,
    )
    try:
        yield said
    finally:
        running.down(world.paths)


def test_a_gateway_in_the_background_is_ready_when_the_command_returns_and_ends_on_down(
    world: World, tmp_path: Path
) -> None:
    with background(world, tmp_path) as said:
        assert said.error == ""
        assert said.address == f"127.0.0.1:{world.port}"
        assert asyncio.run(answer(world)) == 503
        found = asyncio.run(status(world.paths, now=datetime.now(UTC)))
        assert found.healthy, found.problems
        assert found.pid == said.pid
        ended = running.down(world.paths)
        assert ended is not None
        assert ended.pid == said.pid
        assert not running.supervised(world.paths)
        with pytest.raises(httpx.ConnectError):
            asyncio.run(answer(world))
        assert running.down(world.paths) is None


def test_when_the_supervisor_is_killed_envoy_ends_and_the_next_start_works(world: World, tmp_path: Path) -> None:
    with background(world, tmp_path) as said:
        os.kill(said.pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while running.supervised(world.paths) or _listens(world.port):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    async def again() -> None:
        async with Up(lambda r: settings(world, [], r)):
            assert await answer(world) == 503

    asyncio.run(again())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_background_process_that_ends_or_refuses_says_why(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    with pytest.raises(IncompleteError, match="ended while starting, with exit code 7"):
        detach([sys.executable, "-c", "raise SystemExit(7)"], log=log, environment=environment())
    with pytest.raises(IncompleteError, match="not ready within"):
        detach([sys.executable, "-c", "import time; time.sleep(30)"], log=log, environment=environment(), timeout=0.3)
    program = 'import os, sys; os.write(int(sys.argv[2]), b\'{"error":"no","fix":"do","exit":2}\\n\')'
    said = detach([sys.executable, "-c", program], log=log, environment=environment())
    assert (said.error, said.fix, said.exit) == ("no", "do", 2)


def test_an_error_in_the_background_keeps_its_place() -> None:
    read_end, write_end = os.pipe()
    at = Location("assay.yaml", 3, 10)
    announce_error(write_end, UsageError("no", fix="do", location=at))
    with os.fdopen(read_end, "rb") as heard:
        assert msgspec.json.decode(heard.read(), type=Announcement).at == at


def test_announcing_to_a_command_that_is_gone_is_no_error() -> None:
    for say in (
        lambda d: announce(d, Announcement(pid=1)),
        lambda d: announce_error(d, AssayError("no", fix="do")),
    ):
        read_end, write_end = os.pipe()
        os.close(read_end)
        say(write_end)
