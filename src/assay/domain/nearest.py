"""The closest match for a word that was probably misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` most likely meant, or None when nothing is close."""
    candidates = list(known)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if close:
        return close[0]
    folded = {k.replace("-", "_").casefold(): k for k in candidates}
    return folded.get(word.replace("-", "_").casefold())


def did_you_mean(word: str, known: Iterable[str], *, what: str = "name") -> str:
    """A sentence for a fix: the closest match if there is one, else what exists."""
    candidates = sorted(known)
    close = nearest(word, candidates)
    if close:
        return f"did you mean `{close}`?"
    if not candidates:
        return f"no {what} is declared"
    shown = ", ".join(f"`{c}`" for c in candidates[:8]) + (" …" if len(candidates) > 8 else "")
    return f"use one of {shown}"
