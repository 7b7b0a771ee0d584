"""The wire forms of values: percent-encoding, query strings, media types. Strict where decoders differ.

An overlong or broken escape means one thing to the gateway and another to some upstream, so it is refused rather than
repaired (RFC 3986 section 2.1, RFC 3629).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from assay.gateway.inspector.decision import Refused

_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_MEDIA_TYPE: Final = re.compile(rf"({_TOKEN}/{_TOKEN})[ \t]*(;.*)?", re.ASCII)
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\[\x20-\x7e])*)"))?', re.ASCII)
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
MAX_PAIRS: Final = 1000
_SHORT: Final = 100


def decode(raw: bytes, what: str, *, check: str = "query-encoding", plus: bool = True) -> str:
    """The text of a percent-encoded value; ``plus`` reads ``+`` as a space (application/x-www-form-urlencoded).

    Raises:
        Refused: a broken escape, bytes that are not UTF-8, or control characters other than tab and line breaks.
    """
    if b"%" in raw or b"+" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise Refused(check, f"{what} has a broken percent escape.", reason="broken escape")
        raw = unquote_to_bytes(raw.replace(b"+", b" ") if plus else raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused(check, f"{what} is not valid UTF-8.", reason="invalid UTF-8") from None
    if _CONTROL.search(text):
        raise Refused(check, f"{what} has a control character.", reason="control character")
    return text


def text(raw: bytes, what: str, *, check: str, lines: bool = False) -> str:
    """Text that is not percent-encoded: UTF-8 without control characters; line breaks only with ``lines``.

    Raises:
        Refused: other bytes.
    """
    try:
        found = raw.decode()
    except UnicodeDecodeError:
        raise Refused(check, f"{what} is not valid UTF-8.", reason="invalid UTF-8") from None
    if _CONTROL.search(found) or (not lines and ("\n" in found or "\r" in found)):
        raise Refused(check, f"{what} has a control character.", reason="control character")
    return found


def pairs(raw: bytes, what: str, *, check: str = "query-encoding") -> list[tuple[str, str]]:
    """The decoded name and value pairs of a query string or of a urlencoded form, in order.

    A ``;`` that is not percent-encoded is refused: some servers take it for ``&``, which would hide parameters.

    Raises:
        Refused: see :func:`decode`; also too many pairs, or an empty name.
    """
    if not raw:
        return []
    if b";" in raw:
        raise Refused(check, f"{what} has a semicolon that is not percent-encoded.", reason="semicolon separator")
    if raw.count(b"&") >= MAX_PAIRS:
        raise Refused(check, f"{what} has more than {MAX_PAIRS} parameters.", reason="too many parameters")
    found = []
    for piece in raw.split(b"&"):
        if not piece:
            continue
        name, _, value = piece.partition(b"=")
        if not name:
            raise Refused(check, f"{what} has a parameter without a name.", reason="empty name")
        found.append((decode(name, what, check=check), decode(value, what, check=check)))
    return found


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type as a header gives it: ``essence`` and parameter names in lower case."""

    essence: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_json(self) -> bool:
        """Whether the content is JSON (RFC 6839 section 3.1)."""
        return self.essence in ("application/json", "text/json") or self.essence.endswith("+json")

    @property
    def is_xml(self) -> bool:
        """Whether the content is XML (RFC 7303)."""
        return self.essence in ("application/xml", "text/xml") or self.essence.endswith("+xml")

    @property
    def is_utf8(self) -> bool:
        """Whether the declared character set, if any, is UTF-8 or a part of it."""
        return self.parameters.get("charset", "utf-8").lower() in _UTF8


def media_type(text: str) -> MediaType | None:
    """Reads a media type (RFC 9110 section 8.3); None when it is malformed or names a parameter twice.

    The same few come again and again, so short ones are remembered.
    """
    return _remembered(text) if len(text) <= _SHORT else _media_type(text)


@functools.lru_cache(maxsize=256)
def _remembered(text: str) -> MediaType | None:
    return _media_type(text)


def _media_type(text: str) -> MediaType | None:
    whole = _MEDIA_TYPE.fullmatch(text.strip(" \t"))
    if whole is None:
        return None
    rest = whole[2] or ""
    parameters: dict[str, str] = {}
    at = 0
    while at < len(rest):
        found = _PARAMETER.match(rest, at)
        if found is None or found.end() == at:
            return None
        at = found.end()
        if found[1] is not None:
            name = found[1].lower()
            if name in parameters:
                return None
            parameters[name] = found[2] if found[2] is not None else re.sub(r"\\(.)", r"\1", found[3])
        elif rest[at:].strip(" \t") not in ("",) and not rest[at:].lstrip(" \t").startswith(";"):
            return None
    return MediaType(whole[1].lower(), parameters)
