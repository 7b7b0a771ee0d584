"""Keys for forging: one of our own, the forms in which a public key may be mistaken for a secret, and weak secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from assay.controls.authentication.proofs.forge import encode
from assay.prove.case import NotReached

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_WORDS = """
secret password changeme admin test jwt key private token default example demo dev development production staging
123456 12345678 123456789 1234567890 qwerty letmein welcome root master app api server shared hmac signing sign
supersecret super-secret super_secret secretkey secret-key secret_key mysecret my-secret my_secret mysecretkey my-
secret-key jwtsecret jwt-secret jwt_secret jwtkey jwt-key jwt_key your-256-bit-secret your-384-bit-secret
your-512-bit-secret your_jwt_secret yoursecret your-secret your-secret-key replace-me replaceme topsecret top-secret
passw0rd P@ssw0rd hello world foobar foo bar secret123 secret1 password1 password123 admin123 test123 testsecret test-
secret test_secret keyboard accesstoken access-token AllYourBase ThisIsASecret s3cr3t S3cr3t iamsecret notsosecret
shhhhh shhhh ssh secret_token app_secret appsecret client_secret flask django express spring laravel node python java
symfony rails
"""
HOW_MANY = len(_WORDS.split()) + 2


def common_secrets() -> Iterator[bytes]:
    """Secrets that stand in every list of weak ones, the empty one and a null byte included."""
    yield b""
    yield b"\x00"
    yield from (word.encode() for word in _WORDS.split())


def own_key(algorithm: str) -> PrivateKey:
    """A key pair that nobody has reason to trust, for an algorithm of the same family as this one."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def public(key: PrivateKey) -> dict[str, str]:
    """The public half, as a JWK (RFC 7518 §6.2, §6.3)."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    if isinstance(key, rsa.RSAPrivateKey):
        found = key.public_key().public_numbers()
        n, e = (encode(v.to_bytes((v.bit_length() + 7) // 8, "big")) for v in (found.n, found.e))
        return {"kty": "RSA", "n": n, "e": e}
    numbers = key.public_key().public_numbers()
    x, y = (encode(v.to_bytes(32, "big")) for v in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def sign(claims: Mapping[str, Any], key: PrivateKey, header: Mapping[str, Any]) -> str:
    """The claims under a signature of this key, with these header fields and no more: some readers bound the header."""
    # Signed by hand: libraries refuse header fields that are questionable, and those are the point.
    head = {"alg": "RS256" if public(key)["kty"] == "RSA" else "ES256", **header}
    signing = ".".join(encode(json.dumps(v, separators=(",", ":")).encode()) for v in (head, dict(claims)))
    return f"{signing}.{encode(_signature(key, signing.encode()))}"


def _signature(key: PrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def hmac_token(claims: Mapping[str, Any], header: Mapping[str, Any], secret: bytes) -> str:
    """A token of these claims under a shared secret, by the header's own algorithm."""
    hashed = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[str(header.get("alg"))]
    signing = ".".join(encode(json.dumps(v, separators=(",", ":")).encode()) for v in (dict(header), dict(claims)))
    return f"{signing}.{encode(hmac.new(secret, signing.encode(), hashed).digest())}"


def public_forms(published: Mapping[str, Any], kid: object) -> tuple[tuple[str, bytes], ...]:
    """The bytes that a service might take for a secret when it holds a public key: PEM and JWK.

    Raises:
        NotReached: no published key can be read.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry, OctKey

    found = [k for k in published.get("keys") or [] if isinstance(k, dict)]
    chosen = next((k for k in found if kid is not None and k.get("kid") == kid), found[0] if found else None)
    if chosen is None:
        raise NotReached("the issuer publishes no key")
    try:
        key = JWKRegistry.import_key(chosen)
    except (JoseError, ValueError, AttributeError) as error:
        raise NotReached(f"the issuer's key cannot be read: {error}") from error
    if isinstance(key, OctKey):
        raise NotReached("the issuer publishes a shared secret as its key")
    pem = key.as_bytes(encoding="PEM", private=False)
    return (
        ("PEM", pem),
        ("PEM without its last line break", pem.rstrip(b"\n")),
        ("JWK", json.dumps(chosen, separators=(",", ":")).encode()),
    )
