"""The small pieces that pages are put together from."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Any

from htpy import (
    Element,
    Node,
    body,
    code,
    dd,
    dl,
    dt,
    footer,
    head,
    html,
    link,
    meta,
    span,
    table,
    tbody,
    td,
    th,
    thead,
    title,
    tr,
)

from assay.assurance.objectives import Status
from assay.domain import Outcome, Severity

TONES: dict[str, str] = {
    Status.EFFECTIVE: "good",
    Status.APPLIED: "info",
    Status.DESIGNED: "info",
    Status.CLAIMED: "none",
    Status.NOT_ASSESSED: "none",
    Status.STALE: "warn",
    Status.EXCEPTED: "warn",
    Status.DEVIATION: "bad",
    Status.FAILED: "bad",
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "warn",
    Outcome.SKIPPED: "none",
    Outcome.NOT_APPLICABLE: "none",
    Severity.CRITICAL: "bad",
    Severity.HIGH: "bad",
    Severity.MEDIUM: "warn",
    Severity.LOW: "none",
    Severity.NOTE: "none",
}
_SIGNS = {"good": "✓", "bad": "✗", "warn": "!", "info": "○", "none": "–"}


def style() -> str:
    """The one style sheet of a report."""
    return (resources.files("assay.report.html") / "style.css").read_text(encoding="utf-8")


def chip(word: str) -> Element:
    """A status, an outcome or a severity: sign, word and colour, so that colour never tells it alone."""
    tone = TONES.get(word, "none")
    return span(class_=f"chip {tone}")[f"{_SIGNS[tone]} {str(word).replace('_', ' ')}"]


def facts(*pairs: tuple[str, Node]) -> Element:
    """Names with values."""
    return dl(".facts")[[(dt[name], dd[value]) for name, value in pairs if value not in ("", None)]]


def grid(headings: Iterable[str], rows: Iterable[Iterable[Node]]) -> Element:
    """A table. A heading that ends in ``#`` is of numbers."""
    names = list(headings)
    classes = ["number" if name.endswith("#") else None for name in names]
    cells = [th(scope="col", class_=c)[name.rstrip("#")] for name, c in zip(names, classes, strict=True)]
    lines = [tr[[td(class_=c)[cell] for cell, c in zip(row, classes, strict=True)]] for row in rows]
    return table[thead[tr[cells]], tbody[lines]]


def mono(text: str) -> Element:
    """An id, a digest, a path."""
    return code[text]


def page(heading: str, content: Node, *, styles: str, language: str = "en", foot: Node = None) -> str:
    """A whole document. It may load its own style sheet and nothing else."""
    policy = "default-src 'none'; style-src 'self'; img-src 'self' data:"
    attributes: dict[str, Any] = {"http-equiv": "Content-Security-Policy", "content": policy}
    whole = html(lang=language)[
        head[
            meta(charset="utf-8"),
            meta(name="viewport", content="width=device-width, initial-scale=1"),
            meta(attributes),
            title[heading],
            link(rel="stylesheet", href=styles),
        ],
        body[content, footer[foot] if foot else None],
    ]
    return str(whole).encode().decode() + "\n"  # plain text: markup compares and joins in ways of its own
