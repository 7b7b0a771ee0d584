"""The text that every path must start with to match an expression, so that routes of other paths are passed over."""

from __future__ import annotations

import re

_LITERAL = re.compile(r"\^((?:[A-Za-z0-9/_~%-]|\\[.~/-])*)(?![?*+{])")
"""Plain characters after the anchor; the last one is given back when a quantifier follows it."""
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[]", re.DOTALL)


def literal_start(pattern: str) -> str:
    """The longest plain text, as far as is easily seen, that every match of an anchored RE2 expression starts with.

    Empty where nothing is certain: without an anchor, or with alternatives that stand in no group.
    """
    found = _LITERAL.match(pattern)
    return found[1].replace("\\", "") if found and not _alternatives(pattern) else ""


def _alternatives(pattern: str) -> bool:
    depth = 0
    for atom in _ATOM.findall(pattern):
        depth += (atom == "(") - (atom == ")")
        if atom == "|" and depth == 0:
            return True
    return False
