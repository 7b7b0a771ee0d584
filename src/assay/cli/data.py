"""``assay data``: what data there is, where it goes, who sees it, and what payloads really hold."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.app.data_map import data_map
from assay.app.data_observed import compare
from assay.app.data_scan import look_through
from assay.app.data_view import View, blends, view
from assay.app.data_where import whereabouts
from assay.app.project import open_project
from assay.cli import completing
from assay.cli.console import err, write
from assay.cli.data_observed import show_observed
from assay.cli.data_tables import assessed, show_blends, show_dpia, show_scan, show_where
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption, Where
from assay.cli.output import deliver
from assay.domain import Confidence, Exit
from assay.report import processing
from assay.report.datamap import render
from assay.report.json_ import document
from assay.scanning.presidio import analyzer
from assay.sensitivity.dpia import dpia
from assay.sensitivity.record import activities

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


class MapFormat(StrEnum):
    """How the map is written."""

    SVG = "svg"
    JSON = "json"


class RecordFormat(StrEnum):
    """How the record of processing is written."""

    CSV = "csv"
    HTML = "html"
    JSON = "json"


OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there; default: standard output.")
]


def _view(where: Path) -> View:
    return view(open_project(where), datetime.now(UTC))


@app.command("map", cls=Command)
def map_command(
    output: OutputOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="ID", help="Only what has to do with this data set.", autocompletion=completing.data_sets
        ),
    ] = None,
    where: Where = Path(),
    format: Annotated[MapFormat, typer.Option("--format", help="svg for people, json for programs.")] = MapFormat.SVG,
) -> None:
    """Draw where data is, where it goes and who sees it, coloured by how sensitive it becomes there.

    Examples:

        assay data map --output map.svg

        assay data map --data customer --output customer.svg
    """
    seen = _view(where)
    picture = data_map(seen.declaration, seen.closure, data)
    deliver(render(picture) if format is MapFormat.SVG else document(map=picture.as_json()), output)


@app.command("where", cls=Command)
def where_command(
    category: Annotated[
        str,
        typer.Argument(help="A data category, such as user.contact.email.", autocompletion=completing.data_categories),
    ],
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Say where a category of data is, who can see it, and in which form.

    Examples:

        assay data where user.contact.email

        assay data where user.financial --format json
    """
    seen = _view(where)
    found = whereabouts(seen.declaration, seen.closure, seen.reached, category)
    if format is Format.JSON:
        return write(document(**found.as_json()))
    return show_where(found)


@app.command("blends", cls=Command)
def blends_command(
    principal: Annotated[
        str | None,
        typer.Option("--principal", metavar="ID", help="Only this one.", autocompletion=completing.principals),
    ] = None,
    observed: Annotated[
        bool,
        typer.Option("--observed", help="Beside what is granted: what callers did reach, by the gateway's access log."),
    ] = False,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what each account, consumer, role and system can put together, why, and what would make it less.

    Examples:

        assay data blends

        assay data blends --principal back-office

        assay data blends --observed
    """
    project = open_project(where)
    seen = view(project, datetime.now(UTC))
    found = blends(seen, principal)
    compared = compare(project, seen, principal) if observed else None
    if format is Format.JSON:
        more = {"observed": compared.as_json()} if compared else {}
        return write(document(blends=[told.as_json() for told in found], **more))
    if compared:
        return show_observed(compared, in_full=principal is not None)
    return show_blends(found, in_full=principal is not None)


@app.command(cls=Command)
def record(
    format: Annotated[
        RecordFormat, typer.Option("--format", help="csv for spreadsheets, html for people, json for programs.")
    ] = RecordFormat.CSV,
    output: OutputOption = None,
    where: Where = Path(),
) -> None:
    """Write the record of processing activities (GDPR Art. 30), and what the declaration does not say for it.

    Example: assay data record --format html --output record.html
    """
    seen = _view(where)
    found = activities(seen.declaration, seen.closure, seen.reached)
    if format is RecordFormat.JSON:
        text = document(activities=processing.as_json(found))
    elif format is RecordFormat.HTML:
        text = processing.as_html(found, seen.declaration.digest)
    else:
        text = processing.as_csv(found)
    deliver(text, output)
    missing = sum(len(a.missing) for a in found)
    if missing:
        err().print(f"[yellow]{missing} entries are missing[/]; they stand at the end of each activity")


@app.command("dpia", cls=Command)
def dpia_command(where: Where = Path(), format: FormatOption = Format.TEXT) -> None:
    """Say for which data an impact assessment is required (GDPR Art. 35), by the nine criteria of WP248.

    Example: assay data dpia --format json
    """
    seen = _view(where)
    found = dpia(seen.declaration, seen.closure)
    if format is Format.JSON:
        return write(document(assessments=[assessed(one) for one in found]))
    return show_dpia(found)


@app.command(cls=Command)
def scan(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|DIR…|-",
            help="Payloads: JSON, JSON lines, HAR, CSV or text; everything below a directory, but for hidden ones; "
            "- is standard input.",
        ),
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

        assay data scan tests/fixtures/ --fail-on high
    """
    engine = analyzer() if presidio else None
    looked = tuple(look_through(files, sys.stdin.buffer.read, least=Confidence(least.value), second_opinion=engine))
    if format is Format.JSON:
        write(document(files=[one.as_json() for one in looked]))
    else:
        show_scan(looked)
    if fail_on is not FailOn.NEVER:
        floor = Confidence(fail_on.value).rank
        if any(seen.found.confidence.rank >= floor for one in looked for seen in one.seen):
            raise typer.Exit(Exit.FINDINGS)
        if any(one.kind == "unreadable" for one in looked):
            raise typer.Exit(Exit.INCOMPLETE)
