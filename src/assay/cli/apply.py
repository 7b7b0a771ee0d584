"""``assay apply``: make the declaration live, and confirm that the gateway took it."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.deciding import signed_approvals
from assay.app.keeping import keep_application
from assay.app.planning import make_plan, production_apis
from assay.app.project import Project, in_environment, open_project
from assay.app.stack import prepare_project
from assay.cli.console import err, out, progress, read_sources, show_findings, write
from assay.cli.options import DeclarationPath, EnvironmentOption, Format, FormatOption
from assay.cli.plan import approval_of, show
from assay.domain import Exit, Outcome
from assay.gateway.apply import Result, apply, rollback
from assay.report.json_ import document
from assay.report.plain import plain


def apply_command(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    approve: Annotated[
        list[str] | None, typer.Option("--approve", help="Digest of a plan that loosens production (see `assay plan`).")
    ] = None,
    rollback_to: Annotated[
        int | None, typer.Option("--rollback", help="Go back to this version instead; 0 means the one before.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Compile the declaration, have Envoy validate it, make it live, and read it back.

    A configuration that Envoy rejects is named, and what was live before is live again. Where `people:` are declared,
    what loosens production needs an approval that one of them signed: `assay approve`.

    Examples:

      assay apply

      assay apply --approve 3f9c2a1b7d5e6f80

      assay apply --rollback 0
    """
    project = in_environment(open_project(path), environment)
    if rollback_to is None and format is Format.TEXT:
        planned = make_plan(project)
        show(planned, *approval_of(project, planned))
    with progress("applying"):
        result = asyncio.run(_apply(project, approve or [], rollback_to))
        keep_application(project, result.applied, result.verdict.sentence, result.verdict.outcome)
    report(result, format)
    if result.verdict.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.INCOMPLETE)


async def _apply(project: Project, approve: list[str], rollback_to: int | None) -> Result:
    prepared = prepare_project(project)
    runtime = prepared.facts.gather()
    by, apis, at = getpass.getuser(), production_apis(project), project.declaration.locate("assay")
    signed = signed_approvals(project, by)
    if rollback_to is not None:
        return await rollback(
            prepared.gateway,
            runtime,
            number=rollback_to or None,
            by=by,
            approve=approve,
            production=apis,
            at=at,
            signed=signed,
        )
    return await apply(
        prepared.gateway,
        prepared.policy,
        runtime,
        by=by,
        approve=approve,
        production=apis,
        at=at,
        signed=signed,
    )


def report(result: Result, format: Format) -> None:
    """Says what came of it; an application nobody confirmed is not called applied."""
    verdict, applied = result.verdict, result.applied
    if format is Format.JSON:
        live = None
        if applied:
            live = {
                "number": applied.number,
                "policy": applied.policy,
                "configuration": applied.configuration,
                "confirmed": applied.confirmed.isoformat() if applied.confirmed else None,
            }
        return write(document(applied=live, verdict=verdict.as_json()))
    if verdict.outcome is Outcome.PASS:
        out().print(f"[bold green]applied and confirmed[/] {escape(plain(verdict.sentence))}")
    elif verdict.outcome is Outcome.INCONCLUSIVE:
        err().print(f"[bold yellow]stored, not confirmed[/] {escape(plain(verdict.sentence))}")
        if verdict.fix:
            err().print(f"  [green]fix[/] {escape(plain(verdict.fix.sentence))}")
    else:
        show_findings(err(), [verdict], read_sources([verdict]))
    return None
