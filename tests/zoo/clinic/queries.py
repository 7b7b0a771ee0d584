"""Two query languages that come from outside: filters of a document store, and filters of a directory (RFC 4515)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Entry = Mapping[str, Any]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: bool(value == wanted),
    "$ne": lambda value, wanted: bool(value != wanted),
    "$gt": lambda value, wanted: isinstance(value, str) and isinstance(wanted, str) and value > wanted,
    "$in": lambda value, wanted: isinstance(wanted, list) and value in wanted,
    "$regex": lambda value, wanted: isinstance(wanted, str) and re.search(wanted, str(value)) is not None,
    "$exists": lambda value, wanted: (value is not None) == bool(wanted),
}

DIRECTORY = (
    {"objectClass": "person", "cn": "dora", "mail": "dora@example.test", "pager": "north-4471"},
    {"objectClass": "person", "cn": "dirk", "mail": "dirk@example.test", "pager": "north-4472"},
    {"objectClass": "person", "cn": "selma", "mail": "selma@example.test", "pager": "south-5510"},
    {"objectClass": "service", "cn": "backup", "mail": "root@example.test", "pager": "svc-0001"},
)


def matches(entry: Entry, wanted: Mapping[str, Any]) -> bool:
    """Whether an entry fits a filter of values and operators, as document stores understand it.

    Raises:
        ValueError: there is no such operator.
    """
    for name, value in wanted.items():
        if name == "$or":
            if not any(matches(entry, each) for each in value):
                return False
        elif isinstance(value, Mapping):
            for operator, operand in value.items():
                if operator not in _OPERATORS:
                    raise ValueError(f"no operator {operator}")
                if not _OPERATORS[operator](entry.get(name), operand):
                    return False
        elif entry.get(name) != value:
            return False
    return True


def search_directory(text: str) -> list[Entry]:
    """Entries of the directory that a filter such as ``(&(objectClass=person)(cn=do*))`` selects.

    Raises:
        ValueError: it is no filter. What follows a complete filter is overlooked, as some servers do.
    """
    test, _ = _filter(text, 0)
    return [entry for entry in DIRECTORY if test(entry)]


def escaped(value: str) -> str:
    r"""A value with what means something in a filter written as ``\xx`` (RFC 4515, section 3)."""
    return re.sub(r"[\\*()\x00]", lambda found: f"\\{ord(found[0]):02x}", value)


def _filter(text: str, at: int) -> tuple[Callable[[Entry], bool], int]:
    if at >= len(text) or text[at] != "(":
        raise ValueError("a filter begins with a bracket")
    at += 1
    if text[at : at + 1] in ("&", "|", "!"):
        kind, at, parts = text[at], at + 1, []
        while text[at : at + 1] == "(":
            part, at = _filter(text, at)
            parts.append(part)
        if text[at : at + 1] != ")" or not parts:
            raise ValueError("a bracket is missing")
        combined: Mapping[str, Callable[[Entry], bool]] = {
            "&": lambda entry: all(part(entry) for part in parts),
            "|": lambda entry: any(part(entry) for part in parts),
            "!": lambda entry: not parts[0](entry),
        }
        return combined[kind], at + 1
    end = text.find(")", at)
    if end < 0 or "=" not in text[at:end]:
        raise ValueError("a comparison is missing")
    name, _, value = text[at:end].partition("=")
    pattern = ".*".join(re.escape(_unescaped(piece)) for piece in value.split("*"))
    return lambda entry: name in entry and re.fullmatch(pattern, entry[name], re.I) is not None, end + 1


def _unescaped(value: str) -> str:
    return re.sub(r"\\([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), value)
