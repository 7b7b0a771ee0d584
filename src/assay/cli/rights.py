"""``assay rights``: what accounts may do, how much of it they need, and how to take the rest away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.app.project import Project, open_project
from assay.app.rights import Proposal, Reviewed, chosen, proposal, reviews
from assay.cli import completing
from assay.cli.console import err, progress, write
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption, Where
from assay.cli.rights_tables import as_csv, as_json, show_grants, show_proposal, show_reviews
from assay.domain import Exit, IncompleteError, UsageError
from assay.report.json_ import document

app = typer.Typer(
    no_args_is_help=True, help="Show what accounts may do, how much of it they need, and take the rest away."
)


class TableFormat(StrEnum):
    """How tables are written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


TableOption = Annotated[TableFormat, typer.Option("--format", help="text for people, json or csv for programs.")]
Some = Annotated[
    list[str] | None,
    typer.Argument(metavar="ACCOUNT", help="These accounts; default: all.", autocompletion=completing.accounts),
]


@app.command(cls=Command)
def read(accounts: Some = None, where: Where = Path(), format: TableOption = TableFormat.TEXT) -> None:
    """Read what accounts may do: from PostgreSQL, from exports, or as it is declared. Nothing is changed.

    Examples:

      assay rights read

      assay rights read svc-crm-sync --format csv > rights.csv
    """
    project = open_project(where)
    found = _found(project, accounts or (), used=False)
    if format is TableFormat.JSON:
        write(document(accounts=[as_json(r, grants=True) for r in found]))
    elif format is TableFormat.CSV:
        write(as_csv(found, grants=True))
    else:
        show_grants(found)
    _end(found)


@app.command("review", cls=Command)
def review_command(accounts: Some = None, where: Where = Path(), format: TableOption = TableFormat.TEXT) -> None:
    """Weigh what accounts may do against what they need and use: excess, reach in data, and what stands out.

    Use is measured where the system keeps statistics, and by the gateway's log. The index is 0 when every right is
    needed, towards 1 when rights over much sensitive data lie idle.

    Examples:

      assay rights review

      assay rights review svc-crm-sync --format json
    """
    project = open_project(where)
    found = _found(project, accounts or (), used=True)
    if format is TableFormat.JSON:
        write(document(accounts=[as_json(r, grants=False) for r in found]))
    elif format is TableFormat.CSV:
        write(as_csv(found, grants=False))
    else:
        show_reviews(found)
    _end(found)


@app.command(cls=Command)
def propose(
    account: Annotated[
        str, typer.Argument(help="The account (see `assay rights review`).", autocompletion=completing.accounts)
    ],
    where: Where = Path(),
    sql: Annotated[
        Path | None, typer.Option("--sql", metavar="FILE", help="Write the SQL script (PostgreSQL) to this file.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Propose the least privilege: SQL for PostgreSQL, a policy for AWS, a patch for rights declared by hand.

    Nothing is applied. The script grants what is needed first, revokes the rest, and is one transaction.

    Examples:

      assay rights propose svc-crm-sync

      assay rights propose svc-crm-sync --sql least.sql
    """
    project = open_project(where)
    (found,) = _found(project, (account,), used=False)
    proposed = proposal(found, project.declaration)
    if sql is not None:
        _write_sql(proposed, sql)
    if format is Format.JSON:
        script, edits = proposed.script, proposed.files or {}
        write(
            document(
                account=account,
                revoke=[str(g) for g in proposed.revoke],
                sql=script.text if script else None,
                policy=proposed.policy,
                files=sorted(edits),
                narrowed_by=[{"api": n.api, "operations": list(n.operations)} for n in proposed.narrowings],
            )
        )
    elif sql is None:
        show_proposal(proposed, project.declaration.sources)


def _write_sql(proposed: Proposal, path: Path) -> None:
    if proposed.script is None:
        name = proposed.review.name
        raise UsageError(
            f"the rights of `{name}` are not read from PostgreSQL, so there is no SQL for it",
            fix=f"leave `--sql` out, or read them there: `accounts.{name}.rights: {{read_from: connection}}`",
        )
    try:
        path.write_text(proposed.script.text, encoding="utf-8")
    except OSError as error:
        raise IncompleteError(f"{path} cannot be written: {error.strerror}", fix="choose another place") from error
    err().print(f"[green]wrote[/] {path}: read it, then run it as the owner or a superuser")


def _found(project: Project, names: Iterable[str], *, used: bool) -> list[Reviewed]:
    wanted = chosen(project.declaration, names)
    if not wanted:
        err().print("this declaration has no accounts")
        raise typer.Exit(Exit.NOTHING_SELECTED)
    with progress("reading rights"):
        return list(reviews(project, wanted, today=date.today(), used=used))


def _end(found: list[Reviewed]) -> None:
    """Says what could not be read; nothing is claimed then."""
    unread = [r for r in found if r.problem is not None]
    for reviewed in unread:
        assert reviewed.problem is not None  # noqa: S101 - chosen for having one
        err().print(f"{reviewed.review.name}: {reviewed.problem.diagnosis()}", markup=False)
    # An export of which nothing could be read was told with the table.
    if unread or any(r.review.unclear and not r.review.grants for r in found):
        raise typer.Exit(Exit.INCOMPLETE)
