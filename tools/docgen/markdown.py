"""The few pieces of Markdown that the generators share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Generated from the code by `make docs`. Edit the code, not this file. -->"


def page(title: str, *parts: str) -> str:
    """A whole page: title, the note that it is generated, and its parts with an empty line between two."""
    return "\n\n".join((f"# {title}", GENERATED, *(p.strip("\n") for p in parts if p.strip()))) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Bars and line ends in cells are made harmless."""
    lines = [_row(header), "|" + "---|" * len(header)]
    return "\n".join([*lines, *(_row(cells) for cells in rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in cells) + " |"


def code(text: object) -> str:
    """Inline code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""
