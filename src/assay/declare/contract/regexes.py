"""Regular expressions of contracts (ECMA-262) seen from an engine that runs in linear time (RE2)."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

_BACKTRACKS = re.compile(r"\(\?<?[=!]|\\[1-9]|\\k<")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{([0-9]{1,4})(,([0-9]{0,4}))?\})\??")
_WORD = "A-Za-z0-9_"
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-_~")
"""Characters that stand for themselves in a path (RFC 3986 § 2.3) and in a regular expression."""

LONGEST = 256
_DEEPEST = 20
_REPEATS = 1000  # RE2 refuses counted repetition beyond 1,000, nested ones multiplied


def backtracks(pattern: str) -> bool:
    """Whether an expression needs look-around or back-references."""
    return _BACKTRACKS.search(re.sub(r"\\\\", "", pattern)) is not None


def segment_regex(pattern: str) -> str | None:
    """A ``pattern`` as an RE2 expression for one path segment as it is sent, or None where that is not certain.

    Only expressions that are anchored at both ends, match at least one character, and match unreserved characters
    (RFC 3986 § 2.3) only: such values look the same in a URL as in the schema, and never contain a slash.
    """
    if len(pattern) > LONGEST or not pattern.startswith("^") or not pattern.endswith("$") or pattern.endswith("\\$"):
        return None
    reader = _Reader(pattern[1:-1])
    try:
        node = reader.alternatives(0)
    except _NotSafe:
        return None
    if reader.at != len(reader.text) or node.shortest == 0 or node.repeats > _REPEATS:
        return None
    return None if node.alternatives else node.text  # in `^a|b$` each anchor belongs to one alternative only


class _NotSafe(Exception):
    """The expression uses something whose meaning in a URL is not certain."""


@dataclass(frozen=True, slots=True)
class _Node:
    text: str
    shortest: int
    repeats: int
    alternatives: bool = False


class _Reader:
    """A recursive descent over the safe subset."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def alternatives(self, depth: int) -> _Node:
        if depth > _DEEPEST:
            raise _NotSafe
        choices = [self._sequence(depth)]
        while self._peek() == "|":
            self.at += 1
            choices.append(self._sequence(depth))
        return _Node(
            "|".join(c.text for c in choices),
            min(c.shortest for c in choices),
            max(c.repeats for c in choices),
            len(choices) > 1,
        )

    def _sequence(self, depth: int) -> _Node:
        texts: list[str] = []
        shortest, repeats = 0, 1
        while self._peek() not in ("", "|", ")"):
            node = self._quantified(self._atom(depth))
            texts.append(node.text)
            shortest += node.shortest
            repeats = max(repeats, node.repeats)
        return _Node("".join(texts), shortest, repeats)

    def _atom(self, depth: int) -> _Node:
        char = self._take()
        if char in _UNRESERVED:
            return _Node(char, 1, 1)
        if char == "\\":
            return _Node(self._escape(inside=False), 1, 1)
        if char == "[":
            return _Node(self._class(), 1, 1)
        if char == "(":
            if self._peek() == "?":
                if self.text[self.at : self.at + 2] != "?:":
                    raise _NotSafe
                self.at += 2
            inner = self.alternatives(depth + 1)
            if self._take() != ")":
                raise _NotSafe
            return _Node(f"(?:{inner.text})", inner.shortest, inner.repeats)
        raise _NotSafe

    def _quantified(self, atom: _Node) -> _Node:
        found = _QUANTIFIER.match(self.text, self.at)
        if found is None:
            return atom
        self.at = found.end()
        token = found[0].removesuffix("?") if len(found[0]) > 1 else found[0]
        if token in ("*", "?"):
            return _Node(atom.text + token, 0, atom.repeats)
        if token == "+":
            return _Node(atom.text + token, atom.shortest, atom.repeats)
        least = int(found[1])
        most = int(found[3]) if found[3] else least
        if most < least:
            raise _NotSafe
        return _Node(atom.text + token, atom.shortest * least, atom.repeats * max(most, 1))

    def _escape(self, *, inside: bool) -> str:
        char = self._take()
        if char == "d":
            return "0-9" if inside else "[0-9]"
        if char == "w":
            return _WORD if inside else f"[{_WORD}]"
        if char in (".", "-", "_", "~"):
            return "\\" + char if char in ".-" else char
        raise _NotSafe

    def _class(self) -> str:
        items: list[str] = []
        while (char := self._take()) != "]":
            if char == "\\":
                items.append(self._escape(inside=True))
                continue
            if char == "-":
                if self._peek() != "]" and items:
                    raise _NotSafe
                items.append("\\-")
                continue
            if char not in _UNRESERVED and char != ".":
                raise _NotSafe
            if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                last = self._take()
                if not any(char in kind and last in kind and char <= last for kind in _KINDS):
                    raise _NotSafe
                items.append(f"{char}-{last}")
            else:
                items.append("\\." if char == "." else char)
        if not items:
            raise _NotSafe
        return "[" + "".join(items) + "]"

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise _NotSafe
        self.at += 1
        return char


_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
