"""Forged tokens (RFC 7515, RFC 7519): a real token's claims under a signature or header that proves nothing.

Pure functions over the compact form. What cannot be forged from a token (it is opaque) gives None.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

Parts = tuple[dict[str, Any], dict[str, Any], str]
"""Header, claims, and the signature as it is written."""
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def parts(token: str) -> Parts | None:
    """The parts of a signed token, unverified; None when it is no JWT."""
    pieces = token.split(".")
    if len(pieces) != 3:
        return None
    try:
        header, claims = json.loads(_decode(pieces[0])), json.loads(_decode(pieces[1]))
    except (ValueError, RecursionError):
        return None
    return (header, claims, pieces[2]) if isinstance(header, dict) and isinstance(claims, dict) else None


def altered(token: str) -> tuple[tuple[str, str], ...]:
    """The token with another signature: one bit flipped, none at all, and one claim changed under the old one."""
    found = parts(token)
    if found is None:
        return ()
    head, body, signature = token.split(".")
    raw = bytearray(_decode(signature))
    if not raw:
        return ()
    raw[len(raw) // 2] ^= 1
    other = {**found[1], "assay_probe": True}
    return (
        ("a token with one bit of its signature changed", f"{head}.{body}.{encode(bytes(raw))}"),
        ("a token without its signature", f"{head}.{body}."),
        ("a token with a claim added under the old signature", f"{head}.{_json(other)}.{signature}"),
    )


def unsigned(token: str) -> tuple[tuple[str, str], ...]:
    """The claims under ``alg: none``, in the spellings that naive comparisons let through (RFC 8725 §3.2)."""
    found = parts(token)
    if found is None:
        return ()
    rest = {k: v for k, v in found[0].items() if k not in ("alg", "kid")}
    return tuple(
        (f"an unsigned token (`alg: {name}`)", f"{_json({'alg': name, **rest})}.{_json(found[1])}.")
        for name in ("none", "None", "NONE", "nOnE")
    )


def by_secret(token: str, secret: bytes, *, algorithm: str = "HS256", header: Mapping[str, Any] | None = None) -> str:
    """The token's claims, signed with a shared secret. An opaque token is given back."""
    found = parts(token)
    if found is None:
        return token
    head = {**found[0], **(header or {}), "alg": algorithm}
    signing = f"{_json(head)}.{_json(found[1])}"
    return f"{signing}.{encode(_mac(signing.encode(), secret, algorithm))}"


def secret_of(token: str, candidates: Iterable[bytes]) -> bytes | None:
    """Which of the candidates signed an HMAC token; nothing is sent to find out."""
    found = parts(token)
    if found is None or found[0].get("alg") not in _HASHES:
        return None
    signing, _, signature = token.rpartition(".")
    given = _decode(signature)
    algorithm = str(found[0]["alg"])
    return next((c for c in candidates if hmac.compare_digest(_mac(signing.encode(), c, algorithm), given)), None)


def symmetric(token: str) -> bool | None:
    """Whether a token is signed with a shared secret; None: it is no JWT."""
    found = parts(token)
    return found[0].get("alg") in _HASHES if found else None


def encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _mac(signing: bytes, secret: bytes, algorithm: str) -> bytes:
    return hmac.new(secret, signing, _HASHES[algorithm]).digest()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(value: Mapping[str, Any]) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())
