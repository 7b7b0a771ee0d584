"""The issuer as people run it: a process of its own, on a port or a socket, started, asked, rotated, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from assay.domain import AssayError, IncompleteError, Secret, UsageError
from assay.gateway.ports import free_ports
from assay.identity.http import Reach
from assay.identity.issuer import ClientSpec, UserSpec, fetch_token, prepare_issuer, rotate_signing_key
from assay.identity.jwks import discover, read_issuer_keys

pytestmark = pytest.mark.integration
CLIENTS = {
    "app": ClientSpec(scopes=("read",), audience=("api",), grants=("client_credentials", "password")),
    "gateway": ClientSpec(grants=(), may_introspect=True),
}
USERS = {"alice": UserSpec(subject="c-1001", roles=("customer",))}


def start(directory: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "assay.identity.issuer", str(directory / "issuer.json")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


@contextlib.contextmanager
def running(directory: Path, reach: Reach, url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = start(directory)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                discover(url, reach=reach)
                break
            except IncompleteError:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()


def prepared(tmp_path: Path, kind: str):
    port = free_ports()
    listen = f"127.0.0.1:{port}" if kind == "port" else f"unix:{tmp_path}/run/issuer.sock"
    url = f"http://127.0.0.1:{port}" if kind == "port" else "https://issuer.test/demo"
    _, credentials = prepare_issuer(
        tmp_path / "state", CLIENTS, USERS, issuer_url=url, listen=listen, now=int(time.time())
    )
    reach = Reach() if kind == "port" else Reach(uds=tmp_path / "run" / "issuer.sock")
    return url, credentials, reach


@pytest.mark.parametrize("kind", ["port", "socket"])
def test_a_token_fetched_over_the_wire_verifies_against_the_published_keys(tmp_path: Path, kind: str) -> None:
    url, credentials, reach = prepared(tmp_path, kind)
    with running(tmp_path / "state", reach, url) as process:
        issued = fetch_token(url, "app", credentials.clients["app"], reach=reach)
        signed_in = fetch_token(
            url,
            "app",
            credentials.clients["app"],
            grant="password",
            username="alice",
            password=credentials.users["alice"],
            scopes=["read"],
            reach=reach,
        )
        keys = KeySet.import_key_set(read_issuer_keys(url, reach=reach).document)
        claims = jwt.decode(issued.access_token.reveal(), keys, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["sub"], issued.expires_in, issued.scope) == (url, "app", 600, "read")
        assert jwt.decode(signed_in.access_token.reveal(), keys, algorithms=["ES256"]).claims["sub"] == "c-1001"
        assert discover(url, reach=reach).development
        if reach.uds:
            assert stat.S_IMODE(reach.uds.stat().st_mode) & 0o077 == 0

        rotate_signing_key(tmp_path / "state", now=int(time.time()), lead_seconds=0)
        rotated = KeySet.import_key_set(read_issuer_keys(url, reach=reach).document)
        again = fetch_token(url, "app", credentials.clients["app"], reach=reach)
        for token in (issued, again):
            assert jwt.decode(token.access_token.reveal(), rotated, algorithms=["ES256"])
        assert len(rotated.keys) == 2

        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        with pytest.raises(IncompleteError, match="cannot be reached"):
            fetch_token(url, "app", credentials.clients["app"], reach=reach)
        assert reach.uds is None or not reach.uds.exists()


def test_refusals_are_told_in_words_without_the_secret(tmp_path: Path) -> None:
    url, credentials, reach = prepared(tmp_path, "port")
    with running(tmp_path / "state", reach, url):
        with pytest.raises(UsageError, match="client or its secret") as caught:
            fetch_token(url, "app", Secret("a-wrong-secret"))
        assert "a-wrong-secret" not in caught.value.diagnosis()
        with pytest.raises(UsageError, match="user or the password"):
            fetch_token(
                url, "app", credentials.clients["app"], grant="password", username="alice", password=Secret("wrong")
            )
        with pytest.raises(UsageError, match="invalid_scope"):
            fetch_token(url, "app", credentials.clients["app"], scopes=["admin"])
        with pytest.raises(UsageError, match="unauthorized_client"):
            fetch_token(url, "gateway", credentials.clients["gateway"])
        with pytest.raises(UsageError, match="needs a user"):
            fetch_token(url, "app", credentials.clients["app"], grant="password")


def test_garbage_on_the_wire_does_not_end_the_issuer(tmp_path: Path) -> None:
    url, credentials, reach = prepared(tmp_path, "port")
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with running(tmp_path / "state", reach, url):
        for garbage in (
            b"\0" * 100,
            b"GET / HTTP/9.9\r\n\r\n",
            b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab",
            b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            b"GET /jwks HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        ):
            with socket.create_connection(address, timeout=5) as connection, contextlib.suppress(OSError):
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(100)
        assert httpx.get(f"{url}/health").json()["status"] == "ok"
        assert fetch_token(url, "app", credentials.clients["app"])


def test_a_second_issuer_on_the_same_place_says_so_and_ends(tmp_path: Path) -> None:
    for kind in ("port", "socket"):
        url, _, reach = prepared(tmp_path / kind, kind)
        with running(tmp_path / kind / "state", reach, url):
            second = start(tmp_path / kind / "state")
            _, said = second.communicate(timeout=90)
            assert second.returncode == 3
            assert b"fix:" in said and b"Traceback" not in said


def test_a_socket_left_behind_by_a_killed_issuer_is_taken_over(tmp_path: Path) -> None:
    url, credentials, reach = prepared(tmp_path, "socket")
    with running(tmp_path / "state", reach, url) as process:
        process.kill()
        process.wait(60)
    assert reach.uds is not None and reach.uds.exists()
    with running(tmp_path / "state", reach, url):
        assert fetch_token(url, "app", credentials.clients["app"], reach=reach)


def test_a_configuration_that_cannot_be_served_ends_in_a_sentence(tmp_path: Path) -> None:
    prepared(tmp_path, "port")
    path = tmp_path / "state" / "issuer.json"
    path.write_bytes(path.read_bytes().replace(b"127.0.0.1:", b"0.0.0.0:"))
    process = start(tmp_path / "state")
    _, said = process.communicate(timeout=90)
    assert process.returncode == 2
    assert b"this machine only" in said and b"Traceback" not in said
    (tmp_path / "state" / "signing-keys.json").unlink()
    with pytest.raises(AssayError):
        rotate_signing_key(tmp_path / "state", now=0)
