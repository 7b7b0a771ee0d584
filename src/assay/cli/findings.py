"""``assay findings``: what testers and scanners found."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from assay.app.findings import bring, listing, state, written
from assay.app.project import open_project
from assay.cli import completing
from assay.cli.console import err, tables, write
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption, Where
from assay.cli.words import counted
from assay.domain import Exit
from assay.importing.findings import ImportedFinding, Landing
from assay.report.json_ import document
from assay.report.plain import plain

app = typer.Typer(no_args_is_help=True, help="Import what testers and scanners found, and list what is declared.")

_SHOWN = 20


class ReportKind(StrEnum):
    """Formats of other tools."""

    SARIF = "sarif"
    ZAP = "zap"
    BURP = "burp"
    NUCLEI = "nuclei"
    HAR = "har"
    ASSAY = "assay"


ApiOption = Annotated[
    str | None, typer.Option("--api", metavar="API", help="The API they are about.", autocompletion=completing.apis)
]


@app.command("import", cls=Command)
def import_findings(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The file that the tool wrote.")],
    kind: Annotated[
        ReportKind | None, typer.Option("--from", help="Which tool wrote it; default: told by the content.")
    ] = None,
    api: ApiOption = None,
    declare: Annotated[
        bool, typer.Option("--declare", help="Write the entry into the declaration; comments are kept.")
    ] = False,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Read a report (SARIF, ZAP, Burp, Nuclei, HAR) and keep its findings beside the declaration, without secrets.

    Examples:

      assay findings import zap-report.json

      assay findings import issues.xml --from burp --api customer-data --declare
    """
    project = open_project(where)
    found = bring(project, report, date.today(), format=kind.value if kind else None, api=api, declare=declare)
    if format is Format.JSON:
        rows = [_row(f, landing) for f, landing in found.landed]
        return write(
            document(
                file=found.file,
                sha256=found.sha256,
                format=found.found.format,
                api=found.api or None,
                declared=found.declared,
                repeated=found.found.repeated,
                notes=list(found.found.notes),
                findings=rows,
            )
        )
    _show([(_row(f, landing), "") for f, landing in found.landed])
    console = err()
    repeated = f" ({found.found.repeated} more were the same again)" if found.found.repeated else ""
    console.print(f"[green]kept[/] {counted(len(found.landed), 'finding')} in {escape(found.file)}{repeated}")
    for note in found.found.notes:
        console.print(plain(note), markup=False)
    if not found.declared:
        whose = f"apis.{found.api}" if found.api else "the API they are about"
        console.print(plain(f"to declare them, write under `pen_test: {{findings: [...]}}` of {whose}:"), markup=False)
        write(written(found.entry))
    return None


@app.command("list", cls=Command)
def list_findings(api: ApiOption = None, where: Where = Path(), format: FormatOption = Format.TEXT) -> None:
    """Show every finding that is declared: how grave, on which operation, and whether a retest saw it mended.

    Exit 3 when a declared file cannot be read, since then not everything is shown.

    Example: assay findings list --api customer-data
    """
    project = open_project(where)
    found = listing(project, api)
    if format is Format.JSON:
        rows = [{**_row(e.finding, e.landing), "state": state(project, e)} for e in found.findings]
        unread = [{"file": f.entry.file, "api": f.api, "problem": f.problem} for f in found.unread]
        write(document(findings=rows, unread=unread))
    elif not found.findings and not found.unread:
        err().print("no findings are declared; `assay findings import REPORT` reads what a tool wrote")
    else:
        _show([(_row(e.finding, e.landing), state(project, e)) for e in found.findings], most=None)
    if found.unread:
        for file in found.unread:
            err().print(plain(f"{file.at}: {file.problem}"), markup=False)
        raise typer.Exit(Exit.INCOMPLETE)


def _row(finding: ImportedFinding, landing: Landing) -> dict[str, str | None]:
    return {
        "key": finding.key,
        "severity": str(finding.severity),
        "tool": finding.tool,
        "id": finding.id,
        "title": finding.title,
        "api": landing.api or None,
        "operation": landing.operation or None,
        "method": finding.method or None,
        "url": finding.url or None,
        "parameter": finding.parameter or None,
        "place": str(finding.place) if finding.place else None,
        "why": landing.why or None,
    }


def _show(rows: list[tuple[dict[str, str | None], str]], most: int | None = _SHOWN) -> None:
    if not rows:
        return
    stated = any(word for _, word in rows)
    columns = ["id", "severity", *(["state"] if stated else []), "where", "title", "tool"]
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row, word in rows[:most]:
        where = f"{row['api']}/{row['operation'] or '*'}" if row["api"] else row["why"] or ""
        cells = [row["key"] or "", row["severity"] or "", *([word] if stated else []), where, row["title"] or ""]
        table.add_row(*(escape(plain(c)) for c in (*cells, row["tool"] or "")))
    tables().print(table)
    if most is not None and len(rows) > most:
        err().print(f"… and {len(rows) - most} more (--format json shows all)")
