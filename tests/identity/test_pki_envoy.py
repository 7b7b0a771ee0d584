"""The development certificates in the TLS stack that matters most here: Envoy's."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assay.gateway.ports import free_ports
from assay.identity.pki import CertificatePair, ensure_server_certificate, issue_client_certificate

pytestmark = pytest.mark.integration
ENVOY = Path(sys.executable).with_name("envoy")
_TYPES = "type.googleapis.com/envoy.extensions"


def listener(port: int, server: CertificatePair) -> dict[str, object]:
    """A listener that asks for a client certificate of the development authority and answers by itself."""
    tls = {
        "@type": f"{_TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(server.certificate)},
                    "private_key": {"filename": str(server.key)},
                }
            ],
            "validation_context": {"trusted_ca": {"filename": str(server.authority)}},
        },
    }
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "in"}}}]
    http = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.filters.http.router.v3.Router"}},
        ],
    }
    return {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {
                "transport_socket": {"name": "tls", "typed_config": tls},
                "filters": [{"name": "http", "typed_config": http}],
            }
        ],
    }


@contextlib.contextmanager
def envoy(directory: Path, server: CertificatePair) -> Iterator[int]:
    port = free_ports()
    configuration = directory / "envoy.json"
    configuration.write_text(json.dumps({"static_resources": {"listeners": [listener(port, server)]}}))
    command = [str(ENVOY), "-c", str(configuration), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def call(port: int, server: CertificatePair, client: CertificatePair | None) -> str:
    context = ssl.create_default_context(cafile=str(server.authority))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return httpx.get(f"https://127.0.0.1:{port}/", verify=context, trust_env=False).text


def test_envoy_serves_with_them_and_tells_consumers_from_strangers(tmp_path: Path) -> None:
    server = ensure_server_certificate(tmp_path / "pki")
    strangers = ensure_server_certificate(tmp_path / "other")
    with envoy(tmp_path, server) as port:
        for name in ("back-office.internal", "spiffe://test/app"):
            assert call(port, server, issue_client_certificate(tmp_path / "pki", name)) == "in"
        for refused in (None, issue_client_certificate(tmp_path / "other", "back-office.internal"), server, strangers):
            with pytest.raises(httpx.TransportError):
                call(port, server, refused)
