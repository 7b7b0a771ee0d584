"""``python -m tests.mutation``: every switch, and what became of the verdict, as a table."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console
from rich.table import Table
from tests.mutation.laboratory import failed, laboratory
from tests.mutation.measuring import culprit, measure
from tests.mutation.switches import SWITCHES

from assay.app.proving import Choice


async def table(only: frozenset[str]) -> tuple[Table, bool]:
    """The table for the controls in ``only`` (empty: all), and whether every switch was found."""
    shown = Table(title="Turn a control off, and its verdict must flip", show_lines=True)
    for column in ("control", "switch", "where", "before", "after", "check", "culprit"):
        shown.add_column(column, overflow="fold")
    switches = [s for s in SWITCHES if not only or s.control in only]
    controls = {*(s.control for s in switches), *(s.beside for s in switches if s.beside)}
    async with laboratory() as lab:
        before = await lab.prove(Choice(controls=sorted(controls)))
        whole = not failed(before)
        for switch in switches:
            found = await measure(lab, switch, before)
            named = found.named
            whole = whole and named is not None and set(switch.flips) <= found.checks() and not found.beside
            shown.add_row(
                switch.control,
                switch.words,
                switch.where,
                "pass",
                f"{len(found.flipped)} × fail ({found.gravest})" if found.flipped else "[red]no change[/]",
                ", ".join(sorted(found.checks())),
                (named.let_through_by or culprit(named, switch.names)) if named else "[red]not named[/]",
            )
            for case, (was, now) in found.beside.items():
                shown.add_row(switch.beside, f"(beside: {switch.words})", "", str(was), str(now), case, "")
    return shown, whole


def main() -> int:
    """0 when every switch was found, 1 when not."""
    shown, whole = asyncio.run(table(frozenset(sys.argv[1:])))
    Console(width=None if sys.stdout.isatty() else 200).print(shown)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
