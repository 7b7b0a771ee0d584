"""`python -m benchmarks.crater`: every document, or some, with a progress bar; resumes where it was stopped."""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import random
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from benchmarks.crater import package, report
from benchmarks.crater.crew import examine_all
from benchmarks.crater.document import Machine, Result
from benchmarks.crater.page import markdown
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import assay
from assay.domain import AssayError


def arguments() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crater", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="N documents, the same ones each time")
    parser.add_argument("--only", metavar="PATTERN", help="documents whose name matches, such as 'github.com/*'")
    parser.add_argument("--again", choices=("failed", "refused"), help="of the last run, those with this outcome")
    parser.add_argument("--jobs", type=int, default=2, help="documents at a time (default 2)")
    parser.add_argument("--limit-seconds", type=float, default=300, help="for one document (default 300)")
    parser.add_argument("--out", type=Path, default=package.CACHE / "report.json", help="where the JSON report goes")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page about the run, in Markdown")
    parser.add_argument("--machine", default="not described", help="the machine in general words, for the page")
    parser.add_argument("--fresh", action="store_true", help="forget what an unfinished run has done already")
    parser.add_argument("--keep", action="store_true", help="take over earlier results although the code has changed")
    return parser


def main(argv: Sequence[str]) -> int:
    """0: nothing failed; 1: something did; 3: the documents cannot be had."""
    asked = arguments().parse_args(argv)
    # Ended either way, the run takes its children with it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        directory = package.documents()
    except AssayError as error:
        console.print(f"[bold red]error[/] {error.sentence}\n  [green]fix[/] {error.fix}")
        return 3
    journal = Journal(package.CACHE / "journal.jsonl", "" if asked.keep else _code())
    if asked.fresh:
        journal.forget()
    done = journal.read()
    every = package.names(directory)
    chosen = _choose(every, asked, done)
    if asked.again:
        for name in chosen:
            done.pop(name, None)
    todo = [name for name in chosen if name not in done]
    # Large ones first: the last job then does not run alone for minutes.
    todo.sort(key=lambda n: package.file_of(directory, n).stat().st_size, reverse=True)
    machine = Machine.prepare(package.CACHE / "machine", date.today())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("compiling", total=len(chosen), completed=len(chosen) - len(todo))
        files = ((name, package.file_of(directory, name)) for name in todo)
        for result in examine_all(files, machine, jobs=asked.jobs, limit_seconds=asked.limit_seconds):
            journal.add(result)
            done[result.name] = result
            bar.update(task, advance=1, description=result.name[-40:])
            if result.outcome == "failed":
                bar.console.print(f"[red]failed[/] {result.name} ({result.step}: {', '.join(result.reasons)})")
    results = [done[name] for name in chosen]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_bytes(msgspec.json.format(msgspec.json.encode(report.summary(results)), indent=1))
    if asked.page:
        asked.page.write_text(markdown(results, asked.machine, len(every)), encoding="utf-8")
    report.show(results, Console(highlight=False, soft_wrap=True))
    console.print(f"\nthe whole report: {asked.out}", markup=False)
    return int(any(r.outcome == "failed" for r in results))


class Journal:
    """Results line by line, so that a run that was stopped goes on. Results of other code do not count."""

    def __init__(self, file: Path, code: str) -> None:
        self._file = file
        self._code = code

    def forget(self) -> None:
        """Begin anew."""
        self._file.unlink(missing_ok=True)

    def read(self) -> dict[str, Result]:
        """What is known, by name."""
        if not self._file.is_file():
            return {}
        known: dict[str, Result] = {}
        for line in self._file.read_bytes().splitlines():
            try:
                code, result = msgspec.json.decode(line, type=tuple[str, Result])
            except msgspec.MsgspecError:
                continue  # the line that was being written when the run was stopped
            if not self._code or code == self._code:
                known[result.name] = result
        return known

    def add(self, result: Result) -> None:
        """Remember a result."""
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode((self._code, result)) + b"\n")


def _code() -> str:
    """What decides the results: the program's own files."""
    digest = hashlib.sha256(package.VERSION.encode())
    for file in sorted(Path(assay.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _choose(names: Sequence[str], asked: argparse.Namespace, done: dict[str, Result]) -> list[str]:
    chosen = [n for n in names if asked.only is None or fnmatch.fnmatchcase(n, asked.only)]
    if asked.again:
        chosen = [n for n in chosen if n in done and done[n].outcome == asked.again]
    if asked.sample is not None and asked.sample < len(chosen):
        chosen = sorted(random.Random(0).sample(chosen, asked.sample))  # noqa: S311 - a sample, no secret
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
