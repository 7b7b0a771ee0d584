"""The endpoints of the development issuer, as an ASGI application."""

from __future__ import annotations

import base64
import binascii
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.domain import AssayError
from assay.identity.issuer.attempts import Attempt, SecretChecker, Throttle
from assay.identity.issuer.config import Client, IssuerConfig
from assay.identity.issuer.ledger import TokenLedger
from assay.identity.issuer.signing import JWKS_MAX_AGE, KeyRing, current_key, jwks
from assay.identity.issuer.tokens import Claims, access_claims, read_token, sign

_log = logging.getLogger("assay.issuer")

DEVELOPMENT_HEADER = "x-assay-development-issuer"
_BODY_LIMIT = 16 * 1024
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_OPAQUE_PREFIX = "at_"
# RFC 7662 section 2.2: members of an introspection response that come from the token itself.
_INTROSPECTED = ("scope", "client_id", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "azp", "roles", "tenant")


class _Refused(Exception):
    """A request that ends with an OAuth error (RFC 6749 section 5.2)."""

    def __init__(self, status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class _Caller:
    """An authenticated client and what it sent."""

    client_id: str
    client: Client
    form: dict[str, str] = field(repr=False)


def build_app(
    config: IssuerConfig,
    *,
    wall_clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    rng: Callable[[int], str],
    throttle: Throttle | None = None,
) -> ASGIApp:
    """The issuer as an ASGI application. ``rng(n)`` returns URL-safe text of n random bytes.

    Raises :class:`AssayError` when its keys or its ledger cannot be read.
    """
    state_dir = Path(config.state_dir)
    issuer = _Issuer(
        config,
        KeyRing(state_dir),
        TokenLedger(state_dir),
        SecretChecker(throttle or Throttle(), clock=monotonic),
        lambda: int(wall_clock()),
        rng,
    )
    prefix = urlsplit(config.issuer_url).path.rstrip("/")
    routes = [
        Route(f"{prefix}/.well-known/openid-configuration", issuer.discovery, methods=["GET"]),
        Route(f"{prefix}/jwks", issuer.keys, methods=["GET"]),
        Route(f"{prefix}/token", _posted(issuer.token), methods=["POST"]),
        Route(f"{prefix}/introspect", _posted(issuer.introspect), methods=["POST"]),
        Route(f"{prefix}/revoke", _posted(issuer.revoke), methods=["POST"]),
        Route("/health", issuer.health, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, AssayError: _unavailable})
    app.router.redirect_slashes = False
    return _Marked(app)


class _Marked:
    """Puts the mark of a development issuer on every response, whatever produced it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), (DEVELOPMENT_HEADER.encode(), b"true")]
                message = {**message, "headers": [*headers, (b"x-content-type-options", b"nosniff")]}
            await send(message)

        await self._app(scope, receive, marked)


class _Issuer:
    def __init__(
        self,
        config: IssuerConfig,
        ring: KeyRing,
        ledger: TokenLedger,
        checker: SecretChecker,
        now: Callable[[], int],
        rng: Callable[[int], str],
    ) -> None:
        self._config = config
        self._ring = ring
        self._ledger = ledger
        self._checker = checker
        self._now = now
        self._rng = rng

    async def discovery(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2."""
        base = self._config.issuer_url.rstrip("/")
        methods = ["client_secret_basic", "client_secret_post"]
        document = {
            "issuer": self._config.issuer_url,
            "assay_development_issuer": True,
            "jwks_uri": f"{base}/jwks",
            "token_endpoint": f"{base}/token",
            "introspection_endpoint": f"{base}/introspect",
            "revocation_endpoint": f"{base}/revoke",
            "grant_types_supported": ["client_credentials", "password"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "scopes_supported": sorted({s for c in self._config.clients.values() for s in c.scopes}),
            "id_token_signing_alg_values_supported": list(self._config.algorithms),
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
        }
        return JSONResponse(document, headers={"cache-control": f"max-age={JWKS_MAX_AGE}"})

    async def keys(self, request: Request) -> Response:
        """The public keys (RFC 7517 section 5)."""
        document = jwks(self._ring.keys, self._now())
        return JSONResponse(document, headers={"cache-control": f"max-age={JWKS_MAX_AGE}"})

    async def health(self, request: Request) -> Response:
        """Whether tokens can be signed: 200, or 503 with the reason."""
        fault = ""
        try:
            current_key(self._ring.keys, self._config.algorithms[0], self._now())
        except AssayError as error:
            fault = error.sentence
        fault = fault or self._ring.fault
        body = {"status": "degraded" if fault else "ok", "issuer": self._config.issuer_url, "development": True}
        return JSONResponse({**body, "reason": fault} if fault else body, 503 if fault else 200, headers=_NO_STORE)

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2) with the grants of sections 4.3 and 4.4."""
        caller = await self._authenticated(request)
        grant = caller.form.get("grant_type")
        if grant is None:
            raise _Refused(400, "invalid_request", "grant_type is missing")
        if grant not in ("client_credentials", "password"):
            raise _Refused(400, "unsupported_grant_type", "use client_credentials or password")
        if grant not in caller.client.grants:
            raise _Refused(400, "unauthorized_client", "this client may not use this grant")
        scopes = tuple(caller.form["scope"].split(" ")) if "scope" in caller.form else None
        if scopes is not None and not set(scopes) <= set(caller.client.scopes):
            raise _Refused(400, "invalid_scope", "the client does not have that scope")
        username = await self._signed_in(caller, _peer(request)) if grant == "password" else None
        now = self._now()
        claims = access_claims(self._config, caller.client_id, now=now, scopes=scopes, username=username, rng=self._rng)
        if caller.client.token_format == "opaque":
            token = _OPAQUE_PREFIX + self._rng(32)
            self._ledger.remember(token, claims, expires=now + self._config.lifetime_seconds, now=now)
        else:
            token = sign(claims, current_key(self._ring.keys, self._config.algorithms[0], now))
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self._config.lifetime_seconds,
            "scope": claims["scope"],
        }
        return JSONResponse(body, headers=_NO_STORE)

    async def introspect(self, request: Request) -> Response:
        """Token introspection (RFC 7662). A client may ask about its own tokens; about others if it is meant to."""
        caller = await self._authenticated(request)
        claims = self._active(_required(caller, "token"))
        if claims is None or not (caller.client.may_introspect or claims["client_id"] == caller.client_id):
            return JSONResponse({"active": False}, headers=_NO_STORE)
        told = {name: claims[name] for name in _INTROSPECTED if name in claims}
        return JSONResponse({"active": True, "token_type": "Bearer", **told}, headers=_NO_STORE)

    async def revoke(self, request: Request) -> Response:
        """Token revocation (RFC 7009). An unknown token is revoked already; another client's token stays."""
        caller = await self._authenticated(request)
        claims = self._active(_required(caller, "token"))
        if claims is not None:
            if claims["client_id"] != caller.client_id:
                raise _Refused(400, "unauthorized_client", "the token was issued to another client")
            jti, expires = claims["jti"], claims["exp"]
            if isinstance(jti, str) and isinstance(expires, int):
                self._ledger.revoke(jti, expires=expires, now=self._now())
        return Response(status_code=200, headers=_NO_STORE)

    def _active(self, token: str) -> Claims | None:
        now = self._now()
        if token.startswith(_OPAQUE_PREFIX):
            claims = self._ledger.claims_of(token, now=now)
        else:
            claims = read_token(self._config, self._ring.keys, token, now=now)
        if claims is None or claims.get("client_id") not in self._config.clients:
            return None
        jti = claims.get("jti")
        return claims if isinstance(jti, str) and not self._ledger.is_revoked(jti) else None

    async def _authenticated(self, request: Request) -> _Caller:
        """Client authentication (RFC 6749 section 2.3.1). Says nothing about which part was wrong."""
        form = await _form(request)
        basic = request.headers.getlist("authorization")
        in_body = "client_id" in form or "client_secret" in form
        if (basic and "client_secret" in form) or len(basic) > 1:
            raise _Refused(400, "invalid_request", "use one way of client authentication")
        named = _basic(basic[0]) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
        if basic and in_body and form.get("client_id", named[0]) != named[0]:
            raise _Refused(400, "invalid_request", "client_id contradicts the Authorization header")
        client_id, secret = named
        client = self._config.clients.get(client_id)
        attempt = await self._checker.check(
            "client", client_id, secret, client.secret_hash if client else None, _peer(request)
        )
        if client is None or not attempt.accepted:
            _slow_down(attempt)
            raise _Refused(
                401, "invalid_client", "client authentication failed", {"www-authenticate": 'Basic realm="issuer"'}
            )
        return _Caller(client_id, client, form)

    async def _signed_in(self, caller: _Caller, peer: str) -> str:
        username, password = _required(caller, "username"), _required(caller, "password")
        user = self._config.users.get(username)
        attempt = await self._checker.check("user", username, password, user.password_hash if user else None, peer)
        if user is None or not attempt.accepted:
            _slow_down(attempt)
            raise _Refused(400, "invalid_grant", "the user or the password is wrong")
        return username


def _posted(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Turn the refusals of an endpoint into responses."""

    async def handle(request: Request) -> Response:
        try:
            return await endpoint(request)
        except _Refused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(body, refused.status, headers={**_NO_STORE, **refused.headers})
        except ClientDisconnect:
            return Response(status_code=400)

    return handle


def _slow_down(attempt: Attempt) -> None:
    if attempt.wait:
        raise _Refused(429, "temporarily_unavailable", "too many attempts; wait", {"retry-after": str(attempt.wait)})


def _required(caller: _Caller, name: str) -> str:
    value = caller.form.get(name)
    if value is None:
        raise _Refused(400, "invalid_request", f"{name} is missing")
    return value


async def _form(request: Request) -> dict[str, str]:
    """The parameters of a form body. Empty means absent; repeated is refused (RFC 6749 section 3.2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise _Refused(400, "invalid_request", "send application/x-www-form-urlencoded")
    if request.url.query:
        # A secret in the address ends up in logs and histories.
        raise _Refused(400, "invalid_request", "send parameters in the body, not in the address")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise _Refused(413, "invalid_request", "the body is too large", {"connection": "close"})
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=50
        )
    except ValueError as error:
        raise _Refused(400, "invalid_request", "the body is not a sound form") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise _Refused(400, "invalid_request", "a parameter is repeated")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _basic(header: str) -> tuple[str, str]:
    """Client id and secret of an HTTP Basic header (RFC 7617), form-decoded; empty ones when it is not sound."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        return (unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")) if colon else ("", "")
    except (binascii.Error, ValueError):
        return "", ""


def _peer(request: Request) -> str:
    return request.client.host if request.client else "local"


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    what = str(error.detail) if isinstance(error, HTTPException) else "the request failed"
    return JSONResponse({"error": "invalid_request", "error_description": what}, status, headers=headers)


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, AssayError):
        _log.error("%s %s", error.sentence, error.fix)
    body = {"error": "server_error", "error_description": "the issuer cannot do that now; see its log"}
    return JSONResponse(body, 503, headers=_NO_STORE)
