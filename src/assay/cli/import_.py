"""``assay import``: what exists already, read into Assay's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from assay.app.importing import UNREAD, Imported, audit_gateway, read_model, write_draft, write_model
from assay.cli import completing
from assay.cli.console import err, out, progress, tables, write
from assay.cli.help import Command
from assay.cli.options import FailOn, ReportFormat
from assay.cli.words import counted
from assay.domain import Exit, Severity, UsageError, did_you_mean
from assay.importing.gateways.catalogue import expected
from assay.importing.gateways.platforms import PLATFORMS
from assay.report import github, junit, sarif
from assay.report.plain import plain
from assay.report.summary import summarise

app = typer.Typer(no_args_is_help=True, help="Read what exists already: gateways of other makes, models of others.")
_MARKS = {"there": "[green]✓[/]", "weak": "[yellow]~[/]", "absent": "[bold red]✗[/]", "unsaid": "[dim]?[/]"}


@app.command(cls=Command)
def gateway(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The configuration of one gateway.")],
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform",
            help=f"{', '.join(PLATFORMS)}; default: seen from the file.",
            autocompletion=completing.platforms,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a declaration of what it does today here.")
    ] = None,
    format: Annotated[ReportFormat, typer.Option("--format", help="How findings are written.")] = ReportFormat.TEXT,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 from this severity up.")] = FailOn.NEVER,
) -> None:
    """Audit a gateway of another make: which control is on which route, and which of its features nobody uses.

    Examples:

      assay import gateway kong.yaml

      assay import gateway nginx.conf --output imported

      assay import gateway --platform envoy envoy.yaml --format sarif > envoy.sarif
    """
    if platform is not None and platform not in PLATFORMS:
        raise UsageError(f"there is no platform `{platform}`", fix=did_you_mean(platform, PLATFORMS, what="platform"))
    with progress("reading the configuration"):
        imported = audit_gateway(files, platform)
    _render(imported, format)
    if output is not None:
        written, losses = write_draft(imported, files, output)
        for path in written:
            err().print(f"[green]wrote[/] {escape(str(path))}")
        for loss in losses:
            err().print(f"[yellow]not said there[/] {escape(loss)}")
        err().print(f"now `assay check {escape(str(output))}`")
    floor = None if fail_on is FailOn.NEVER else Severity(fail_on.value).rank
    if floor is not None and any(v.is_finding and v.severity.rank >= floor for v in imported.verdicts):
        raise typer.Exit(Exit.FINDINGS)


def _model(kind: str, files: list[Path], output: Path) -> None:
    with progress("reading the model"):
        drafted = read_model(kind, files)
    path = write_model(drafted, files, output)
    err().print(f"[green]wrote[/] {escape(str(path))}")
    for loss in drafted.losses:
        err().print(f"[yellow]left out[/] {escape(plain(loss))}")
    counts = ", ".join(
        counted(len(found), {"data": "data set"}.get(name, name.removesuffix("s")))
        for name, found in drafted.sections.items()
        if found
    )
    err().print(f"{counts}; now `assay check {escape(str(output))}`", markup=False)


@app.command(cls=Command)
def otm(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An Open Threat Model (OTM 0.2.0), YAML or JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write the declaration to.")] = Path(),
) -> None:
    """Draft a declaration from an Open Threat Model: environments, systems, data and flows.

    Example: assay import otm threat-model.yaml --output imported
    """
    _model("otm", [file], output)


@app.command(cls=Command)
def fides(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Fides manifests (fideslang), YAML.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write the declaration to.")] = Path(),
) -> None:
    """Draft a declaration from fides manifests: data sets with their categories, and the systems that use them.

    Example: assay import fides .fides/datasets.yml .fides/systems.yml --output imported
    """
    _model("fides", files, output)


def _render(imported: Imported, format: ReportFormat) -> None:
    match format:
        case ReportFormat.SARIF:
            write(sarif.render(imported.verdicts))
        case ReportFormat.JUNIT:
            write(junit.render(imported.verdicts))
        case ReportFormat.GITHUB:
            write(github.render(imported.verdicts))
        case ReportFormat.JSON:
            write(json.dumps(_document(imported), indent=2, ensure_ascii=False))
        case _:
            _text(imported)


def _text(imported: Imported) -> None:
    found = imported.audit
    console = tables()
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("route", overflow="fold")
    table.add_column("path", overflow="fold", style="dim")
    for wanted in expected():
        table.add_column(wanted.control.replace("_", "\n"), justify="center")
    for route in found.foreign.routes:
        methods = " ".join(route.methods)
        path = f"{methods} {route.path}{'…' if route.prefix and route.path != '/' else ''}".strip()
        table.add_row(escape(route.id), escape(path), *(_MARKS[c.state] for c in found.of(route)))
    console.print(f"[bold]{escape(found.title)}[/], {counted(len(found.foreign.routes), 'route')}")
    console.print(table)
    console.print(
        "[green]✓[/] there   [yellow]~[/] does less than it seems   [bold red]✗[/] absent   [dim]?[/] not said there"
    )
    weak = [c for c in found.cells if c.state == "weak"]
    for cell in weak:
        console.print(
            f"[yellow]~[/] {escape(plain(f'{cell.route.id}: {cell.uses[0].feature}: {cell.why}  ({cell.at})'))}"
        )
    for control, features in found.unused:
        console.print(f"[dim]unused for {control}:[/] {escape(', '.join(features))}")
    for verdict in imported.verdicts:
        if verdict.check == UNREAD:
            fix = f": {verdict.fix.sentence}" if verdict.fix else ""
            said = f"{verdict.sentence}  ({verdict.location}){fix}"
            console.print(f"[yellow]unclear:[/] {escape(plain(said))}")
    out().print(f"[bold]{summarise(imported.verdicts).sentence()}[/]")


def _document(imported: Imported) -> dict[str, object]:
    found = imported.audit
    return {
        "version": 1,
        "platform": found.foreign.platform,
        "routes": [
            {
                "id": route.id,
                "api": route.api,
                "path": route.path,
                "prefix": route.prefix,
                "methods": list(route.methods),
                "upstream": route.upstream,
                "controls": {
                    c.expected.control: {"state": c.state, "features": [u.feature for u in c.uses], "why": c.why}
                    for c in found.of(route)
                },
            }
            for route in found.foreign.routes
        ],
        "unused": {control: list(features) for control, features in found.unused},
        "not_understood": [{"what": u.what, "location": str(u.at)} for u in found.foreign.unread],
        "verdicts": [v.as_json() for v in imported.verdicts],
    }
