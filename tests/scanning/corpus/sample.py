"""A document of the corpus, and what a careful reader would mark in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """``expected``: pairs of JSON pointer and detector. ``kind`` names how the value stands in the document."""

    kind: str
    document: Any
    expected: frozenset[tuple[str, str]]
