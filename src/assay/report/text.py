"""Findings as a person reads them in a terminal: what, where, the lines themselves, why, and how to mend it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from rich.text import Text

from assay.declare.excerpt import excerpt
from assay.domain import Outcome, Severity, Verdict
from assay.report.excerpts import CONTEXT
from assay.report.plain import plain

STYLE = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.NOTE: "dim",
}
_RELATED = 4


def finding(verdict: Verdict, sources: Mapping[str, str], *, width: int = 100, wrap: bool = False) -> Text:
    """One finding, at most about ten lines.

    Args:
        sources: by file, the text to show lines from; see :func:`assay.report.excerpts.covered`.
        width: columns that excerpts, and with ``wrap`` also sentences, may take.
        wrap: break sentences between words. Off where lines are searched rather than read.
    """
    out = Text()
    room = width if wrap else 0
    head = f"{verdict.severity}[{verdict.control}/{verdict.check}]"
    said = Text(head, style="bold")
    said.stylize(STYLE[verdict.severity], 0, len(verdict.severity))
    if verdict.outcome is not Outcome.FAIL:
        said.append(f" ({verdict.outcome.replace('_', ' ')})", style="magenta")
    if verdict.excepted_by:
        said.append(f" (accepted: {plain(verdict.excepted_by)})", style="magenta")
    out.append_text(said)
    out.append(_folded(f" {plain(verdict.sentence)}", len(said.plain), "  ", room) + "\n")
    out.append("  --> ", style="blue")
    out.append(plain(f"{verdict.location}") + "\n")
    source = sources.get(verdict.location.file)
    if source is not None:
        for line in excerpt(source, verdict.location, context=CONTEXT, width=width - 4).splitlines():
            style = "bold red" if line.rstrip().endswith("^") else "dim"
            out.append(f"   {line}\n", style=style)
    for place in verdict.related[:_RELATED]:
        out.append("  see ", style="blue")
        out.append(plain(f"{place}") + "\n")
    if len(verdict.related) > _RELATED:
        out.append(f"  and {len(verdict.related) - _RELATED} more places\n", style="dim")
    if verdict.reason:
        out.append("  why ", style="blue")
        out.append(_folded(plain(verdict.reason), 6, " " * 6, room) + "\n")
    if verdict.fix and verdict.fix.sentence:
        out.append("  fix ", style="green")
        safe = " (`assay check --fix` can do this)" if verdict.fix.safe and verdict.fix.edits else ""
        out.append(_folded(f"{plain(verdict.fix.sentence)}{safe}", 6, " " * 6, room) + "\n")
    if verdict.confidence.value != "high":
        out.append(f"  confidence: {verdict.confidence}\n", style="dim")
    return out


def _folded(text: str, used: int, indent: str, width: int) -> str:
    """The text, continued under ``indent`` where it is wider than what ``used`` columns leave; as it is for width 0."""
    if not width or used + len(text) <= width:
        return text
    words = text.lstrip()
    lead = text[: len(text) - len(words)]
    fits = used + len(lead) + len(words.split(" ", 1)[0]) <= width
    lines = textwrap.wrap(
        words,
        max(width, 20),
        initial_indent=" " * (used + len(lead)) if fits else indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    told = "\n".join(lines)
    return lead + told.lstrip() if fits else "\n" + told


def findings(verdicts: Iterable[Verdict], sources: Mapping[str, str], *, width: int = 100) -> Text:
    """All of them, an empty line between two."""
    return Text("\n").join(finding(v, sources, width=width) for v in verdicts)
