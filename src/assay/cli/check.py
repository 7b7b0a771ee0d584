"""``assay check``: the tests of design."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.project import Project, open_project
from assay.app.reading import READERS
from assay.cli import completing
from assay.cli.console import err, out, progress, show_findings, write
from assay.cli.options import DeclarationPath, FailOn, ReportFormat
from assay.cli.words import counted
from assay.controls.exceptions import HOLDING
from assay.controls.registry import check_design, controls
from assay.declare.patch import apply_edits
from assay.domain import DeclarationError, Exit, Outcome, Severity, UsageError, Verdict, did_you_mean
from assay.report import github, json_, junit, sarif
from assay.report.plain import plain
from assay.report.summary import by_urgency, summarise


def check(
    path: DeclarationPath = Path(),
    format: Annotated[ReportFormat, typer.Option("--format", help="How findings are written.")] = ReportFormat.TEXT,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 from this severity up.")] = FailOn.MEDIUM,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--control", "-c", metavar="CONTROL", help="Only these controls.", autocompletion=completing.controls
        ),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="Show passed checks and notes too.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Apply the fixes that are safe; comments are kept.")] = False,
) -> None:
    """Test the design: what the declaration and its contracts promise, before anything runs. No network.

    Examples:

      assay check

      assay check examples/customer-data --control authorisation

      assay check --fix

      assay check --format sarif > assay.sarif
    """
    started = time.perf_counter()
    if show_all and format is not ReportFormat.TEXT:
        raise UsageError(f"`--all` changes nothing for {format}", fix="leave it out: passed checks are in there")
    _known(only or [])
    with progress("checking the design"):
        project = _open(path, format)
        verdicts = _selected(_judge(project), only)
    if fix:
        count = _fix(project, verdicts)
        err().print(f"[green]fixed[/] {counted(count, 'finding')}" if count else "nothing here has a safe fix")
        project = open_project(path)
        verdicts = _selected(_judge(project), only)
    if not verdicts:
        err().print(f"nothing in this declaration is for {', '.join(only or [])} to judge")
        raise typer.Exit(Exit.NOTHING_SELECTED)
    _render(project, verdicts, format, fail_on, show_all, time.perf_counter() - started)
    if fail_on is not FailOn.NEVER:
        floor = Severity(fail_on.value).rank
        if any(v.is_finding and v.severity.rank >= floor for v in verdicts):
            raise typer.Exit(Exit.FINDINGS)


def _judge(project: Project) -> tuple[Verdict, ...]:
    declaration = project.declaration
    return (*declaration.notes, *check_design(declaration, date.today()))


def _open(path: Path, format: ReportFormat) -> Project:
    """Reads the declaration. Programs get what is wrong with it in the form they asked for, too."""
    try:
        return open_project(path)
    except DeclarationError as error:
        if format is ReportFormat.TEXT:
            raise
        write(_document(format, error.verdicts, None))
        raise typer.Exit(error.exit) from error


def _known(only: list[str]) -> None:
    known = {*(c.id for c in controls()), *READERS}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no control `{name}`", fix=did_you_mean(name, known, what="control"))


def _selected(verdicts: tuple[Verdict, ...], only: list[str] | None) -> tuple[Verdict, ...]:
    return tuple(v for v in verdicts if v.control in only) if only else verdicts


def _fix(project: Project, verdicts: tuple[Verdict, ...]) -> int:
    """Writes every safe edit; how many findings that answers."""
    fixable = [v for v in verdicts if v.is_finding and v.fix and v.fix.safe and v.fix.edits]
    edits = [e for v in fixable if v.fix for e in v.fix.edits]
    changed = apply_edits(project.declaration.sources, edits)
    for name, text in changed.items():
        if text != project.declaration.sources[name]:
            project.rewrite(name, text)
    return len(fixable)


def _render(
    project: Project,
    verdicts: tuple[Verdict, ...],
    format: ReportFormat,
    fail_on: FailOn,
    show_all: bool,
    seconds: float,
) -> None:
    if format is not ReportFormat.TEXT:
        return write(_document(format, verdicts, project.declaration.digest))
    console = out()
    floor = Severity.NOTE.rank if show_all or fail_on is FailOn.NOTE else Severity.LOW.rank
    findings = by_urgency(v for v in verdicts if v.is_finding or v.excepted_by)
    shown = [v for v in findings if v.severity.rank >= floor]
    show_findings(console, shown, project.sources_for(shown))
    if show_all:
        for verdict in (v for v in verdicts if not v.is_finding and not v.excepted_by):
            console.print(f"[dim]{verdict.outcome:>14}[/]  {verdict.control}/{verdict.check}  ", end="")
            console.print(plain(f"{verdict.sentence} ({verdict.location})"), markup=False)
    else:
        # What is accepted stays visible, with the days that are left; findings alone would not say when they return.
        for verdict in (v for v in verdicts if v.check == HOLDING and v.outcome is Outcome.PASS):
            console.print(f"[cyan]accepted[/] {escape(plain(verdict.sentence))}")
    hidden = len(findings) - len(shown)
    console.print(f"[bold]{summarise(verdicts).sentence()}[/] in {seconds:.2f} s", end="")
    console.print(f" ({counted(hidden, 'note')} hidden; --all shows {'it' if hidden == 1 else 'them'})" * bool(hidden))
    return None


def _document(format: ReportFormat, verdicts: tuple[Verdict, ...], digest: str | None) -> str:
    if format is ReportFormat.SARIF:
        return sarif.render(verdicts)
    if format is ReportFormat.JUNIT:
        return junit.render(verdicts)
    if format is ReportFormat.GITHUB:
        return github.render(verdicts)
    return json_.render(verdicts, declaration=digest)
