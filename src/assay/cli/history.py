"""``assay history``: every policy that was live, who changed, reviewed, approved and applied it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from assay.app.addresses import now
from assay.app.history import History, Version
from assay.app.history import history as look
from assay.app.project import in_environment, open_project
from assay.cli.console import err, out, tables, write
from assay.cli.options import DeclarationPath, EnvironmentOption, Format, FormatOption
from assay.domain import Exit
from assay.report.json_ import document
from assay.report.plain import plain

_EYES = {
    "two": "[green]two people[/]",
    "claimed": "[yellow]two, claimed[/]",
    "one": "[yellow]one person[/]",
    "unknown": "unknown",
}


def history(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many versions to show, newest first.")] = 20,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show every applied policy: when and by whom, from which commit, who reviewed and who approved it.

    Signatures of commits are verified with the keys under `people:`. A `Reviewed-by:` that nobody signed is a claim,
    and is called one. Exits 3 when the stored versions and the evidence log do not agree.

    Examples:

      assay history

      assay history --format json --limit 1
    """
    project = in_environment(open_project(path), environment)
    found = look(project, now=now(), environ=os.environ)
    shown = found.versions[:limit]
    if format is Format.JSON:
        write(as_json(found, shown))
    else:
        _show(found, shown)
    if any(v.problems for v in shown):
        raise typer.Exit(Exit.INCOMPLETE)


def as_json(found: History, shown: Sequence[Version]) -> str:
    """The published shape (version 1)."""
    return document(
        versions=[v.as_json() for v in shown],
        more=len(found.versions) - len(shown),
        log_began=found.began.isoformat() if found.began else None,
        notes=list(found.notes),
    )


def _show(found: History, shown: tuple[Version, ...]) -> None:
    if not shown:
        err().print("nothing was ever applied; `assay up` or `assay apply` does that")
    else:
        columns = ("version", "applied", "by", "change", "commit", "author", "seen by", "approved by")
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for version in shown:
            table.add_row(*_row(version))
        tables().print(table)
    if len(found.versions) > len(shown):
        err().print(f"… and {len(found.versions) - len(shown)} older (`--limit` shows more)")
    for version in shown:
        for problem in version.problems:
            out().print(f"[bold red]problem[/] {escape(plain(problem))}")
    for note in found.notes:
        err().print(plain(note), markup=False)


def _row(version: Version) -> tuple[str, ...]:
    meta, recorded, review = version.meta, version.recorded, version.review
    number = f"[bold]{version.number}[/] live" if version.live else str(version.number)
    commit = recorded.commit[:12] if recorded and recorded.commit else "–"
    if recorded and recorded.clean is False:
        commit += " [yellow]and more[/]"
    by = meta.by if meta else (recorded.by if recorded else "")
    author = f"{plain(review.author)}{'' if review.signed else ' (unsigned)'}" if review else "–"
    return (
        number,
        f"{version.at:%Y-%m-%d %H:%M}" if version.at else "–",
        escape(plain(by)),
        _change(version),
        commit,
        escape(author),
        _EYES[version.eyes],
        escape(plain(", ".join(f"{a.by}{'' if a.signed else ' (typed)'}" for a in version.approvals))) or "–",
    )


def _change(version: Version) -> str:
    meta = version.meta
    if meta is None:
        return "–"
    if meta.restores is not None:
        return f"back to {meta.restores}"
    counts = [f"{meta.changes[k]} {k}" for k in ("loosening", "tightening") if meta.changes.get(k)]
    return ", ".join(counts) or "neutral"
