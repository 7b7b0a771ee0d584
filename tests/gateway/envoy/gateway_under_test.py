"""A real Envoy with a policy of the test's choice, a real upstream that echoes what reached it, and a token signer."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from assay.gateway import ir
from assay.gateway.assemble import assemble
from assay.gateway.envoy import translate
from assay.gateway.ports import free_ports
from assay.gateway.runtime import KeyDigest, Runtime, Sockets

ENVOY = Path(sys.executable).with_name("envoy")
C: dict[str, Any] = {"control": "authentication", "source": "assay.yaml:1:1"}


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        self.server.seen.append(seen)  # type: ignore[attr-defined]
        answer = json.dumps(seen).encode()
        self.send_response(int(self.headers.get("x-answer-with") or 200))
        self.send_header("content-type", "application/json")
        self.send_header("server", "echo/1.0")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def echo_upstream() -> Iterator[ThreadingHTTPServer]:
    """An upstream on a free port; ``seen`` lists the requests that reached it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Signer:
    """Signs tokens of one issuer."""

    issuer: str = "https://issuer.test"
    audience: str = "api"
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"}))

    @property
    def jwks(self) -> str:
        return json.dumps(KeySet([self.key]).as_dict(private=False))

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        payload = {"iss": self.issuer, "aud": self.audience, "iat": now, "nbf": now, "exp": now + 300, **claims}
        return jwt.encode({"alg": "ES256", "kid": "k1"}, {k: v for k, v in payload.items() if v is not None}, self.key)


@dataclass
class Gateway:
    """A running Envoy."""

    url: str
    directory: Path
    runtime: Runtime
    process: subprocess.Popen[bytes]

    def log(self, *, lines: int = 1) -> list[dict[str, Any]]:
        """The access log, once it has at least so many lines."""
        path = Path(self.runtime.access_log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = path.read_text().split("\n")[:-1] if path.exists() else []  # whole lines
            if len(found) >= lines:
                return [json.loads(line) for line in found]
            time.sleep(0.05)
        raise AssertionError(f"the access log has fewer than {lines} lines")

    def client(self, **options: Any) -> httpx.Client:
        """An HTTP client of the gateway."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)


@contextmanager
def gateway(
    directory: Path,
    pieces: list[ir.AnyPiece],
    *,
    jwks: dict[str, str] | None = None,
    keys: tuple[KeyDigest, ...] = (),
    inspector: str = "",
    processor: str = "",
) -> Iterator[Gateway]:
    """Runs Envoy with these pieces (a listener and an access log are added when missing)."""
    port = free_ports()
    if not any(isinstance(p, ir.Listener) for p in pieces):
        pieces = [*pieces, ir.Listener(**C, address="127.0.0.1", port=port)]
    listener = next(p for p in pieces if isinstance(p, ir.Listener))
    policy = assemble([*pieces, ir.AccessLog(**C)])
    live = directory / "live"
    live.mkdir()
    runtime = Runtime(
        sockets=Sockets(
            admin=str(directory / "admin.sock"),
            inspector=inspector or str(directory / "no-inspector.sock"),
            processor=processor or str(directory / "no-processor.sock"),
        ),
        access_log=str(directory / "access.jsonl"),
        configuration=str(live),
        jwks=jwks or {},
        keys=keys,
        concurrency=1,
    )
    configuration = translate(policy, runtime)
    for name, content in configuration.files.items():
        (live / name).write_text(json.dumps(content))
    (directory / "bootstrap.json").write_text(json.dumps(configuration.bootstrap))
    arguments = [str(ENVOY), "-c", str(directory / "bootstrap.json"), "--concurrency", "1", "--log-level", "warning"]
    arguments += ["--file-flush-interval-msec", "50", "--use-dynamic-base-id"]
    with (directory / "envoy.log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True, env=dict(os.environ))
    scheme = "https" if listener.tls else "http"
    try:
        _wait_for(listener.port, process, directory / "envoy.log")
        yield Gateway(f"{scheme}://{listener.address}:{listener.port}", directory, runtime, process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("Envoy did not come up:\n" + log.read_text()[-4000:])


def untrusting_context() -> ssl.SSLContext:
    """TLS without verification, for handshakes that are expected to fail."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
