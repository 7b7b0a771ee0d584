"""Text that matches a regular expression of a contract (ECMA-262), for the expressions that people write.

Look-around and back-references are passed over, and anchors in the middle too; whoever asks verifies what comes back
against the schema, so a wrong guess is only a missed value.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

_DIGITS, _SPACE = string.digits, " "
_WORDS = string.ascii_lowercase + string.digits
_ANY = string.ascii_letters + string.digits
_PRINTABLE = "".join(chr(c) for c in range(0x20, 0x7F))
_SHORTHAND = {"d": _DIGITS, "w": _WORDS + "_", "s": _SPACE}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_CATEGORIES = {"L": string.ascii_letters, "Lu": string.ascii_uppercase, "Ll": string.ascii_lowercase, "N": _DIGITS}
_MOST = 200
_DEEPEST = 30
_LONGEST = 20_000

Part = Callable[[random.Random, int], str]
"""Makes text; the number says how much more than the least to repeat."""


class NotUnderstood(ValueError):
    """The expression uses what this does not know."""


def matching(pattern: str, rng: random.Random, *, more: int = 0) -> str:
    """A text that ``pattern`` most likely matches, with its repetitions ``more`` than the least times.

    Raises:
        NotUnderstood: the expression cannot be read.
    """
    if len(pattern) > 2000:
        raise NotUnderstood("too long")
    reader = _Reader(pattern)
    part = reader.alternatives(0)
    if reader.at < len(pattern):
        raise NotUnderstood("unbalanced")
    return part(rng, more)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def alternatives(self, depth: int) -> Part:
        if depth > _DEEPEST:
            raise NotUnderstood("nested too deeply")
        branches = [self.sequence(depth)]
        while self._next() == "|":
            self.at += 1
            branches.append(self.sequence(depth))
        return branches[0] if len(branches) == 1 else lambda rng, more: rng.choice(branches)(rng, more)

    def sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self._next() not in ("", "|", ")"):
            atom = self._atom(depth)
            parts.append(self._repeated(atom))
        return lambda rng, more: "".join(part(rng, more) for part in parts)

    def _atom(self, depth: int) -> Part:
        character = self._take()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return _one_of(self._class())
        if character == ".":
            return _one_of(_ANY)
        if character in "^$":
            return _nothing
        if character == "\\":
            return self._escape()
        if character in "*+?":
            raise NotUnderstood("nothing to repeat")
        return lambda rng, more: character

    def _group(self, depth: int) -> Part:
        kept = True
        if self._next() == "?":
            self.at += 1
            kind = self._take()
            if kind == "<" and self._next() in ("=", "!"):
                self.at += 1
                kept = False
            elif kind == "<" or (kind == "P" and self._next() == "<"):
                while self._take() != ">":
                    pass
            elif kind in "=!":
                kept = False
            elif kind != ":":
                raise NotUnderstood("an unknown group")
        inner = self.alternatives(depth + 1)
        if self._take() != ")":
            raise NotUnderstood("unbalanced")
        return inner if kept else _nothing

    def _repeated(self, atom: Part) -> Part:
        least, most = 1, 1
        character = self._next()
        if character and character in "*+?":
            self.at += 1
            least, most = {"*": (0, _MOST), "+": (1, _MOST), "?": (0, 1)}[character]
        elif character == "{" and (bounds := self._bounds()):
            least, most = bounds
        else:
            return atom
        if self._next() in ("?", "+"):
            self.at += 1
        return lambda rng, more: _times(atom, max(least, min(most, least + more)), rng, more)

    def _bounds(self) -> tuple[int, int] | None:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not low.isdecimal() or (high and not high.isdecimal()) or len(low) > 4 or len(high) > 6:
            return None  # a brace that stands for itself
        self.at = end + 1
        least = min(int(low), 10 * _MOST)
        return least, int(high) if high else (least + _MOST if comma else least)

    def _escape(self) -> Part:
        letter = self._take()
        if letter in "bB":
            return _nothing
        if letter.isdecimal() and letter != "0":
            raise NotUnderstood("a back-reference")
        return _one_of(self._escaped(letter))

    def _escaped(self, letter: str) -> str:
        if letter in _SHORTHAND:
            return _SHORTHAND[letter]
        if letter in "DWS":
            return "".join(c for c in _PRINTABLE if c not in _SHORTHAND[letter.lower()] and c.isalnum()) or "-"
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter in "pP":
            name = self._braced()
            if letter == "P":
                return _DIGITS if name.startswith("L") else string.ascii_letters
            return _CATEGORIES.get(name.rpartition("=")[2]) or _CATEGORIES.get(name[:1]) or "-"
        if letter in "xu":
            if self._next() == "{":
                digits = self._braced()
            else:
                digits = self.text[self.at : self.at + (2 if letter == "x" else 4)]
                self.at += len(digits)
            try:
                return chr(int(digits, 16))
            except (ValueError, OverflowError):
                raise NotUnderstood("a code point that is none") from None
        return letter

    def _braced(self) -> str:
        if self._take() != "{":
            raise NotUnderstood("a property without a name")
        end = self.text.find("}", self.at)
        if end < 0:
            raise NotUnderstood("unbalanced")
        name, self.at = self.text[self.at : end], end + 1
        return name

    def _class(self) -> str:
        negated = self._next() == "^"
        if negated:
            self.at += 1
        members: list[str] = []
        first = True
        while first or self._next() != "]":
            first = False
            low = self._member()
            if self._next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", "") and len(low) == 1:
                self.at += 1
                high = self._member()
                if len(high) != 1 or ord(high) < ord(low):
                    raise NotUnderstood("a range that is none")
                members.extend(chr(c) for c in range(ord(low), min(ord(high), ord(low) + 255) + 1))
            else:
                members.extend(low)
            if self._next() == "" or len(members) > 10_000:
                raise NotUnderstood("unbalanced")
        self.at += 1
        chosen = [c for c in _PRINTABLE if c not in members] if negated else members
        plain = [c for c in chosen if c in _ANY]
        if not chosen:
            raise NotUnderstood("nothing matches")
        return "".join(plain or chosen)

    def _member(self) -> str:
        character = self._take()
        if character != "\\":
            return character
        letter = self._take()
        return "\b" if letter == "b" else self._escaped(letter)

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._next()
        if not character:
            raise NotUnderstood("unbalanced")
        self.at += 1
        return character


def _times(part: Part, times: int, rng: random.Random, more: int) -> str:
    made: list[str] = []
    length = 0
    for _ in range(times):
        made.append(part(rng, more))
        length += len(made[-1])
        if length > _LONGEST:  # repetitions of repetitions multiply
            raise NotUnderstood("too long")
    return "".join(made)


def _one_of(characters: str) -> Part:
    return lambda rng, more: rng.choice(characters)


def _nothing(rng: random.Random, more: int) -> str:
    return ""
