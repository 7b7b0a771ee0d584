"""Text that somebody else wrote, made safe to show."""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t"}


def plain(text: str) -> str:
    """The text with one visible character for each that could move a cursor, change colours or reverse the line.

    Names out of contracts reach terminals and logs, and a contract may be anybody's (CWE-150).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _moves(c) else c for c in text)


def _moves(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _KEPT
