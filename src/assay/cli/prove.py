"""``assay prove``: attack the running system, and keep what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.aiming import Aim, at_foreign, at_project
from assay.app.project import Project, in_environment, open_project
from assay.app.proving import Choice, kept, plan_of, proven, run_directory
from assay.app.reporting import dossier
from assay.cli import completing
from assay.cli.console import err, out, tables, write
from assay.cli.options import DeclarationPath, EnvironmentOption, FailOn
from assay.cli.proving_progress import Progress
from assay.cli.timers import timer
from assay.cli.words import counted
from assay.controls import CONTROL_IDS
from assay.declare.quantities import parse_duration
from assay.domain import Exit, Outcome, Severity, UsageError
from assay.prove.bounds import Limits
from assay.prove.needs import needs
from assay.prove.result import RunResult
from assay.prove.surface import Via
from assay.report import har, junit, results, sarif
from assay.report.json_ import document
from assay.report.proofs import by_control, by_objective, failure, planned

T = TypeVar("T")
_SHOWN = 25


class Side(StrEnum):
    """Which way requests go."""

    GATEWAY = "gateway"
    DIRECT = "direct"
    BOTH = "both"


class ProofFormat(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    HAR = "har"


def prove(
    path: DeclarationPath = Path(),
    via: Annotated[Side, typer.Option("--via", help="Through the gateway, straight at the service, or both.")] = (
        Side.GATEWAY
    ),
    only: Annotated[
        list[str] | None,
        typer.Option("--control", "-c", metavar="CONTROL", help="Only these.", autocompletion=completing.controls),
    ] = None,
    operation: Annotated[
        list[str] | None, typer.Option("--operation", metavar="API.OPERATION", help="Only these.")
    ] = None,
    as_: Annotated[list[str] | None, typer.Option("--as", metavar="IDENTITY", help="Only as these.")] = None,
    replay: Annotated[
        list[str] | None, typer.Option("--replay", metavar="CASE", help="Only this case, as a report names it.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be sent, and send nothing.")] = False,
    reading_only: Annotated[bool, typer.Option("--read-only", help="Nothing that could change anything.")] = False,
    contract: Annotated[
        str | None, typer.Option("--contract", help="An API without a declaration: its OpenAPI file or URL.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="URL", help="… and where it answers.")] = None,
    identity: Annotated[
        list[str] | None,
        typer.Option("--identity", metavar="NAME=HOW", help="Somebody to test as: alice=bearer:env:ALICE_TOKEN."),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option("--authority", metavar="FILE", help="PEM file of who signed the target's certificate."),
    ] = None,
    environment: EnvironmentOption = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed tries the same things.")] = 0,
    requests: Annotated[int | None, typer.Option("--requests", min=1, help="Most requests.")] = None,
    per_second: Annotated[int | None, typer.Option("--per-second", min=1, help="Most in a second.")] = None,
    seconds: Annotated[str | None, typer.Option("--seconds", metavar="DURATION", help="Longest run: 5m.")] = None,
    wait: Annotated[str | None, typer.Option("--wait", metavar="DURATION", help="Longest pause for a window.")] = None,
    stop_file: Annotated[Path | None, typer.Option("--stop-file", help="Stop when this file appears.")] = None,
    authorised: Annotated[
        bool, typer.Option("--i-am-authorised", help="Production may be tested. It is recorded.")
    ] = False,
    format: Annotated[ProofFormat, typer.Option("--format", help="How results are written.")] = ProofFormat.TEXT,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 from this severity up.")] = FailOn.MEDIUM,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="EVERY", help="Prove again and again: 6h. Ctrl-C ends it.")
    ] = None,
    print_timer: Annotated[
        str | None,
        typer.Option("--print-timer", metavar="KIND", help="With --schedule: print a `systemd` timer or `cron` line."),
    ] = None,
) -> None:
    """Attack the running system as every declared caller, judge what comes back, and keep signed evidence.

    A failure is tried twice before it is reported, and every one says how to see it again. What could not be reached
    is inconclusive, never a pass. Only declared addresses are ever called.

    Exits 0 when nothing failed, 1 on failures, 3 when the run could not complete, 4 when no case was selected.

    Examples:

      assay prove

      assay prove --plan

      assay prove --control authorisation --via both

      assay prove --replay authorisation/foreign-object-read/customer-data.getCustomer/mobile-app

      assay prove --contract openapi.yaml --target http://127.0.0.1:8888 --identity alice=bearer:env:ALICE

      assay prove --schedule 6h --print-timer systemd
    """
    if print_timer is not None:
        write(timer(print_timer, schedule, path))
        return None
    if (contract is None) != (target is None):
        raise UsageError("`--contract` and `--target` belong together", fix="give both, or a declaration")
    choice = Choice(
        controls=tuple(only or ()),
        operations=tuple(operation or ()),
        identities=tuple(as_ or ()),
        cases=tuple(replay or ()),
        reading_only=reading_only,
        seed=seed,
        stop_file=stop_file,
        authorised=authorised,
    )
    with contextlib.ExitStack() as held:
        sides: tuple[Via, ...] = ("direct", "gateway") if via is Side.BOTH else (via.value,)  # type: ignore[assignment]
        if contract and target:
            made = at_foreign(
                contract,
                target,
                identities=identity or (),
                directory=held.enter_context(run_directory()),
                authority=authority,
            )
            # Evidence of each target in a log of its own, beside that of the declaration here, if there is one.
            name = "".join(c if c.isalnum() else "-" for c in made.target)
            aims: tuple[Aim, ...] = (made.kept_in(Path(".assay") / "foreign" / name),)
        else:
            project = in_environment(open_project(path), environment)
            aims = tuple(
                at_project(project, via=side, environment=environment, identities=identity or ()) for side in sides
            )
            aims = tuple(aim.trusting(authority) if authority else aim for aim in aims)
        limits = _limits(aims[0].project, requests, per_second, seconds, wait)
        if plan:
            return _plan(aims, choice, limits, format)
        if schedule is not None:
            return _scheduled(aims, choice, limits, fail_on, parse_duration(schedule))
        ran = tuple(_run(aim, choice, limits, quiet=format is not ProofFormat.TEXT) for aim in aims)
        _render(aims, ran, format)
        raise typer.Exit(_exit(ran[-1], fail_on))


def _limits(project: Project, requests: int | None, rate: int | None, seconds: str | None, wait: str | None) -> Limits:
    declared = project.declaration.model.prove.bounds
    return Limits(
        requests=requests or declared.requests,
        per_second=rate or declared.per_second,
        seconds=float(parse_duration(seconds)) if seconds else float(declared.seconds),
        wait=float(parse_duration(wait)) if wait else float(declared.wait),
    )


def _plan(aims: tuple[Aim, ...], choice: Choice, limits: Limits, format: ProofFormat) -> None:
    plans = [plan_of(aim, choice, limits) for aim in aims]
    if not any(p.cases for p in plans):
        err().print("nothing of this could be tried")
        raise typer.Exit(Exit.NOTHING_SELECTED)
    if format is ProofFormat.JSON:
        return write(document(plans=[{"via": a.surface.via, **p.as_json()} for a, p in zip(aims, plans, strict=True)]))
    for aim, found in zip(aims, plans, strict=True):
        out().print(f"[bold]{aim.surface.via}[/] {aim.target}: {planned(found)}")
        for control, count in found.by_control.items():
            out().print(f"  {control:24} {counted(count, 'case')}")
        for need in needs(aim.surface):
            out().print(f"  [yellow]to test more[/] {need}", soft_wrap=True)
    return None


def _run(aim: Aim, choice: Choice, limits: Limits, *, quiet: bool) -> RunResult:
    with Progress(f"proving, {aim.surface.via}", quiet=quiet) as shown:
        result = _interruptible(proven(aim, choice, limits, emit=shown.take))
    return kept(aim, result)


def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Runs it; the first Ctrl-C or SIGTERM lets it end in order, the second one ends it at once."""

    async def main() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, task.cancel)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise typer.Exit(Exit.INCOMPLETE) from None


def _render(aims: tuple[Aim, ...], ran: tuple[RunResult, ...], format: ProofFormat) -> None:
    result, direct = ran[-1], ran[0] if len(ran) > 1 else None
    proofs = [p for each in ran for p in each.proofs]
    if format is ProofFormat.JSON:
        standings = _standings(aims[-1])
        return write(results.proved(result, direct=direct, standings=standings, needs=needs(aims[-1].surface, result)))
    if format is ProofFormat.SARIF:
        return write(sarif.render((), result.proofs))
    if format is ProofFormat.JUNIT:
        return write(junit.render((), result.proofs))
    if format is ProofFormat.HAR:
        return write(har.render(proofs))
    for aim, each in zip(aims, ran, strict=True):
        _say(aim, each, alone=len(ran) == 1)
    if direct is not None:
        added = results.contribution(result, direct)
        what = f"{counted(len(added), 'case')} that fail{'s' if len(added) == 1 else ''} at the service"
        out().print(f"[bold]what the gateway adds[/]: {what} and hold{'s' if len(added) == 1 else ''} here")
    return None


def _say(aim: Aim, result: RunResult, *, alone: bool) -> None:
    """What a run found. Failures at the service are listed where it was the aim ``alone``: beside the same through the
    gateway, they say what it adds."""
    console = out()
    failed = [p for p in result.proofs if p.verdict.outcome is Outcome.FAIL]
    if alone or aim.surface.via == "gateway" or not aim.surface.fronted:
        for proof in sorted(failed, key=lambda p: -p.verdict.severity.rank)[:_SHOWN]:
            console.print(failure(proof), soft_wrap=True)
        if len(failed) > _SHOWN:
            console.print(f"… and {len(failed) - _SHOWN} more: `assay report`\n")
    console.print(f"[bold]{aim.surface.via}[/] {aim.target}")
    tables().print(by_control(result.proofs, CONTROL_IDS))
    standings = _standings(aim)
    if standings:
        console.print()
        tables().print(by_objective(standings))
    for need in needs(aim.surface, result):
        console.print(f"[yellow]to test more[/] {need}", soft_wrap=True, markup=True)
    for left in result.left:
        console.print(f"[yellow]left behind[/] {escape(left)}", soft_wrap=True)
    if result.stopped:
        console.print(f"[bold yellow]stopped early[/] {result.stopped}")
    took = (result.finished - result.started).total_seconds()
    console.print(
        f"{counted(len(result.proofs), 'proof')}, {counted(result.requests, 'request')} in {took:.1f} s; "
        f"evidence in {aim.project.state}/evidence; `assay report` writes it up\n"
    )


def _standings(aim: Aim) -> tuple[Any, ...]:
    if aim.surface.via == "direct" or not aim.surface.fronted:
        return ()
    return dossier(aim.project, now=now(), full=False).standings


def _exit(result: RunResult, fail_on: FailOn) -> Exit:
    if not result.proofs:
        return Exit.NOTHING_SELECTED
    if fail_on is not FailOn.NEVER:
        floor = Severity(fail_on.value).rank
        failed = [p.verdict for p in result.proofs if p.verdict.outcome is Outcome.FAIL and not p.verdict.excepted_by]
        if any(v.severity.rank >= floor for v in failed):
            return Exit.FINDINGS
    concluded = any(p.verdict.outcome in (Outcome.PASS, Outcome.FAIL) for p in result.proofs)
    return Exit.OK if concluded and not result.stopped else Exit.INCOMPLETE


def _scheduled(aims: tuple[Aim, ...], choice: Choice, limits: Limits, fail_on: FailOn, every: int) -> None:
    """Proves, waits, proves again. A run that fails is told and does not end the schedule; Ctrl-C does."""
    worst = Exit.OK
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            started = time.monotonic()
            for aim in aims:
                result = _run(aim, choice, limits, quiet=not sys.stderr.isatty())
                _say(aim, result, alone=len(aims) == 1)
                worst = max(worst, _exit(result, fail_on))
            pause = max(0.0, every - (time.monotonic() - started))
            err().print(f"next run in {pause:.0f} s; Ctrl-C ends it")
            time.sleep(pause)
    raise typer.Exit(worst)
