"""The inspector as an ASGI application behind Envoy's ext_authz filter.

``/inspect`` + the original path and query: contract and injection. ``/introspect`` + the original path: opaque tokens.
``/status``: what is loaded. Only the prefix, which Envoy writes, decides what is asked; the rest of the path belongs
to the client.

ASGI and not RSGI, because RSGI leaves out header lines whose value is not ASCII, so that a client could hide a header
from inspection; the cost is the same (44 µs of processor time per request on the machine where both were measured).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import httpx
import msgspec

from assay.gateway.inspector import decision, introspection
from assay.gateway.inspector.bundle import Compiled
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.decision import Decision, failure
from assay.gateway.inspector.holder import Holder
from assay.gateway.inspector.introspection import Identity, Introspector

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

INSPECT: Final = b"/inspect"
INTROSPECT: Final = b"/introspect"
STATUS: Final = b"/status"
WATCH_SECONDS: Final = 0.2
MAX_BODY_BYTES: Final = 256 * 1024 * 1024
_OPERATION: Final = b"x-assay-operation"
_ISSUER: Final = b"x-assay-issuer"
_PROBLEM: Final = (b"content-type", b"application/problem+json")


class Application:
    """Answers Envoy. One instance per worker process; everything runs in its event loop."""

    def __init__(self, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self._holder = holder
        self._clock = clock
        self._started = time.monotonic()
        self._introspector: Introspector | None = None
        self._allowed: tuple[str, dict[str, Any]] = ("", {})
        self._counts = {"inspected": 0, "allowed": 0, "observed": 0, "denied": 0, "errors": 0, "introspected": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point (https://asgi.readthedocs.io, version 3)."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        headers: Sequence[Header] = scope["headers"]
        if _below(path, INSPECT):
            await self._inspect(scope["method"], path[len(INSPECT) :], scope["query_string"], headers, receive, send)
        elif _below(path, INTROSPECT):
            await self._introspect(headers, send)
        elif path == STATUS and scope["method"] == "GET" and not _lines(headers, _OPERATION):
            await _answer(send, 200, [(b"content-type", b"application/json")], self.status())
        else:
            await self._decide(send, failure("unknown question"), self._holder.current)

    async def _inspect(
        self, method: str, path: bytes, query: bytes, headers: Sequence[Header], receive: Receive, send: Send
    ) -> None:
        self._counts["inspected"] += 1
        current = None
        try:
            body = await _body(receive)
            current = self._holder.current  # once: another bundle may be taken at any moment
            found = _inspected(current, method, path, query, headers, body)
        except Exception as error:  # noqa: BLE001 (fail closed)
            found = failure(f"{type(error).__name__} before inspecting")
        await self._decide(send, found, current)

    async def _decide(self, send: Send, found: Decision, used: Compiled | None) -> None:
        digest = used.digest if used is not None else ""
        if found is decision.ALLOWED:
            self._counts["allowed"] += 1
            if self._allowed[0] != digest or not self._allowed[1]:
                self._allowed = (digest, _start(200, [*decision.headers(found, digest), (b"content-length", b"0")]))
            await send(self._allowed[1])
            await send(_EMPTY)
            return
        self._counts["errors" if found.status == 503 else "observed" if found.allowed else "denied"] += 1
        headers = decision.headers(found, digest)
        if not found.allowed:
            headers.append(_PROBLEM)
        await _answer(send, found.status, headers, decision.problem(found))

    async def _introspect(self, headers: Sequence[Header], send: Send) -> None:
        self._counts["introspected"] += 1
        try:
            found = await self._identity(headers)
        except Exception as error:  # noqa: BLE001 (fail closed)
            found = Identity(503, reason=f"{type(error).__name__} while asking")
        if found.status == 200:
            await _answer(send, 200, list(found.headers), b"")
            return
        refusal = Decision(
            found.status,
            decision.DENY,
            "authentication/introspection",
            "The token is not valid." if found.status == 401 else "The token could not be checked.",
            found.reason,
        )
        digest = self._holder.current.digest if self._holder.current is not None else ""
        answer = [*decision.headers(refusal, digest), _PROBLEM]
        if found.status == 401:
            answer.append((b"www-authenticate", b'Bearer realm="assay", error="invalid_token"'))  # RFC 6750 section 3
        await _answer(send, found.status, answer, decision.problem(refusal))

    async def _identity(self, headers: Sequence[Header]) -> Identity:
        current = self._holder.current
        if current is None or self._introspector is None:
            return Identity(503, reason="no bundle is loaded")
        token = introspection.bearer(_lines(headers, b"authorization"))
        if isinstance(token, Identity):
            return token
        if token is None or introspection.is_jwt(token):
            return introspection.ANONYMOUS
        names = _lines(headers, _ISSUER)
        issuer = current.issuers.get(names[0].decode("utf-8", "replace")) if len(names) == 1 else None
        if issuer is None:
            return Identity(503, reason="the issuer is not in the bundle")
        return await self._introspector.identify(issuer, token)

    def status(self) -> bytes:
        """What is loaded and what was decided, as JSON."""
        current = self._holder.current
        return msgspec.json.encode(
            {
                "version": 1,
                "digest": current.digest if current else None,
                "operations": len(current.bundle.operations) if current else 0,
                "core_rule_set_left_out": current.left_out if current else (),
                "pid": os.getpid(),
                "uptime_seconds": round(time.monotonic() - self._started, 3),
                "reloads": self._holder.reloads,
                "reload_error": self._holder.error or None,
                "counts": self._counts,
            }
        )

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        watcher: asyncio.Task[None] | None = None
        async with httpx.AsyncClient(
            timeout=introspection.TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    self._introspector = Introspector(client, self._clock)
                    wake = asyncio.Event()
                    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, wake.set)
                    watcher = asyncio.create_task(self._watch(wake))
                    await send({"type": "lifespan.startup.complete"})
                elif message["type"] == "lifespan.shutdown":
                    if watcher is not None:
                        watcher.cancel()
                    await send({"type": "lifespan.shutdown.complete"})
                    return

    async def _watch(self, wake: asyncio.Event) -> None:
        """Takes a changed bundle within :data:`WATCH_SECONDS`, or at once on SIGHUP."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), WATCH_SECONDS)
            if wake.is_set() or self._holder.changed():
                wake.clear()
                # Compiling thousands of schemas takes long; requests go on under the old bundle meanwhile.
                await asyncio.to_thread(self._holder.reload)


def _inspected(
    current: Compiled | None, method: str, path: bytes, query: bytes, headers: Sequence[Header], body: bytes | None
) -> Decision:
    if current is None:
        return failure("no bundle is loaded")
    if body is None:
        return failure("the body did not arrive completely")
    names = _lines(headers, _OPERATION)
    operation = current.operation(names[0].decode("utf-8", "replace")) if len(names) == 1 else None
    if operation is None:
        return failure("the operation is not in the bundle")
    return inspect(operation, method, path.decode("latin-1"), query, headers, body)


_EMPTY: Final = {"type": "http.response.body", "body": b""}


def _start(status: int, headers: list[Header]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send(_start(status, [*headers, (b"content-length", str(len(body)).encode())]))
    await send({"type": "http.response.body", "body": body})


def _below(path: bytes, prefix: bytes) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/", b"*")


def _lines(headers: Sequence[Header], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the connection ended before it did, or it is beyond any bound."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message.get("body") or b""
    chunks: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        chunk: bytes = message.get("body") or b""
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()
    return None
