"""The service behind the generated API: records of customers in memory, over plain ASGI.

``python -m benchmarks.proving.service PORT`` serves on loopback until it is ended. It trusts whatever stands in front.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from benchmarks.proving.generated import ITEMS, RESOURCES
from granian.constants import Interfaces
from granian.server.embed import Server

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_Reply = tuple[int, Any]
_COMMON = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Store:
    """Records by resource, customer and id."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def answer(self, method: str, path: str, body: bytes) -> _Reply:
        """Status and JSON value for a request."""
        parts = path.strip("/").split("/")
        if parts[0] != "customers" or not 1 <= len(parts) <= 4 or (len(parts) > 2 and parts[2] not in RESOURCES):
            return 404, {"title": "Not Found"}
        customer, resource = parts[1] if len(parts) > 2 else "", parts[2] if len(parts) > 2 else "customers"
        if len(parts) in (1, 3):
            return self._collection(method, resource, customer, body)
        return self._one(method, (resource, customer, parts[-1]), body)

    def _collection(self, method: str, resource: str, customer: str, body: bytes) -> _Reply:
        if method == "GET":
            own = [row for key, row in self._kept.items() if key[:2] == (resource, customer)]
            return 200, {"items": own[-ITEMS:]}
        if method != "POST":
            return 405, {"title": "Method Not Allowed"}
        number = f"{'c' if resource == 'customers' else resource}-{next(self._numbers)}"
        name = "customerId" if resource == "customers" else f"{resource}Id"
        row = {"note": "", "customerId": customer, **json.loads(body), name: number}
        self._kept[resource, customer, number] = row
        return 201, row

    def _one(self, method: str, key: tuple[str, str, str], body: bytes) -> _Reply:
        row = self._kept.get(key)
        if row is None:
            return 404, {"title": "Not Found"}
        if method == "PATCH":
            row |= json.loads(body)
        elif method == "DELETE":
            del self._kept[key]
            return 204, None
        elif method != "GET":
            return 405, {"title": "Method Not Allowed"}
        return 200, row


def application(store: Store) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """The service as an ASGI application."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            status, value = store.answer(scope["method"], scope["path"], body)
        except (ValueError, TypeError):
            status, value = 400, {"title": "Bad Request"}
        sent = b"" if value is None else json.dumps(value).encode()
        headers = [*_COMMON, (b"content-length", str(len(sent)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": sent})

    return app


async def serve(port: int) -> None:
    """Serves on loopback until the process ends."""
    app = application(Store())
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False)
    await server.serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
