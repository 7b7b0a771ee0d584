"""``assay explain``: what a control or a check means, why it matters, how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from assay.app.explaining import Explanation, explanation
from assay.app.reading import READERS, RISK, reading_checks
from assay.cli import completing
from assay.cli.console import out, prose, tables
from assay.controls.registry import controls


def explain(
    id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A control, a check or an objective.", autocompletion=completing.topics),
    ] = None,
) -> None:
    """Explain a control, a check or a control objective. Without an id: list the controls.

    Examples:

      assay explain

      assay explain rate_limiting

      assay explain operation-without-owner-rule

      assay explain authorisation/operation-without-owner-rule

      assay explain CO-AUZ-02
    """
    if id is None:
        _list()
    else:
        _show(explanation(id))


def _list() -> None:
    table = Table("control", "the compliant state", "checks", box=None, header_style="bold", pad_edge=False)
    for control in controls():
        table.add_row(control.id, Text(control.about.title), str(len(control.about.checks)))
    for reader in READERS:
        found = sum(reader in c.readers for c in reading_checks().values())
        table.add_row(reader, f"[dim]Everything in the {reader} can be understood in one way only[/]", str(found))
    found = sum(RISK in c.readers for c in reading_checks().values())
    table.add_row(
        RISK, "[dim]Every risk above appetite is somebody's, and decided; every incident counts[/]", str(found)
    )
    tables().print(table)
    out().print("\n`assay explain CONTROL` shows a control's guide; `assay explain CHECK` one check.", markup=False)


def _show(found: Explanation) -> None:
    from rich.markdown import Markdown  # a parser that no other command needs

    console = prose()
    # The terminal's own colours: a theme's background would be a block on half of all terminals.
    console.print(Markdown(found.text, code_theme="ansi_dark"))
    if not found.facts:
        return
    console.print()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, said in found.facts:
        table.add_row(name, Text(said))
    console.print(table)
