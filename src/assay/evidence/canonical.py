"""One JSON value, one sequence of bytes: the JSON Canonicalization Scheme (RFC 8785)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted

from assay.domain import AssayError

JSON = None | bool | int | float | str | list["JSON"] | tuple["JSON", ...] | Mapping[str, "JSON"]
"""What JSON can say."""

_LARGEST = 2**53 - 1
"""The largest integer that every reader of JSON keeps exact (RFC 8785 appendix D)."""

_DEEPEST = 200


def canonical(value: object) -> bytes:
    """The canonical UTF-8 form of a JSON value.

    Members are sorted by the UTF-16 code units of their names (section 3.2.3), numbers are written as ECMAScript writes
    them (3.2.2.3), strings with the fewest escapes (3.2.2.2).

    Raises:
        AssayError: NaN, an infinity, an integer beyond ±(2^53 - 1), a lone surrogate, a name that is no string, a type
            that JSON does not have, or nesting deeper than 200.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise AssayError("a text holds half a character (a lone surrogate), which UTF-8 cannot carry") from error


def is_canonical(data: bytes) -> bool:
    """Whether bytes are the canonical form of what they say. Never raises."""
    try:
        return canonical(json.loads(data.decode(), parse_int=_exact)) == data
    except (AssayError, ValueError, RecursionError):
        return False


def _exact(digits: str) -> int | float:
    """A double of 2^53 and more is written without a fraction, and has to be read as a double again."""
    value = int(digits) if len(digits) <= 17 else _LARGEST + 1
    return value if -_LARGEST <= value <= _LARGEST else float(digits)


def _write(value: object, parts: list[str], depth: int) -> None:
    if type(value) is str:
        parts.append(_quoted(value))
    elif value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, str):
        # A StrEnum, say: what counts is the text, not what its class prints.
        parts.append(_quoted(str.__str__(value)))
    elif isinstance(value, int):
        parts.append(_integer(int(value)))
    elif isinstance(value, float):
        parts.append(number(float(value)))
    elif isinstance(value, Mapping):
        _write_object(value, parts, _deeper(depth))
    elif isinstance(value, (list, tuple)):
        _write_array(value, parts, _deeper(depth))
    else:
        raise AssayError(f"JSON has no form for a value of type {type(value).__name__}")


def _deeper(depth: int) -> int:
    if depth >= _DEEPEST:
        raise AssayError(f"JSON is nested deeper than {_DEEPEST} levels")
    return depth + 1


def _integer(value: int) -> str:
    if not -_LARGEST <= value <= _LARGEST:
        raise AssayError("an integer beyond ±(2^53 - 1) is not kept exact by every reader of JSON")
    return repr(value)


def _write_array(value: list[object] | tuple[object, ...], parts: list[str], depth: int) -> None:
    before = "["
    for item in value:
        parts.append(before)
        _write(item, parts, depth)
        before = ","
    parts.append("]" if value else "[]")


def _write_object(value: Mapping[object, object], parts: list[str], depth: int) -> None:
    names: list[str] = []
    for name in value:
        if not isinstance(name, str):
            raise AssayError("the name of a JSON member is not a string")
        names.append(name)
    # ASCII sorts by code point as it does by UTF-16 code unit; other text has to be looked at in UTF-16.
    names.sort(key=None if all(map(str.isascii, names)) else _utf16)
    before = "{"
    for name in names:
        parts.append(before)
        parts.append(_quoted(name))
        parts.append(":")
        _write(value[name], parts, depth)
        before = ","
    parts.append("}" if names else "{}")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def number(value: float) -> str:
    """A double as ECMAScript's ``Number::toString`` writes it (ECMA-262, 6.1.6.1.20): shortest digits that read back.

    Raises:
        AssayError: NaN or an infinity.
    """
    if not math.isfinite(value):
        raise AssayError("JSON has no form for NaN or infinity")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # repr gives the same shortest digits; only the layout differs.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _layout(digits, point)


def _layout(digits: str, point: int) -> str:
    """``0.digits × 10^point`` in ECMAScript's layout: plain between 1e-7 and 1e21, scientific outside."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    scale = f"e{point - 1:+d}"
    return f"{digits[0]}.{digits[1:]}{scale}" if count > 1 else f"{digits}{scale}"
