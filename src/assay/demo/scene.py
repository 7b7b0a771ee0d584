"""What the walk works with: the bare service, the gateway in front of it, identities, the store's bytes, the log."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assay.gateway.decision import Decision, decide

_LOG_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``status`` 0: no HTTP answer at all (``text`` says why)."""

    status: int
    text: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass
class Scene:
    """Both ways to the same data.

    Attributes:
        direct: base URL of the bare service.
        gateway: base URL of the gateway.
        tokens: access tokens by who holds them.
        api_key: the partner's key.
        stored: the bytes of the store, as they lie on the disk.
    """

    direct: str
    gateway: str
    trust: ssl.SSLContext
    client_certificate: ssl.SSLContext
    tokens: Mapping[str, str]
    api_key: str
    access_log: Path
    stored: Callable[[], bytes]
    _clients: dict[object, httpx.Client] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> Answer:
        """The bare service's answer."""
        return self._send("direct", self.direct, method, path, **options)

    def call(self, method: str, path: str, *, who: str | None = None, **options: Any) -> tuple[Answer, Decision]:
        """The gateway's answer to the caller ``who``, and what its log says about the call."""
        request_id = str(uuid.uuid4())
        headers = {"x-request-id": request_id, **options.pop("headers", {})}
        if who == "partner":
            headers["x-api-key"] = self.api_key
        elif who and who != "back-office":
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        via = "certificate" if who == "back-office" else "gateway"
        answer = self._send(via, self.gateway, method, path, headers=headers, **options)
        return answer, self._decision(request_id)

    def _send(
        self, via: str, base: str, method: str, path: str, *, source: str | None = None, **options: Any
    ) -> Answer:
        try:
            found = self._client(via, source).request(method, base + path, **options)
        except httpx.HTTPError as error:
            return Answer(0, str(error) or type(error).__name__, {})
        return Answer(found.status_code, found.text, dict(found.headers))

    def _client(self, via: str, source: str | None) -> httpx.Client:
        key = (via, source)
        if key not in self._clients:
            verify: ssl.SSLContext | bool = True
            if via != "direct":
                verify = self.client_certificate if via == "certificate" else self.trust
            transport = httpx.HTTPTransport(verify=verify, local_address=source)
            self._clients[key] = httpx.Client(transport=transport, timeout=10)
        return self._clients[key]

    def _decision(self, request_id: str) -> Decision:
        """What the access log says about one call. The log is written in bursts, so this waits a little."""
        end = time.monotonic() + _LOG_SECONDS
        needle = request_id.encode()
        while time.monotonic() < end:
            try:
                lines = self.access_log.read_bytes().split(b"\n")[:-1]  # without one that is being written
            except OSError:
                lines = []
            for line in reversed(lines):
                if needle in line:
                    return decide(json.loads(line))
            time.sleep(0.03)
        return Decision("failed", "no line in the access log")

    def close(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            client.close()
