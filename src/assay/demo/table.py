"""The walk as a table that people enjoy reading."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.demo.rows import Row, Side


def _side(side: Side | None, style: str) -> Text:
    if side is None:
        return Text("")
    return Text(side.text, style=style if side.expected else "bold white on red")


def table(rows: Iterable[Row]) -> Table:
    """One line per attempt; a topic is named once."""
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    shown.add_column("control", style="bold", no_wrap=True)
    shown.add_column("attempt", no_wrap=True)
    shown.add_column("the service alone", overflow="fold")
    shown.add_column("through Assay", overflow="fold")
    shown.add_column("decided by", style="dim", overflow="fold")
    topic = ""
    for row in rows:
        if topic and row.topic != topic:
            shown.add_section()
        mark = Text("✔ " if row.holds else "✘ ", style="green" if row.holds else "bold red")
        through = mark + _side(row.through, "green" if row.kind == "attack" else "cyan")
        named = row.topic if row.topic != topic else ""
        shown.add_row(named, row.attempt, _side(row.direct, "red"), through, row.policy)
        topic = row.topic
    return shown


def verdict(console: Console, rows: list[Row], seconds: float) -> None:
    """The last line."""
    failed = [r for r in rows if not r.holds]
    attacks = sum(r.kind == "attack" for r in rows)
    legitimate = len(rows) - attacks
    if failed:
        console.print(f"\n[bold red]{len(failed)} of {len(rows)} did not go as claimed[/]:")
        for row in failed:
            console.print(f"  {row.topic}: {row.attempt}", markup=False)
        return
    console.print(
        f"\n[bold green]all {attacks} attacks were refused or came to nothing, "
        f"all {legitimate} legitimate calls passed[/]  [dim]{seconds:.0f} s[/]"
    )
