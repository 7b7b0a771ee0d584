"""The inspector as it runs: its own processes on a Unix socket, alone and behind a real Envoy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_under_test import C, Signer, echo_upstream, gateway

from assay.domain import Secret
from assay.gateway import ir
from assay.gateway.assemble import assemble
from assay.gateway.inspector.bundle import build, encode
from assay.gateway.inspector.server import wait_until_ready
from assay.gateway.ports import free_ports
from assay.identity.http import Reach
from assay.identity.issuer import ClientSpec, fetch_token, prepare_issuer
from assay.identity.jwks import discover

pytestmark = pytest.mark.integration
BODY = '{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"}},"additionalProperties":false}'
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def _operation(name: str, method: str = "POST", **inspection: Any) -> list[ir.AnyPiece]:
    path = f"/{name}"
    return [
        ir.Route(**C, api="crm", operation=name, method=method, hosts=("*",), public_base="", template=path),
        ir.Authentication(**C, api="crm", operation=name, alternatives=((),)),
        ir.AccessRule(**C, api="crm", operation=name, name=f"crm/{name}/anyone"),
        ir.Inspection(**C, api="crm", operation=name, **inspection),
    ]


def _pieces(port: int = 9, *, schema: str = BODY, mode: ir.Mode = ir.Mode.ENFORCE) -> list[ir.AnyPiece]:
    body = ir.BodyRule(media_type="application/json", schema=schema, free_text=(("name",),))
    limit = ir.ParameterRule(name="limit", location="query", schema='{"type":"integer"}')
    return [
        ir.Upstream(**C, api="crm", host="127.0.0.1", port=port),
        *_operation("create", bodies=(body,), body_required=True, body_bytes=2000),
        *_operation("list", "GET", parameters=(limit,), query_only=True),
        *_operation("watched", bodies=(body,), mode=mode),
        ir.SchemaLibrary(**C, api="crm", definitions="{}"),
    ]


def _bundle(pieces: list[ir.AnyPiece]) -> bytes:
    listener = (
        [] if any(isinstance(p, ir.Listener) for p in pieces) else [ir.Listener(**C, address="127.0.0.1", port=8443)]
    )
    return encode(build(assemble([*pieces, *listener, ir.AccessLog(**C)])))


@dataclass
class Inspector:
    process: subprocess.Popen[bytes]
    uds: Path
    bundle: Path

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.uds)), base_url="http://inspector", timeout=30)

    def status(self) -> dict[str, Any]:
        with self.client() as client:
            return client.get("/status").raise_for_status().json()

    def replace(self, content: bytes) -> None:
        temporary = self.bundle.with_suffix(".tmp")
        temporary.write_bytes(content)
        temporary.replace(self.bundle)

    def wait(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + 60
        while not true(status := self.status()):
            assert time.monotonic() < end, status
            time.sleep(0.05)
        return status


@contextlib.contextmanager
def running(directory: Path, content: bytes, *, workers: int = 1, **environ: str) -> Iterator[Inspector]:
    bundle, uds = directory / "bundle.json", directory / "inspector.sock"
    bundle.write_bytes(content)
    arguments = ["--bundle", str(bundle), "--uds", str(uds), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.gateway.inspector", *arguments],
        env=ENVIRONMENT | environ,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if not wait_until_ready(uds, seconds=90):
            process.kill()
            raise AssertionError(process.communicate()[1].decode())
        found = Inspector(process, uds, bundle)
        deadline = time.monotonic() + 60
        while True:  # the socket may be taken up twice while the server starts
            try:
                found.status()
                break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture
def inspector(tmp_path: Path) -> Iterator[Inspector]:
    with running(tmp_path, _bundle(_pieces(mode=ir.Mode.OBSERVE))) as found:
        yield found


CREATE = {"x-assay-operation": "crm/create"}


def test_the_socket_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path, _bundle(_pieces())) as inspector:
        assert stat.S_IMODE(inspector.uds.stat().st_mode) == 0o600
        assert inspector.status()["operations"] == 3
    assert inspector.process.returncode == 0
    assert not inspector.uds.exists()


def test_decisions_travel_in_status_headers_and_body(inspector: Inspector) -> None:
    with inspector.client() as client:
        good = client.post("/inspect/create?x", headers=CREATE, json={"name": "Anna"})
        assert good.status_code == 400  # the query is closed
        good = client.post("/inspect/create", headers=CREATE, json={"name": "Anna"})
        assert (good.status_code, good.headers["x-assay-decision"]) == (200, "allow")
        assert len(good.headers["x-assay-bundle"]) == 64
        bad = client.post("/inspect/create", headers=CREATE, json={"n": "x"})
        assert (bad.status_code, bad.headers["x-assay-policy"]) == (400, "input_validation/body-schema")
        assert bad.headers["content-type"] == "application/problem+json"
        assert bad.json()["policy"] == "input_validation/body-schema"
        observed = client.post("/inspect/watched", headers={"x-assay-operation": "crm/watched"}, json={"n": "x"})
        assert (observed.status_code, observed.headers["x-assay-decision"]) == (200, "observe")
        assert observed.headers["x-assay-policy"] == "input_validation/body-schema"


def test_the_clients_path_decides_nothing(inspector: Inspector) -> None:
    with inspector.client() as client:
        # What Envoy asks when the client's own path is /status or /introspect/x: still an inspection.
        for path in ("/inspect/status", "/inspect/introspect/x", "/inspect/%2e%2e/status", "/inspect*"):
            answer = client.post(path, headers=CREATE, json={"n": "x"})
            assert (answer.status_code, answer.headers["x-assay-policy"]) == (400, "input_validation/body-schema"), path
        for path in ("/", "/inspected", "/status/", "//status", "/introspected"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["x-assay-policy"]) == (
                503,
                "input_validation/inspector-error",
            ), path
        assert client.get("/status", headers=CREATE).status_code == 503


def test_dots_in_the_path_stay_dots(inspector: Inspector) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(inspector.uds))
        raw.sendall(b"GET /inspect/../status HTTP/1.1\r\nhost: i\r\nx-assay-operation: crm/create\r\n\r\n")
        raw.settimeout(30)
        assert b"input_validation/body-missing" in raw.recv(4096)


@pytest.mark.parametrize("lines", [[], ["crm/none"], ["crm/create", "crm/create"], ["\xff"]])
def test_an_operation_that_is_not_known_closes(inspector: Inspector, lines: list[str]) -> None:
    with inspector.client() as client:
        headers = [(b"x-assay-operation", line.encode("latin-1")) for line in lines]
        answer = client.post("/inspect/create", headers=headers, json={"name": "a"})
        assert (answer.status_code, answer.headers["x-assay-policy"]) == (503, "input_validation/inspector-error")


def test_a_header_cannot_hide_behind_bytes_that_are_not_ascii(inspector: Inspector) -> None:
    with inspector.client() as client:
        headers = [(b"x-assay-operation", b"crm/create"), (b"x-http-method-override", b"DELETE\xff")]
        answer = client.post("/inspect/create", headers=headers, json={"name": "a"})
        assert answer.headers["x-assay-policy"] == "input_validation/method-override"


def test_a_body_in_pieces_is_read_whole(inspector: Inspector) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"na'
        time.sleep(0.1)
        yield b'me":"x\' OR 1=1 --"}'

    with inspector.client() as client:
        headers = CREATE | {"content-type": "application/json"}
        assert client.post("/inspect/create", headers=headers, content=pieces()).status_code == 403


def test_a_body_that_breaks_off_is_not_judged(inspector: Inspector) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(inspector.uds))
        raw.sendall(b"POST /inspect/create HTTP/1.1\r\nhost: i\r\nx-assay-operation: crm/create\r\n"
                    b"content-type: application/json\r\ncontent-length: 50\r\n\r\n{\"name\":\"a\"}")  # fmt: skip
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(30)
        assert b" 200 " not in raw.recv(4096)[:20]
    assert inspector.status()["counts"]["allowed"] == 0


def test_what_is_no_request_is_refused_and_the_connection_ends(inspector: Inspector) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(30)
        raw.connect(str(inspector.uds))
        raw.sendall(b"POST /inspect/create HTTP/1.1\r\nhost: i\r\nx-assay-operation: crm/create\r\n"
                    b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}")  # fmt: skip
        answer = b""
        while data := raw.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"input_validation/inspector-error" in answer


def test_a_url_that_is_not_percent_encoded_is_the_clients_mistake(inspector: Inspector) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(30)
        raw.connect(str(inspector.uds))
        raw.sendall(b"GET /inspect/create?a=\xc3\xbc HTTP/1.1\r\nhost: i\r\nx-assay-operation: crm/create\r\n\r\n")
        answer = b""
        while data := raw.recv(4096):
            answer += data
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nx-assay-policy: input_validation/query-encoding\r\n" in answer


def test_requests_on_one_connection_are_answered_in_order(inspector: Inspector) -> None:
    ask = "POST /inspect/create HTTP/1.1\r\nhost: i\r\nx-assay-operation: crm/create\r\n"
    ask += "content-type: application/json\r\ncontent-length: {}\r\n\r\n{}"
    bodies = ['{"name":"a"}', '{"n":"x"}', '{"name":"x\' OR 1=1 --"}', "{}"]
    # An opaque token is asked about in between; whatever comes of it, the rest waits for it.
    token = "GET /introspect/x HTTP/1.1\r\nhost: i\r\nx-assay-issuer: none\r\nauthorization: Bearer opaque\r\n\r\n"
    texts = [ask.format(len(b), b) for b in bodies]
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(30)
        raw.connect(str(inspector.uds))
        raw.sendall("".join([*texts[:2], token, *texts[2:]]).encode())
        answer = b""
        while answer.count(b"HTTP/1.1 ") < 5:
            answer += raw.recv(65536)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400", b"503", b"403", b"200"]


def test_the_end_of_a_worker_ends_them_all_so_that_they_are_started_afresh(tmp_path: Path) -> None:
    with running(tmp_path, _bundle(_pieces()), workers=2) as inspector:
        os.kill(inspector.status()["pid"], signal.SIGKILL)
        assert inspector.process.wait(60) != 0
        assert not inspector.uds.exists()


def test_a_new_bundle_is_taken_within_a_second_and_a_bad_one_is_told(inspector: Inspector) -> None:
    before = inspector.status()["digest"]
    inspector.replace(b'{"version":')
    status = inspector.wait(lambda s: s["reload_error"] is not None)
    assert status["digest"] == before
    assert "cannot be read" in status["reload_error"]
    inspector.replace(_bundle(_pieces(schema='{"type":"integer"}')))
    status = inspector.wait(lambda s: s["digest"] != before)
    assert status["reload_error"] is None
    with inspector.client() as client:
        answer = client.post("/inspect/create", headers=CREATE, json=5)
        assert (answer.status_code, answer.headers["x-assay-bundle"]) == (200, status["digest"])


def test_sighup_reloads_in_every_worker(tmp_path: Path) -> None:
    with running(tmp_path, _bundle(_pieces()), workers=2) as inspector:
        seen: dict[int, int] = {}

        def all_have(reloads: int) -> bool:
            status = inspector.status()
            seen[status["pid"]] = status["reloads"]
            return len(seen) == 2 and min(seen.values()) >= reloads

        for reloads in (1, 2):
            end = time.monotonic() + 60
            while not all_have(reloads):
                assert time.monotonic() < end, seen
                time.sleep(0.02)
            inspector.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("content", [b"", b"{}", _bundle(_pieces(schema='{"pattern":"("}'))])
def test_a_start_with_a_bad_bundle_says_why(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(content)
    arguments = ["--bundle", str(tmp_path / "bundle.json"), "--uds", str(tmp_path / "i.sock")]
    done = subprocess.run(
        [sys.executable, "-m", "assay.gateway.inspector", *arguments], env=ENVIRONMENT, capture_output=True, timeout=90
    )
    assert done.returncode == 3
    assert b"fix:" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_second_inspector_on_the_socket_is_refused_and_a_dead_ones_socket_reused(tmp_path: Path) -> None:
    with running(tmp_path, _bundle(_pieces())) as first:
        arguments = ["--bundle", str(first.bundle), "--uds", str(first.uds)]
        done = subprocess.run(
            [sys.executable, "-m", "assay.gateway.inspector", *arguments],
            env=ENVIRONMENT,
            capture_output=True,
            timeout=90,
        )
        assert done.returncode == 2
        assert b"already answers" in done.stderr
        os.killpg(first.process.pid, signal.SIGKILL)
        first.process.wait(60)
        assert first.uds.exists()
    with running(tmp_path, _bundle(_pieces())) as second:
        assert second.status()["operations"] == 3


def test_envoy_refuses_what_the_inspector_refuses_and_says_by_which_policy(tmp_path: Path) -> None:
    with echo_upstream() as upstream:
        pieces = _pieces(upstream.server_address[1], mode=ir.Mode.OBSERVE)
        with (
            running(tmp_path, _bundle(pieces)) as inspector,
            gateway(tmp_path, pieces, inspector=str(inspector.uds)) as envoy,
            envoy.client() as client,
        ):
            assert client.post("/create", json={"name": "Anna"}).status_code == 200
            refused = client.post("/create", json={"name": "Anna", "role": "admin"})
            assert refused.status_code == 400
            assert refused.json()["policy"] == "input_validation/body-schema"
            assert refused.json()["request_id"] == refused.headers["x-request-id"]
            assert client.post("/create", json={"name": "x' OR 1=1 --"}).status_code == 403
            assert client.post("/create", content=b"a" * 2001).status_code == 413
            assert client.get("/list").status_code == 200
            assert client.get("/list?limit=5").status_code == 200
            assert client.get("/list?limit=x").status_code == 400
            assert client.post("/watched", json={"role": "admin"}).status_code == 200
            forged = {"x-assay-operation": "crm/watched", "x-assay-decision": "allow"}
            assert client.post("/create", json={"role": "admin"}, headers=forged).status_code == 400
            assert len(upstream.seen) == 4
            log = envoy.log(lines=9)
            assert log[1]["inspector_policy"] == "input_validation/body-schema"
            assert log[1]["inspector_decision"] == "deny"
            watched = next(line for line in log if line["operation"] == "crm/watched")
            assert watched["inspector_decision"] == "observe"
            assert watched["inspector_policy"] == "input_validation/body-schema"


def test_without_the_inspector_nothing_passes_and_it_recovers(tmp_path: Path) -> None:
    with echo_upstream() as upstream:
        pieces = _pieces(upstream.server_address[1])
        with gateway(tmp_path, pieces, inspector=str(tmp_path / "inspector.sock")) as envoy, envoy.client() as client:
            assert client.post("/create", json={"name": "Anna"}).status_code == 503
            with running(tmp_path, _bundle(pieces)) as inspector:
                assert _eventually(client, 200)
                os.killpg(inspector.process.pid, signal.SIGKILL)
                inspector.process.wait(60)
                assert client.post("/create", json={"name": "Anna"}).status_code == 503
            seen = len(upstream.seen)
            assert client.post("/create", json={"name": "Anna"}).status_code == 503
            assert len(upstream.seen) == seen
            with running(tmp_path, _bundle(pieces)):
                assert _eventually(client, 200)


def _eventually(client: httpx.Client, status: int) -> bool:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if client.post("/create", json={"name": "Anna"}).status_code == status:
            return True
        time.sleep(0.1)
    return False


@contextlib.contextmanager
def _issuer(directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], dict[str, str]]]:
    """A real development issuer: its URL, its process, and the secrets of its clients."""
    listen = f"127.0.0.1:{free_ports()}"
    url = f"http://{listen}"
    opaque = ClientSpec(roles=("customer",), scopes=("read",), audience=("api",), token_format="opaque")
    clients = {"mobile": opaque, "stranger": opaque, "gateway": ClientSpec(grants=(), may_introspect=True)}
    _, credentials = prepare_issuer(directory, clients, {}, issuer_url=url, listen=listen, now=int(time.time()))
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.identity.issuer", str(directory / "issuer.json")],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_issuer(url, process)
        yield url, process, {name: secret.reveal() for name, secret in credentials.clients.items()}
    finally:
        process.kill()
        process.wait(60)


def _trust(url: str) -> ir.TokenIssuer:
    policy = ir.IntrospectionPolicy(url=f"{url}/introspect", client="gateway", credential="env:GATEWAY_SECRET")
    claims = ir.ClaimNames(client=("client_id",))
    return ir.TokenIssuer(
        **C, issuer="demo", url=url, audiences=("api",), algorithms=("ES256",), introspection=policy, claims=claims
    )


def test_opaque_tokens_of_a_real_issuer_become_identities(tmp_path: Path) -> None:
    with _issuer(tmp_path / "issuer") as (url, issuer, secrets):
        token = fetch_token(url, "mobile", Secret(secrets["mobile"])).access_token.reveal()
        bundle = _bundle([*_pieces(), _trust(url)])
        with running(tmp_path, bundle, GATEWAY_SECRET=secrets["gateway"]) as inspector, inspector.client() as client:

            def ask(authorization: str | None, name: str = "demo") -> httpx.Response:
                headers = {"x-assay-issuer": name} | ({"authorization": authorization} if authorization else {})
                return client.get("/introspect/x", headers=headers)

            found = ask(f"Bearer {token}")
            assert found.status_code == 200
            assert found.headers["x-assay-client"] == "mobile"
            assert found.headers["x-assay-roles"] == ",customer,"
            assert found.headers["x-assay-scope"] == "| read |"
            assert ask("Bearer nonsense").status_code == 401
            assert "www-authenticate" in ask("Bearer nonsense").headers
            assert ask(f"Bearer {token}", "other").status_code == 503
            for authorization in (None, f"Bearer {Signer().token(sub='x')}", "Basic YTpi"):
                answer = ask(authorization)
                assert answer.status_code == 200
                assert not [h for h in answer.headers if h.startswith("x-assay-")]
            issuer.terminate()
            issuer.wait(60)
            assert ask(f"Bearer {token}").status_code == 200  # remembered
            assert ask("Bearer another").status_code == 503


def test_envoy_decides_on_what_the_issuer_said_of_an_opaque_token(tmp_path: Path) -> None:
    proof = ir.Proof(kind="token", issuer="demo", scopes=("read",))
    caller = ir.Caller(**C, consumer="mobile", issuer="demo", client="mobile", opaque=True, roles=("customer",))

    def route(name: str, scope: str) -> list[ir.AnyPiece]:
        path = f"/{name}"
        return [
            ir.Route(**C, api="crm", operation=name, method="GET", hosts=("*",), public_base="", template=path),
            ir.Authentication(**C, api="crm", operation=name, alternatives=((proof,),)),
            ir.AccessRule(
                **C, api="crm", operation=name, name=f"crm/{name}/customer", roles=("customer",), scopes=(scope,)
            ),
        ]

    with _issuer(tmp_path / "issuer") as (url, _, secrets), echo_upstream() as upstream:
        port = upstream.server_address[1]
        pieces: list[ir.AnyPiece] = [
            ir.Upstream(**C, api="crm", host="127.0.0.1", port=port),
            *route("read", "read"),
            *route("write", "write"),
            caller,
            _trust(url),
        ]
        token = fetch_token(url, "mobile", Secret(secrets["mobile"])).access_token.reveal()
        stranger = fetch_token(url, "stranger", Secret(secrets["stranger"])).access_token.reveal()
        with (
            running(tmp_path, _bundle(pieces), GATEWAY_SECRET=secrets["gateway"]) as inspector,
            gateway(tmp_path, pieces, inspector=str(inspector.uds)) as envoy,
            envoy.client() as client,
        ):

            def status(path: str, token: str | None, **headers: str) -> int:
                bearer = {"authorization": f"Bearer {token}"} if token else {}
                return client.get(path, headers=bearer | headers).status_code

            assert status("/read", token) == 200
            assert status("/write", token) == 403
            assert status("/read", stranger) == 403
            assert status("/read", "nonsense") == 401
            assert status("/read", None) == 401
            forged = {"x-assay-client": "mobile", "x-assay-roles": ",customer,", "x-assay-scope": "| read |"}
            assert status("/read", None, **forged) == 401
            assert len(upstream.seen) == 1


def _await_issuer(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(Exception):
            discover(url, reach=Reach())
            return
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_bundle_file_says_nothing_secret(tmp_path: Path) -> None:
    assert "secret" not in json.dumps(json.loads(_bundle(_pieces())))
