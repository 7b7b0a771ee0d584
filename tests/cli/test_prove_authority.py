"""An API whose certificate no public authority signed is tested when its authority is named, and only then."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.identity.pki import ensure_server_certificate

CONTRACT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Elsewhere", "version": "1"},
    "paths": {"/things": {"get": {"operationId": "listThings", "responses": {"200": {"description": "ok"}}}}},
}


class Elsewhere(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(CONTRACT if self.path == "/openapi.json" else {"things": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Handshakes that fail are part of the test."""


@contextmanager
def elsewhere(pki: Path) -> Iterator[str]:
    pair = ensure_server_certificate(pki)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pair.certificate), str(pair.key))
    server = Quiet(("127.0.0.1", 0), Elsewhere)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.integration
def test_its_authority_is_named(here: Path, assay: Any) -> None:
    (here / "contract.json").write_text(json.dumps(CONTRACT))
    with elsewhere(here / "pki") as url:
        asked = ("prove", "--target", url, "--seconds", "120s", "--format", "json", "--fail-on", "never")
        asked += ("-c", "api_gateway", "-c", "transport_encryption", "--contract")

        def outcomes(contract: str, *more: str) -> dict[str, str]:
            verdicts = assay(*asked, contract, *more).json()["verdicts"]
            return {v["check"]: v["outcome"] for v in verdicts}

        unknown = outcomes("contract.json")
        assert unknown["version-banner"] == "inconclusive"
        assert unknown["certificate-untrusted"] != "pass"
        for contract in ("contract.json", f"{url}/openapi.json"):
            known = outcomes(contract, "--authority", "pki/ca.crt")
            assert known["version-banner"] == "fail"
            assert known["certificate-untrusted"] == "pass"


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_one_is_refused_before_anything_is_sent(here: Path, assay: Any, text: str | None) -> None:
    (here / "contract.json").write_text(json.dumps(CONTRACT))
    if text is not None:
        (here / "ca.crt").write_text(text)
    ran = assay("prove", "--target", "https://127.0.0.1:9", "--contract", "contract.json", "--authority", "ca.crt")
    assert ran.exit == 2
    assert "ca.crt" in ran.err
