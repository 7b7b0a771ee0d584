"""How what callers did reach is shown to people, beside what they are granted."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from assay.app.data_observed import Compared, Comparison, Span, most
from assay.app.data_view import Told
from assay.cli.console import err, out
from assay.cli.data_tables import explain, few, table
from assay.report.plain import plain
from assay.sensitivity.blend import Blend


def show_observed(found: Comparison, *, in_full: bool) -> None:
    """A table of callers, then which grants none of their calls needed; how each label came about (``in_full``)."""
    console = out()
    if found.span is None:
        console.print("no access log has a line yet, so nothing was observed; it is written while `assay up` runs")
        return
    if not found.principals:
        console.print(
            "the access log tells of callers of APIs alone: consumers, and anybody; what accounts use, "
            "`assay rights review` reads from their systems"
        )
    head = ("who", "clearance", "granted: claimed", "verified", "observed", "verified", "calls", "")
    table(f"Granted and observed ({found.span.text})", head, [_row(one) for one in found.principals])
    for one in found.principals:
        _operations(console, one, in_full=in_full)
        for blend in one.observed if in_full else ():
            explain(console, Told(blend, ()))
    _limits(found.span)


def _row(one: Compared) -> tuple[str, ...]:
    observed = (most(one.observed) or "nothing", most(one.observed, verified=True) or "")
    clearance = one.principal.clearance or "–"
    return one.principal.name, clearance, *_levels(one.granted), *observed, f"{one.calls:,}", one.said


def _levels(blends: tuple[Blend, ...]) -> tuple[str, str]:
    return most(blends) or "nothing", most(blends, verified=True) or ""


def _operations(console: Console, one: Compared, *, in_full: bool) -> None:
    name = escape(plain(one.principal.name))
    if one.beyond:
        listed = ", ".join(one.beyond) if in_full else few(one.beyond)
        console.print(f"\n[red]{name}[/] called what none of its declared roles is granted: {escape(plain(listed))}")
    if one.unused:
        listed = ", ".join(one.unused) if in_full else few(one.unused)
        counted = f"{len(one.unused)} of {len(one.answering)}"
        console.print(f"\n[bold]{name}[/] did not call {counted} granted operations: {escape(plain(listed))}")


def _limits(span: Span) -> None:
    if not span.complete:
        err().print("[yellow]the log is too long to be read whole[/]: earlier calls are not counted")
    if span.unread:
        counted = "1 line is no JSON object" if span.unread == 1 else f"{span.unread} lines are no JSON objects"
        err().print(f"[yellow]{counted}[/], and left out")
    if span.unknown:
        names = escape(plain(few(span.unknown)))
        err().print(f"[yellow]called, and not declared (any more):[/] {names}")
