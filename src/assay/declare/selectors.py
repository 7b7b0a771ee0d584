"""How access rules, limits and observations name operations: by id, or by a pattern with `*` and `?`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def is_pattern(selector: str) -> bool:
    """Whether ``selector`` may stand for more than one id."""
    return "*" in selector or "?" in selector


def selects(selector: str, operation: str) -> bool:
    """Whether ``selector`` names ``operation``. Only `*` (anything) and `?` (one character) are special."""
    if selector in ("*", operation):
        return True
    return is_pattern(selector) and _compiled(selector).fullmatch(operation) is not None


def selected(selectors: Iterable[str], operations: Iterable[str]) -> tuple[str, ...]:
    """Those of ``operations`` that any of ``selectors`` names, in their own order."""
    exact: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for selector in selectors:
        if is_pattern(selector):
            patterns.append(_compiled(selector))
        exact.add(selector)
    return tuple(o for o in operations if o in exact or any(p.fullmatch(o) for p in patterns))
