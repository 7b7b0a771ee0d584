"""Foreign files as plain values: JSON, lines of JSON, XML without entities, and HTTP messages as text."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from assay.domain import Location, UsageError

MOST_BYTES = 64 * 1024 * 1024
_DEPTH = 64
_MOST_ELEMENTS = 1_000_000


def decoded(data: bytes, name: str) -> str:
    """The text of a file.

    Raises:
        UsageError: it is too large, or no UTF-8.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(f"`{name}` is larger than {MOST_BYTES // 1024**2} MiB", fix="export fewer findings at once")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"`{name}` is not UTF-8 text", fix="export it as UTF-8") from None


def json_value(text: str, name: str) -> Any:
    """The value of a JSON text.

    Raises:
        UsageError: it is none, with the place where reading stopped.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = Location(name, error.lineno, error.colno)
        raise UsageError(f"`{name}` is not JSON: {error.msg}", fix="export it again", location=at) from None
    except (RecursionError, ValueError):
        raise UsageError(f"`{name}` is nested too deeply, or holds a number too long", fix="export it again") from None


def json_lines(text: str, name: str) -> list[Any]:
    """The values of a text with one JSON value on each line.

    Raises:
        UsageError: a line is none, with its number.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            at = Location(name, number)
            raise UsageError(f"line {number} of `{name}` is not JSON", fix="export it again", location=at) from None
    return found


@dataclass(slots=True)
class Element:
    """An XML element: what is needed to read reports, no more. ``text`` is all text directly in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((c for c in self.children if c.name == name), None)

    def all(self, name: str) -> list[Element]:
        """The children of that name."""
        return [c for c in self.children if c.name == name]

    def says(self, name: str) -> str:
        """The text of the first child of that name, or nothing."""
        found = self.child(name)
        return found.text.strip() if found else ""


class _Refused(Exception):
    """Something that a report does not need and an attack does."""


def xml_tree(data: bytes, name: str) -> Element:
    """The root of an XML document.

    Entities are refused before anything is expanded, so nothing is fetched or multiplied (CWE-611, CWE-776); a document
    type without them is let be, since Burp writes one.

    Raises:
        UsageError: it is no XML, declares an entity, or is too large or too deep.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(f"`{name}` is larger than {MOST_BYTES // 1024**2} MiB", fix="export fewer findings at once")
    parser = expat.ParserCreate()
    top = Element("", {})
    stack, texts, count = [top], [[""]], 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > _DEPTH or count > _MOST_ELEMENTS:
            raise _Refused("is nested too deeply or holds too many elements")
        element = Element(tag, attributes)
        stack[-1].children.append(element)
        stack.append(element)
        texts.append([])

    def end(tag: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def refuse(*_: object) -> int:
        raise _Refused("declares an entity, which no report needs")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except _Refused as refused:
        at = Location(name, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        raise UsageError(f"`{name}` {refused}", fix="export it again", location=at) from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        at = Location(name, max(1, getattr(error, "lineno", 1)), getattr(error, "offset", 0) + 1)
        raise UsageError(f"`{name}` is not XML: {error}", fix="export it again", location=at) from None
    if not top.children:
        raise UsageError(f"`{name}` is not XML", fix="export it again")
    return top.children[0]


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP message as text: the first line's words, header fields, and the body."""

    first: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        """The first value of a header field, or nothing."""
        return next((v for n, v in self.headers if n.lower() == name), "")


def http_message(text: str) -> Message:
    """Reads a request or an answer as tools write it down. Total: what is no message has no first line."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    lines = head.split("\n")
    headers = tuple((n.strip(), v.strip()) for n, colon, v in (line.partition(":") for line in lines[1:]) if colon)
    return Message(tuple(lines[0].split(" ")) if lines[0] else (), headers, body)


def from_base64(text: str) -> str:
    """Base64 as text; what is not UTF-8 is replaced, what is no base64 is nothing."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def said(value: object) -> str:
    """The value if it is text or a number, as text; else nothing."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
