"""Text in pictures."""

from __future__ import annotations

from xml.sax.saxutils import escape

from assay.report.plain import plain


def clean(text: str) -> str:
    """A text on one line. XML 1.0 has no place for control characters, not even escaped ones."""
    return plain(text).replace("\n", " ").replace("\t", " ")


def text(said: str) -> str:
    """A text as it stands between two tags."""
    return escape(clean(said))
