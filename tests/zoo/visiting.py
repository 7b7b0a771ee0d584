"""Visits to a service of the zoo without a network: the application is called in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from tests.zoo.kit.service import Service
from tests.zoo.kit.tokens import SigningKey
from tests.zoo.services import PEOPLE, make, new_key

START = 1_800_000_000.0


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Visit:
    """One service, and whoever is logged in to it.

    With no flaw on, every answer is held against the contract.
    """

    def __init__(self, service: Service, client: httpx.AsyncClient, clock: Clock, folder: Path) -> None:
        self.service, self.client, self.clock, self.folder = service, client, clock, folder
        self.passwords = {person.user: person.password for person in PEOPLE[service.definition.name]}
        self._tokens: dict[str, str] = {}

    async def login(self, user: str, **more: Any) -> dict[str, Any]:
        """A new session; the whole answer."""
        answer = await self.call("POST", "/login", json={"user": user, "password": self.passwords[user], **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def token(self, user: str) -> str:
        """The token of somebody, logged in at first use."""
        if user not in self._tokens:
            self._tokens[user] = (await self.login(user))["token"]
        return self._tokens[user]

    async def call(
        self,
        method: str,
        path: str,
        who: str = "",
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request. ``who`` logs in by itself; ``token`` is shown as it is."""
        given = dict(headers or {})
        if who:
            token = await self.token(who)
        if token:
            given.setdefault("authorization", f"Bearer {token}")
        answer = await self.client.request(method, path, headers=given, **more)
        if not self.service.flaws and answer.is_success:
            self._hold_against_contract(method, answer)
        return answer

    def _hold_against_contract(self, method: str, answer: httpx.Response) -> None:
        raw = answer.request.url.raw_path.partition(b"?")[0].decode()
        found = self.service.routes.find(raw)
        operation = found.methods.get(method) if found else None
        if operation is None:
            return
        assert answer.status_code == operation.status, operation.id
        if operation.answer_media == "application/json" and answer.content:
            errors = self.service.checks.answer_errors(operation, answer.json())
            assert not errors, (operation.id, errors)
        if operation.answer is None:
            assert not answer.content, operation.id


@cache
def key_of(name: str) -> SigningKey:
    """One key for each service in a run of tests: making keys is slow."""
    return new_key(name)


@contextlib.asynccontextmanager
async def visiting(name: str, *flaws: str) -> AsyncIterator[Visit]:
    """A fresh service with these flaws, in memory."""
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="zoo-test-") as made:
        service = make(name, flaws, folder=Path(made), in_memory=True, key=key_of(name), clock=clock)
        transport = httpx.ASGITransport(service.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://zoo.test") as client:
            try:
                yield Visit(service, client, clock, Path(service.files))
            finally:
                service.database.close()


def visit(name: str, what: Callable[[Visit], Awaitable[bool]], *flaws: str) -> bool:
    """What a visit brings."""

    async def whole() -> bool:
        async with visiting(name, *flaws) as there:
            return await what(there)

    return asyncio.run(whole())


class Listener:
    """A server on loopback that notes who calls, and answers everything with one body."""

    def __init__(self, body: bytes, url: str, heard: list[str]) -> None:
        self.body, self.url, self.heard = body, url, heard


@contextlib.contextmanager
def listening(body: bytes = b"canary-7f3a") -> Iterator[Listener]:
    """A listener; its URL holds a nonce."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Listener(body, f"http://127.0.0.1:{server.server_address[1]}/nonce-91c2", heard)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def holds(answer: httpx.Response, *texts: str) -> bool:
    """Whether an answer is a success and holds all these texts."""
    return answer.is_success and all(text in answer.text for text in texts)


async def allowed_origin(zoo: Visit, origin: str) -> bool:
    """Whether pages from there may read answers with the user's credentials."""
    headers = (await zoo.call("GET", "/health", headers={"origin": origin})).headers
    shown = headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")
    return shown == (origin, "true")


def raw_json(*pairs: tuple[str, object]) -> bytes:
    """A JSON object with exactly these members, repeated ones as well."""
    return ("{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in pairs) + "}").encode()
