"""Findings in files and pipes read exactly as Rich would write them there."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from assay.domain import Edit, Fix, Location, Outcome, Severity, Verdict
from assay.report.text import colourless, finding

SOURCES = {"f": "one: 1\n\ttwo: 2\nthree: " + "3" * 150 + "\nfour\n"}
WORDS = ("a\tb", "plain words", "漢字", "line\nbreak", "esc\x1b[31m", "x" * 120, "[bold]no[/]", "\u202e", "end.")
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)


@given(
    st.sampled_from(Outcome),
    st.sampled_from(Severity),
    st.integers(1, 6),
    sentences,
    sentences | st.just(""),
    st.none() | sentences.map(lambda s: Fix(s, (Edit("f", ("a",)),), safe=True)),
    st.none() | sentences,
)
def test_a_pipe_gets_every_line_and_no_colour(
    outcome: Outcome, severity: Severity, line: int, said: str, reason: str, fix: Fix | None, accepted: str | None
) -> None:
    verdict = Verdict(
        control="control",
        check="check",
        subject="s",
        outcome=outcome,
        sentence=said,
        severity=severity,
        location=Location("f", line, 3),
        reason=reason,
        fix=fix,
        related=tuple(Location("f", n) for n in range(1, line)),
        excepted_by=accepted,
    )
    there = io.StringIO()
    console = Console(file=there, highlight=False, soft_wrap=True, width=100)
    console.print(finding(verdict, SOURCES, width=100))
    assert colourless(verdict, SOURCES, width=100) + "\n" == there.getvalue()
