"""Findings as a person reads them in a terminal: what, where, the lines themselves, why, and how to mend it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

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
_TAB = 8


def finding(verdict: Verdict, sources: Mapping[str, str], *, width: int = 100, wrap: bool = False) -> Text:
    """One finding, at most about ten lines.

    Args:
        sources: by file, the text to show lines from; see :func:`assay.report.excerpts.covered`.
        width: columns that excerpts, and with ``wrap`` also sentences, may take.
        wrap: break sentences between words. Off where lines are searched rather than read.
    """
    return Text.assemble(*_parts(verdict, sources, width, width if wrap else 0))


def colourless(verdict: Verdict, sources: Mapping[str, str], *, width: int = 100) -> str:
    """The text of :func:`finding`, unwrapped and without its colours: for files and pipes, and much quicker."""
    told = "".join(text for text, _ in _parts(verdict, sources, width, 0))
    if "\t" not in told:
        return told
    spaced = Text(told)
    spaced.expand_tabs(_TAB)
    return spaced.plain


def _parts(verdict: Verdict, sources: Mapping[str, str], width: int, room: int) -> Iterator[tuple[str, str]]:
    """The pieces of a finding's text in order, each with its style; sentences wrapped at ``room`` columns unless 0."""
    about = f"[{verdict.control}/{verdict.check}]"
    used = len(verdict.severity) + len(about)
    yield verdict.severity.value, f"bold {STYLE[verdict.severity]}"
    yield about, "bold"
    for aside in _asides(verdict):
        used += len(aside)
        yield aside, "bold magenta"
    yield _folded(f" {plain(verdict.sentence)}", used, "  ", room) + "\n", ""
    yield "  --> ", "blue"
    yield plain(f"{verdict.location}") + "\n", ""
    source = sources.get(verdict.location.file)
    if source is not None:
        for line in excerpt(source, verdict.location, context=CONTEXT, width=width - 4).splitlines():
            style = "bold red" if line.rstrip().endswith("^") else "dim"
            yield f"   {line}\n", style
    for place in verdict.related[:_RELATED]:
        yield "  see ", "blue"
        yield plain(f"{place}") + "\n", ""
    if len(verdict.related) > _RELATED:
        yield f"  and {len(verdict.related) - _RELATED} more places\n", "dim"
    if verdict.reason:
        yield "  why ", "blue"
        yield _folded(plain(verdict.reason), 6, " " * 6, room) + "\n", ""
    if verdict.fix and verdict.fix.sentence:
        yield "  fix ", "green"
        safe = " (`assay check --fix` can do this)" if verdict.fix.safe and verdict.fix.edits else ""
        yield _folded(f"{plain(verdict.fix.sentence)}{safe}", 6, " " * 6, room) + "\n", ""
    if verdict.confidence.value != "high":
        yield f"  confidence: {verdict.confidence}\n", "dim"


def _asides(verdict: Verdict) -> Iterator[str]:
    if verdict.outcome is not Outcome.FAIL:
        yield f" ({verdict.outcome.replace('_', ' ')})"
    if verdict.excepted_by:
        yield f" (accepted: {plain(verdict.excepted_by)})"


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
