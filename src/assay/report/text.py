"""Findings as a person reads them in a terminal: what, where, the lines themselves, why, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.text import Text

from assay.declare.excerpt import excerpt
from assay.domain import Outcome, Severity, Verdict

_STYLE = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.NOTE: "dim",
}


def finding(verdict: Verdict, sources: Mapping[str, str], *, width: int = 100) -> Text:
    """One finding, at most about ten lines."""
    out = Text()
    out.append(f"{verdict.severity}", style=_STYLE[verdict.severity])
    out.append(f"[{verdict.control}/{verdict.check}]", style="bold")
    if verdict.outcome is not Outcome.FAIL:
        out.append(f" ({verdict.outcome.replace('_', ' ')})", style="magenta")
    if verdict.excepted_by:
        out.append(f" (accepted: {verdict.excepted_by})", style="magenta")
    out.append(f" {verdict.sentence}\n")
    out.append("  --> ", style="blue")
    out.append(f"{verdict.location}\n")
    source = sources.get(verdict.location.file)
    if source is not None:
        for line in excerpt(source, verdict.location, width=width - 4).splitlines():
            style = "bold red" if line.rstrip().endswith("^") else "dim"
            out.append(f"   {line}\n", style=style)
    for place in verdict.related:
        out.append("  see ", style="blue")
        out.append(f"{place}\n")
    if verdict.reason:
        out.append("  why ", style="blue")
        out.append(f"{verdict.reason}\n")
    if verdict.fix and verdict.fix.sentence:
        out.append("  fix ", style="green")
        safe = " (`assay check --fix` can do this)" if verdict.fix.safe and verdict.fix.edits else ""
        out.append(f"{verdict.fix.sentence}{safe}\n")
    if verdict.confidence.value != "high":
        out.append(f"  confidence: {verdict.confidence}\n", style="dim")
    return out


def findings(verdicts: Iterable[Verdict], sources: Mapping[str, str], *, width: int = 100) -> Text:
    """All of them, an empty line between two."""
    return Text("\n").join(finding(v, sources, width=width) for v in verdicts)
