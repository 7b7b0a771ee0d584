"""Hashes of passwords and client secrets: scrypt (RFC 7914), in the PHC string form."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from assay.domain import Secret

# OWASP's password storage advice for scrypt allows N=2^14, r=8, p=5 or N=2^17, p=1; a development issuer takes the
# smallest N of that list with p=1, about 60 ms and 16 MiB per attempt, so that a test suite is not slowed down.
_LOG_N, _R, _P = 14, 8, 1
_LENGTH = 32
_ENCODED = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})")
_MAX_MEMORY = 256 * 1024 * 1024


def hash_password(password: Secret, *, rng: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """The PHC string ``$scrypt$ln=14,r=8,p=1$SALT$HASH`` of ``password`` under a fresh 16-byte salt."""
    salt = rng(16)
    digest = _scrypt(password.reveal(), salt, _LOG_N, _R, _P)
    return f"$scrypt$ln={_LOG_N},r={_R},p={_P}${_b64(salt)}${_b64(digest)}"


def is_password_hash(encoded: str) -> bool:
    """Whether ``encoded`` is a hash that :func:`verify_password` can check."""
    return _parse(encoded) is not None


def verify_password(password: str, encoded: str | None) -> bool:
    """Whether ``password`` is the one that was hashed. ``None`` (nobody by that name) costs the same and is False."""
    parsed = _parse(encoded) if encoded is not None else None
    log_n, r, p, salt, expected = parsed or (_LOG_N, _R, _P, b"nobody-by-that-name", bytes(_LENGTH))
    same = hmac.compare_digest(_scrypt(password, salt, log_n, r, p), expected)
    return same and parsed is not None


def _parse(encoded: str) -> tuple[int, int, int, bytes, bytes] | None:
    match = _ENCODED.fullmatch(encoded)
    if match is None:
        return None
    log_n, r, p = (int(match[i]) for i in (1, 2, 3))
    if not (10 <= log_n <= 20 and 1 <= r <= 16 and 1 <= p <= 16) or 128 * r * 2**log_n > _MAX_MEMORY // 2:
        return None
    try:
        return log_n, r, p, _unb64(match[4]), _unb64(match[5])
    except binascii.Error:
        return None


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=2**log_n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_LENGTH)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
