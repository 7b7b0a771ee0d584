"""A real Envoy, the real processor and a small upstream, for the integration tests of the processor."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from joserfc import jwk, jwt

from assay.gateway import keysets
from assay.gateway.ports import free_ports
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.server import status_path
from assay.gateway.processor.wire import FORWARD_RULES, FORWARDED_NAMESPACES, METADATA, ROUTE_NAME

ISSUER = "https://issuer.example"
ENVOY = str(Path(sys.executable).with_name("envoy"))


def await_true(condition: Any, what: str, seconds: float = 60.0) -> None:
    """Poll until ``condition()`` holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@dataclass
class Upstream:
    """Answers what the test says, and remembers what it was sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    body: bytes = b"{}"
    seen: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def start(self) -> http.server.ThreadingHTTPServer:
        """Serve in a thread until ``shutdown()``."""
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                upstream.seen.append(
                    {"path": self.path, "headers": dict(self.headers.items()), "body": self.rfile.read(length)}
                )
                self.send_response(upstream.status)
                for name, value in upstream.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(upstream.body)))
                self.end_headers()
                if self.command != "HEAD":
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        self.wfile.write(upstream.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = _answer

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class Rig:
    """Envoy in front of the processor in front of an upstream. The route ``/x/y`` is operation ``x/y``."""

    def __init__(self, directory: Path, operations: list[str]) -> None:
        self.directory = directory
        self.bundle, self.keys, self.uds = directory / "bundle.json", directory / "keys", directory / "p.sock"
        self.log = directory / "access.log"
        self.port = free_ports()
        self.upstream = Upstream()
        self.operations = operations
        self._key = jwk.OctKey.generate_key(256, parameters={"kid": "k", "alg": "HS256"})
        self._server = self.upstream.start()
        self.processor: subprocess.Popen[bytes] | None = None
        self.envoy: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30.0)

    def write(self, bundle: bundles.Bundle) -> None:
        """Put ``bundle`` where the processor looks, creating its keysets."""
        for name in bundles.keyset_names(bundle):
            keysets.ensure(self.keys, name)
        temporary = self.bundle.with_suffix(".new")
        temporary.write_bytes(bundles.encode(bundle))
        temporary.replace(self.bundle)

    def start_processor(self, workers: int = 1) -> None:
        """Start the processor as its own process, and wait until it serves."""
        command = [sys.executable, "-m", "assay.gateway.processor", "--workers", str(workers)]
        arguments = ["--bundle", str(self.bundle), "--keys", str(self.keys), "--uds", str(self.uds)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self.processor = subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE)
        await_true(lambda: self.uds.exists() and status_path(self.uds).exists(), "the processor serves")

    def start_instead(self, program: str) -> None:
        """Start ``program`` (Python source; its argument is the socket) where the processor should be."""
        self.processor = subprocess.Popen([sys.executable, "-c", program, str(self.uds)], stderr=subprocess.PIPE)
        await_true(self.uds.exists, "the stand-in serves")

    def stop_processor(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the processor; returns its exit code."""
        assert self.processor is not None
        self.processor.send_signal(how)
        code = self.processor.wait(60)
        if self.processor.stderr is not None:
            self.processor.stderr.close()
        self.processor = None
        return code

    def start_envoy(self) -> None:
        """Start Envoy, and wait until it listens."""
        path = self.directory / "envoy.yaml"
        path.write_text(yaml.safe_dump(self._configuration()))
        log = (self.directory / "envoy.log").open("wb")
        command = [ENVOY, "-c", str(path), "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"]
        self.envoy = subprocess.Popen([*command, "--file-flush-interval-msec", "20"], stdout=log, stderr=log)
        log.close()

        def listening() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        await_true(listening, "Envoy listens")

    def token(self, client: str, roles: list[str]) -> dict[str, str]:
        """An authorization header with a signed token."""
        claims = {"iss": ISSUER, "azp": client, "roles": roles, "sub": "s", "aud": "a", "exp": int(time.time()) + 600}
        return {"authorization": "Bearer " + jwt.encode({"alg": "HS256", "kid": "k"}, claims, self._key)}

    def call(self, operation: str, *, roles: list[str] | None = None, **arguments: Any) -> httpx.Response:
        """One request to ``operation``; ``roles`` are those of a token of client ``app``."""
        headers = {**(self.token("app", roles) if roles is not None else {}), **arguments.pop("headers", {})}
        method = arguments.pop("method", "GET")
        query = arguments.pop("query", "")
        return self.client.request(method, f"/{operation}{query}", headers=headers, **arguments)

    def logged(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The access log's line for one call of ``operation``, made now."""
        mark = secrets.token_hex(8)
        headers = {"test-mark": mark, **arguments.pop("headers", {})}
        self.call(operation, headers=headers, **arguments)
        found: list[dict[str, Any]] = []

        def written() -> bool:
            lines = self.log.read_bytes().split(b"\n")[:-1] if self.log.exists() else []  # whole ones
            found.extend(json.loads(line) for line in lines if mark.encode() in line)
            return bool(found)

        await_true(written, "the line is logged")
        return found[0]

    def close(self) -> None:
        """Stop everything that was started."""
        self.client.close()
        for process in (self.envoy, self.processor):
            if process is not None:
                process.kill()
                process.wait(60)
                if process.stderr is not None:
                    process.stderr.close()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _configuration(self) -> dict[str, Any]:
        def cluster(name: str, address: dict[str, Any], **more: Any) -> dict[str, Any]:
            endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
            assignment = {"cluster_name": name, "endpoints": [endpoint]}
            return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment, **more}

        def filter_of(name: str, message: str, **fields: Any) -> dict[str, Any]:
            typed = {"@type": f"type.googleapis.com/envoy.extensions.filters.http.{message}", **fields}
            return {"name": f"envoy.filters.http.{name}", "typed_config": typed}

        http2 = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        }
        provider = {
            "issuer": ISSUER,
            "payload_in_metadata": "jwt",
            "local_jwks": {"inline_string": json.dumps({"keys": [self._key.as_dict(private=True)]})},
        }
        jwt_authn = filter_of(
            "jwt_authn",
            "jwt_authn.v3.JwtAuthentication",
            providers={"p": provider},
            rules=[
                {
                    "match": {"prefix": "/"},
                    "requires": {"requires_any": {"requirements": [{"provider_name": "p"}, {"allow_missing": {}}]}},
                }
            ],
        )
        # Stands in for the API-key, introspection and mTLS filters: only what they would have verified reaches us.
        lua = filter_of("lua", "lua.v3.Lua", default_source_code={"inline_string": _LUA})
        ext_proc = filter_of(
            "ext_proc",
            "ext_proc.v3.ExternalProcessor",
            grpc_service={"envoy_grpc": {"cluster_name": "processor"}, "timeout": "5s"},
            failure_mode_allow=False,
            allow_mode_override=True,
            message_timeout="5s",
            request_attributes=[ROUTE_NAME],
            forward_rules=FORWARD_RULES,
            processing_mode={"response_header_mode": "SKIP"},
            metadata_options={
                "forwarding_namespaces": {"untyped": list(FORWARDED_NAMESPACES)},
                "receiving_namespaces": {"untyped": [METADATA]},
            },
        )
        routes = [{"name": o, "match": {"path": f"/{o}"}, "route": {"cluster": "upstream"}} for o in self.operations]
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager"
            ".v3.HttpConnectionManager",
            "stat_prefix": "in",
            "codec_type": "AUTO",
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
            "http_filters": [jwt_authn, lua, ext_proc, filter_of("router", "router.v3.Router")],
            "access_log": [
                {
                    "name": "file",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                        "path": str(self.log),
                        "log_format": {
                            "json_format": {
                                "mark": "%REQ(test-mark)%",
                                "status": "%RESPONSE_CODE%",
                                "details": "%RESPONSE_CODE_DETAILS%",
                                "processor": f"%DYNAMIC_METADATA({METADATA})%",
                            }
                        },
                    },
                }
            ],
        }
        listener = {
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}},
            "per_connection_buffer_limit_bytes": 4 * 1024 * 1024,
            "filter_chains": [
                {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
            ],
        }
        upstream = {"socket_address": {"address": "127.0.0.1", "port_value": self.upstream.port}}
        limit = {"per_connection_buffer_limit_bytes": 4 * 1024 * 1024}
        return {
            "static_resources": {
                "listeners": [listener],
                "clusters": [
                    cluster("upstream", upstream, **limit),
                    cluster("processor", {"pipe": {"path": str(self.uds)}}, typed_extension_protocol_options=http2),
                ],
            }
        }


_LUA = """
function envoy_on_request(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local headers = handle:headers()
  headers:remove("x-assay-certificate-name")
  if headers:get("test-key") then metadata:set("assay", "consumer", headers:get("test-key")) end
  if headers:get("test-certificate") then
    headers:add("x-assay-certificate-name", headers:get("test-certificate"))
  end
  if headers:get("test-opaque") then
    metadata:set("envoy.filters.http.ext_authz", "x-assay-client", headers:get("test-opaque"))
    metadata:set("envoy.filters.http.ext_authz", "x-assay-roles", ",agent,")
  end
  if headers:get("test-refuse") then handle:respond({[":status"] = "403"}, "refused before") end
end
"""


@pytest.fixture(scope="module")
def make_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Rig]]:
    """Starts everything for a bundle, or ``instead`` a program in place of the processor; stops it in the end."""
    started: list[Rig] = []

    def make(bundle: bundles.Bundle, *, instead: str | None = None) -> Rig:
        rig = Rig(tmp_path_factory.mktemp("rig"), sorted(bundle.operations))
        started.append(rig)
        rig.write(bundle)
        if instead is None:
            rig.start_processor()
        else:
            rig.start_instead(instead)
        rig.start_envoy()
        return rig

    yield make
    for rig in started:
        rig.close()
