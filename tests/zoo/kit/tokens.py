"""Tokens of a service: made, published, and checked (RFC 7519, RFC 8725), with every way to check them wrongly."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, RSAKey
from tests.zoo.flaws import Switches
from tests.zoo.kit.loopback import fetched
from tests.zoo.kit.model import Problem

Claims = dict[str, Any]

WEAK_SECRET = b"secret"  # in every list of weak secrets


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key pair of a service, and the algorithm it is for."""

    private: RSAKey | ECKey
    algorithm: str

    @staticmethod
    def rsa() -> SigningKey:
        """A new RSA key for RS256."""
        return SigningKey(RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}), "RS256")

    @staticmethod
    def ec() -> SigningKey:
        """A new P-256 key for ES256."""
        return SigningKey(ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"}), "ES256")

    def public(self) -> dict[str, Any]:
        """The key set that everybody may have (RFC 7517)."""
        return {"keys": [self.private.as_dict(private=False)]}

    def public_pem(self) -> bytes:
        """The public key as PEM (SubjectPublicKeyInfo)."""
        return bytes(self.private.as_pem(private=False))


class Tokens:
    """Issues and checks the tokens of one service.

    Args:
        issuer: the ``iss`` of its tokens.
        audience: the ``aud`` of its access tokens.
        clock: seconds since the epoch.
    """

    def __init__(
        self, key: SigningKey, *, issuer: str, audience: str, flaws: Switches, clock: Callable[[], float]
    ) -> None:
        self.key, self.issuer, self.audience = key, issuer, audience
        self._flaws, self._clock = flaws, clock

    def access(
        self, subject: str, session: str, roles: Sequence[str], tenant: str, scopes: Sequence[str], seconds: int
    ) -> str:
        """An access token (RFC 9068) for the service itself."""
        return self._signed(
            {
                "sub": subject,
                "aud": self.audience,
                "sid": session,
                "roles": list(roles),
                "tenant": tenant,
                "scope": " ".join(scopes),
                "azp": "first-party",
            },
            seconds,
            "at+jwt",
        )

    def other(self, subject: str, session: str, audience: str, typ: str = "JWT") -> str:
        """A token that is not for this service: an ID token, or one for a partner."""
        return self._signed({"sub": subject, "aud": audience, "sid": session}, 900, typ)

    def published(self) -> dict[str, Any]:
        """The key set at ``/.well-known/jwks.json``."""
        return {"keys": []} if "weak-token-secret" in self._flaws else self.key.public()

    async def read(self, token: str) -> Claims:
        """The claims of a good token.

        Raises:
            Problem: 401, it is not good.
        """
        try:
            header, claims = unverified(token)
            if not await self._is_genuine(token, header):
                raise ValueError("signature")
            self._check(header, claims)
        except (ValueError, JoseError, OSError, TypeError, KeyError) as error:
            raise Problem(401, "Unauthorized", {"www-authenticate": 'Bearer error="invalid_token"'}) from error
        return claims

    def _signed(self, claims: Claims, seconds: int, typ: str) -> str:
        now = int(self._clock())
        claims = {"iss": self.issuer, "iat": now, "exp": now + seconds, "jti": uuid.uuid4().hex, **claims}
        if "weak-token-secret" in self._flaws:
            return hs256({"typ": typ}, claims, WEAK_SECRET)
        alg = self.key.algorithm
        return jwt.encode({"alg": alg, "kid": "k1", "typ": typ}, claims, self.key.private, algorithms=[alg])

    async def _is_genuine(self, token: str, header: Mapping[str, Any]) -> bool:
        alg = header.get("alg")
        if "signature-ignored" in self._flaws:
            return True
        if "alg-none" in self._flaws and str(alg).lower() == "none":
            return True
        if "key-confusion" in self._flaws and alg == "HS256":
            # One `verify(token, public_key)` for all algorithms: the public key becomes the secret of an HMAC.
            return is_hs256(token, self.key.public_pem())
        if "weak-token-secret" in self._flaws:
            return alg == "HS256" and is_hs256(token, WEAK_SECRET)
        key: Key = self.key.private
        algorithms = [self.key.algorithm]
        if "jwk-header-trusted" in self._flaws and "jwk" in header:
            key, algorithms = JWKRegistry.import_key(header["jwk"]), ["RS256", "ES256"]
        if "jku-header-trusted" in self._flaws and "jku" in header:
            found = json.loads(await asyncio.to_thread(fetched, str(header["jku"])))
            key, algorithms = JWKRegistry.import_key(found["keys"][0]), ["RS256", "ES256"]
        jwt.decode(token, key, algorithms=algorithms)
        return True

    def _check(self, header: Mapping[str, Any], claims: Claims) -> None:
        now = self._clock()
        good = (
            claims.get("iss") == self.issuer,
            "expiry-ignored" in self._flaws or float(claims["exp"]) > now,
            "not-before-ignored" in self._flaws or float(claims.get("nbf", 0)) <= now,
            self._is_for_us(header, claims),
        )
        if not all(good):
            raise ValueError("claims")

    def _is_for_us(self, header: Mapping[str, Any], claims: Claims) -> bool:
        if "audience-ignored" in self._flaws:
            return True
        if "id-token-accepted" in self._flaws and claims.get("aud") == f"{self.audience}-web":
            return True
        return claims.get("aud") == self.audience and header.get("typ") == "at+jwt"


def unverified(token: str) -> tuple[dict[str, Any], Claims]:
    """Header and claims of a token, unchecked.

    Raises:
        ValueError: it is no JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a token has three parts")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("not objects")
    return header, claims


def hs256(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """A token signed with HMAC-SHA-256, whatever the secret is."""
    signed = f"{part({'alg': 'HS256', **header})}.{part(claims)}"
    return f"{signed}.{_b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def is_hs256(token: str, secret: bytes) -> bool:
    """Whether a token carries the HMAC-SHA-256 of this secret."""
    signed, _, signature = token.rpartition(".")
    return hmac.compare_digest(signature, _b64(hmac.digest(secret, signed.encode(), hashlib.sha256)))


def part(value: Mapping[str, Any]) -> str:
    """A header or claims as they stand in a token."""
    return _b64(json.dumps(value, separators=(",", ":")).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
