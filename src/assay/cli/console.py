"""Where commands write: results to standard output, everything else to standard error; colour only on terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from assay.domain import AssayError, DeclarationError, Verdict
from assay.identity.secrets import looks_like_secret
from assay.report.excerpts import covered
from assay.report.plain import plain
from assay.report.text import colourless, finding

_WIDE = 200
_PROSE = 100
_SHOWN_FILE_LIMIT = 32 * 1024 * 1024


def out() -> Console:
    """For results. Rich honours NO_COLOR and drops colour when standard output is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    """For everything that is not the result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def tables() -> Console:
    """For tables: as wide as the terminal, and wide enough to lose nothing where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def prose() -> Console:
    """For text to be read: wrapped at a width that is pleasant to read."""
    console = Console(highlight=False)
    console.width = min(console.width, _PROSE)
    return console


def write(text: str) -> None:
    """A result for machines: exactly this text, and a newline."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def show_findings(console: Console, verdicts: Iterable[Verdict], sources: Mapping[str, str]) -> None:
    """Findings with the lines they speak about, secrets covered; sentences are wrapped on terminals."""
    verdicts = tuple(verdicts)
    texts = covered(sources, verdicts, is_secret=looks_like_secret)
    width, is_terminal = console.width, console.is_terminal
    if not is_terminal and console.color_system is None:
        # As Rich writes them. It looks for colours all the same, which takes longer than finding thousands of findings.
        console.file.writelines(colourless(verdict, texts, width=width) + "\n" for verdict in verdicts)
        return
    for verdict in verdicts:
        console.print(finding(verdict, texts, width=width, wrap=is_terminal))


def explain_error(error: AssayError) -> None:
    """Shows an error the way findings are shown: what, where, how to mend it."""
    console = err()
    if isinstance(error, DeclarationError):
        show_findings(console, error.verdicts, read_sources(error.verdicts))
        noun = "error" if len(error.verdicts) == 1 else "errors"
        console.print(f"{len(error.verdicts)} {noun}; nothing was done", style="bold red")
        return
    where = f"{error.location}: " if error.location else ""
    console.print("[bold red]error[/] ", end="")
    console.print(plain(where + error.sentence), markup=False)
    if error.fix:
        console.print("  [green]fix[/] ", end="")
        console.print(plain(error.fix), markup=False)


def read_sources(verdicts: Iterable[Verdict], base: Path = Path()) -> dict[str, str]:
    """The texts of the files that the verdicts speak about. What cannot be read, or is huge, is left out."""
    texts: dict[str, str] = {}
    for name in {v.location.file for v in verdicts}:
        try:
            path = base / name
            if path.is_file() and path.stat().st_size <= _SHOWN_FILE_LIMIT:
                texts[name] = path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            continue
    return texts


@contextmanager
def progress(title: str) -> Iterator[None]:
    """A sign on standard error that something is going on; silent when that is no terminal."""
    console = err()
    if not console.is_terminal:
        yield
        return
    # Only here: programs and pipelines, which call most often, do not wait for it to load.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task(title, total=None)
        yield
