"""JSON in and out, strictly and without loss.

Numbers stay the text they were (:class:`msgspec.Raw`), so that ``1.10``, ``-0`` and integers of any size pass unharmed.
What parsers disagree about (duplicate keys, RFC 8259 §4; NaN and Infinity; a byte order mark; bytes that are not UTF-8)
is refused: a field hidden from us by such a disagreement would reach the caller in clear.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from assay.domain import AssayError

Json = Any
"""None, bool, str, list, dict with str keys, or :data:`Number`."""

Number = msgspec.Raw
"""A JSON number as it was written."""


class NotJson(AssayError):
    """A body is not JSON that every parser reads alike. Never quotes the body."""


class _Duplicate(ValueError):
    pass


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Duplicate
    return members


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_no_constant
).raw_decode
_SPACE = " \t\n\r"
_encode = msgspec.json.Encoder().encode


def parse(text: bytes | str) -> Json:
    """The value of one JSON text (RFC 8259) in UTF-8.

    Raises:
        NotJson: it is not JSON, names an object member twice, or nests too deeply to be read safely.
    """
    try:
        content = (text if isinstance(text, str) else text.decode("utf-8")).strip(_SPACE)
        value, end = _read(content)
        if end != len(content):
            raise ValueError
        return value
    except _Duplicate:
        raise NotJson("An object in the body names the same member twice.", fix="send every member once") from None
    except RecursionError:
        raise NotJson("The body nests too deeply.", fix="send a flatter document") from None
    except ValueError:  # json.JSONDecodeError and UnicodeDecodeError included; both would quote the body
        raise NotJson("The body is not valid JSON in UTF-8.", fix="send JSON as RFC 8259 defines it") from None


def encode(value: Json) -> bytes:
    """Compact UTF-8 JSON of what :func:`parse` returned. Lone surrogates are written as the escapes they came as.

    Raises:
        NotJson: the value nests too deeply.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        parts: list[str] = []
        _write(value, parts)
        return "".join(parts).encode()
    except RecursionError:
        raise NotJson("The body nests too deeply.", fix="send a flatter document") from None


def _write(value: Json, parts: list[str]) -> None:
    if isinstance(value, dict):
        separator = "{"
        for key, member in value.items():
            parts += (separator, json.dumps(key), ":")
            _write(member, parts)
            separator = ","
        parts.append("}" if value else "{}")
    elif isinstance(value, list):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if value else "[]")
    elif isinstance(value, Number):
        parts.append(bytes(value).decode())
    else:
        parts.append(json.dumps(value))
