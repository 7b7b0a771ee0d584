"""Values as a request carries them: parameters by style, bodies by media type."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from assay.declare.contract import Body, Parameter
from assay.prove.case import Draft, NotReached

_UNRESERVED = "-._~"
_BETWEEN = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
_BOUNDARY = "assay-prove-7MA4YWxkTrZu0gW"
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def preferred(bodies: Iterable[Body]) -> Body | None:
    """The body that is easiest to make: JSON, a form, multipart, text, anything else."""
    return min(bodies, key=lambda b: _order(b.media_type), default=None)


def _order(media_type: str) -> int:
    bare = media_type.partition(";")[0]
    if bare == "application/json":
        return 0
    if is_json(bare):
        return 1 if bare.endswith("+json") else 2
    return {_FORM: 3, _MULTIPART: 4, "text/plain": 5, "application/octet-stream": 6}.get(bare, 7)


def is_json(media_type: str) -> bool:
    """Whether bodies of this type (or range) can be JSON."""
    bare = media_type.partition(";")[0]
    return bare in ("application/json", "*/*", "application/*") or bare.endswith(("+json", "/json"))


def writable(media_type: str) -> bool:
    """Whether a body of this type can be written from a schema."""
    return _order(media_type) < 7 or media_type.startswith("text/")


def sample(media_type: str) -> bytes | None:
    """A small valid body of a type that no schema describes; None where there is none to offer."""
    return _dot() if media_type.partition(";")[0] == "image/png" else None


def _dot() -> bytes:
    """A PNG of one grey pixel (ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")


def concrete(media_type: str) -> str:
    """A media type for a range: JSON."""
    return "application/json" if "*" in media_type else media_type


def text(value: Any) -> str:
    """One value as text, the way query strings and headers hold it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return ",".join(text(v) for v in value)
    if isinstance(value, dict):
        return ",".join(f"{k},{text(v)}" for k, v in value.items())
    return str(value)


def query_pairs(parameter: Parameter, value: Any) -> list[tuple[str, str]]:
    """A query parameter by its style (OpenAPI 3.1 § 4.8.12.6), not yet percent-encoded."""
    if parameter.media_type is not None and is_json(parameter.media_type):
        return [(parameter.name, json.dumps(value, ensure_ascii=False, separators=(",", ":")))]
    if isinstance(value, dict):
        if parameter.style == "deepObject":
            return [(f"{parameter.name}[{k}]", text(v)) for k, v in value.items()]
        if parameter.explode:
            return [(str(k), text(v)) for k, v in value.items()]
    if isinstance(value, list):
        if parameter.explode:
            return [(parameter.name, text(v)) for v in value]
        return [(parameter.name, _BETWEEN.get(parameter.style, ",").join(text(v) for v in value))]
    return [(parameter.name, text(value))]


def target(base: str, template: str, draft: Draft) -> str:
    """Path and query as they go over the wire.

    Raises:
        NotReached: a parameter of the path has no value, or an empty one.
    """
    path = template
    for name, value in draft.params.items():
        if f"{{{name}}}" in template and value == "":
            raise NotReached(f"`{name}` is empty, so the path would be another one")
        path = path.replace(f"{{{name}}}", quote(value, safe=_UNRESERVED).replace("{", "%7B"))
    if "{" in path:
        raise NotReached(f"`{path}` has a parameter without a value")
    pairs = "&".join(f"{quote(n, safe=_UNRESERVED + '[]')}={quote(v, safe=_UNRESERVED + ',')}" for n, v in draft.query)
    fixed = quote(path, safe=_UNRESERVED + "/%:@!$&'()*+,;=")
    return base + fixed + (f"?{pairs}" if pairs else "")


def body(draft: Draft) -> tuple[bytes | None, str | None]:
    """The draft's body as bytes, and the ``Content-Type`` to send.

    Raises:
        NotReached: the value cannot be written as this type.
    """
    kind = draft.content_type
    if kind is None:
        return None, None
    bare = kind.partition(";")[0]
    try:
        if is_json(bare):
            return json.dumps(draft.body, ensure_ascii=False, separators=(",", ":")).encode(), kind
        if isinstance(draft.body, bytes):
            return draft.body, kind
        if bare == _FORM and isinstance(draft.body, Mapping):
            return urlencode(_form(draft.body)).encode(), kind
        if bare == _MULTIPART and isinstance(draft.body, Mapping):
            return _multipart(draft.body), f"{_MULTIPART}; boundary={_BOUNDARY}"
        if bare.startswith("text/") or bare == "application/octet-stream":
            return text(draft.body).encode(), kind
    except (TypeError, ValueError, RecursionError) as error:
        raise NotReached(f"the body cannot be written as `{kind}`: {error}") from error
    raise NotReached(f"the body cannot be written as `{kind}`")


def _form(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, member in value.items():
        if isinstance(member, list):
            pairs.extend((name, text(v)) for v in member)
        elif isinstance(member, dict):
            pairs.append((name, json.dumps(member)))
        else:
            pairs.append((name, text(member)))
    return pairs


def _multipart(value: Mapping[str, Any]) -> bytes:
    parts = []
    for name, member in _form(value):
        shown = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{shown}"\r\n\r\n{member}\r\n')
    return ("".join(parts) + f"--{_BOUNDARY}--\r\n").encode()
