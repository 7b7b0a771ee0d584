"""Taking secrets out of exchanges before they are kept: known values in every spelling, headers, tokens."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, quote_plus

from assay.domain import Secret

HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-amz-security-token",
        "dpop",
    }
)
"""Header fields whose values are credentials."""

_MASK = b"[redacted]"
_SHORTEST = 4
"""A shorter secret would blank out half of every text; :class:`Scrubber` refuses it."""

# A JWT or JWE (RFC 7519, 7516) in compact form is base64url of `{"…` and two to four further parts. Runs of its
# characters are found first and looked into then, so that hostile text costs no more than its length.
_RUN = re.compile(rb"[A-Za-z0-9_.-]{12,}")
_SCHEME = re.compile(rb"(?i)\b(bearer|basic|dpop|digest|negotiate)(\s+|%20|\+)[A-Za-z0-9._~+/=-]{6,}")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    rb"(?i)((?:^|[?&\s\"'])(?:access_token|refresh_token|id_token|client_secret|client_assertion|password|api_?key|code"
    rb"|assertion|subject_token)=)[^&\s\"']+"
)
_MEMBER = re.compile(
    rb'(?i)("(?:access_token|refresh_token|id_token|client_secret|client_assertion|password|passwd|secret|api_?key'
    rb'|private_?key)"\s*:\s*)"(?:[^"\\]|\\.)*"?'
)


class Redactor(Protocol):
    """Whatever makes bytes fit to be kept."""

    def redact(self, content: bytes) -> bytes:
        """The content without secrets."""
        ...


class Scrubber:
    """Replaces what must not be kept by ``[redacted]``.

    Known values are found as they are, percent-encoded, escaped for JSON, and in base64 at any alignment (alone, or as
    part of a longer encoded text such as ``user:password``). Credential headers lose their value; JWTs, private keys,
    authorisation schemes and well-known parameters go wherever they stand.
    """

    def __init__(self, secrets: Iterable[Secret] = (), headers: Iterable[str] = ()) -> None:
        """``secrets`` of fewer than 4 characters are not looked for; ``headers`` are added to :data:`HEADERS`."""
        spellings: set[bytes] = set()
        for secret in secrets:
            if len(secret.reveal()) >= _SHORTEST:
                spellings |= _spellings(secret.reveal())
        # Longest first: a spelling may be part of another.
        ordered = sorted(spellings, key=lambda s: (-len(s), s))
        self._values = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None
        names = sorted({h.lower() for h in headers} | HEADERS)
        alternatives = "|".join(map(re.escape, names)).encode()
        self._fields = re.compile(
            rb"(?im)^([ \t><*]*(?:" + alternatives + rb")[ \t]*:)[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*"
        )
        # The same fields in HAR and JSON: {"name": "Authorization", "value": "…"} and {"authorization": "…"}.
        string = rb'"(?:[^"\\]|\\.)*"?'
        self._pairs = re.compile(rb'(?i)("name"\s*:\s*"(?:' + alternatives + rb')"\s*,\s*"value"\s*:\s*)' + string)
        self._members = re.compile(rb'(?i)("(?:' + alternatives + rb')"\s*:\s*)(?:' + string + rb"|\[[^\]]*\]?)")

    def redact(self, content: bytes) -> bytes:
        """The content without secrets; what is not secret stays as it is, byte for byte."""
        content = _PRIVATE_KEY.sub(_MASK, content)
        content = self._pairs.sub(rb'\1"' + _MASK + b'"', content)
        content = self._members.sub(rb'\1"' + _MASK + b'"', content)
        content = self._fields.sub(rb"\1 " + _MASK, content)
        if self._values:
            content = self._values.sub(_MASK, content)
        content = _SCHEME.sub(rb"\1\2" + _MASK, content)
        content = _RUN.sub(_without_token, content)
        content = _MEMBER.sub(rb'\1"' + _MASK + b'"', content)
        return _PARAMETER.sub(rb"\1" + _MASK, content)


def _without_token(found: re.Match[bytes]) -> bytes:
    run = found[0]
    start = run.find(b"eyJ")
    return run[:start] + _MASK if start >= 0 and run.count(b".", start) >= 2 else run


def _spellings(value: str) -> set[bytes]:
    raw = value.encode("utf-8", "surrogatepass")
    forms = {raw, quote(raw, safe="").encode(), quote_plus(raw).encode(), quote(raw).encode()}
    forms |= {re.sub(rb"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in forms}
    forms |= {json.dumps(value)[1:-1].encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "replace")}
    forms |= {raw.hex().encode(), raw.hex().upper().encode()}
    return {f for f in forms | _base64(raw) if len(f) >= _SHORTEST}


def _base64(raw: bytes) -> set[bytes]:
    """What base64 of any text that contains ``raw`` must contain: one run of characters for each alignment."""
    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        # Characters that also depend on the bytes around are left out.
        start = (before * 8 + 5) // 6
        end = (before + len(raw)) * 8 // 6
        inner = encoded[start:end]
        if len(inner) > _SHORTEST:
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_"), quote(inner, safe="").encode()}
    return found | {base64.b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"=")}
