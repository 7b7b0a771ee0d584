"""Whoever opens HTTP/2 streams only to reset them (CVE-2023-44487) loses the connection, and nobody else notices."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import pytest
from gateway_under_test import C, Gateway, echo_upstream, gateway

from assay.gateway import ir

pytestmark = pytest.mark.integration
STREAMS = 3_000
AT_ONCE = 20
SECONDS = 60.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    on = {**C, "api": "shop", "operation": "things"}
    with echo_upstream() as upstream:
        pieces: list[ir.AnyPiece] = [
            ir.Upstream(**C, api="shop", host="127.0.0.1", port=upstream.server_address[1]),
            ir.Route(**on, method="GET", hosts=("*",), public_base="/v1", template="/things"),
            ir.Authentication(**on, alternatives=((),)),
            ir.AccessRule(**on, name="shop/0"),
        ]
        with gateway(tmp_path_factory.mktemp("g"), pieces) as found:
            yield found


class Client:
    """An HTTP/2 connection with prior knowledge (RFC 9113 §3.3)."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port or 80), timeout=SECONDS)
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self.streams_allowed = 0
        self.answers: list[str] = []
        self.closed = False
        self._flush()

    def _flush(self) -> None:
        self._socket.settimeout(SECONDS)
        try:
            self._socket.sendall(self._h2.data_to_send())
        except OSError:
            self.closed = True

    def request(self) -> int:
        number = self._h2.get_next_available_stream_id()
        headers = [(":method", "GET"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/v1/things")]
        self._h2.send_headers(number, headers, end_stream=True)
        return int(number)

    def reset(self, number: int) -> None:
        self._h2.reset_stream(number, error_code=8)  # CANCEL

    def exchange(self, *, wait: float) -> None:
        """Sends what is waiting, and takes in what comes within ``wait`` seconds."""
        self._flush()
        self._socket.settimeout(wait)
        try:
            data = self._socket.recv(1 << 16)
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.streams_allowed = self._h2.remote_settings.max_concurrent_streams
            elif isinstance(event, h2.events.ResponseReceived):
                self.answers.append(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.closed = True
        self._flush()

    def close(self) -> None:
        self._socket.close()


def test_a_connection_that_only_resets_is_closed_while_others_are_served(running: Gateway) -> None:
    attacker, end, sent, served = Client(running.url), time.monotonic() + SECONDS, 0, 0
    with running.client() as somebody:
        while not attacker.closed and sent < STREAMS and time.monotonic() < end:
            for number in [attacker.request() for _ in range(AT_ONCE)]:
                attacker.reset(number)
            sent += AT_ONCE
            attacker.exchange(wait=0.02)
            assert somebody.get("/v1/things").status_code == 200
            served += 1
        attacker.close()
        assert attacker.closed, f"{sent} streams were reset and the connection is still there"
        assert sent < 1_000
        assert served >= 3
        assert somebody.get("/v1/things").status_code == 200
    assert running.process.poll() is None


def test_a_client_that_cancels_now_and_then_keeps_its_connection(running: Gateway) -> None:
    client, end = Client(running.url), time.monotonic() + SECONDS
    asked = 0
    while asked < 300 and not client.closed and time.monotonic() < end:
        numbers = [client.request() for _ in range(10)]
        client.reset(numbers[-1])
        asked += len(numbers)
        while len(client.answers) < asked * 9 // 10 and not client.closed and time.monotonic() < end:
            client.exchange(wait=0.5)
    client.close()
    assert not client.closed
    assert len(client.answers) >= 270
    assert set(client.answers) == {"200"}
    assert client.streams_allowed == 100


def test_the_guard_is_what_closes_the_connection(running: Gateway) -> None:
    attacker, end = Client(running.url), time.monotonic() + SECONDS
    before = counter(running)
    while not attacker.closed and time.monotonic() < end:
        for number in [attacker.request() for _ in range(AT_ONCE)]:
            attacker.reset(number)
        attacker.exchange(wait=0.02)
    attacker.close()
    assert counter(running) == before + 1


def counter(running: Gateway) -> int:
    path = Path(running.runtime.sockets.admin)
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(5)
        admin.connect(str(path))
        admin.sendall(b"GET /stats?filter=too_many_premature_resets HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        text = b""
        while data := admin.recv(1 << 16):
            text += data
    return sum(int(line.rpartition(b": ")[2]) for line in text.splitlines() if b"too_many_premature_resets: " in line)
