"""What reading can find, explained: the checks of ``declaration``, ``contract`` and ``risk``, which are no controls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from assay.declare.packaged import plain_yaml

READERS = ("declaration", "contract")
RISK = "risk"
"""Under this name `assay risk` tells what it finds in decisions about risks, and in incidents."""
EXPLAINED = (*READERS, RISK)


@dataclass(frozen=True, slots=True)
class ReadingCheck:
    """One thing that reading refuses or notes. ``readers``: which of :data:`EXPLAINED` can find it."""

    id: str
    readers: tuple[str, ...]
    title: str
    why: str
    fix: str


@cache
def reading_checks() -> dict[str, ReadingCheck]:
    """Every check of reading, by id, in alphabetical order."""
    text = (resources.files("assay.data") / "reading_checks.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = plain_yaml(text)
    return {
        check: ReadingCheck(
            check, READERS if said["of"] == "both" else (said["of"],), said["title"], said["why"], said["fix"]
        )
        for check, said in sorted(raw.items())
    }
