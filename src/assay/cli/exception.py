"""``assay exception``: deviations that are accepted for a time, by two people who sign for it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.deciding import Decided
from assay.app.exceptions import Listed, add, approvable, approve, find, listing, request, two_persons, withdraw
from assay.app.project import Project, open_project
from assay.cli import completing
from assay.cli.console import err, out, progress, show_findings, write
from assay.cli.exception_tables import as_json, show_one, show_table, show_traces
from assay.cli.help import Command
from assay.cli.options import Format, FormatOption, Where
from assay.cli.signing import DEFAULT_KEY, AsOption, KeyOption, PassphraseOption, YesOption, on_terminal, signer, sure
from assay.cli.words import counted
from assay.controls.registry import check_design
from assay.decisions.exceptions import exception_id
from assay.domain import Exit, Severity, UsageError, Verdict
from assay.report.json_ import document
from assay.report.plain import plain

app = typer.Typer(no_args_is_help=True, help="Request, approve, withdraw and list accepted deviations.")

_CHOICES = 20
_DEFAULT_DAYS = 90

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The exception, as the list calls it.", autocompletion=completing.exceptions)
]


@app.command("request", cls=Command)
def request_command(
    id_: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="An exception that stands in the declaration already, or how the new one is to be called.",
            autocompletion=completing.exceptions,
        ),
    ] = None,
    control: Annotated[
        str | None, typer.Option("--control", help="The control to deviate from.", autocompletion=completing.controls)
    ] = None,
    check: Annotated[str | None, typer.Option("--check", help="One check of it; default: the whole control.")] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="ROUTE", help="Where: such as accounts.svc-crm-sync.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it has to be so for now.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who sees to its end. Default: you.")] = None,
    approver: Annotated[
        str | None,
        typer.Option("--approver", metavar="PERSON", help="Who is to approve it.", autocompletion=completing.people),
    ] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="DAY", help="Its last day: 2027-01-31.")] = None,
    compensating: Annotated[
        list[str] | None,
        typer.Option("--compensating", help="A control that helps meanwhile.", autocompletion=completing.controls),
    ] = None,
    as_: AsOption = None,
    key: KeyOption = DEFAULT_KEY,
    passphrase: PassphraseOption = None,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Write an exception into the declaration, comments kept, and sign the request for it.

    On a terminal, what you did not give is asked for. The exception covers nothing until somebody else approves it.

    Examples:

      assay exception request

      assay exception request crm-owner --control least_privilege --on accounts.svc-crm-sync --expires 2027-01-31

      assay exception request crm-owner --as alice --key ~/.ssh/id_ed25519
    """
    project, at = open_project(where), now()
    known = [exception_id(e) for e in project.everything.model.exceptions]
    given = {"control": control, "check": check, "on": on, "reason": reason, "owner": owner, "expires": expires}
    person, private = signer(project, as_, key, passphrase)
    if id_ is None or id_ not in known:
        entry = _asked(project, person, {**given, "approved_by": approver}, tuple(compensating or ()))
        entry = {"id": id_ or _named(entry, known), **entry}
        project = add(project, where, entry, private, person=person, at=at)
        id_ = str(entry["id"])
    elif any(given.values()) or approver or compensating:
        raise UsageError(
            f"there is an exception `{id_}` already, and it is signed as it stands",
            fix="leave the other options away; or choose another id for a new one",
            location=project.everything.locate("exceptions", known.index(id_)),
        )
    _, found = find(project, id_)
    decided = request(project, found, private, person=person, at=at)
    command = f"assay exception approve {id_} --as {found.approved_by} --key FILE"
    _told(decided, id_, "requested", format, f"it covers nothing until `{found.approved_by}` approves it: {command}")


@app.command("approve", cls=Command)
def approve_command(
    id_: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why you agree, if there is more to say.")] = "",
    as_: AsOption = None,
    key: KeyOption = DEFAULT_KEY,
    passphrase: PassphraseOption = None,
    yes: YesOption = False,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what an exception covers today, and sign that it is accepted until it ends.

    Only its approver may, and never the one who requested it.

    Example: assay exception approve crm-owner --as ciso --key ~/.ssh/id_ed25519
    """
    project, at = open_project(where), now()
    index, entry = find(project, id_)
    person, private = signer(project, as_, key, passphrase)
    approvable(project, entry, person=person, at=at)
    with progress("looking at what it covers"):
        shown = listing(project, at)[index]
    _show_covered(project, shown)
    if not sure(f"accept this until {entry.expires.isoformat()}?", yes):
        raise typer.Exit(Exit.INCOMPLETE)
    decided = approve(project, entry, private, person=person, reason=reason, at=at)
    _told(decided, id_, "approved", format, f"it holds until {entry.expires.isoformat()} ({_left(shown.days)})")


@app.command("withdraw", cls=Command)
def withdraw_command(
    id_: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why it ends.")],
    as_: AsOption = None,
    key: KeyOption = DEFAULT_KEY,
    passphrase: PassphraseOption = None,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Sign that an exception ends now: what it covers is a finding again, at once.

    Everybody under `people:` may. Remove the entry from the declaration when its findings are mended.

    Example: assay exception withdraw crm-owner --reason "release 5 is out" --as alice --key ~/.ssh/id_ed25519
    """
    project, at = open_project(where), now()
    _, entry = find(project, id_)
    person, private = signer(project, as_, key, passphrase)
    decided = withdraw(project, entry, private, person=person, reason=reason, at=at)
    _told(decided, id_, "withdrawn", format, "what it covered is a finding again")


@app.command("list", cls=Command)
def list_command(where: Where = Path(), format: FormatOption = Format.TEXT) -> None:
    """Show every exception: its state, how many days it holds, what it covers, and who signed for it.

    Decisions that are only in the files or only in the log are said, and so are those that were kept long after the
    moment they claim.

    Examples:

      assay exception list

      assay exception list --format json
    """
    from assay.app.deciding import traces

    project, at = open_project(where), now()
    with progress("looking at what they cover"):
        found, seen = listing(project, at), traces(project, at)
    if format is Format.JSON:
        return write(document(exceptions=[as_json(each) for each in found], log=show_traces(seen)))
    if not found:
        err().print("no exceptions are declared")
        return None
    show_table(found)
    for line in show_traces(seen):
        err().print(plain(f"{line['file'] or line['id']}: {line['sentence']}"), markup=False, style="yellow")
    return None


def _left(days: int) -> str:
    return f"{counted(days, 'day')} left"


def _show_covered(project: Project, shown: Listed) -> None:
    console = err()
    show_one(console, shown)
    findings = (*shown.design, *shown.proven)
    if not findings:
        console.print("It covers no finding today.", style="yellow")
        return
    console.print(f"It covers {counted(len(findings), 'finding')} today:\n", markup=False)
    show_findings(console, findings, project.sources_for(findings))


def _told(decided: Decided, id_: str, what: str, format: Format, then: str) -> None:
    signed = decided.signed
    if format is Format.JSON:
        return write(
            document(
                id=id_, state=what, person=signed.stated.person, file=signed.file, digest=signed.stated.digest,
                evidence=decided.evidence,
            )
        )  # fmt: skip
    out().print(f"[bold green]{what}[/] {escape(id_)} as {escape(signed.stated.person)}; commit {escape(signed.file)}")
    out().print(plain(then), markup=False)
    return None


def _asked(
    project: Project, person: str, given: dict[str, str | None], compensating: tuple[str, ...]
) -> dict[str, object]:
    """The entry, with everything that was not given asked for."""
    said = dict(given)
    if on_terminal():
        if not said["control"] or not said["on"]:
            _choose(project, said)
        for name, question in (("control", "control"), ("on", "on (route)"), ("reason", "reason")):
            said[name] = said[name] or typer.prompt(question, err=True)
        if not compensating:
            helping = typer.prompt("controls that help meanwhile (comma between them)", default="none", err=True)
            compensating = tuple(c for c in (each.strip() for each in helping.split(",")) if c not in ("", "none"))
        said["owner"] = said["owner"] or typer.prompt("owner", default=person, err=True)
        said["approved_by"] = said["approved_by"] or typer.prompt("approver", default=_other(project, person), err=True)
        after = (date.today() + timedelta(days=_DEFAULT_DAYS)).isoformat()
        said["expires"] = said["expires"] or typer.prompt("last day", default=after, err=True)
    said["owner"] = said["owner"] or person
    said["approved_by"] = said["approved_by"] or _other(project, person)
    missing = [name for name in ("control", "on", "reason", "expires", "approved_by") if not said[name]]
    if missing:
        names = ", ".join("--" + ("approver" if name == "approved_by" else name) for name in missing)
        raise UsageError(f"an exception needs {names} too", fix="give them, or call it on a terminal to be asked")
    two_persons(str(said["approved_by"]), person)
    ends = _day(str(said["expires"]))
    order = ("control", "check", "on", "reason", "owner", "approved_by")
    entry: dict[str, object] = {name: said[name] for name in order if said[name]}
    if compensating:
        entry["compensating"] = list(compensating)
    return {**entry, "expires": ends}


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        ends = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"`{text}` is no day", fix="write it as 2027-01-31") from None
    if ends < date.today():
        raise UsageError(f"{text} is past: it would have expired before it began", fix="give its last day")
    return ends


def _other(project: Project, person: str) -> str | None:
    """The one who approves where only one other person could."""
    others = [name for name in project.everything.model.people if name != person]
    return others[0] if len(others) == 1 else None


def _choose(project: Project, said: dict[str, str | None]) -> None:
    """Lets somebody point at a finding instead of writing down what it is about."""
    with progress("checking"):
        verdicts = check_design(project.everything, date.today())
    found = [v for v in verdicts if _could_be_excepted(v, said)]
    console = err()
    for number, verdict in enumerate(found[:_CHOICES], 1):
        console.print(plain(f"{number:>3}  {verdict.control}/{verdict.check}  {verdict.sentence}"), markup=False)
    if not found:
        return
    chosen = typer.prompt("which finding (0: another)", default=0, type=int, err=True)
    if 1 <= chosen <= min(len(found), _CHOICES):
        verdict = found[chosen - 1]
        said.update(control=verdict.control, check=verdict.check, on=verdict.subject)


def _could_be_excepted(verdict: Verdict, said: dict[str, str | None]) -> bool:
    return (
        verdict.is_finding
        and verdict.control != "declaration"
        and verdict.severity is not Severity.NOTE
        and said["control"] in (None, verdict.control)
    )


def _named(entry: dict[str, object], known: list[str]) -> str:
    """An id that tells people something: where it is, and what of."""
    last = str(entry["on"]).rpartition(".")[2]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{last}-{entry.get('check') or entry['control']}").strip("-").lower()
    taken, number, name = set(known), 2, stem
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name
