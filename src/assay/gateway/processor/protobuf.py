"""As much of protocol buffers' wire format (protobuf.dev/programming-guides/encoding) as a hot path needs.

Envoy's messages have a handful of outermost fields, of which an answer needs one or two. To read those from the bytes
takes a fraction of what it takes to make a tree of objects of the whole message and to look them up in it. What is
read rarely is left to the library.
"""

from __future__ import annotations

from typing import Final

from assay.domain import AssayError

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_LONGEST: Final = 10
"""Bytes of a varint."""


class MalformedError(AssayError):
    """Bytes are no protocol buffer, or one that repeats what it may have once."""


def scan(data: bytes) -> tuple[list[tuple[int, bytes]], dict[int, int]]:
    """The fields of a message: number and content of those with a length (messages, strings, bytes) in their order,
    and the last value of varints (numbers, booleans, enumerations) by number. Fields of a fixed size are skipped.

    Raises:
        MalformedError: it is no protocol buffer.
    """
    contents: list[tuple[int, bytes]] = []
    numbers: dict[int, int] = {}
    at, size = 0, len(data)
    try:
        while at < size:
            tag = data[at]
            at += 1
            if tag > 127:
                tag, at = _varint(data, at - 1)
            kind = tag & 7
            if kind == _DELIMITED:
                length = data[at]
                at += 1
                if length > 127:
                    length, at = _varint(data, at - 1)
                contents.append((tag >> 3, data[at : at + length]))
                at += length
            elif kind == _VARINT:
                numbers[tag >> 3], at = _varint(data, at)
            elif kind == _FIXED64:
                at += 8
            elif kind == _FIXED32:
                at += 4
            else:
                raise MalformedError("A field has a type that there is not.")
    except IndexError:
        at = -1
    if at != size:
        raise MalformedError("A message ends within a field.")
    return contents, numbers


def once(contents: list[tuple[int, bytes]]) -> dict[int, bytes]:
    """What :func:`scan` found, by number.

    Raises:
        MalformedError: a number stands there twice. Parsers merge messages that are repeated and take the last of
            other fields; nobody shall have to wonder which of two was meant.
    """
    found = dict(contents)
    if len(found) != len(contents):
        raise MalformedError("A field stands twice in a message.")
    return found


def field(number: int, content: bytes) -> bytes:
    """A field with a length, to stand beside others in a message; ``number`` is at most 15."""
    size = len(content)
    if size < 128:
        return b"%c%c%b" % (number << 3 | _DELIMITED, size, content)
    length = bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return b"".join((bytes((number << 3 | _DELIMITED,)), length, bytes((size,)), content))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in data[at : at + _LONGEST]:
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
    raise MalformedError("A number does not end.")
