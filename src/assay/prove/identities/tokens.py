"""Tokens: minted as the development issuer itself would, read without trust, and altered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from assay.domain import AssayError, Secret
from assay.identity.issuer.config import CONFIG_FILE, Credentials, IssuerConfig, load_config, load_credentials
from assay.identity.issuer.signing import SigningKey, current_key, jwks, load_signing_keys
from assay.identity.issuer.tokens import TOKEN_TYPE, Claims, access_claims, sign
from assay.prove.case import NotReached
from assay.prove.identities.sources import DevelopmentIssuer

_BY_TYPE = {"EC": "ES256", "RSA": "RS256", "OKP": "EdDSA", "oct": "HS256"}
"""What a key signs with unless the header says otherwise."""


@dataclass(frozen=True, slots=True)
class Mint:
    """A development issuer's configuration and keys: all that its tokens are made of."""

    config: IssuerConfig
    keys: tuple[SigningKey, ...]
    credentials: Credentials

    def claims(
        self,
        client: str,
        *,
        now: float,
        scopes: Sequence[str] | None = None,
        username: str | None = None,
        others: Mapping[tuple[str, ...], str] | None = None,
    ) -> Claims:
        """What the issuer would put into a token of this client or test user; ``others`` are set by their path.

        Raises:
            AssayError: the issuer does not know the client or user, or the client does not have a scope.
        """
        claims = access_claims(self.config, client, now=int(now), scopes=scopes, username=username)
        for path, value in (others or {}).items():
            put(claims, path, value)
        return claims

    def sign(self, claims: Claims, now: float) -> str:
        """The claims as the issuer signs them. Raises AssayError when it has no key."""
        return sign(claims, self.key(now))

    def key(self, now: float) -> SigningKey:
        """The key that signs now. Raises AssayError."""
        return current_key(self.keys, self.config.algorithms[0], int(now))

    def published(self, now: float) -> Mapping[str, Any]:
        """The key set as the issuer publishes it."""
        return jwks(self.keys, int(now))

    def opaque(self, client: str) -> bool:
        """Whether the client's tokens are opaque, so that only the issuer itself can make them."""
        known = self.config.clients.get(client)
        return known is not None and known.token_format == "opaque"


def load_mint(issuer: DevelopmentIssuer) -> Mint:
    """Reads a development issuer's state. Blocking. Raises AssayError."""
    return Mint(
        load_config(issuer.state / CONFIG_FILE), load_signing_keys(issuer.state), load_credentials(issuer.state)
    )


def put(claims: Claims, path: Sequence[str], value: object) -> None:
    """Sets the claim at ``path``, making the objects on the way; what is no object there is replaced by one."""
    here: dict[str, Any] = claims
    for name in path[:-1]:
        below = here.get(name)
        if not isinstance(below, dict):
            below = here[name] = {}
        here = below
    here[path[-1]] = value


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Header and claims of a JWT, *without* any check of its signature; None where it is no signed JWT."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 1 << 20:
        return None
    decoded = [_object(part) for part in parts[:2]]
    header, claims = decoded
    return (header, claims) if header is not None and claims is not None else None


def altered(
    token: str,
    *,
    claims: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
    header: Mapping[str, Any] | None = None,
    key: Any = None,
    own: SigningKey | None = None,
    told: Key | None = None,
) -> str:
    """A JWT like ``token`` with other claims or header fields, signed by ``key``, or else by ``own`` or ``told``.

    With ``told``, the key of an issuer of somebody else's, the header stays as that issuer writes it.

    A header field of None is left out. An ``alg`` of ``none`` in any spelling leaves the signature empty. The header
    goes out as it is given: nothing of it is checked, since a forger checks nothing either.

    Raises:
        NotReached: the token is no JWT, there is no key to sign with, or the key cannot sign with that algorithm.
    """
    read = peek(token)
    if read is None:
        raise NotReached("the credential is not a signed JSON Web Token, so its claims cannot be changed")
    body = {k: v for k, v in (read[1] | dict(claims or {})).items() if k not in without}
    if key is None:
        if own is not None:
            head = {"alg": own.algorithm, "kid": own.kid, "typ": read[0].get("typ", TOKEN_TYPE)}
            signer: Any = own.key()
        elif told is not None:
            head, signer = dict(read[0]), told
        else:
            raise NotReached("the issuer's signing key is not ours, so no other token of its own can be made")
    else:
        head = {"alg": _BY_TYPE.get(str(getattr(key, "key_type", "")), "RS256"), "typ": read[0].get("typ", "JWT")}
        signer = key
    head = {k: v for k, v in (head | dict(header or {})).items() if v is not None}
    signing_input = f"{_part(head)}.{_part(body)}".encode()
    return f"{signing_input.decode()}.{_signature(signing_input, str(head.get('alg', '')), signer)}"


def told_key(secret: Secret) -> Key:
    """The private key that a declaration tells for tests: a JWK, or PEM without a password.

    Raises:
        NotReached: it is none; what it is is not said.
    """
    text = secret.reveal().strip()
    try:
        if text.startswith("{"):
            found = JWKRegistry.import_key(msgspec.json.decode(text, type=dict[str, Any]))
        else:
            found = _from_pem(text.encode())
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotReached(
            "what `prove.issuer_keys` leads to is no private key: a JWK or PEM without a password"
        ) from None
    if not found.is_private and found.key_type != "oct":
        raise NotReached("`prove.issuer_keys` leads to a public key, and only the private one signs")
    return found


def _from_pem(text: bytes) -> Key:
    match load_pem_private_key(text, password=None):
        case rsa.RSAPrivateKey():
            return RSAKey.import_key(text)
        case ec.EllipticCurvePrivateKey():
            return ECKey.import_key(text)
    return OKPKey.import_key(text)


def _signature(signing_input: bytes, algorithm: str, key: Any) -> str:
    if algorithm.lower() in ("none", ""):
        return ""
    model = JWSRegistry.algorithms.get(algorithm)
    if model is None:
        raise NotReached(f"there is no signature algorithm `{algorithm[:20]}` to forge with")
    try:
        return base64.urlsafe_b64encode(model.sign(signing_input, key)).rstrip(b"=").decode()
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise NotReached(f"the key cannot sign with {algorithm}: {type(error).__name__}") from error


def _part(value: Mapping[str, Any]) -> str:
    try:
        return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotReached("a claim or header field cannot be written as JSON") from error


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def not_reached(error: AssayError) -> NotReached:
    """A domain error as the reason why an identity cannot be had."""
    return NotReached(f"{error.sentence} ({error.fix})" if error.fix else error.sentence)
