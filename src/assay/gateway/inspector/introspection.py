"""Opaque access tokens: asking their issuer (RFC 7662), remembering the answer for a short time, failing closed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from assay.domain import AssayError, Secret
from assay.gateway import ir

MAX_ANSWER_BYTES: Final = 64 * 1024
NEGATIVE_SECONDS: Final = 5.0
CACHE_ENTRIES: Final = 10_000
TIMEOUT_SECONDS: Final = 2.0
_TOKEN68: Final = re.compile(rb"[A-Za-z0-9\-._~+/]{1,4096}=*")
_JWT: Final = re.compile(rb"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,512}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer that can be asked. ``authorisation`` is the client's Authorization header (RFC 6749 section 2.3.1)."""

    name: str
    endpoint: str
    authorisation: Secret
    cache_seconds: int
    url: str
    audiences: frozenset[str]
    claims: ir.ClaimNames
    max_lifetime: int
    skew: int


def compile_issuer(
    name: str,
    policy: ir.IntrospectionPolicy,
    credential: Secret,
    *,
    url: str,
    audiences: Sequence[str],
    claims: ir.ClaimNames,
    max_lifetime: int,
    skew: int,
) -> Issuer:
    """An issuer with its credential in place.

    Raises:
        AssayError: the endpoint is not https (plain http is accepted for this machine only).
    """
    try:
        parts = urlsplit(policy.url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and host not in _LOOPBACK):
        raise AssayError(
            f"The introspection endpoint of issuer {name} is not an https URL, so tokens and the client's secret would "
            "travel in clear.",
            fix="give an https URL",
        )
    # RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
    pair = f"{quote(policy.client, safe='')}:{quote(credential.reveal(), safe='')}"
    return Issuer(
        name=name,
        endpoint=policy.url,
        authorisation=Secret("Basic " + base64.b64encode(pair.encode()).decode()),
        cache_seconds=max(0, policy.cache_seconds),
        url=url,
        audiences=frozenset(audiences),
        claims=claims,
        max_lifetime=max_lifetime,
        skew=skew,
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """What an issuer says of a token. ``status`` 200 carries an identity; 401 is a token that is not (or no longer)
    good; 503 means that nobody could say. ``until`` is the Unix time at which an answer loses its worth.
    """

    status: int
    headers: tuple[Header, ...] = ()
    reason: str = ""
    until: float = 0.0


ANONYMOUS: Final = Identity(200)


def bearer(authorization: Sequence[bytes]) -> bytes | Identity | None:
    """The bearer token of the Authorization lines (RFC 6750 section 2.1): None without one, a refusal if malformed."""
    if not authorization:
        return None
    if len(authorization) > 1:
        return Identity(401, reason="more than one Authorization header")
    scheme, _, token = authorization[0].strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    token = token.strip(b" ")
    return token if _TOKEN68.fullmatch(token) else Identity(401, reason="malformed bearer token")


def is_jwt(token: bytes) -> bool:
    """Whether a token is a JSON Web Token (RFC 7519), which the gateway verifies by itself."""
    found = _JWT.fullmatch(token)
    if found is None:
        return False
    try:
        header = msgspec.json.decode(base64.urlsafe_b64decode(found[1] + b"=" * (-len(found[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _claim(answer: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = answer
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _words(value: Any) -> list[str] | None:
    """A claim that is a list of strings or a string of words; None when it is neither."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return value
    return None


def judge(answer: object, issuer: Issuer, now: float) -> Identity:
    """The identity in an introspection response.

    Args:
        answer: the decoded response.
        now: Unix time in seconds.

    ``active`` must be true and nothing else; times, issuer, audience and token type are held against the policy when
    the response has them (RFC 7662 section 2.2 makes them optional). A value that could not be a header refuses.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
        return Identity(503, reason="the issuer's answer has no `active`")
    if answer["active"] is not True:
        return Identity(401, reason="token is not active")
    expires, issued, not_before = answer.get("exp"), answer.get("iat"), answer.get("nbf")
    for moment in (expires, issued, not_before):
        if moment is not None and (isinstance(moment, bool) or not isinstance(moment, int | float)):
            return Identity(503, reason="the issuer's answer has a malformed time")
    if expires is not None and expires <= now - issuer.skew:
        return Identity(401, reason="token has expired")
    if not_before is not None and not_before > now + issuer.skew:
        return Identity(401, reason="token is not valid yet")
    if expires is not None and issued is not None and expires - issued > issuer.max_lifetime:
        return Identity(401, reason="token lives longer than allowed")
    if answer.get("iss") not in (None, issuer.url):
        return Identity(401, reason="token is of another issuer")
    audience = answer.get("aud")
    if audience is not None and issuer.audiences:
        named = (
            {audience}
            if isinstance(audience, str)
            else {a for a in audience if isinstance(a, str)}
            if isinstance(audience, list)
            else set()
        )
        if not named & issuer.audiences:
            return Identity(401, reason="token is for another audience")
    kind = answer.get("token_type")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in ("bearer", "access_token")):
        return Identity(401, reason="not a bearer access token")
    headers = _headers(answer, issuer, expires)
    if headers is None:
        return Identity(401, reason="a claim cannot be passed on")
    return Identity(200, headers, until=expires if expires is not None else float("inf"))


def _headers(answer: Mapping[str, Any], issuer: Issuer, expires: float | None) -> tuple[Header, ...] | None:
    claims = issuer.claims
    client = _claim(answer, claims.client)
    client = answer.get("client_id") if client is None else client
    single = {
        "client": client,
        "subject": _claim(answer, claims.subject),
        "tenant": _claim(answer, claims.tenant),
    }
    found: list[Header] = []
    for name, value in single.items():
        if value is None:
            continue
        if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
            return None
        found.append((f"x-assay-{name}".encode(), value.encode()))
    scopes = _words(_claim(answer, claims.scope))
    roles = _words(_claim(answer, claims.roles)) if claims.roles is not None else []
    if client is None or scopes is None or roles is None:
        return None
    # The separators around each word let a rule look for one word and never match a part of another. The bars keep the
    # outer spaces: white space at the ends of a field is no part of its value (RFC 9110 section 5.5).
    if not all(_VISIBLE.fullmatch(w) for w in (*scopes, *roles)) or any("," in r for r in roles):
        return None
    found.append((b"x-assay-issuer", issuer.name.encode("ascii", "backslashreplace")))
    found.append((b"x-assay-roles", ("," + "".join(f"{r}," for r in roles)).encode()))
    found.append((b"x-assay-scope", ("| " + "".join(f"{s} " for s in scopes) + "|").encode()))
    if sum(len(v) for _, v in found) > 8192:
        return None
    if expires is not None:
        found.append((b"x-assay-expires", str(int(expires)).encode()))
    return tuple(found)


class Introspector:
    """Asks issuers, one question per token at a time, and remembers answers.

    Args:
        client: the HTTP client; it must not follow redirects.
        clock: Unix time in seconds.
        entries: how many answers are remembered; the least recently used go first.
    """

    def __init__(self, client: httpx.AsyncClient, clock: Callable[[], float], *, entries: int = CACHE_ENTRIES) -> None:
        self._client = client
        self._clock = clock
        self._entries = entries
        self._answers: OrderedDict[bytes, Identity] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Identity]] = {}

    async def identify(self, issuer: Issuer, token: bytes) -> Identity:
        """What ``issuer`` says of ``token``. Nothing but an answer of the issuer is remembered."""
        digest = hashlib.sha256(b"\0".join((issuer.name.encode(), issuer.endpoint.encode(), token))).digest()
        known = self._answers.get(digest)
        if known is not None:
            if known.until > self._clock():
                self._answers.move_to_end(digest)
                return known
            del self._answers[digest]
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(issuer, token, digest))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        return await asyncio.shield(asking)

    async def _ask(self, issuer: Issuer, token: bytes, digest: bytes) -> Identity:
        try:
            answer = await asyncio.wait_for(self._post(issuer, token), TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, _NoAnswer) as error:
            return Identity(503, reason=f"issuer {issuer.name} gave no usable answer ({type(error).__name__})")
        now = self._clock()
        found = judge(answer, issuer, now)
        if found.status == 503:
            return found
        seconds = issuer.cache_seconds if found.status == 200 else min(NEGATIVE_SECONDS, issuer.cache_seconds)
        until = min(found.until, now + seconds) if found.status == 200 else now + seconds
        found = Identity(found.status, found.headers, found.reason, until)
        if until > now:
            self._answers[digest] = found
            while len(self._answers) > self._entries:
                self._answers.popitem(last=False)
        return found

    async def _post(self, issuer: Issuer, token: bytes) -> object:
        headers = {"authorization": issuer.authorisation.reveal(), "accept": "application/json"}
        form = {"token": token.decode("ascii"), "token_type_hint": "access_token"}
        async with self._client.stream("POST", issuer.endpoint, data=form, headers=headers) as response:
            if response.status_code != 200:
                raise _NoAnswer
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise _NoAnswer
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _NoAnswer from error


class _NoAnswer(Exception):
    """The issuer answered with something that is no introspection response."""
