"""The mirror of a live gateway: the same policy, another service, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from assay.app.aiming import at_project
from assay.app.proving import Choice, cases_of, proven
from assay.demo.stage import staged
from assay.domain import IncompleteError, Outcome
from assay.gateway.apply.validation import static_bootstrap
from assay.gateway.envoy import Configuration
from assay.gateway.state import prepare
from assay.prove.bounds import Limits
from assay.prove.case import NotReached
from assay.prove.mirror import Mirroring, Places, likeness, open_mirror, reflected
from assay.prove.played import Played
from assay.prove.result import RunResult
from assay.prove.standin import StandIn

_TESTS = {
    "upstream-hang-waited-for",
    "broken-answer-passed-on",
    "upstream-banner-passed-on",
    "internal-address-passed-on",
    "upstream-error-shown",
    "unreadable-answer-shown",
    "unnamed-property-passed",
}
_PLACES = Places(listener=4001, service=4002, admin="/run/mirror.sock", log="/run/mirror.jsonl")


def configuration(limit: int = 5) -> Configuration:
    log = {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "/live.jsonl"}
    upstream = {
        "name": "upstream/shop",
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": "3s",
        "transport_socket": {"name": "envoy.transport_sockets.tls"},
        "load_assignment": {"cluster_name": "upstream/shop", "endpoints": [{"lb_endpoints": ["shop.internal"]}]},
    }
    beside = {"name": "assay.inspector", "type": "STATIC", "load_assignment": {"pipe": "/run/inspector.sock"}}
    listener = {
        "name": "assay",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 8443}},
        "filter_chains": [{"filters": [{"typed_config": {"limit": limit, "access_log": [{"typed_config": log}]}}]}],
    }
    files = {
        "cds.json": {"resources": [upstream, beside]},
        "lds.json": {"resources": [listener]},
        "rds.json": {"resources": []},
    }
    return Configuration("v", {"node": {"id": "x"}, "admin": {"address": "live"}, "dynamic_resources": {}}, files)


def test_a_mirror_differs_in_addresses_and_in_nothing_else() -> None:
    live = configuration()
    found = reflected(live, _PLACES)
    text = str(found)
    for gone in (
        "shop.internal",
        "8443",
        "/live.jsonl",
        "'admin': {'address': 'live'}",
        "STRICT_DNS",
        "transport_socket'",
    ):
        assert gone not in text, gone
    for there in ("4001", "4002", "/run/mirror.sock", "/run/mirror.jsonl", "/run/inspector.sock", "'limit': 5"):
        assert there in text, there
    assert likeness(found) == likeness(static_bootstrap(live))
    assert "shop.internal" in str(live.files)


def test_a_mirror_of_another_policy_is_not_like_the_live_one() -> None:
    assert likeness(reflected(configuration(limit=6), _PLACES)) != likeness(static_bootstrap(configuration(limit=5)))


def asked(port: int, request_id: str) -> bytes:
    async def go() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\nhost: x\r\nX-Request-Id: {request_id}\r\n\r\n".encode())
        try:
            return await asyncio.wait_for(reader.read(), 2)
        except TimeoutError:
            return b"(nothing)"
        except ConnectionResetError:
            return b"(reset)"
        finally:
            writer.close()

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("played", "start", "end"),
    [
        (
            Played(status=418, headers=(("x-a", "1"),), body=b"tea"),
            b"HTTP/1.1 418 Played\r\nx-a: 1\r\n",
            b"\r\n\r\ntea",
        ),
        (Played(how="cut", body=b"0123456789"), b"HTTP/1.1 200", b"\r\n\r\n01234"),
        (Played(how="slow", body=b"abc"), b"HTTP/1.1 200", b"\r\n\r\nabc"),
        (Played(how="hang"), b"(nothing)", b""),
        (Played(how="reset"), b"(reset)", b""),
    ],
    ids=lambda p: p.how if isinstance(p, Played) else "",
)
def test_the_service_of_the_run_answers_as_it_is_told(played: Played, start: bytes, end: bytes) -> None:
    async def go() -> None:
        service = StandIn()
        port = await service.start()
        service.expect("one", played)
        answer = await asyncio.to_thread(asked, port, "one")
        assert answer.startswith(start), answer
        assert answer.endswith(end), answer
        assert (service.asked("one"), service.asked("two")) == (1, 0)
        assert (await asyncio.to_thread(asked, port, "two")).startswith(b"HTTP/1.1 404")
        await service.close()

    asyncio.run(go())


def opened(made_of: Mirroring) -> str:
    """Why there is no mirror."""

    async def go() -> str:
        with pytest.raises(NotReached) as refused:
            await open_mirror(made_of, body_bytes=1000)
        return str(refused.value)

    return asyncio.run(go())


def test_what_was_never_applied_is_not_mirrored(tmp_path: Path) -> None:
    paths = prepare(tmp_path / "state", environ={})
    assert "nothing is applied" in opened(Mirroring(paths=paths, directory=tmp_path))


def mirrors(folder: str = "/mirror/bootstrap.json") -> list[str]:
    """Command lines of mirrors that this process has started and that are there still."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found.append(" ".join(child.cmdline()))
    return [line for line in found if folder in line]


@pytest.mark.integration
def test_the_example_keeps_a_misbehaving_service_from_its_callers() -> None:
    async def go() -> tuple[RunResult, float]:
        async with staged("sqlite", emit=lambda _: None) as stage:
            aim = at_project(stage.project, environ=stage.environ)
            chosen = tuple(c.id for c in cases_of(aim, Choice()) if c.test.id in _TESTS)
            began = time.monotonic()
            result = await proven(aim, Choice(cases=chosen), Limits())
            assert not mirrors(), "the mirror is left running"
            live = stage.scene.access_log.read_text()
            mirrored = [e.correlation for p in result.proofs for e in p.exchanges if "--replay" in e.reproduce]
            assert mirrored and not any(each in live for each in mirrored), (
                "played answers are no traffic of the gateway"
            )
            return result, time.monotonic() - began

    result, seconds = asyncio.run(go())
    said = {p.case: (str(p.verdict.outcome), p.verdict.sentence) for p in result.proofs}
    assert {p.test.id for p in result.proofs} == _TESTS
    assert {p.verdict.outcome for p in result.proofs} == {Outcome.PASS}, said
    assert seconds < 60
    shown = next(p for p in result.proofs if p.test.id == "unreadable-answer-shown")
    assert shown.facts["mirrored_configuration"]
    assert not any("eyJ" in repr(p) for p in result.proofs)


@pytest.mark.integration
def test_a_mirror_that_cannot_be_run_says_so() -> None:
    def missing() -> Path:
        raise IncompleteError("Envoy is not installed", fix="install it")

    async def go(directory: Path) -> None:
        async with staged("sqlite", emit=lambda _: None) as stage:
            paths = prepare(stage.project.state, environ=os.environ)
            for binary, why in ((missing, "Envoy is not installed"), (lambda: Path("/bin/false"), "did not start")):
                with pytest.raises(NotReached, match=why):
                    await open_mirror(Mirroring(paths=paths, directory=directory, envoy=binary), body_bytes=1000)
                assert not mirrors()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(go(Path(directory)))
