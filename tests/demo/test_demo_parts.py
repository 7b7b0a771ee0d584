"""The parts of the walk that decide what is claimed: a row holds only if what happened is what the walk says."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from assay.cli.demo import exports
from assay.demo.judging import bare, permitted, refused, said
from assay.demo.rows import Row, Side
from assay.demo.scene import Answer, Scene
from assay.demo.stage import example, in_thread
from assay.demo.table import table, verdict
from assay.demo.transport import plaintext_refused, versions
from assay.demo.walk import canary, within_limit
from assay.gateway.decision import Decision
from assay.gateway.ports import free_ports
from assay.identity.pki import ensure_ca, ensure_server_certificate

REFUSED = Decision("refused", "authentication/token")
ALLOWED = Decision("allowed", "shop/0-clerk")


def answer(status: int, text: str = "") -> Answer:
    return Answer(status, text, {})


class TestJudging:
    def test_an_attack_that_a_policy_refused_holds(self) -> None:
        row = refused("t", "a", (answer(401), REFUSED), 401, 403)
        assert row.holds and row.policy == "authentication/token"

    @pytest.mark.parametrize(
        "through",
        [
            (answer(200), ALLOWED),
            (answer(200), REFUSED),  # the log says so, the caller saw otherwise
            (answer(401), ALLOWED),  # the upstream refused, not the gateway
            (answer(401), Decision("failed", "no line in the access log")),
            (answer(500), REFUSED),  # refused, but not as claimed
            (answer(0), Decision("failed", "")),
        ],
    )
    def test_an_attack_that_was_not_refused_as_claimed_does_not_hold(self, through) -> None:
        assert not refused("t", "a", through, 401, 403).holds

    @pytest.mark.parametrize(
        ("status", "decision", "shown", "holds"),
        [
            (200, ALLOWED, True, True),
            (200, ALLOWED, False, False),
            (200, REFUSED, True, False),
            (403, REFUSED, True, False),
            (500, ALLOWED, True, False),
            (0, Decision("failed", ""), True, False),
        ],
    )
    def test_a_legitimate_call_must_pass_and_give_what_it_is_for(self, status, decision, shown, holds) -> None:
        assert permitted("t", "a", (answer(status), decision), shown=shown).holds is holds

    def test_a_service_that_is_stronger_than_claimed_makes_the_row_false(self) -> None:
        direct = bare(answer(401), "everything")
        assert not direct.expected
        assert not refused("t", "a", (answer(401), REFUSED), 401, direct=direct).holds
        assert not bare(answer(200), "everything", shown=False).expected

    def test_no_answer_is_said(self) -> None:
        assert said(answer(0), "note") == "no answer note"


class TestTable:
    ROWS = (
        Row("OAuth", "attack", "no token", Side("200 all", True), Side("401 refused", True), "authentication/token"),
        Row("OAuth", "legitimate", "a token", None, Side("200 passes", True), "shop/0"),
        Row("limits", "attack", "flood", None, Side("200 NOT REFUSED", False), "rate"),
    )

    def _shown(self, *rows: Row, width: int = 120) -> str:
        console = Console(file=io.StringIO(), width=width)
        console.print(table(rows))
        verdict(console, list(rows), 7.0)
        return str(console.file.getvalue())  # type: ignore[attr-defined]

    def test_success_is_claimed_only_when_every_row_holds(self) -> None:
        assert "all 1 attacks were refused" in self._shown(*self.ROWS[:2])
        shown = self._shown(*self.ROWS)
        assert "1 of 3 did not go as claimed" in shown
        assert "limits: flood" in shown
        assert "attacks were refused or came" not in shown

    def test_a_topic_is_named_once(self) -> None:
        assert self._shown(*self.ROWS).count("OAuth") == 1

    def test_a_narrow_terminal_loses_no_attempt(self) -> None:
        shown = self._shown(*self.ROWS, width=70)
        assert max(len(line) for line in shown.splitlines()) <= 70
        for row in self.ROWS:
            assert row.attempt in shown

    def test_the_published_shape(self) -> None:
        assert self.ROWS[1].as_json() == {
            "topic": "OAuth",
            "kind": "legitimate",
            "attempt": "a token",
            "direct": None,
            "through": {"text": "200 passes", "expected": True},
            "policy": "shop/0",
            "holds": True,
        }


@contextmanager
def listening(wrap) -> Iterator[str]:
    """A server on loopback that does with each connection what ``wrap`` says."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(10)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    try:
                        wrap(line)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            with socket.create_connection(server.getsockname()):
                pass
            thread.join(10)


class TestTransport:
    @pytest.fixture
    def tls(self, tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        """(of a server, of a client that trusts it)."""
        authority = ensure_ca(tmp_path)
        pair = ensure_server_certificate(tmp_path, ("127.0.0.1", "localhost"))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(str(pair.certificate), str(pair.key))
        return server, ssl.create_default_context(cafile=str(authority.certificate))

    def test_an_http_answer_on_the_tls_port_is_no_refusal(self) -> None:
        with listening(lambda line: (line.recv(100), line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))) as url:
            refused_, text = plaintext_refused(url)
        assert not refused_
        assert "ANSWERED" in text

    def test_a_closed_connection_is_one(self) -> None:
        with listening(lambda line: line.recv(100)) as url:
            assert plaintext_refused(url)[0]

    def test_silence_is_no_refusal(self, tls, monkeypatch) -> None:
        monkeypatch.setattr("assay.demo.transport._TIMEOUT", 0.3)
        leave = threading.Event()
        with listening(lambda line: leave.wait(60)) as url:
            assert plaintext_refused(url) == (False, "no answer within 0.3 s, and not closed")
            with pytest.raises(TimeoutError):
                versions(url, tls[1])
            leave.set()

    def test_old_versions_that_are_accepted_are_said(self, tls) -> None:
        server, client = tls
        with pytest.warns(DeprecationWarning):
            server.minimum_version = ssl.TLSVersion.TLSv1
        server.set_ciphers("ALL:@SECLEVEL=0")
        with listening(lambda line: server.wrap_socket(line, server_side=True).close()) as url:
            old, modern, _ = versions(url, client)
        assert not old.refused
        assert old.text == "ACCEPTED"
        assert modern

    def test_a_server_of_modern_versions_refuses_old_ones(self, tls) -> None:
        server, client = tls
        server.minimum_version = ssl.TLSVersion.TLSv1_2
        with listening(lambda line: server.wrap_socket(line, server_side=True).close()) as url:
            old, modern, spoken = versions(url, client)
        assert old.refused and modern
        assert spoken in ("TLS 1.2", "TLS 1.3")


class TestScene:
    def test_a_call_that_the_log_does_not_know_is_a_failure(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr("assay.demo.scene._LOG_SECONDS", 0.2)
        scene = Scene(
            "http://127.0.0.1:9",
            "http://127.0.0.1:9",
            *(ssl.create_default_context(),) * 2,
            {},
            "",
            tmp_path / "log",
            bytes,
        )
        try:
            found, decision = scene.call("GET", "/")
        finally:
            scene.close()
        assert found.status == 0
        assert decision.outcome == "failed"

    def test_a_body_that_is_no_json_is_nothing(self) -> None:
        assert Answer(200, "<html>", {}).json() is None
        assert Answer(200, '{"a": 1}', {}).json() == {"a": 1}


class TestStage:
    def test_two_neighbouring_ports_are_free(self) -> None:
        port = free_ports(2)
        for number in (port, port + 1):
            with socket.socket() as found:
                found.bind(("127.0.0.1", number))

    def test_the_example_is_found(self) -> None:
        assert (example() / "assay.yaml").is_file()

    def test_a_cancelled_thread_is_waited_for(self) -> None:
        ended: list[str] = []
        leave = threading.Event()

        def work() -> None:
            while not leave.is_set():
                time.sleep(0.01)
            ended.append("work")

        async def scenario() -> None:
            task = asyncio.create_task(in_thread(work, give_up=leave.set))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            ended.append("cleaned up")

        asyncio.run(scenario())
        assert ended == ["work", "cleaned up"]

    def test_what_a_thread_raises_is_raised(self) -> None:
        with pytest.raises(ZeroDivisionError):
            asyncio.run(in_thread(lambda: 1 // 0))


@pytest.mark.parametrize(
    ("passed", "seconds", "kept"),
    [(10, 1.5, True), (9, 1.5, False), (11, 5.9, False), (11, 6.1, True), (12, 6.1, False), (10, 13.0, True)],
)
def test_a_limit_lets_pass_what_it_holds_and_what_it_gives_back_on_a_slow_machine(
    passed: int, seconds: float, kept: bool
) -> None:
    assert within_limit(passed, seconds) is kept


def test_every_canary_is_another_and_of_the_form_of_an_account_number() -> None:
    found = {canary() for _ in range(100)}
    assert len(found) == 100
    assert {len(c) for c in found} == {22}


def test_another_shell_reads_the_kept_example_as_it_is_served(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dsn").write_text("file:/a b/c")
    served = {"CUSTOMER_DATA_LISTEN": "127.0.0.1:1", "CUSTOMER_DATA_UPSTREAM": "http://127.0.0.1:2?a&b", "OTHER": "x"}
    told = subprocess.run(
        ["/bin/sh", "-c", f"{exports(served, tmp_path)}; env"], capture_output=True, text=True, env={}, check=True
    ).stdout.splitlines()
    assert {"CUSTOMER_DATA_LISTEN=127.0.0.1:1", "CUSTOMER_DATA_UPSTREAM=http://127.0.0.1:2?a&b"} < set(told)
    assert "CRM_DSN=file:/a b/c" in told
    assert "a b" not in exports(served, tmp_path), "an address may hold a password"
