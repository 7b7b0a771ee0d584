"""``assay verify``: whether evidence is what was signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from assay.app.addresses import now
from assay.cli.console import err, out, write
from assay.cli.options import EnvironmentOption, Format, FormatOption, Where
from assay.cli.words import counted
from assay.domain import Exit, UsageError
from assay.evidence import proof
from assay.evidence.checkpoint import COSIGNATURE, decode_key
from assay.evidence.files import LogFiles
from assay.evidence.findings import SHOWN, State, Verification
from assay.evidence.keys import KeyDirectory
from assay.evidence.subject import Tick
from assay.evidence.verify import verify as examine
from assay.identity.files import present, read_public
from assay.report.plain import plain

_MARKS = {State.PASSED: "[green]✓[/]", State.FAILED: "[bold red]✗[/]", State.NOT_CHECKED: "[yellow]–[/]"}


def verify(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="EVIDENCE",
            help="A log or an exported folder, or one .tlog-proof file. Default: the evidence of the declaration here.",
        ),
    ] = None,
    where: Where = Path(),
    environment: EnvironmentOption = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since", metavar="CHECKPOINT", help="A checkpoint that you kept: shows that nothing was taken back."
        ),
    ] = None,
    key: Annotated[
        str, typer.Option("--key", metavar="FINGERPRINT", help="SHA-256 of the log's first key (16 digits or more).")
    ] = "",
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="KEY", help="Verifier key of a witness who must have signed; repeatable."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Verify every signature and attachment of a long log, not a sample.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Verify evidence, step by step: keys, signatures, tree, runs, attachments. No network, no private key.

    Exits 0 when nothing was tampered with, 1 when something was, 3 when it could not be read.

    Examples:

      assay verify

      assay verify auditors-folder --since checkpoint-of-march --key 3f9a0c51d2e47b86

      assay verify auditors-folder --witness audit.example.com/witness+1a2b3c4d+BASE64

      assay verify auditors-folder/proofs/01JD4Q8R5T7V9WXYZ2ABCDEFGH.tlog-proof

      assay verify --full --format json
    """
    if path is not None and environment is not None:
        raise UsageError("`--environment` chooses evidence of a declaration", fix="leave it out, or the path")
    if path is not None and path.is_file():
        for option, given in (("--since", since), ("--witness", witness), ("--full", full)):
            if given:
                raise UsageError(f"`{option}` changes nothing for one record", fix="name the folder instead")
        return _proof(path, key, format)
    place = _place(path, where, environment)
    if since is not None:
        place.since, place.said = read_public(since, what="checkpoint").decode("utf-8", "replace"), ""
    with _progress() as tick:
        result = examine(
            place.directory,
            now=now(),
            since=place.since,
            fingerprint=key,
            witnesses=dict(map(_witness, witness or [])),
            keys=place.keys,
            declaration=place.declaration,
            full=full,
            tick=tick,
        )
    if format is Format.JSON:
        write(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
    else:
        show(out(), result, place.said)
    if not result.ok:
        raise typer.Exit(result.exit)
    return None


@dataclass(slots=True)
class _Place:
    """What is verified, and what is known about it here: the keys, the checkpoint signed last, the declaration."""

    directory: Path
    keys: KeyDirectory | None = None
    since: str | None = None
    said: str = ""
    declaration: str = ""


def _place(path: Path | None, where: Path, environment: str | None) -> _Place:
    if path is not None:
        place = _Place(path)
    else:
        from assay.app.project import in_environment, open_project

        project = in_environment(open_project(where), environment)
        place = _Place(project.state / "evidence", declaration=project.declaration.digest)
    private = LogFiles(place.directory.resolve()).private
    if present(private / "head"):
        place.keys = KeyDirectory(private)
        place.since = read_public(place.keys.head, what="last checkpoint").decode("utf-8", "replace")
        place.said = "compared with the last checkpoint that was signed here; your own copy (--since) says more"
    return place


def _proof(path: Path, key: str, format: Format) -> None:
    result = proof.verify_file(path, fingerprint=key)
    if format is Format.JSON:
        write(json.dumps(result.as_json(), indent=2, ensure_ascii=False))
    else:
        console = out()
        for finding in result.findings:
            console.print(f"[bold red]✗ {finding.problem}[/] {escape(plain(finding.sentence))}")
        if result.record and result.ok:
            record = result.record
            said = record.outcome or record.kind
            console.print(f"[green]✓[/] record {record.seq:,} of {escape(plain(record.origin))}: [bold]{said}[/]")
            console.print(plain(f"  {record.subject}  {record.time:%Y-%m-%d %H:%M} UTC  {record.id}"), markup=False)
            console.print(plain(f"  {record.sentence}"), markup=False)
    if not result.ok:
        raise typer.Exit(Exit.FINDINGS)


def show(console: Console, result: Verification, said: str = "") -> None:
    """The result for people: steps, findings, and what was checked."""
    for step in result.steps:
        console.print(f"{_MARKS[step.state]} {step.number:>2}. [bold]{step.title}[/]  {escape(plain(step.sentence))}")
    if said:
        console.print(f"       [dim]consistency: {said}[/]")
    for finding in result.findings:
        label = "[yellow]notice[/]" if finding.notice else "[bold red]found[/] "
        place = f"{finding.where} ({finding.id})" if finding.id else finding.where
        console.print(
            f"\n{label} [bold]{finding.problem}[/] {escape(plain(place))}\n  {escape(plain(finding.sentence))}", end=""
        )
    console.print("\n" if result.findings else "", end="")
    for problem, count in sorted(result.counts.items()):
        if count > SHOWN:
            console.print(f"… {problem}: {count:,} in all, the first {SHOWN} are shown")
    checked = "; ".join(f"{name}: {done:,} of {of:,}" for name, (done, of) in result.checked.items())
    console.print(f"checked {result.at:%Y-%m-%d %H:%M} UTC: {checked}")
    if result.ok:
        console.print("[bold green]nothing was tampered with[/], as far as the steps with ✓ can tell")
    else:
        console.print(f"[bold red]this is not what was signed[/]: {counted(sum(result.counts.values()), 'finding')}")


def _witness(text: str) -> tuple[str, bytes]:
    name, kind, public = decode_key(text)
    if kind != COSIGNATURE:
        raise UsageError(f"`{name}` is the key of a log, not of a witness", fix="ask the witness for its key")
    return name, public


@contextmanager
def _progress() -> Iterator[Tick]:
    """A bar on terminals. It is drawn when there is news: a thread of its own would keep the work in one process."""
    console = err()
    if not console.is_terminal:
        yield lambda what, done, of: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("verifying: {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("format", total=None)

        def tick(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of, refresh=done % 64 == 0 or done == of)

        yield tick


__all__ = ["show", "verify"]
