"""``assay up`` and ``assay down``: the gateway as a whole."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.project import Project, in_environment, open_project
from assay.app.stack import issuer_url, prepare_project, settings, url_of
from assay.cli.console import err, out
from assay.cli.options import DeclarationPath, EnvironmentOption
from assay.cli.words import typed
from assay.domain import AssayError, Exit, IncompleteError, UsageError
from assay.domain.programs import command
from assay.gateway.apply import Result
from assay.gateway.state import Paths, prepare
from assay.gateway.supervisor import events, running
from assay.gateway.supervisor.detach import Announcement, announce, announce_error, detach
from assay.gateway.supervisor.run import run, stop_on_signals

_STYLE = {
    "PartReady": "green",
    "ConfigurationApplied": "bold green",
    "ConfigurationRejected": "bold red",
    "PartExited": "red",
    "PartFailing": "bold red",
    "PartRestarting": "yellow",
    "PartUnresponsive": "yellow",
    "KeysUnavailable": "yellow",
}


def up(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    background: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; return when it is ready.")
    ] = False,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", help="Digest of a plan that loosens production (see `assay plan`).")
    ] = None,
    ready_fd: Annotated[int | None, typer.Option("--ready-fd", hidden=True)] = None,
) -> None:
    """Start the gateway: issuer (development only), inspector, processor, Envoy. Ctrl-C stops it all.

    Each part has a status line; one that ends is started again, and it is said.

    Examples:

      assay up

      assay up --detach && assay status

      assay up --environment staging
    """
    project = in_environment(open_project(path), environment)
    if background:
        return _detached(project, path, approve or [])
    try:
        asyncio.run(_run(project, path, approve or [], ready_fd))
    except AssayError as error:
        if ready_fd is not None:
            announce_error(ready_fd, error)
        raise
    return None


async def _run(project: Project, path: Path, approve: list[str], ready_fd: int | None) -> None:
    if running.supervised(_paths(project)):
        fix = f"use it, or end it with `{typed('down', path, project.environment)}`"
        raise UsageError(running.already(_paths(project)), fix=fix)
    prepared = await asyncio.to_thread(prepare_project, project)

    def ready(result: Result) -> None:
        _welcome(project, path)
        if ready_fd is not None:
            announce(ready_fd, Announcement(pid=os.getpid(), address=url_of(project)))

    stop = asyncio.Event()
    with stop_on_signals(stop):
        await run(settings(prepared, emit=_tell, ready=ready, approve=approve), stop)


def _paths(project: Project) -> Paths:
    return prepare(project.state, environ=os.environ)


def _tell(event: events.Event) -> None:
    style = _STYLE.get(event.kind, "dim")
    err().print(f"[{style}]{now():%H:%M:%S}[/]  ", end="")
    err().print(event.sentence, style=style, markup=False)


def _welcome(project: Project, path: Path) -> None:
    console = err()
    url = url_of(project)
    console.print(f"\n[bold green]the gateway is up[/]  {escape(url)}")
    for name, api in project.declaration.model.apis.items():
        base = api.path if api.path is not None else project.declaration.contracts[name].base_path
        console.print(f"  {name:<20} {url}{base}  →  {api.upstream}", markup=False)
    if not project.declaration.model.gateway.plaintext and project.declaration.model.gateway.tls.files is None:
        console.print(f"  development authority: {project.state / 'pki' / 'ca.crt'}", markup=False)
    if any(e.issuer and e.issuer.development for e in project.declaration.model.environments.values()):
        console.print(f"  development issuer:    {issuer_url(project)}  (never for production)", markup=False)
    look = typed("status", path, project.environment)
    console.print(f"  Ctrl-C stops it; `{look}` in another terminal looks at it\n", markup=False)


def _detached(project: Project, path: Path, approve: list[str]) -> None:
    paths = _paths(project)
    if running.supervised(paths):
        raise UsageError(
            running.already(paths), fix=f"use it, or end it with `{typed('down', path, project.environment)}`"
        )
    argv = command("assay", "up", str(path))
    argv += ["--environment", project.environment] if project.environment else []
    for digest in approve:
        argv += ["--approve", digest]
    said = detach(argv, log=paths.logs / "up.log", environment=dict(os.environ))
    if said.error:
        error = UsageError if said.exit == Exit.USAGE else IncompleteError
        raise error(said.error, fix=said.fix, location=said.at)
    end = escape(typed("down", path, project.environment))
    out().print(f"[bold green]the gateway is up[/]  {escape(said.address)}  (process {said.pid}; `{end}` ends it)")


def down(path: DeclarationPath = Path(), environment: EnvironmentOption = None) -> None:
    """Stop a gateway that runs, and everything it started.

    Example: assay down
    """
    project = in_environment(open_project(path), environment)
    stopped = running.down(_paths(project))
    if stopped is None:
        err().print("nothing runs")
        raise typer.Exit(Exit.NOTHING_SELECTED)
    out().print(f"[green]stopped[/] process {stopped.pid} on {escape(stopped.address)}")
