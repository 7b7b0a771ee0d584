"""Which strings are free text: those that could carry an injection although the contract allows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NARROW_FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "idn-email"}
)
"""Formats that the validator asserts and that leave no room for an injection."""
FIXED_FORMATS = frozenset({"date", "date-time", "time", "uuid", "ipv4", "ipv6"})
"""Formats whose values cannot be long."""
_SAFE = r"A-Za-z0-9 _.:@,+-"
_ATOM = re.compile(
    rf"""
      \[ (?: [{_SAFE}] | \\[dw.+:@-] )+ \]      # a class of plain characters, not negated
    | \\[dw.+:@-]                               # one of the same, escaped
    | [A-Za-z0-9 _:@,-]                         # one that means itself
    | \(\?: | [()|]                             # groups and alternatives
    """,
    re.VERBOSE,
)
_QUANTIFIER = re.compile(r"[?*+]|\{[0-9]{1,9}(?:,[0-9]{0,9})?\}")
_UNBOUNDED = re.compile(r"[*+]|\{[0-9]{1,9},\}")


def is_narrow(pattern: str) -> bool:
    """Whether an anchored pattern admits only characters that no injection can live on.

    Understands plain characters, classes, groups and repetition; whatever else occurs, the answer is no.
    """
    atoms = _atoms(pattern)
    return atoms is not None


def is_bounded(pattern: str) -> bool:
    """Whether a pattern limits the length of what it matches: anchored, understood, and without open repetition."""
    atoms = _atoms(pattern)
    return atoms is not None and not any(_UNBOUNDED.fullmatch(a) for a in atoms)


def _atoms(pattern: str) -> list[str] | None:
    """The parts of an anchored pattern; None when it is not anchored as a whole or has parts that are not known."""
    if len(pattern) > 500 or not pattern.startswith("^") or not pattern.endswith("$") or pattern.endswith("\\$"):
        return None
    at, end, depth = 1, len(pattern) - 1, 0
    found: list[str] = []
    while at < end:
        match = _ATOM.match(pattern, at, end) or (_QUANTIFIER.match(pattern, at, end) if at > 1 else None)
        if match is None:
            return None
        found.append(match[0])
        depth += {"(": 1, "(?:": 1, ")": -1}.get(match[0], 0)
        if depth < 0 or (match[0] == "|" and depth == 0):
            return None  # each side of an alternative at the top is anchored at one end only
        at = match.end()
    return found if depth == 0 else None


def is_free(parts: Iterable[Mapping[str, object]]) -> bool:
    """Whether a string that satisfies all of ``parts`` may be free text."""
    for part in parts:
        pattern, longest = part.get("pattern"), part.get("maxLength")
        if part.get("format") in NARROW_FORMATS or (isinstance(longest, int) and longest <= 2):
            return False
        if isinstance(pattern, str) and is_narrow(pattern):
            return False
    return True


def is_long(parts: Iterable[Mapping[str, object]]) -> bool:
    """Whether a string that satisfies all of ``parts`` may be of any length."""
    for part in parts:
        pattern = part.get("pattern")
        if "maxLength" in part or part.get("format") in FIXED_FORMATS:
            return False
        if isinstance(pattern, str) and is_bounded(pattern):
            return False
    return True
