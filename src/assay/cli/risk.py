"""``assay risk``: the register, why each number is what it is, what to do next, and what it may cost."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assay.app.addresses import now
from assay.app.keeping import unaltered
from assay.app.project import in_environment, open_project
from assay.app.register import Looked, Money, choose, looked, money, stored, what_next
from assay.cli import completing
from assay.cli.console import progress
from assay.cli.moments import AtOption, moment
from assay.cli.options import EnvironmentOption, Where
from assay.cli.output import deliver
from assay.cli.risk_tables import show_money, show_recomputed, show_register, show_steps, show_why
from assay.domain import Exit, IncompleteError, UsageError
from assay.report import risk_tables
from assay.report.json_ import document
from assay.report.risk_matrix import render
from assay.report.risk_why import lines
from assay.risk.register import rank
from assay.risk.stored import LARGEST, Recomputed, recompute
from assay.risk.words import Rating


class Written(StrEnum):
    """How the register is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


class FailOn(StrEnum):
    """From which rating on the command exits 1."""

    NOTE = "note"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    APPETITE = "appetite"
    NEVER = "never"


def risk(
    where: Where = Path(),
    environment: EnvironmentOption = None,
    at: AtOption = None,
    why: Annotated[
        str | None,
        typer.Option(
            "--why",
            metavar="SCENARIO",
            help="How every number of this risk was come by.",
            autocompletion=completing.scenarios,
        ),
    ] = None,
    what_next: Annotated[
        bool, typer.Option("--next", help="Which proof, fix or control lowers risk most per effort, if it succeeds.")
    ] = False,
    in_money: Annotated[
        bool, typer.Option("--money", help="What a year may cost, simulated; needs `losses` in the declaration.")
    ] = False,
    format: Annotated[
        Written, typer.Option("--format", help="text for people, json or csv for programs, svg for the matrix.")
    ] = Written.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write json, csv or svg there.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Store the register with every input, to compute it again later."),
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option("--recompute", metavar="FILE", help="Compute a stored register again, and say what differs."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit 1 when a risk of this rating or worse remains, or above appetite.")
    ] = FailOn.NEVER,
) -> None:
    """Show the risk register: inherent, claimed, and as evidence supports it, which rises as evidence ages.

    Nothing is sent anywhere. A risk is known by its scenario, THREAT@SUBJECT. Owners, treatments and estimates are
    declared under `risks`, what has happened under `incidents`.

    Examples:

        assay risk

        assay risk --at 2027-01-31

        assay risk --why broken-object-authorisation@apis.customer-data

        assay risk --next

        assay risk --format svg --output risks.svg

        assay risk --save risks.json

        assay risk --recompute risks.json

        assay risk --fail-on appetite
    """
    _fit(why, what_next=what_next, in_money=in_money, format=format, output=output, again=again, save=save)
    if again is not None:
        _again(again, format, output)
        return
    project = in_environment(open_project(where), environment)
    unaltered(project)
    with progress("weighing evidence"):
        found = looked(project, moment(at, now()))
    if save is not None:
        deliver(stored(project, found), save)
    if why is not None:
        _why(found, why, format, output)
    elif what_next:
        _next(found, format, output, environment)
    elif in_money:
        _money(found, format, output)
    else:
        _register(found, format, output, project.everything.model.organisation.name)
    _end(found, fail_on)


def _fit(
    why: str | None,
    *,
    what_next: bool,
    in_money: bool,
    format: Written,
    output: Path | None,
    again: Path | None,
    save: Path | None,
) -> None:
    """Options that cannot take effect together are errors."""
    views = [
        name
        for name, asked in (
            ("--why", why is not None),
            ("--next", what_next),
            ("--money", in_money),
            ("--recompute", again is not None),
        )
        if asked
    ]
    if len(views) > 1:
        raise UsageError(f"{' and '.join(f'`{v}`' for v in views)} ask for different things", fix="ask one at a time")
    if views and format in (Written.CSV, Written.SVG):
        raise UsageError(f"`{views[0]}` is not written as {format}", fix="use --format text or json")
    if again is not None and save is not None:
        raise UsageError("`--save` does nothing with `--recompute`", fix="leave one of them out")
    if output is not None and format is Written.TEXT:
        raise UsageError("`--output` does nothing for text", fix="redirect it, or choose another --format")


def _register(found: Looked, format: Written, output: Path | None, organisation: str) -> None:
    register = found.register
    if format is Written.TEXT:
        return show_register(found)
    if format is Written.CSV:
        return deliver(risk_tables.as_csv(register), output)
    if format is Written.SVG:
        return deliver(render(risk_tables.picture(register, organisation)), output)
    return deliver(document(**as_json(found)), output)


def as_json(found: Looked) -> dict[str, object]:
    """The published shape of a register (version 1)."""
    left_out = [{"reason": i.reason, "count": i.count, "subjects": list(i.subjects)} for i in found.ignored]
    return {**risk_tables.as_json(found.register), "ignored": left_out}


def _why(found: Looked, scenario: str, format: Written, output: Path | None) -> None:
    row = choose(found.register, scenario)
    if format is Written.TEXT:
        return show_why(row)
    return deliver(document(risk=risk_tables.risk(row), derivation=lines(row)), output)


def _next(found: Looked, format: Written, output: Path | None, environment: str | None) -> None:
    with progress("supposing"):
        possible = what_next(found, environment)
    live = found.board.evidence.live
    if format is Written.TEXT:
        return show_steps(possible, applied=live.current and bool(live.configuration))
    return deliver(document(next=[risk_tables.step(each) for each in possible]), output)


def _money(found: Looked, format: Written, output: Path | None) -> None:
    with progress("drawing years"):
        drawn = money(found)
    if format is Written.TEXT:
        return show_money(drawn)
    return deliver(document(**money_as_json(drawn)), output)


def money_as_json(drawn: Money) -> dict[str, object]:
    """The published shape of what a year may cost (version 1)."""
    return {
        "money": {
            "residual": risk_tables.money(drawn.residual),
            "claimed": risk_tables.money(drawn.claimed),
            "inherent": risk_tables.money(drawn.inherent),
        }
    }


def _again(file: Path, format: Written, output: Path | None) -> None:
    try:
        with file.open("rb") as stream:
            text = stream.read(LARGEST + 1)
    except OSError as error:
        raise IncompleteError(f"{file} cannot be read: {error.strerror}", fix="name a stored register") from error
    found = recompute(text, str(file))
    if format is Written.TEXT:
        show_recomputed(found, str(file))
    else:
        deliver(document(**recomputed_as_json(found)), output)
    if not found.agrees:
        raise typer.Exit(Exit.FINDINGS)


def recomputed_as_json(found: Recomputed) -> dict[str, object]:
    """The published shape of a recomputed register (version 1)."""
    return {
        "at": found.content.at.isoformat(timespec="seconds"),
        "formula": found.content.formula,
        "agrees": found.agrees,
        "altered": found.altered,
        "numbers": found.numbers,
        "differences": [{"where": d.where, "stored": d.stored, "computed": d.computed} for d in found.differences],
    }


def _end(found: Looked, fail_on: FailOn) -> None:
    rows = found.register.rows
    if fail_on is FailOn.NEVER:
        return
    if fail_on is FailOn.APPETITE:
        worse = any(row.above for row in rows)
    else:
        worse = any(rank(row.rating) >= rank(Rating(fail_on.value)) for row in rows)
    if worse:
        raise typer.Exit(Exit.FINDINGS)
