"""Where values stand in a JSON text, found only for what is asked.

A container is scanned once, when one of its members is first asked for; nested containers are skipped over, so asking
for a few places in a large document neither keeps nor builds an index of all of it. Assumes well-formed JSON.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_SPACE = re.compile(r"[ \t\r\n]*+")
_STRING_TOKEN = re.compile(_STRING, re.DOTALL)
_SCALAR = re.compile(r"[^ \t\r\n,\]}]++")
_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_TOKEN = re.compile(rf"{_STRING}|[\[\]{{}},:]", re.DOTALL)


class JsonPlaces:
    """Offsets, lines and columns in one JSON text."""

    __slots__ = ("_children", "_lines", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._children: dict[int, dict[str, tuple[int, int]]] = {}
        self._lines: list[int] | None = None

    def find(self, steps: list[str]) -> tuple[int, int]:
        """Line and column (from 1, in characters) of the key or list item at ``steps``, or of the nearest above it."""
        place = value = self._skip_space(0)
        for step in steps:
            member = self._members(value).get(step)
            if member is None:
                break
            place, value = member
        return self.line_column(place)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        if self._lines is None:
            self._lines = [0, *(m.end() for m in re.finditer("\n", self._text))]
        line = bisect.bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _skip_space(self, offset: int) -> int:
        found = _SPACE.match(self._text, offset)
        return found.end() if found else offset

    def _members(self, offset: int) -> dict[str, tuple[int, int]]:
        """For a container at ``offset``: key or index → (where the key or item stands, where the value stands)."""
        if offset not in self._children:
            self._children[offset] = dict(self._scan(offset))
        return self._children[offset]

    def _scan(self, offset: int) -> Iterator[tuple[str, tuple[int, int]]]:
        text = self._text
        opening = text[offset : offset + 1]
        if opening not in ("{", "["):
            return
        index = 0
        at = self._skip_space(offset + 1)
        while at < len(text) and text[at] not in "]}":
            start, name = at, str(index)
            if opening == "{":
                key = _STRING_TOKEN.match(text, at)
                if key is None:
                    return
                name = _unquote(key[0])
                at = self._skip_space(self._skip_space(key.end()) + 1)
            yield name, (start, at)
            index += 1
            at = self._skip_space(self._skip_value(at))
            if text[at : at + 1] == ",":
                at = self._skip_space(at + 1)

    def _skip_value(self, offset: int) -> int:
        text = self._text
        first = text[offset : offset + 1]
        if first in ("{", "["):
            depth = 0
            for token in _BRACKET.finditer(text, offset):
                if token[0] in ("{", "["):
                    depth += 1
                elif token[0] in ("}", "]"):
                    depth -= 1
                    if depth == 0:
                        return token.end()
            return len(text)
        found = (_STRING_TOKEN if first == '"' else _SCALAR).match(text, offset)
        return found.end() if found else len(text)


def duplicate_key(text: str) -> tuple[str, int]:
    """The first key that its object already has, and the offset of that second mention; else ``("", 0)``."""
    open_objects: list[set[str] | None] = []
    before: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        symbol = token[0]
        if symbol == "{":
            open_objects.append(set())
        elif symbol == "[":
            open_objects.append(None)
        elif symbol in ("}", "]"):
            open_objects.pop()
        elif symbol == ":" and before is not None:
            keys = open_objects[-1]
            key = _unquote(before[0])
            if keys is not None:
                if key in keys:
                    return key, before.start()
                keys.add(key)
        before = token
    return "", 0


def _unquote(token: str) -> str:
    return str(json.loads(token)) if "\\" in token else token[1:-1]
