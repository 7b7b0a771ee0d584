"""The judging part of the script for plain requests, run by a real Envoy: bodies in, one verdict for each out."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from gateway_under_test import ENVOY

from assay.gateway.envoy.filters import plain
from assay.gateway.envoy.types import typed
from assay.gateway.ports import free_ports

# A request holds records, each after its length: first the node, as Lua writes it, then the bodies.
_HANDLER = """
function envoy_on_request(handle)
  local body = handle:body()
  local all, at, said = body:getBytes(0, body:length()), 1, {}
  local function record()
    local _, stop, size = find(all, "^(%d+)\\n", at)
    at = stop + 1 + size
    return sub(all, stop + 1, stop + size)
  end
  local node = loadstring("return " .. record())()
  while at <= #all do
    said[#said + 1] = plain(record(), node) and "1" or "0"
  end
  handle:respond({ [":status"] = "200" }, table.concat(said))
end
"""


@dataclass(frozen=True)
class Judge:
    """Asks the script."""

    client: httpx.Client

    def __call__(self, node: Any, bodies: Sequence[bytes]) -> list[bool]:
        """Which bodies are plain."""
        records = (plain.written(node).encode(), *bodies)
        content = b"".join(b"%d\n%b" % (len(r), r) for r in records)
        answer = self.client.post("/", content=content)
        assert (answer.status_code, len(answer.text)) == (200, len(bodies)), answer.text
        return [c == "1" for c in answer.text]


def _configuration(port: int, operations: Mapping[str, Any]) -> dict[str, Any]:
    judging, _, _ = plain.script("", operations).partition("function envoy_on_request")
    lua = typed("envoy.extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": judging + _HANDLER})
    router = typed("envoy.extensions.filters.http.router.v3.Router")
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 500}}
    manager = typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="judge",
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        http_filters=[{"name": "lua", "typed_config": lua}, {"name": "router", "typed_config": router}],
    )
    listener = {
        "name": "only",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
        "per_connection_buffer_limit_bytes": 16 << 20,
    }
    return {"static_resources": {"listeners": [listener]}}


@contextmanager
def judging(directory: Path, operations: Mapping[str, Any] | None = None) -> Iterator[Judge]:
    """A judge, while this lasts; its script carries what plain bodies of ``operations`` look like."""
    port = free_ports()
    file = directory / "judge.json"
    file.write_text(json.dumps(_configuration(port, operations or {})))
    arguments = [str(ENVOY), "-c", str(file), "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]
    process = subprocess.Popen(arguments, start_new_session=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            judge, end = Judge(client), time.monotonic() + 60
            while True:
                try:
                    judge({"kind": "boolean"}, [b"true"])
                    break
                except httpx.TransportError:
                    assert process.poll() is None
                    assert time.monotonic() < end
                    time.sleep(0.05)
            yield judge
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
