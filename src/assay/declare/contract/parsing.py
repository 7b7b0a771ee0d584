"""Bytes to plain values: JSON with msgspec, YAML with libyaml and the resolution rules of YAML 1.2's core schema.

Everything is iterative: hostile nesting ends in a :class:`ParseFailure`, never in a RecursionError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from assay.declare.contract.json_places import JsonPlaces, duplicate_key
from assay.declare.contract.limits import ReadLimits
from assay.declare.contract.yaml_values import YamlFailure, load_yaml

_AT_BYTE = re.compile(r"\(byte (\d+)\)")


class ParseFailure(Exception):
    """A document that cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, check: str, sentence: str, *, fix: str = "", line: int = 1, column: int = 1) -> None:
        super().__init__(sentence)
        self.check, self.sentence, self.fix, self.line, self.column = check, sentence, fix, line, column


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's value, its text without byte order mark, and the language it was written in."""

    value: object
    text: str
    is_json: bool
    references: frozenset[str]


def parse(data: bytes, *, limits: ReadLimits, suffix: str = "") -> Parsed:
    """The value of one JSON or YAML document.

    Args:
        suffix: of the file's name; a ``.json`` file is held to JSON's rules.

    Raises:
        ParseFailure: not UTF-8, malformed, too large, too deep, or a key is written twice.
    """
    if len(data) > limits.file_bytes:
        raise ParseFailure(
            "too-large",
            f"the document has {len(data):,} bytes, more than the {limits.file_bytes:,} that are read",
            fix="split it, or leave out examples",
        )
    text = _decode(data)
    stripped = text.lstrip()
    if not stripped:
        raise ParseFailure("contract-unreadable", "the document is empty", fix="write an OpenAPI document into it")
    if suffix == ".json" or stripped[0] in "{[":
        try:
            value, references = _json(text, limits)
            return Parsed(value, text, True, references)
        except ParseFailure as failure:
            if suffix == ".json" or failure.check != "contract-unreadable" or _looks_like_json(stripped):
                raise
    try:
        loaded, references = load_yaml(text, depth=limits.depth, values=limits.values, aliased=limits.aliased)
    except YamlFailure as failure:
        line, column = _within(text, failure.line, failure.column)
        raise ParseFailure(failure.check, failure.sentence, fix=failure.fix, line=line, column=column) from None
    return Parsed(loaded, text, False, references)


def _within(text: str, line: int, column: int) -> tuple[int, int]:
    """The place, or the end of the text where libyaml puts it on a line that does not exist."""
    lines = text.split("\n")
    return (line, column) if line <= len(lines) else (len(lines), len(lines[-1]) + 1)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise ParseFailure(
            "contract-unreadable", "the document is not UTF-8", fix="save it as UTF-8", line=line, column=column
        ) from None


def _looks_like_json(stripped: str) -> bool:
    """Whether a broken document is better explained as JSON than as YAML in flow style."""
    return stripped[0] == "{" and stripped[1:].lstrip()[:1] in ('"', "}", "")


def _json(text: str, limits: ReadLimits) -> tuple[object, frozenset[str]]:
    data = text.encode()
    try:
        value: object = msgspec.json.decode(data)
    except RecursionError:
        raise _too_deep(limits) from None
    except msgspec.MsgspecError as error:
        raise _malformed(str(error), data) from None
    members, references = _survey(value, limits)
    if _members_written(data) != members:
        key, offset = duplicate_key(text)
        line, column = JsonPlaces(text).line_column(offset)
        raise ParseFailure(
            "duplicate-key",
            f"the key `{key}` is written twice in one object",
            fix="keep one of the two",
            line=line,
            column=column,
        )
    return value, references


def _members_written(data: bytes) -> int:
    """How many members the objects of a well-formed JSON text have, repeated keys counted: colons outside strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(data.split(b'"')[::2]).count(b":")


def _malformed(message: str, data: bytes) -> ParseFailure:
    found = _AT_BYTE.search(message)
    offset = int(found[1]) if found else len(data)
    if "truncated" not in message and not found:
        offset = 0
    before = data[:offset]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    what = "the JSON ends too early" if "truncated" in message else _AT_BYTE.sub("", message).strip()
    what = what.removeprefix("JSON is malformed: ")
    return ParseFailure(
        "contract-unreadable", f"the JSON is malformed: {what}", fix="correct the JSON", line=line, column=column
    )


def _survey(root: object, limits: ReadLimits) -> tuple[int, frozenset[str]]:
    """How many members all mappings have, and every string under a key ``$ref``; checks depth and size on the way."""
    level: list[object] = [root] if isinstance(root, dict | list) else []
    members = values = depth = 0
    references: set[str] = set()
    while level:
        depth += 1
        if depth > limits.depth:
            raise _too_deep(limits)
        below: list[object] = []
        for container in level:
            if type(container) is dict:
                members += len(container)
                values += len(container)
                if "$ref" in container and type(container["$ref"]) is str:
                    references.add(container["$ref"])
                below += [v for v in container.values() if type(v) is dict or type(v) is list]
            elif type(container) is list:
                values += len(container)
                below += [v for v in container if type(v) is dict or type(v) is list]
        if values > limits.values:
            raise ParseFailure(
                "too-large",
                f"the document holds more than {limits.values:,} values",
                fix="split it, or leave out examples",
            )
        level = below
    return members, frozenset(references)


def _too_deep(limits: ReadLimits) -> ParseFailure:
    return ParseFailure(
        "too-deep", f"the document is nested more than {limits.depth} levels deep", fix="use `$ref` instead of nesting"
    )
