"""Three small services, one for each layer. Each calls down with a credential of its own, through the gateway.

experience: what a shop's app shows of a customer; process: what the business knows; system: the record itself.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROLES = ("experience", "process", "system")
RECORDS = {"c-1": {"id": "c-1", "name": "Ada Byron", "segment": "gold"}}

_PATHS = {"experience": "/profiles", "process": "/customers", "system": "/records"}


@dataclass(frozen=True)
class Down:
    """How a layer calls the next one. The key is read at each call, so that it may be issued and rotated."""

    url: str
    key_file: Path
    authority: Path | None = None

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of the next layer's answer."""
        trust = ssl.create_default_context(cafile=str(self.authority)) if self.authority else True
        with httpx.Client(verify=trust, trust_env=False, timeout=5) as client:
            answer = client.get(self.url + path, headers={"x-api-key": self.key_file.read_text().strip()})
        return answer.status_code, answer.json()


@dataclass
class Layer:
    """One of the three. ``seen``: paths of the requests that reached it."""

    role: str
    down: Down | None = None
    seen: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and JSON for a GET. The list of a layer has what its own single objects show."""
        self.seen.append(path)
        base = _PATHS[self.role]
        if path != base and not path.startswith(base + "/"):
            return 404, {"error": "unknown"}
        wanted = path.removeprefix(base).strip("/")
        if self.role == "system":
            found = list(RECORDS.values())
        else:
            status, below = self.down.get(_below(self.role)) if self.down else (503, {})
            if status != 200:
                return 502, {"below": status}
            found = [_shaped(self.role, record) for record in below]
        if not wanted:
            return 200, found
        one = next((r for r in found if r.get("id", r.get("customer")) == wanted), None)
        return (200, one) if one else (404, {"error": "unknown"})


def _below(role: str) -> str:
    return _PATHS[ROLES[ROLES.index(role) + 1]]


def _shaped(role: str, record: dict[str, Any]) -> dict[str, Any]:
    if role == "process":
        return {"customer": record["id"], "name": record["name"], "discount": 10 if record["segment"] == "gold" else 0}
    return {"id": record["customer"], "greeting": f"Welcome, {record['name'].split()[0]}"}


def serve(layer: Layer, port: int = 0) -> ThreadingHTTPServer:
    """A server of the layer on loopback; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, value = layer.answer(self.path.partition("?")[0])
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing: the gateway has a log."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


@contextmanager
def running(layer: Layer) -> Iterator[str]:
    """The layer's URL while it runs."""
    server = serve(layer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def contract(role: str) -> str:
    """The layer's OpenAPI document."""
    path, name = _PATHS[role], _PATHS[role].strip("/")
    return f"""\
openapi: 3.1.0
info: {{title: {role}, version: "1"}}
servers: [{{url: https://{role}.example}}]
components:
  securitySchemes:
    login: {{type: oauth2, flows: {{clientCredentials: {{tokenUrl: "https://login.example/token", scopes: {{}}}}}}}}
    key: {{type: apiKey, in: header, name: X-API-Key}}
security: [{{login: []}}, {{key: []}}]
paths:
  {path}:
    get: {{operationId: list-{name}, responses: {{"200": {{description: ok}}}}}}
  {path}/{{id}}:
    parameters: [{{name: id, in: path, required: true, schema: {{type: string, pattern: "^[a-z0-9-]{{1,20}}$"}}}}]
    get: {{operationId: get-{name}, responses: {{"200": {{description: ok}}}}}}
"""
