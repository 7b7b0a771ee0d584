"""``assay explain``: what a control or a check means, why it matters, how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table

from assay.app.objectives import objectives
from assay.cli.console import out
from assay.controls.base import Control
from assay.controls.registry import controls
from assay.domain import UsageError, did_you_mean


def _complete(incomplete: str) -> list[str]:
    return [i for i in _known() if i.startswith(incomplete)]


def _known() -> list[str]:
    ids = [c.id for c in controls()]
    ids += [check for c in controls() for check in c.about.checks]
    return sorted({*ids, *(o.id for o in objectives())})


def explain(
    id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="A control, a check or an objective.", autocompletion=_complete),
    ] = None,
) -> None:
    """Explain a control, a check or a control objective.

    Examples:

      assay explain

      assay explain rate_limiting

      assay explain operation-without-owner-rule

      assay explain authorisation/operation-without-owner-rule
    """
    if id is None:
        return _list()
    name = id.rsplit("/", 1)[-1]
    for control in controls():
        if name == control.id:
            out().print(Markdown(control.guide))
            return None
        if name in control.about.checks:
            return _check(control, name)
    for objective in objectives():
        if name.casefold() == objective.id.casefold():
            out().print(Markdown(objective.as_markdown()))
            return None
    raise UsageError(f"nothing is called `{id}`", fix=did_you_mean(name, _known(), what="control or check"))


def _list() -> None:
    table = Table("control", "the compliant state", "checks", box=None, header_style="bold", pad_edge=False)
    for control in controls():
        table.add_row(control.id, control.about.title, str(len(control.about.checks)))
    out().print(table)
    out().print("\n`assay explain CONTROL` shows a control's guide; `assay explain CHECK` one check.", markup=False)


def section(guide: str, heading: str) -> str:
    """The part of a guide under the heading that names a check, empty when there is none."""
    found: list[str] = []
    depth = 0
    for line in guide.splitlines():
        level = len(line) - len(line.lstrip("#"))
        if depth and 0 < level <= depth:
            break
        if not depth and level and line.lstrip("#").strip().strip("`") == heading:
            depth = level
        if depth:
            found.append(line)
    return "\n".join(found)


def _check(control: Control, name: str) -> None:
    check = control.about.checks[name]
    console = out()
    text = section(control.guide, name) or f"## {name}\n\n{check.why}\n\n{check.fix}"
    console.print(Markdown(text))
    console.print()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("[bold]good state[/]", check.title)
    table.add_row("[bold]control[/]", control.id)
    table.add_row("[bold]severity[/]", str(check.severity))
    table.add_row("[bold]why[/]", check.why)
    table.add_row("[bold]fix[/]", check.fix)
    console.print(table)
