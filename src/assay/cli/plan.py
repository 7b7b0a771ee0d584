"""``assay plan``: what applying the declaration would change at the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.planning import Planned, make_plan
from assay.app.project import Project, in_environment, open_project
from assay.cli.console import out, progress, write
from assay.cli.options import DeclarationPath, EnvironmentOption, Format, FormatOption
from assay.cli.words import observed_place
from assay.domain import Exit
from assay.gateway.plan import Group, Plan, approving
from assay.report.plain import plain

_MARK = {"loosening": ("-", "bold red"), "tightening": ("+", "bold green"), "neutral": ("~", "cyan")}


def plan(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    format: FormatOption = Format.TEXT,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 5 when there are changes, 0 when there are none.")
    ] = False,
) -> None:
    """Show what would change at the gateway: what tightens, what loosens, and which controls only observe.

    Nothing is written and nothing is contacted. A loosening of an API in a production environment needs the plan's
    digest as approval: `assay apply --approve DIGEST`; where `people:` are declared, a signed one: `assay approve`.

    Examples:

      assay plan

      assay plan --detailed-exitcode --format json
    """
    with progress("compiling"):
        project = in_environment(open_project(path), environment)
        planned = make_plan(project)
    if format is Format.JSON:
        import json

        write(json.dumps(planned.plan.as_json(), indent=2, ensure_ascii=False))
    else:
        show(planned, *approval_of(project, planned))
    if detailed_exitcode and planned.plan.changes:
        raise typer.Exit(Exit.CHANGES)


def approval_of(project: Project, planned: Planned) -> tuple[bool, tuple[str, ...]]:
    """Whether an approval of a plan has to be signed by declared people, and who signed one that still counts."""
    if not project.everything.model.people or not planned.plan.needs_approval:
        return bool(project.everything.model.people), ()
    from assay.app.deciding import signed_approvals

    signed = signed_approvals(project)
    return True, tuple(a.by for a in signed(planned.plan, now())) if signed else ()


def show(planned: Planned, signed: bool = False, approved: tuple[str, ...] = ()) -> None:
    """The plan, for people: loosening first. For ``signed`` and ``approved`` see :func:`approval_of`."""
    console, found = out(), planned.plan
    if found.initial:
        console.print(
            f"Nothing is applied yet. Applying makes [bold]{found.operations}[/] operations reachable, "
            "each only as the declaration allows."
        )
    elif not found.changes:
        console.print("No changes: the gateway already has this policy.")
    else:
        for group in found.groups():
            _group(group)
        console.print(f"\n{_counts(found)}")
    _observing(found)
    if found.needs_approval and approved:
        console.print(
            f"\n[bold red]This loosens a production environment,[/] as {escape(', '.join(approved))} approved."
        )
    elif found.needs_approval:
        console.print(
            f"\n[bold red]This loosens a production environment.[/] To apply it: "
            f"[bold]{approving(found, signed=signed)}[/]"
        )


def _group(group: Group) -> None:
    console = out()
    mark, style = _MARK[group.effect]
    first = group.changes[0]
    console.print(f"{mark} {group.effect:<10}", style=style, end=" ")
    console.print(plain(group.sentence), markup=False, end="")
    console.print(f"  [dim]{escape(str(first.source))}[/]")
    if first.before or first.after:
        console.print(plain(f"    {first.before or 'nothing'} → {first.after or 'nothing'}"), style="dim", markup=False)


def _counts(found: Plan) -> str:
    counts = {effect: sum(c.effect == effect for c in found.changes) for effect in _MARK}
    return ", ".join(f"{n} {effect}" for effect, n in counts.items() if n)


def _observing(found: Plan) -> None:
    for entry in found.observing:
        where = escape(observed_place(entry))
        out().print(f"[yellow]observing only[/] {entry.control} on {where}: nothing is refused, only written down")
