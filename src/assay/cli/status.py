"""``assay status``: what runs, whether it is what was applied, and what observing policies would have refused."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.app.addresses import now
from assay.app.observed import LIMIT, Observed, observed
from assay.app.project import in_environment, open_project
from assay.cli.console import out, tables, write
from assay.cli.options import DeclarationPath, EnvironmentOption, Format, FormatOption
from assay.cli.words import counted, observed_place
from assay.domain import Exit
from assay.gateway.state import prepare
from assay.gateway.supervisor.status import Status
from assay.gateway.supervisor.status import status as look

_POLICIES_SHOWN = 12


def status(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what runs, which version is applied, whether Envoy really runs it, and what would have been refused.

    Exits 0 when all is well, 3 when something is not as it should be, 4 when nothing runs.

    Examples:

      assay status

      assay status --format json
    """
    project = in_environment(open_project(path), environment)
    paths = prepare(project.state, environ=os.environ)
    found = asyncio.run(look(paths, now=now()))
    seen = observed(paths.access_log, found.since) if found.running else None
    if format is Format.JSON:
        write(json.dumps(as_json(found, seen), indent=2, ensure_ascii=False))
    else:
        show(found, seen)
    if not found.running:
        raise typer.Exit(Exit.NOTHING_SELECTED)
    if found.problems:
        raise typer.Exit(Exit.INCOMPLETE)


def as_json(found: Status, seen: Observed | None) -> dict[str, object]:
    """The published shape (version 1)."""
    return {**found.as_json(), "observed": seen.as_json() if seen else None}


def show(found: Status, seen: Observed | None) -> None:
    """The gateway, for people."""
    console = out()
    if found.running:
        tables().print(_parts(found))
    else:
        console.print("nothing runs; `assay up` starts the gateway")
    if found.applied:
        said = {True: "[bold green]confirmed[/]", False: "[bold red]NOT what Envoy runs[/]", None: "not confirmed"}
        console.print(
            f"\nversion {found.applied.number}  policy {found.applied.policy[:16]}  "
            f"configuration {found.applied.configuration}  {said[found.confirmed]}"
        )
    for entry in found.observing:
        console.print(f"[yellow]observing only[/] {entry.control} on {escape(observed_place(entry))}")
    if seen and (found.observing or seen.policies):
        _observed(console, seen)
    for problem in found.problems:
        console.print(f"[bold red]problem[/] {escape(problem)}")


def _parts(found: Status) -> Table:
    table = Table("part", "state", "pid", "up", "restarts", "last exit", box=None, header_style="bold", pad_edge=False)
    for part in found.parts:
        style = "green" if part.ready else "yellow"
        seconds = "" if part.uptime_s is None else _age(part.uptime_s)
        state = f"[{style}]{escape(part.state)}[/]"
        table.add_row(part.name, state, str(part.pid or ""), seconds, str(part.restarts), escape(part.last_exit))
    return table


def _age(seconds: float) -> str:
    """A time span as people say it: the two largest units."""
    whole = int(seconds)
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // below} {smaller}"
    return f"{whole} s"


def _observed(console: Console, seen: Observed) -> None:
    of = "" if seen.complete else f", as far back as the last {LIMIT // 1024**2} MiB of the log reach"
    if not seen.policies:
        console.print(f"nothing of {counted(seen.calls, 'call')} would have been refused since the start{of}")
        return
    console.print(f"would have been refused since the start, of {counted(seen.calls, 'call')}{of}:")
    shown = list(seen.policies.items())[:_POLICIES_SHOWN]
    width = len(f"{shown[0][1]:,}")
    for policy, count in shown:
        console.print(f"  {count:>{width},} × {policy}", markup=False)
    if len(seen.policies) > len(shown):
        console.print(f"  … and others: {len(seen.policies) - len(shown)} (`--format json` has them all)")
