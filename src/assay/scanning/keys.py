"""What opens something: tokens, keys and passwords."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from assay.domain import Confidence
from assay.scanning.context import Context, context_of, wordset
from assay.scanning.detector import HIGH, LOW, MEDIUM, Hit

_CREDENTIALS: Final = "user.authorization.credentials"
_KEYS: Final = "system.authentication"

_JWT = re.compile(r"(?a)(?<![\w-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{2,20000}\.[A-Za-z0-9_-]{0,4000}")


def tokens(text: str, around: Context) -> Iterator[Hit]:
    """JSON web tokens (RFC 7519) whose header can be read; a session by itself."""
    if "eyJ" not in text:
        return
    for match in _JWT.finditer(text):
        head = match[0].partition(".")[0]
        try:
            header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        except (ValueError, binascii.Error, RecursionError):
            continue
        if isinstance(header, dict) and isinstance(header.get("alg"), str):
            yield (*match.span(), "jwt", _CREDENTIALS, HIGH, True)


_FORMS: Final = (
    # Forms that the issuers publish so that they can be searched for.
    ("aws-access-key", re.compile(r"(?a)(?<!\w)(?:AKIA|ASIA)[A-Z2-7]{16}(?!\w)"), ("AKIA", "ASIA")),
    (
        "github-token",
        re.compile(r"(?a)(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{82})(?!\w)"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    ("slack-token", re.compile(r"(?a)(?<!\w)xox[abeprs]-(?:\d{8,14}-){1,3}[A-Za-z0-9]{16,64}(?!\w)"), ("xox",)),
    ("stripe-key", re.compile(r"(?a)(?<!\w)[sr]k_(?:live|test)_[A-Za-z0-9]{20,200}(?!\w)"), ("k_live_", "k_test_")),
    ("google-api-key", re.compile(r"(?a)(?<!\w)AIza[A-Za-z0-9_-]{35}(?![\w-])"), ("AIza",)),
    (
        "private-key",
        re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        ("PRIVATE KEY",),
    ),
    (
        "password-hash",
        re.compile(
            r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id|i|d)\$[^\s\"']{20,200}|\$[56y]\$[^\s\"']{20,200}"
        ),
        ("$2", "$argon2", "$5$", "$6$", "$y$"),
    ),
)


def keys(text: str, around: Context) -> Iterator[Hit]:
    """Keys by their issuers' forms, private keys in PEM, hashes of passwords."""
    for name, pattern, signs in _FORMS:
        if any(sign in text for sign in signs):
            category = "user.authorization.password" if name == "password-hash" else _KEYS
            for match in pattern.finditer(text):
                yield (*match.span(), name, category, HIGH, True)


_SECRET_WORDS = wordset(
    """
    secret secrets apikey apitoken token credential credentials accesskey secretkey accesstoken refreshtoken
    privatekey clientsecret signingkey bearer authorization
    """
)
_PASSWORD_WORDS = wordset("password passwd pwd passphrase passcode passwort pin pincode")
_NO_SECRET = wordset(
    """
    hash digest sha md etag uuid id count type expires expiry length url uri policy hint reset changed updated
    rules name kind strength endpoint page next cursor continuation required changeme format at ttl max min
    link symbol address
    """
)
_OPAQUE = re.compile(r"(?a)[A-Za-z0-9_+/=.~-]{16,512}")
_UUID = re.compile(r"(?a)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ASSIGNED = re.compile(
    r"(?ai)\b(?P<name>[a-z_.-]{0,40}(?:secret|passw(?:or)?d|pwd|token|api[_-]?key|access[_-]?key)[a-z_-]{0,20})"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\s\"'&,;<>{}]{6,512})"
)


def secrets(text: str, around: Context) -> Iterator[Hit]:
    """Passwords and random keys, where the name they stand under says so. Only the context tells them, so none is
    certain."""
    if around.name:
        kind = _secret_kind(text.strip(), around)
        if kind is not None:
            yield (0, len(text), *kind)
            return
    lower = text.lower()
    if not any(w in lower for w in ("secret", "passw", "pwd", "token", "key")):
        return
    for match in _ASSIGNED.finditer(text):
        kind = _secret_kind(match["value"], context_of(match["name"]))
        if kind is not None:
            yield (*match.span("value"), *kind)


def _secret_kind(value: str, context: Context) -> tuple[str, str, Confidence, bool] | None:
    password = context.says(_PASSWORD_WORDS)
    if not (password or context.says(_SECRET_WORDS)) or _NO_SECRET & context.words or hidden(value):
        return None
    if password and 4 <= len(value) <= 200 and not any(c.isspace() for c in value):
        return "password", "user.authorization.password", HIGH if len(value) >= 6 else MEDIUM, False
    if not password and _OPAQUE.fullmatch(value) and not _JWT.fullmatch(value):
        if _UUID.fullmatch(value):
            return "secret", _KEYS, LOW, False
        if entropy(value) >= 3.2 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
            return "secret", _KEYS, HIGH if len(value) >= 20 else MEDIUM, False
    return None


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


_MASKS: Final = dict.fromkeys(map(ord, "*•●xX#█"))


def hidden(value: str) -> bool:
    """Whether a value was made unreadable before: ``****1234``, ``xxxxx``, ``[redacted]``, ``${NAME}``."""
    lower = value.lower()
    masks = len(value) - len(value.translate(_MASKS))
    return (
        not value
        or masks * 2 >= len(value)
        or lower.strip("[]<>(){}")
        in ("redacted", "masked", "hidden", "removed", "null", "none", "true", "false", "string")
        or lower.startswith(("${", "{{", "env:", "file:", "vault:", "enc:", "<", "urn:", "http://", "https://"))
    )
