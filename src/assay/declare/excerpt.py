"""The lines of a file that a diagnostic speaks about, with a caret under the place."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from assay.domain import Location


def excerpt(source_text: str, location: Location, *, context: int = 1, width: int = 100) -> str:
    """Source lines around ``location``, numbered, with a caret under its column.

    Args:
        source_text: the whole file.
        context: how many lines to show before and after.
        width: columns of a terminal; longer lines are cut around the caret and the cut is marked with `…`.

    Returns:
        Lines joined by newlines, without one at the end; empty when the location is not in the text.
    """
    lines = _lines(source_text)
    if not 1 <= location.line <= len(lines):
        return ""
    first, last = max(1, location.line - context), min(len(lines), location.line + context)
    if last == len(lines) and not lines[-1] and last > location.line:
        last -= 1
    gutter = len(str(last))
    room = max(20, width - gutter - 3)
    at = min(location.column - 1, len(lines[location.line - 1]))
    start = max(0, at - room * 2 // 3) if len(lines[location.line - 1]) > room else 0
    shown = []
    for number in range(first, last + 1):
        line = _cut(_plain(lines[number - 1]), start, room)
        shown.append(f"{number:>{gutter}} | {line}".rstrip())
        if number == location.line:
            before = _cut(_plain(lines[number - 1]), start, room)[: at - start]
            shown.append(f"{'':>{gutter}} | {' ' * _cells(before)}^")
    return "\n".join(shown)


@lru_cache(maxsize=4)
def _lines(source_text: str) -> tuple[str, ...]:
    """The lines of a text. Kept for the next excerpt: thousands of findings may speak about one large file."""
    return tuple(source_text.split("\n"))


def _plain(line: str) -> str:
    """Control characters would move the caret, or the terminal's cursor; one visible character stands for each."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(
        " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cf") else c
        for c in line.rstrip("\r")
    )


def _cut(line: str, start: int, room: int) -> str:
    piece = line[start : start + room]
    if start and piece:
        piece = "…" + piece[1:]
    if len(line) > start + room:
        piece = piece[:-1] + "…"
    return piece


def _cells(text: str) -> int:
    """Columns that ``text`` takes on a terminal (UAX #11: wide characters take two, combining ones none)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )
