"""``assay objectives``: how every objective stands, what that shows of frameworks, and who reviewed the mappings."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.app.addresses import now
from assay.app.coverage import Pending, later_runs, matrix, objectives_at, pending, review
from assay.app.keeping import unaltered
from assay.app.project import in_environment, open_project
from assay.cli import completing
from assay.cli.console import err, out, write
from assay.cli.groups import WithDefault
from assay.cli.help import Command
from assay.cli.moments import AtOption, moment
from assay.cli.objectives_tables import coverage_csv, objectives_csv, show_coverage, show_objectives
from assay.cli.options import EnvironmentOption, Where
from assay.cli.signing import DEFAULT_KEY, AsOption, KeyOption, PassphraseOption, YesOption, signer, sure
from assay.cli.words import counted
from assay.domain import Exit
from assay.frameworks.catalogue import Entry, entry
from assay.frameworks.published import framework
from assay.report.json_ import document
from assay.report.plain import plain

app = typer.Typer(
    cls=WithDefault, help="Show how every objective stands, what that shows of frameworks, and review what it maps to."
)


class TableFormat(StrEnum):
    """How tables are written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


FrameworkOption = Annotated[
    str | None,
    typer.Option(
        "--framework", metavar="NAME", help="Only what is mapped to this one.", autocompletion=completing.frameworks
    ),
]


@app.command(cls=Command)
def show(
    where: Where = Path(),
    name: FrameworkOption = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Judge by this profile of the catalogue instead of the declared one: basic, advanced.",
            autocompletion=completing.profiles,
        ),
    ] = None,
    at: AtOption = None,
    environment: EnvironmentOption = None,
    format: Annotated[
        TableFormat, typer.Option("--format", help="text for people, json or csv for programs.")
    ] = TableFormat.TEXT,
) -> None:
    """Show how every objective stands: yours, and those of the profile. With --framework: what that shows of one.

    Examples:

        assay objectives show

        assay objectives show --profile advanced --format csv

        assay objectives show --framework owasp-api

        assay objectives show --framework nist-800-53 --at 2026-12-01
    """
    into = framework(name) if name else None
    project = in_environment(open_project(where), environment)
    unaltered(project)
    when = moment(at, now())
    in_force = profile or project.declaration.model.profile
    found = objectives_at(project, when, profile)
    _say_later(later_runs(project, when), when)
    if into is not None:
        covered = matrix(project, into, found, when)
        if format is TableFormat.JSON:
            return write(document(profile=in_force, at=when.isoformat(), coverage=covered.as_json()))
        if format is TableFormat.CSV:
            return write(coverage_csv(covered))
        show_coverage(covered)
        return _hint(in_force)
    if not found:
        err().print("no objective is in force: write some under `objectives:`, or `profile: basic`", markup=False)
        raise typer.Exit(Exit.NOTHING_SELECTED)
    if format is TableFormat.JSON:
        return write(document(profile=in_force, at=when.isoformat(), objectives=[j.as_json() for j in found]))
    if format is TableFormat.CSV:
        return write(objectives_csv(found))
    show_objectives(found, in_force)
    return _hint(in_force)


def _say_later(runs: int, when: datetime) -> None:
    if runs:
        verb = "is" if runs == 1 else "are"
        told = f"{counted(runs, 'run')} {verb} dated later than {when:%Y-%m-%d %H:%M} UTC, and left out"
        err().print(told, markup=False)


def _hint(profile: str | None) -> None:
    if profile is None:
        err().print(
            "no profile is in force, so the catalogue brings no objectives in: write `profile: basic` or `advanced`,"
            " or try `--profile`",
            markup=False,
        )


@app.command("review", cls=Command)
def review_command(
    objective: Annotated[
        str, typer.Argument(help="An objective of the catalogue.", autocompletion=completing.objectives)
    ],
    name: FrameworkOption = None,
    person: AsOption = None,
    key: KeyOption = DEFAULT_KEY,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why the mapping is right.")
    ] = "The objective stands for this item.",
    passphrase: PassphraseOption = None,
    yes: YesOption = False,
    where: Where = Path(),
) -> None:
    """Sign that an objective stands for the items of frameworks that it is mapped to: one decision for each mapping.

    A review counts for exactly the words that objective and item have now; when they change, the mapping is proposed
    again. Reviewed mappings are left alone.

    Examples:

        assay objectives review CO-AUZ-01 --framework owasp-api --as ana --key ~/.ssh/id_ed25519

        assay objectives review CO-AUZ-01 --as ana --key ~/.ssh/id_ed25519 --reason "Compared with the text of each."
    """
    project = open_project(where)
    when = now()
    about = entry(objective)
    found = pending(project, about.id, name, when)
    _show_pending(found, about)
    if not found.open:
        return
    who, private = signer(project, person, key, passphrase)
    if not sure(f"Sign for {counted(len(found.open), 'mapping')} as {who}?", yes):
        return
    for link in found.open:
        made = review(project, link, private, person=who, reason=reason, at=when)
        out().print(plain(f"{link.subject}: reviewed, {made.signed.file}"), markup=False)


def _show_pending(found: Pending, about: Entry) -> None:
    """What is signed for: the objective's words, and each item."""
    console = out()
    console.print(f"{about.id}: {about.statement}", markup=False)
    console.print(f"  measured as {about.metric}; {about.wanted}", markup=False)
    for link in found.links:
        into = framework(link.framework)
        item = into.items.get(link.item)
        title = f" {item.title}" if item and item.title else ""
        state = "  (reviewed)" if link in found.done else ""
        console.print(f"  {into.title} {link.item}{title}{state}", markup=False)
