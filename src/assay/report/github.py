"""Findings as workflow commands, which code hosts show beside the line."""

from __future__ import annotations

from collections.abc import Iterable

from assay.domain import Severity, Verdict
from assay.report.plain import plain


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render(verdicts: Iterable[Verdict]) -> str:
    """One annotation per finding."""
    lines = []
    for verdict in verdicts:
        if not verdict.is_finding:
            continue
        rank = verdict.severity.rank
        kind = "error" if rank >= Severity.HIGH.rank else "warning" if rank >= Severity.MEDIUM.rank else "notice"
        place = verdict.location
        title = _property(f"{verdict.control}/{verdict.check}")
        where = f"file={_property(place.file)},line={place.line},col={place.column},title={title}"
        fix = f"\nfix: {verdict.fix.sentence}" if verdict.fix else ""
        lines.append(f"::{kind} {where}::{_data(plain(verdict.sentence + fix))}")
    return "\n".join(lines)
