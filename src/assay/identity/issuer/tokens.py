"""Access tokens: minted by the development issuer (RFC 9068), fetched from any issuer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError

from assay.domain import AssayError, IncompleteError, Secret, UsageError
from assay.identity import http
from assay.identity.http import Reach
from assay.identity.issuer.config import Grant, IssuerConfig
from assay.identity.issuer.signing import SigningKey, current_key, published
from assay.identity.jwks import discover

TOKEN_TYPE = "at+jwt"  # the media type of RFC 9068 section 2.1
MAXIMUM_LENGTH = 8192
Claims = dict[str, object]
# What joserfc and the JSON decoder raise on text that is no sound token.
_NO_TOKEN = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


def access_claims(
    config: IssuerConfig,
    client_id: str,
    *,
    now: int,
    scopes: Sequence[str] | None = None,
    username: str | None = None,
    lifetime_seconds: int | None = None,
    rng: Callable[[int], str] = secrets.token_urlsafe,
) -> Claims:
    """The claims of an access token for a client, or for a test user who signed in through it.

    ``scopes`` defaults to all the client has. The life of the token is the shorter of ``lifetime_seconds`` and the
    configured one. Times are seconds since the epoch. Raises :class:`UsageError` for a name that is not configured or
    a scope the client does not have.
    """
    client = config.clients.get(client_id)
    user = config.users.get(username) if username is not None else None
    if client is None or (username is not None and user is None):
        raise UsageError("The issuer does not know that client or user.", fix="name one that is declared")
    wanted = tuple(scopes) if scopes is not None else client.scopes
    if not set(wanted) <= set(client.scopes):
        raise UsageError("The client does not have every scope that was asked for.", fix="ask for declared scopes")
    life = min(lifetime_seconds, config.lifetime_seconds) if lifetime_seconds is not None else config.lifetime_seconds
    claims: Claims = {
        "iss": config.issuer_url,
        "sub": user.subject if user else client_id,
        "aud": client.audience[0] if len(client.audience) == 1 else list(client.audience),
        "iat": now,
        "nbf": now,
        "exp": now + life,
        "jti": rng(16),
        "client_id": client_id,
        "azp": client_id,
        "scope": " ".join(wanted),
        "roles": list(user.roles if user else client.roles),
    }
    tenant = user.tenant if user else client.tenant
    if tenant is not None:
        claims["tenant"] = tenant
    return claims


def sign(claims: Claims, key: SigningKey) -> str:
    """``claims`` as a JWT signed by ``key``, with its ``kid`` and ``typ: at+jwt`` (RFC 9068 section 2.1)."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": TOKEN_TYPE}
    return jwt.encode(header, claims, key.key(), algorithms=[key.algorithm])


def mint(
    config: IssuerConfig,
    keys: Sequence[SigningKey],
    client_id: str,
    *,
    now: int,
    scopes: Sequence[str] | None = None,
    username: str | None = None,
    lifetime_seconds: int | None = None,
    rng: Callable[[int], str] = secrets.token_urlsafe,
) -> str:
    """A signed access token; see :func:`access_claims` for its content and errors."""
    claims = access_claims(
        config,
        client_id,
        now=now,
        scopes=scopes,
        username=username,
        lifetime_seconds=lifetime_seconds,
        rng=rng,
    )
    return sign(claims, current_key(keys, config.algorithms[0], now))


def read_token(config: IssuerConfig, keys: Sequence[SigningKey], token: str, *, now: int) -> Claims | None:
    """The claims of a token that this issuer signed and that is in its period of validity, else None."""
    if not 0 < len(token) <= MAXIMUM_LENGTH:
        return None
    try:
        decoded = jwt.decode(token, published(keys, now), algorithms=list(config.algorithms))
    except _NO_TOKEN:
        return None
    claims = decoded.claims
    begins, ends, client = claims.get("nbf"), claims.get("exp"), claims.get("client_id")
    sound = (
        decoded.header.get("typ") == TOKEN_TYPE
        and decoded.header.get("kid") is not None
        and claims.get("iss") == config.issuer_url
        and isinstance(begins, int)
        and isinstance(ends, int)
        and begins <= now < ends
        and isinstance(claims.get("jti"), str)
        and isinstance(client, str)
        and client in config.clients
    )
    return claims if sound else None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as an issuer handed it out. ``expires_in`` is in seconds; None when the issuer did not say."""

    access_token: Secret
    token_type: str
    expires_in: int | None
    scope: str


def fetch_token(
    issuer_url: str,
    client: str,
    secret: Secret,
    *,
    grant: Grant = "client_credentials",
    username: str | None = None,
    password: Secret | None = None,
    scopes: Sequence[str] = (),
    uds: Path | None = None,
    reach: Reach | None = None,
) -> IssuedToken:
    """Ask an issuer for an access token, by discovery and HTTP Basic client authentication (RFC 6749 section 2.3.1).

    ``uds`` is the Unix socket of a development issuer; ``reach`` sets time-outs and trusted authorities and takes
    precedence over it. Raises :class:`UsageError` when the issuer refuses, and :class:`IncompleteError` when it cannot
    be asked.
    """
    reach = reach or Reach(uds=uds)
    form: dict[str, str] = {"grant_type": grant}
    if grant == "password":
        if username is None or password is None:
            raise UsageError("The password grant needs a user and a password.", fix="name a test user")
        form |= {"username": username, "password": password.reveal()}
    if scopes:
        form["scope"] = " ".join(scopes)
    provider = discover(issuer_url, reach=reach)
    if not provider.token_endpoint:
        raise IncompleteError(f"The issuer `{issuer_url}` has no token endpoint.", fix="ask its operators")
    reply = http.send(
        "POST",
        provider.token_endpoint,
        reach,
        what="token endpoint",
        form=form,
        auth=(quote_plus(client), quote_plus(secret.reveal())),
    )
    if reply.status != 200:
        raise _refusal(issuer_url, client, reply)
    return _issued(http.json_object(reply.body, "token response", provider.token_endpoint), issuer_url)


def _issued(body: dict[str, object], issuer_url: str) -> IssuedToken:
    token, kind = body.get("access_token"), body.get("token_type")
    life, scope = body.get("expires_in"), body.get("scope", "")
    if not (isinstance(token, str) and token and isinstance(kind, str)):
        raise IncompleteError(f"The issuer `{issuer_url}` answered without a token.", fix="check that it is well")
    return IssuedToken(
        access_token=Secret(token),
        token_type=kind,
        expires_in=life if isinstance(life, int) and not isinstance(life, bool) else None,
        scope=scope if isinstance(scope, str) else "",
    )


def _refusal(issuer_url: str, client: str, reply: http.Reply) -> AssayError:
    try:
        code = reply.json_object("error", issuer_url).get("error")
    except AssayError:
        code = None
    if not isinstance(code, str) or code not in _REFUSALS:
        return IncompleteError(
            f"The issuer `{issuer_url}` answered with status {reply.status} instead of a token.",
            fix="check that it is well",
        )
    reason, fix = _REFUSALS[code]
    return UsageError(f"The issuer `{issuer_url}` refused a token for `{client}`: {reason} ({code}).", fix=fix)


# The error codes of RFC 6749 section 5.2, and the one for an issuer that slows attempts down.
_REFUSALS = {
    "invalid_request": ("the request is not one it understands", "check the grant and its parameters"),
    "invalid_client": ("the client or its secret is wrong", "check the client's name and secret"),
    "invalid_grant": ("the user or the password is wrong", "check the user's name and password"),
    "unauthorized_client": ("the client may not use this grant", "declare the grant for the client"),
    "unsupported_grant_type": ("it does not offer this grant", "use client_credentials"),
    "invalid_scope": ("a scope is not one the client has", "ask for declared scopes"),
    "temporarily_unavailable": ("there were too many attempts", "wait a minute, then try again"),
}
