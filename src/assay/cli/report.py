"""``assay report``: what holds and what is only claimed, for people and for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.judgement import judged_dossier
from assay.app.keeping import evidence_directory, open_ledger
from assay.app.oscal import material, packed
from assay.app.project import Project, in_environment, open_project
from assay.cli.console import err, out, progress, tables, write
from assay.cli.options import DeclarationPath, EnvironmentOption
from assay.cli.words import counted
from assay.domain import Exit, IncompleteError, UsageError
from assay.report import har, junit, oscal, pdf, results, sarif
from assay.report.dossier import Dossier
from assay.report.html import pages
from assay.report.oscal.material import Material
from assay.report.proofs import by_objective


class Written(StrEnum):
    """Formats of a report."""

    HTML = "html"
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    HAR = "har"
    PDF = "pdf"
    OSCAL = "oscal"
    OSCAL_PLAN = "oscal-assessment-plan"
    OSCAL_RESULTS = "oscal-assessment-results"
    OSCAL_POAM = "oscal-poam"
    OSCAL_COMPONENTS = "oscal-component-definition"
    OSCAL_PROFILE = "oscal-profile"
    OSCAL_CATALOG = "oscal-catalog"


class OscalVersion(StrEnum):
    """Versions of OSCAL that can be written."""

    V112 = "1.1.2"
    V113 = "1.1.3"
    V121 = "1.2.1"


ROOTS = {
    Written.OSCAL_PLAN: "assessment-plan",
    Written.OSCAL_RESULTS: "assessment-results",
    Written.OSCAL_POAM: "plan-of-action-and-milestones",
    Written.OSCAL_COMPONENTS: "component-definition",
    Written.OSCAL_PROFILE: "profile",
    Written.OSCAL_CATALOG: "catalog",
}


def report(
    path: DeclarationPath = Path(),
    environment: EnvironmentOption = None,
    format: Annotated[
        Written,
        typer.Option("--format", help="html and oscal write a folder, pdf a file; the others go to standard output."),
    ] = Written.HTML,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder or file; default: `assay-report`, `assay-report.pdf`, `assay-oscal`."
        ),
    ] = None,
    pack: Annotated[
        bool,
        typer.Option("--pack", help="With html: the evidence, `verify.py` and OSCAL too, for an auditor to take away."),
    ] = False,
    oscal_version: Annotated[
        OscalVersion | None, typer.Option("--oscal-version", help="With OSCAL: the version to write; else 1.2.1.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Judge as of then: 2026-12-01 or 2026-12-01T12:00."),
    ] = None,
) -> None:
    """Write the report: each objective with its status, its design and its operation, and the evidence for both.

    It is made from kept evidence; nothing is sent anywhere. Evidence that has become too old counts as stale.

    Examples:

      assay report

      assay report --pack -o for-the-auditor

      assay report --format json | jq '.objectives[] | {id, status}'

      assay report --at 2027-01-01 --format text

      assay report --format sarif -o assay.sarif

      assay report --format pdf -o assay.pdf

      assay report --format oscal -o oscal --oscal-version 1.1.2

      assay report --format oscal-poam | jq '."plan-of-action-and-milestones"."poam-items"[].title'
    """
    moment = _moment(at)
    if pack and format is not Written.HTML:
        raise UsageError(f"`--pack` does nothing for {format}", fix="leave `--format` out")
    if oscal_version and not pack and format not in (Written.OSCAL, *ROOTS):
        raise UsageError(f"`--oscal-version` does nothing for {format}", fix="choose --format oscal, or add --pack")
    version = oscal_version or OscalVersion.V121
    project = in_environment(open_project(path), environment)
    with progress("reading the evidence"):
        made = judged_dossier(project, now=moment)
    if format is Written.HTML:
        folder = output or Path("assay-report")
        for name, text in pages(made).items():
            _save(folder / name, text)
        if pack:
            _pack(project, folder / "evidence")
            pack_of = packed(folder / "evidence", beside="../evidence")
            _write_oscal(folder / "oscal", material(project, made, pack=pack_of), version)
        _say(made)
        out().print(f"[green]wrote[/] {folder / 'index.html'}", soft_wrap=True)
        if pack:
            evidence = folder / "evidence"
            out().print(f"[green]wrote[/] {evidence}  (check it: python {evidence / 'verify.py'} {evidence})")
    elif format is Written.TEXT:
        if output:
            raise UsageError("`--output` does nothing for text", fix="redirect it, or choose another format")
        _say(made)
    elif format is Written.PDF:
        target = output or Path("assay-report.pdf")
        with progress("laying out pages"):
            _save(target, pdf.render(pages(made), now=moment))
        out().print(f"[green]wrote[/] {target}", soft_wrap=True)
    elif format is Written.OSCAL:
        target = output or Path("assay-oscal")
        _write_oscal(target, material(project, made), version)
        out().print(f"[green]wrote[/] {target}", soft_wrap=True)
    else:
        if format in ROOTS:
            text = oscal.render(oscal.document(ROOTS[format], material(project, made), version=version))
        else:
            text = _document(made, format)
        if output:
            _save(output, text)
        else:
            write(text)
    for unread in made.judgement.unread:
        err().print(f"[yellow]{escape(unread.told)}[/]", soft_wrap=True)
        err().print("  the chapter about maturity goes without it; fix: " + escape(unread.fix), soft_wrap=True)
    if made.evidence and made.evidence.verified is False:
        err().print("[bold red]the evidence does not verify[/]: `assay verify` says what happened to it")
        raise typer.Exit(Exit.INCOMPLETE)
    if made.judgement.unread:
        raise typer.Exit(Exit.INCOMPLETE)


def _pack(project: Project, folder: Path) -> None:
    """The evidence as a folder that verifies without this machine."""
    if not evidence_directory(project).is_dir():
        raise UsageError("there is no evidence to pack", fix="prove something first: `assay prove`")
    if folder.exists():
        raise UsageError(f"`{folder}` is there already", fix="name a new folder with --output, or remove it")
    with open_ledger(project) as ledger:
        ledger.export(folder)


def _write_oscal(folder: Path, told: Material, version: OscalVersion) -> None:
    for name, text in oscal.documents(told, version=version).items():
        _save(folder / name, text)


def _document(made: Dossier, format: Written) -> str:
    if format is Written.SARIF:
        return sarif.render(made.design, made.proofs)
    if format is Written.JUNIT:
        return junit.render(made.design, made.proofs)
    if format is Written.HAR:
        return har.render(made.proofs)
    return results.report(made)


def _say(made: Dossier) -> None:
    console = out()
    if made.standings:
        tables().print(by_objective(made.standings))
    else:
        console.print("no objectives are declared; write some under `objectives:`")
    if made.run is None:
        console.print("nothing was proven yet: `assay prove`")
        return
    failed = [p.verdict for p in made.proofs if p.verdict.outcome == "fail"]
    accepted = sum(bool(v.excepted_by) for v in failed)
    told = f"{counted(len(made.proofs), 'proof')}, {len(failed) - accepted} failed"
    told += f", {accepted} accepted by exception" if accepted else ""
    if made.trend:
        found = made.trend
        told += (
            f"; {len(found.new)} new, {len(found.still_open)} still open, {len(found.fixed)} fixed since the run before"
        )
    console.print(told)


def _moment(text: str | None) -> datetime:
    if text is None:
        return now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"`{text}` is no date or time", fix="write it as 2026-12-01 or 2026-12-01T12:00") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _save(path: Path, content: str | bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise IncompleteError(f"`{path}` cannot be written: {error.strerror}", fix="choose another --output") from error
