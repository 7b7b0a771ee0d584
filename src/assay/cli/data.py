"""``assay data``: what data there is, where it goes, who sees it, and what payloads really hold."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.data_scan import Looked, look, read
from assay.cli.console import err, out, write
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption
from assay.domain import Confidence, Exit
from assay.report.json_ import document
from assay.report.plain import plain
from assay.scanning.presidio import analyzer

app = typer.Typer(no_args_is_help=True, help="Show where data is, who sees it, and what payloads really hold.")


class Sure(StrEnum):
    """How sure a finding of a scan must be."""

    LOW = Confidence.LOW.value
    MEDIUM = Confidence.MEDIUM.value
    HIGH = Confidence.HIGH.value


class FailOn(StrEnum):
    """How sure a finding must be to make the command exit 1."""

    LOW = Confidence.LOW.value
    MEDIUM = Confidence.MEDIUM.value
    HIGH = Confidence.HIGH.value
    NEVER = "never"


@app.command(cls=Command)
def scan(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…|-", help="Payloads: JSON, JSON lines, HAR, CSV or text; - is standard input."),
    ],
    least: Annotated[Sure, typer.Option("--least", help="Leave out what is less sure.")] = Sure.MEDIUM,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit 1 when something at least this sure is found.")
    ] = FailOn.NEVER,
    presidio: Annotated[
        bool, typer.Option("--presidio", help="Ask Microsoft Presidio about texts too, where it is installed.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Look for personal data and secrets in payloads. Values are never shown, only where they stand and their shape.

    Examples:

        assay data scan answers.json

        assay data scan recorded.har --least high --format json

        assay data scan tests/fixtures/customers.jsonl --fail-on high
    """
    engine = analyzer() if presidio else None
    looked = [
        look(name, read(name, sys.stdin.buffer.read), least=Confidence(least.value), second_opinion=engine)
        for name in files
    ]
    if format is Format.JSON:
        write(document(files=[one.as_json() for one in looked]))
    else:
        _show(looked)
    if fail_on is not FailOn.NEVER:
        floor = Confidence(fail_on.value).rank
        if any(seen.found.confidence.rank >= floor for one in looked for seen in one.seen):
            raise typer.Exit(Exit.FINDINGS)


def _show(looked: list[Looked]) -> None:
    console = out()
    for one in looked:
        for seen in one.seen:
            found = seen.found
            where = f"{seen.file}:{seen.line}"
            pointer = f" {found.path}" if found.path else f" characters {found.start} to {found.end}"
            sure = f"{found.confidence}, checked" if found.validated else str(found.confidence)
            name = " (the name itself)" if found.within == "name" else ""
            console.print(f"[bold]{escape(plain(where))}[/]", end="")
            console.print(plain(f"{pointer}{name}  "), end="", markup=False)
            console.print(f"[yellow]{found.detector}[/] {found.category} ({sure})  ", end="")
            console.print(plain(found.shape), markup=False)
        if one.unread:
            err().print(f"[yellow]not all of {escape(plain(one.file))} was read[/]: {escape(plain(one.unread))}")
    values, found_in_all = sum(o.values for o in looked), sum(len(o.seen) for o in looked)
    err().print(f"{found_in_all} found in {values} values of {len(looked)} file{'s' * (len(looked) != 1)}")
