"""``assay demo``: the Customer Data API, bare and behind Assay."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import threading
import time
from collections.abc import Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from assay.cli.console import err, out, tables, write
from assay.cli.options import Format, FormatOption
from assay.demo.loop import Proven, prove_both
from assay.demo.rows import Row
from assay.demo.stage import Stage, in_thread, staged
from assay.demo.table import show_proven, table, verdict
from assay.demo.walk import walk
from assay.domain import Exit
from assay.gateway.supervisor.events import Event
from assay.gateway.supervisor.run import stop_on_signals

Shown = tuple[list[Row], Proven | None]

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended, as shells expect it."""


class Store(StrEnum):
    """Where the example keeps its data."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C.")] = False,
    store: Annotated[Store, typer.Option("--store", help="Store of the example service.")] = Store.SQLITE,
    format: FormatOption = Format.TEXT,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the report and the evidence are written.")
    ] = Path("assay-report"),
    walk_only: Annotated[
        bool, typer.Option("--walk-only", help="Only the walk: prove nothing, write nothing.")
    ] = False,
) -> None:
    """Show what Assay does, with real requests: each attack against the bare service, then through the gateway.

    Starts the Customer Data API (which has no security of its own) and a gateway on free ports of this machine, walks
    through OAuth 2.0, AES-256 at rest, HTTPS, input validation, rate limits, ownership, masking and networks. Then it
    proves every control, at the service and through the gateway, verifies the evidence, writes the report, and stops
    and removes everything else.

    Examples:

      assay demo

      assay demo --store postgresql

      assay demo --keep
    """
    started = time.monotonic()
    shown = asyncio.run(_until_told(_demo(keep, store, format, started, None if walk_only else output)))
    if shown is None:
        err().print("stopped; everything it started has ended, everything it wrote is removed")
        raise typer.Exit(INTERRUPTED)
    rows, proven = shown
    if not rows or not all(row.holds for row in rows) or (proven is not None and not proven.holds):
        raise typer.Exit(Exit.FINDINGS)


async def _until_told(work: Coroutine[None, None, Shown]) -> Shown | None:
    """What was shown, or None when a signal came first; either way, everything is cleaned up."""
    stop = asyncio.Event()
    with stop_on_signals(stop):
        doing, told = asyncio.create_task(work), asyncio.create_task(stop.wait())
        await asyncio.wait({doing, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not doing.done():
            doing.cancel()
        try:
            return await doing
        except asyncio.CancelledError:
            return None


async def _demo(keep: bool, store: Store, format: Format, started: float, output: Path | None) -> Shown:
    console = err()
    proven: Proven | None = None
    with console.status("starting the service and the gateway …") as spinner:

        def emit(event: Event) -> None:
            spinner.update(f"{event.sentence} …")

        async with staged(store.value, emit=emit) as stage:
            rows = await _walked(stage, spinner)
            if format is Format.TEXT:
                spinner.stop()
                _show(rows, time.monotonic() - started)
                spinner.start()
            if output is not None:
                proven = await prove_both(stage, output, say=lambda what: spinner.update(f"{what} …"))
            spinner.stop()
            if format is Format.JSON:
                _document(rows, proven, time.monotonic() - started)
            elif proven is not None:
                show_proven(out(), tables(), proven, time.monotonic() - started)
            if keep:
                await _stay(stage, console)
            spinner.start()
            spinner.update("stopping …")
    return rows, proven


async def _walked(stage: Stage, spinner: Status) -> list[Row]:
    rows: list[Row] = []
    leave = threading.Event()

    def go() -> None:
        for row in walk(stage.scene):
            rows.append(row)
            if leave.is_set():
                return
            spinner.update(f"{row.topic}: {row.attempt} …")

    await in_thread(go, give_up=leave.set)
    return rows


def _show(rows: list[Row], seconds: float) -> None:
    console = out() if out().is_terminal else Console(width=160, highlight=False)
    console.print("\n[bold]The Customer Data API, alone and through Assay[/]\n")
    console.print(table(rows))
    verdict(console, rows, seconds)


def _document(rows: list[Row], proven: Proven | None, seconds: float) -> None:
    holds = all(r.holds for r in rows) and (proven is None or proven.holds)
    found = {"version": 1, "holds": holds, "seconds": round(seconds, 1), "rows": [r.as_json() for r in rows]}
    found["proven"] = proven.as_json() if proven else None
    write(json.dumps(found, indent=2, ensure_ascii=False))


def exports(environ: Mapping[str, str], directory: Path) -> str:
    """What another shell needs, so that the declaration says the same there; the store's address is read from its file,
    because it may hold a password."""
    said = " ".join(
        f"{name}={shlex.quote(environ[name])}" for name in ("CUSTOMER_DATA_LISTEN", "CUSTOMER_DATA_UPSTREAM")
    )
    return f'export {said} CRM_DSN="$(cat {shlex.quote(str(directory / "data" / "dsn"))})"'


async def _stay(stage: Stage, console: Console) -> None:
    """Leaves everything running until somebody ends it."""
    console.print(f"\n  the service alone   {stage.service.url}", markup=False)
    console.print(f"  through Assay       {stage.url}", markup=False)
    console.print(f"  declaration         {stage.project.declaration.root}", markup=False)
    console.print(f"  authority           {stage.project.state / 'pki' / 'ca.crt'}", markup=False)
    console.print(f"  access log          {stage.project.state / 'logs' / 'access.jsonl'}", markup=False)
    console.print(
        "\nTo run commands on it in another shell (`assay risk --declaration …`), tell them where it listens:\n"
    )
    console.print(exports(stage.environ, stage.directory), markup=False, soft_wrap=True)
    console.print("\nCtrl-C stops everything and removes it.", markup=False)
    with contextlib.suppress(asyncio.CancelledError):  # the signal that ends this is its ordinary end
        await asyncio.Event().wait()
