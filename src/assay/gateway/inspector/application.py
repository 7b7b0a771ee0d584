"""What the inspector answers Envoy's ext_authz filter: a request in, the bytes of an answer out.

``/inspect`` + the original path and query: contract and injection. ``/introspect`` + the original path: opaque tokens.
``/status``: what is loaded. Only the prefix, which Envoy writes, decides what is asked; the rest of the path belongs
to the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final

import httpx
import msgspec

from assay.gateway.inspector import decision, introspection
from assay.gateway.inspector.bundle import Compiled
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.decision import Decision, Refused, failure
from assay.gateway.inspector.holder import Holder
from assay.gateway.inspector.http1 import Header, InvalidTarget, Malformed, Request, response
from assay.gateway.inspector.introspection import Identity, Introspector

INSPECT: Final = b"/inspect"
INTROSPECT: Final = b"/introspect"
STATUS: Final = b"/status"
WATCH_SECONDS: Final = 0.2
_OPERATION: Final = b"x-assay-operation"
_ISSUER: Final = b"x-assay-issuer"
_REQUEST_ID: Final = b"x-request-id"
_PROBLEM: Final = (b"content-type", b"application/problem+json")


class Application:
    """Answers Envoy. One instance per worker process; everything runs in its event loop."""

    def __init__(self, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self._holder = holder
        self._clock = clock
        self._started = time.monotonic()
        self._introspector: Introspector | None = None
        self._allowed: tuple[str, bytes] = ("", b"")
        self._counts = {"inspected": 0, "allowed": 0, "observed": 0, "denied": 0, "errors": 0, "introspected": 0}

    def answer(self, request: Request) -> bytes | Coroutine[Any, Any, bytes]:
        """The answer to a request, or what to await for it; neither raises."""
        path, _, query = request.target.partition(b"?")
        if _below(path, INSPECT):
            return self._inspect(request, path[len(INSPECT) :], query)
        if _below(path, INTROSPECT):
            return self._introspect(request.headers)
        if path == STATUS and request.method == "GET" and not _lines(request.headers, _OPERATION):
            return response(200, [(b"content-type", b"application/json")], self.status())
        return self._decide(failure("unknown question"), self._holder.current, request.headers)

    def malformed(self, flaw: Malformed) -> bytes:
        """The answer to what is no request; the connection ends with it. A bad target is the client's: 400, not 503."""
        found = failure("malformed question")
        if isinstance(flaw, InvalidTarget):
            detail = "The URL has a character that must be percent-encoded."
            found = Refused("query-encoding", detail, reason="character not encoded").decision
        return self._decide(found, self._holder.current, keep=False)

    def _inspect(self, request: Request, path: bytes, query: bytes) -> bytes:
        self._counts["inspected"] += 1
        current = self._holder.current  # once: another bundle may be taken at any moment
        try:
            found = _inspected(current, request, path, query)
        except Exception as error:  # noqa: BLE001 (fail closed)
            found = failure(f"{type(error).__name__} before inspecting")
        return self._decide(found, current, request.headers)

    def _decide(
        self, found: Decision, used: Compiled | None, asked: Sequence[Header] = (), *, keep: bool = True
    ) -> bytes:
        digest = used.digest if used is not None else ""
        if found is decision.ALLOWED:
            self._counts["allowed"] += 1
            if self._allowed[0] != digest or not self._allowed[1]:
                self._allowed = (digest, response(200, decision.headers(found, digest), b""))
            return self._allowed[1]
        self._counts["errors" if found.status == 503 else "observed" if found.allowed else "denied"] += 1
        headers = decision.headers(found, digest)
        if not found.allowed:
            headers.append(_PROBLEM)
        return response(found.status, headers, decision.problem(found, _request_id(asked)), keep=keep)

    async def _introspect(self, headers: Sequence[Header]) -> bytes:
        self._counts["introspected"] += 1
        try:
            found = await self._identity(headers)
            if found.status == 200:
                return response(200, list(found.headers), b"")
        except Exception as error:  # noqa: BLE001 (fail closed)
            found = Identity(503, reason=f"{type(error).__name__} while asking")
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
        return response(found.status, answer, decision.problem(refusal, _request_id(headers)))

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

    @contextlib.asynccontextmanager
    async def running(self, wake: asyncio.Event) -> AsyncIterator[None]:
        """While this lasts, tokens can be introspected and a changed bundle is taken; at once when ``wake`` is set."""
        async with httpx.AsyncClient(
            timeout=introspection.TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            self._introspector = Introspector(client, self._clock)
            watcher = asyncio.create_task(self._watch(wake))
            try:
                yield
            finally:
                watcher.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watcher

    async def _watch(self, wake: asyncio.Event) -> None:
        """Takes a changed bundle within :data:`WATCH_SECONDS`, or at once on SIGHUP."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), WATCH_SECONDS)
            if wake.is_set() or self._holder.changed():
                wake.clear()
                # Compiling thousands of schemas takes long; requests go on under the old bundle meanwhile.
                await asyncio.to_thread(self._holder.reload)


def _inspected(current: Compiled | None, request: Request, path: bytes, query: bytes) -> Decision:
    if current is None:
        return failure("no bundle is loaded")
    headers = request.headers
    names = _lines(headers, _OPERATION)
    operation = current.operation(names[0].decode("utf-8", "replace")) if len(names) == 1 else None
    if operation is None:
        return failure("the operation is not in the bundle")
    return inspect(operation, request.method, path.decode("latin-1"), query, headers, request.body)


def _below(path: bytes, prefix: bytes) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/", b"*")


def _request_id(headers: Sequence[Header]) -> str:
    found = _lines(headers, _REQUEST_ID)
    return found[0].decode("utf-8", "replace") if len(found) == 1 else ""


def _lines(headers: Sequence[Header], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
