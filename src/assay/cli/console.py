"""Where commands write: results to standard output, everything else to standard error; colour only on terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from assay.domain import AssayError, DeclarationError
from assay.report.text import finding


def out() -> Console:
    """For results. Rich honours NO_COLOR and drops colour when standard output is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """For everything that is not the result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def write(text: str) -> None:
    """A result for machines: exactly this text, and a newline."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def explain_error(error: AssayError) -> None:
    """Shows an error the way findings are shown: what, where, how to mend it."""
    console = err()
    if isinstance(error, DeclarationError):
        for verdict in error.verdicts:
            console.print(finding(verdict, getattr(error, "sources", {}) or {}, width=console.width))
        noun = "error" if len(error.verdicts) == 1 else "errors"
        console.print(f"{len(error.verdicts)} {noun}; nothing was done", style="bold red")
        return
    where = f"{error.location}: " if error.location else ""
    console.print(f"[bold red]error[/] {where}", end="")
    console.print(error.sentence, markup=False)
    if error.fix:
        console.print("  [green]fix[/] ", end="")
        console.print(error.fix, markup=False)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Progress]:
    """A progress bar on standard error; silent when that is no terminal."""
    console = err()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(title, total=total)
        yield bar
