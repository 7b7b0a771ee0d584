"""How a survey's result is shown to people."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from assay.cli.console import out, prose, tables
from assay.maturity.history import Trend
from assay.maturity.words import TOP, Graded, Result, Source, Step

_SHORT = {
    Source.MEASURED: "measured",
    Source.PART: "in part",
    Source.ANSWERED: "answered",
    Source.NOTHING: "[yellow]nothing[/]",
    Source.NOT_APPLICABLE: "n/a",
}
_MOST = 8


def show(result: Result, history: Trend) -> None:
    """The score, the dimensions, every question with its reason, what to do next, and how it moved."""
    score, console = result.score, out()
    console.print(f"[bold]{escape(result.organisation)}: maturity {score.overall:.2f} of {TOP}[/]")
    said = "nobody was asked" if score.perceived is None else f"people say {score.perceived:.2f}"
    gap = "" if score.gap is None else f", {_gap(score.gap)} what is measured"
    console.print(
        f"{said}{gap}; {score.assurance:.0%} of the weight is measured; {score.floor:.2f} if only that counted\n"
    )
    tables().print(_dimensions(result))
    console.print()
    tables().print(_questions(result))
    console.print()
    for line in score.derivation:
        console.print(f"[dim]{escape(line)}[/]")
    _steps(result)
    _history(history, result)


def _gap(gap: float) -> str:
    if abs(gap) < 0.005:
        return "the same as"
    return f"{abs(gap):.2f} {'above' if gap > 0 else 'below'}"


def _dimensions(result: Result) -> Table:
    table = Table(
        "dimension",
        "level",
        "perceived",
        "measured",
        "gap",
        "assured",
        "",
        box=None,
        header_style="bold",
        pad_edge=False,
    )
    for d in result.score.dimensions:
        table.add_row(
            f"{d.number} {escape(d.name)}",
            _level(d.level),
            _level(d.perceived),
            _level(d.measured),
            "–" if d.gap is None else f"{d.gap:+.2f}",
            f"{d.assurance:.0%}",
            f"[red]held by {', '.join(d.capped_by)}[/]" if d.capped_by else "",
        )
    return table


def _questions(result: Result) -> Table:
    table = Table("question", "level", "said", "from", "because", box=None, header_style="bold", pad_edge=False)
    for one in result.graded:
        table.add_row(
            one.question.id + (" gate" if one.question.gate else ""),
            "–" if one.level is None else str(one.level),
            "–" if one.perceived is None else str(one.perceived),
            _SHORT[one.source],
            escape(_because(one)),
        )
    return table


def _because(one: Graded) -> str:
    """The last things that decided: what was found, and what took levels away."""
    if one.measured is None:
        return one.steps[-1] if one.source is not Source.NOTHING else f"not measured: {one.found.sentence}"
    taken = [s for s in one.steps[1:] if s.startswith(("level ", "the declaration alone", "its evidence", "it is con"))]
    return "; ".join([one.found.sentence, *taken])


def _level(level: float | None) -> str:
    return "–" if level is None else f"{level:.2f}"


def _steps(result: Result) -> None:
    if not result.steps:
        return
    console = prose()
    console.print("\n[bold]next, what raises it most[/]")
    for number, step in enumerate(result.steps, start=1):
        console.print(f"  {number}  [green]+{step.gain:.2f}[/]  {_whose(step)}{escape(step.sentence)}")
        if step.command:
            console.print(f"     [dim]`{step.command}`, {step.guide}[/]")


def _whose(step: Step) -> str:
    return f"{step.questions[0]}: " if len(step.questions) == 1 else ""


def _history(history: Trend, result: Result) -> None:
    console = out()
    if history.kept:
        console.print("\n[bold]how it moved[/]")
        for kept in history.kept[-_MOST:]:
            console.print(f"  {kept.at:%Y-%m-%d}  {kept.overall:.2f}  {kept.assurance:.0%} measured")
        console.print(
            f"  {result.now:%Y-%m-%d}  {result.score.overall:.2f}  {result.score.assurance:.0%} measured  (now)"
        )
    for old in history.older:
        console.print(f"[yellow]{old.file} is of survey version {escape(old.survey)}[/] and is not compared")
