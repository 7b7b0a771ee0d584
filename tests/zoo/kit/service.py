"""A service: from an ASGI request to an operation's handler, through every check in its order."""

from __future__ import annotations

import json
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.zoo.flaws import Switches
from tests.zoo.kit.accounts import Accounts
from tests.zoo.kit.contract import Checks, contract
from tests.zoo.kit.database import Database
from tests.zoo.kit.limits import Limits
from tests.zoo.kit.model import Call, Caller, Operation, Problem, Reply, Schema
from tests.zoo.kit.outside import Outside
from tests.zoo.kit.routing import Found, Routes

BODY_BYTES = 65_536
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a service is: everything but its store and its switches."""

    name: str
    title: str
    operations: tuple[Operation, ...]
    ids: Mapping[str, Schema]
    schemas: Mapping[str, Schema]
    scopes: tuple[str, ...] = ()
    opaque: bool = False
    soft_404: bool = False  # whether unknown pages are answered with 200, as single-page applications do
    upload_bytes: int = BODY_BYTES

    def contract(self) -> dict[str, Any]:
        """Its OpenAPI document."""
        return contract(
            title=self.title,
            operations=self.operations,
            ids=self.ids,
            schemas=self.schemas,
            scopes=self.scopes,
            opaque=self.opaque,
        )


@dataclass(kw_only=True)
class Service:
    """A running service.

    Attributes:
        clock: seconds since the epoch.
        files: a folder of files that it serves from, and a marker beside it; empty: none.
    """

    definition: Definition
    database: Database
    accounts: Accounts
    flaws: Switches
    clock: Callable[[], float]
    files: str = ""
    memory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.routes = Routes(self.definition.operations, self.flaws)
        self.checks = Checks(self.definition.ids, self.definition.schemas, self.flaws)
        self.limits = Limits(default=(6000, 60.0), flaws=self.flaws, clock=self.clock)

    def app(self) -> Starlette:
        """The service as an ASGI application."""
        route = Route("/{path:path}", self._answer, methods=_METHODS)
        return Starlette(routes=[route], middleware=[])

    async def _answer(self, request: Request) -> Response:
        outside = Outside(self.definition.name, self.flaws)
        request_id = uuid.uuid4().hex
        try:
            response = outside.before(request) or await self._served(request)
        except Problem as problem:
            response = self._refusal(problem, request_id)
        except Exception as error:  # noqa: BLE001 - whatever breaks, callers learn nothing of it
            response = self._refusal(Problem(500, "Internal Server Error"), request_id, error)
        response.headers["x-request-id"] = request_id
        outside.after(request, response)
        return response

    async def _served(self, request: Request) -> Response:
        path = raw_path(request)
        found, checked = self._route(request, path)
        if found is None:
            return self._unknown(request)
        method = self._method(request, found)
        operation = found.methods[method]
        who = await self._caller(request, operation if checked else None)
        call = Call(service=self, request=request, operation=operation, params=found.params, who=who)
        if checked is not None:
            self._allow(checked.methods.get(request.method, operation), who)
        self.limits.count(call)
        self.checks.params(operation, found.params)
        call.query = self._query(request)
        self.checks.named(operation, "query", operation.query, call.query)
        given = {name: request.headers[name] for name in operation.header if name in request.headers}
        self.checks.named(operation, "header", operation.header, given)
        await self._read_body(call)
        return self._response(await operation.handler(call))

    def _route(self, request: Request, path: str) -> tuple[Found | None, Found | None]:
        """What is served, and what access is decided by: the same, but for flaws. None: nothing is decided."""
        found = self.routes.find(path)
        if found and "trusts-original-url" in self.flaws and "x-original-url" in request.headers:
            return self.routes.find(request.headers["x-original-url"]) or found, found
        if found is None:
            return self.routes.find_tolerantly(path), None
        return found, found

    def _method(self, request: Request, found: Found) -> str:
        method = "GET" if request.method == "HEAD" else request.method
        override = request.headers.get("x-http-method-override", "").upper()
        if "method-override" in self.flaws and override in found.methods:
            return override
        if method not in found.methods:
            raise Problem(405, "Method Not Allowed", {"allow": ", ".join(sorted(found.methods))})
        return method

    async def _caller(self, request: Request, operation: Operation | None) -> Caller | None:
        if "trusts-user-header" in self.flaws and "x-user-id" in request.headers:
            return self.accounts.named(request.headers["x-user-id"])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if "token-in-query" in self.flaws and "access_token" in request.query_params:
            scheme, token = "bearer", request.query_params["access_token"]
        if scheme.lower() == "bearer" and token and (operation is None or not operation.public or operation.optional):
            return await self.accounts.whose(token.strip())
        return None

    def _allow(self, operation: Operation, who: Caller | None) -> None:
        """Role and scope. Whose object it is, the handler knows."""
        if operation.public or ("open-operation" in self.flaws and operation.id == OPEN_OPERATION):
            return
        if who is None:
            raise Problem(401, "Unauthorized", {"www-authenticate": "Bearer"})
        if not who.has(*operation.roles) and ROLE_FLAWS.get(operation.id, "") not in self.flaws.on:
            raise Problem(403, "Forbidden")
        if operation.scope and operation.scope not in who.scopes and "scope-ignored" not in self.flaws:
            raise Problem(403, "Forbidden", {"www-authenticate": 'Bearer error="insufficient_scope"'})

    def _query(self, request: Request) -> dict[str, str]:
        pairs = request.query_params.multi_items()
        if "token-in-query" in self.flaws:
            pairs = [pair for pair in pairs if pair[0] != "access_token"]
        if len(dict(pairs)) < len(pairs) and "query-pollution" not in self.flaws:
            raise Problem(400, "A query parameter is given twice")
        return dict(pairs)

    async def _read_body(self, call: Call) -> None:
        operation = call.operation
        most = operation.limit or BODY_BYTES
        if "no-body-limit" in self.flaws and operation.media == "application/json":
            most = 64 * BODY_BYTES  # still something, for the machine's sake
        if "upload-any-size" in self.flaws and operation.media != "application/json":
            most = 64 * BODY_BYTES
        received = bytearray()
        async for chunk in call.request.stream():
            received += chunk
            if len(received) > most:
                raise Problem(413, "Content Too Large")
        call.raw = bytes(received)
        if operation.body is None:
            if received:
                raise Problem(400, "No body is expected")
            return
        kind, _, parameters = call.request.headers.get("content-type", "").lower().partition(";")
        charset = parameters.replace(" ", "").replace('"', "")
        right = kind.strip() == operation.media and charset in ("", "charset=utf-8")
        if not right and "content-type-ignored" not in self.flaws:
            raise Problem(415, "Unsupported Media Type")
        if operation.media == "application/json":
            call.body, call.first_body = self._parsed(call.raw)
            self.checks.body(operation, call.body)

    def _parsed(self, raw: bytes) -> tuple[Any, Any]:
        try:
            pairs = json.loads(raw.decode(), object_pairs_hook=_Pairs, parse_constant=_no_constant)
            json.dumps(pairs, ensure_ascii=False).encode()  # half a character, escaped, is no text
            repeats, last, first = _repeats(pairs), _folded(pairs, first=False), _folded(pairs, first=True)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is not JSON") from error
        if repeats and "duplicate-keys" not in self.flaws:
            raise Problem(400, "A key is given twice")
        return last, first

    def _response(self, reply: Reply) -> Response:
        body = reply.body
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, separators=(",", ":")).encode()
        response = Response(body, reply.status, dict(reply.headers))
        if body is not None:
            response.headers["content-type"] = reply.media
        return response

    def _refusal(self, problem: Problem, request_id: str, error: Exception | None = None) -> Response:
        body: dict[str, Any] = {"type": "about:blank", "title": problem.title, "status": problem.status}
        if problem.status not in (401, 404):
            body["request_id"] = request_id
        cause = error or problem.__cause__
        if "stack-traces" in self.flaws and cause is not None and problem.status in (400, 500):
            body["trace"] = traceback.format_exception(cause)
        return Response(json.dumps(body), problem.status, dict(problem.headers), media_type="application/problem+json")

    def _unknown(self, request: Request) -> Response:
        """TRAP: pages that do not exist are answered with 200 and a friendly page, to browsers or to everybody."""
        if request.method == "GET" and (self.definition.soft_404 or "text/html" in request.headers.get("accept", "")):
            return Response(SOFT_404, media_type="text/html")
        raise Problem(404, "Not Found")


SOFT_404 = b"<!doctype html><title>Welcome</title><h1>We could not find this page</h1><div id=app></div>"
OPEN_OPERATION = "listInvoices"
ROLE_FLAWS = {
    "refundOrder": "role-not-checked",
    "exportOrders": "admin-by-any-role",
    "createUser": "anyone-creates-users",
}


def raw_path(request: Request) -> str:
    """The path as it was sent, without its query."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    return bytes(raw).partition(b"?")[0].decode("latin-1")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as they came."""


def _repeats(value: Any) -> bool:
    if isinstance(value, _Pairs):
        return len(dict(value)) < len(value) or any(_repeats(v) for _, v in value)
    return isinstance(value, list) and any(_repeats(v) for v in value)


def _folded(value: Any, *, first: bool) -> Any:
    if isinstance(value, _Pairs):
        pairs: Sequence[tuple[str, Any]] = list(reversed(value)) if first else value
        return {key: _folded(inner, first=first) for key, inner in pairs}
    return [_folded(inner, first=first) for inner in value] if isinstance(value, list) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
