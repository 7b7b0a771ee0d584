"""Turns of phrase that several commands share."""

from __future__ import annotations

import shlex
from pathlib import Path

from assay.gateway.plan import Observing


def typed(command: str, declaration: Path, environment: str | None = None) -> str:
    """A command for this declaration, as it can be typed where the one before it was."""
    words = ["assay", command, *([str(declaration)] if declaration != Path() else [])]
    return shlex.join([*words, *(["--environment", environment] if environment else [])])


def counted(count: int, noun: str) -> str:
    """``1 note``, ``2 notes``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def observed_place(entry: Observing) -> str:
    """Where a control only observes."""
    if entry.operations:
        shown = ", ".join(entry.operations[:4]) if len(entry.operations) <= 4 else ""
        return f"{shown or counted(len(entry.operations), 'operation')} of {entry.api}"
    return entry.api or "the whole gateway"
