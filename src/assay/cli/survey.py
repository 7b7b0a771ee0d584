"""``assay survey``: how far the organisation is: what people say, what is measured, and what would raise it most."""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.maturity import answers_file, keep_result, kept_results, load_answers, result_of
from assay.app.project import open_project
from assay.cli.console import err, progress, write
from assay.cli.moments import AtOption
from assay.cli.moments import moment as moment_of
from assay.cli.options import DeclarationPath
from assay.cli.survey_asking import ask
from assay.cli.survey_tables import show
from assay.domain import Exit, UsageError, did_you_mean
from assay.maturity.answers import NAME, Answers, template
from assay.maturity.history import trend
from assay.maturity.survey import survey as questions
from assay.maturity.words import Question
from assay.report.json_ import document


class Written(StrEnum):
    """Formats of a result."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"


def _ids(incomplete: str) -> list[str]:
    return [q.id for q in questions().questions if q.id.startswith(incomplete.upper())]


def survey(
    path: DeclarationPath = Path(),
    show_only: Annotated[bool, typer.Option("--show", help="Show the result, without asking anything.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Take the answers from this file, and ask nothing."),
    ] = None,
    blank: Annotated[
        bool, typer.Option("--template", help="Print a file of answers to fill in, with what each level takes.")
    ] = False,
    question: Annotated[
        list[str] | None,
        typer.Option("--question", metavar="ID", help="Ask only this question (again).", autocompletion=_ids),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask every question again, from the first.")] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who answers; default: your login.")] = None,
    format: Annotated[
        Written, typer.Option("--format", help="text for people, json for programs, svg for the radar.")
    ] = Written.TEXT,
    at: AtOption = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the result beside the declaration, to see how it moves.")
    ] = False,
) -> None:
    """Ask 35 questions, measure what can be measured, and show how far both are from each other.

    You answer first: what is measured is shown when you are done, and decides. Each answer is kept at once in
    `survey.yaml` beside the declaration; quit when you like, and go on later where you stopped.

    Examples:

      assay survey

      assay survey --show

      assay survey --template > answers.yaml

      assay survey --answers answers.yaml --format json

      assay survey --show --format svg > maturity.svg

      assay survey --question D3.2

      assay survey --show --at 2027-01-01

      assay survey --show --save
    """
    moment, who = moment_of(at, now()), _login() if by is None else by.strip()
    if not 0 < len(who) <= NAME:
        raise UsageError("this is nobody's name", fix=f"`--by NAME`, with at most {NAME} characters")
    if blank:
        write(template(questions(), who, moment.date()))
        return
    chosen = _chosen(question or ())
    quiet = show_only or answers is not None or format is not Written.TEXT or at is not None or save
    if quiet and (question or again):
        raise UsageError("nothing is asked here", fix="leave `--question` and `--again` out, or the option that shows")
    project = open_project(path)
    file = answers or answers_file(project)
    if answers is not None and not answers.is_file():
        raise UsageError(f"there is no file {answers}", fix="write one: `assay survey --template > answers.yaml`")
    text, given = load_answers(file, moment, today=now().date())
    _other_version(given, file)
    if not quiet:
        if not sys.stdin.isatty():
            raise UsageError(
                "there is no terminal to ask in", fix="`assay survey --show`, or fill in what `--template` prints"
            )
        if not ask(chosen, file, text, given, who=who, day=moment.date(), again=again or bool(question)):
            return
        _, given = load_answers(file, moment)
    with progress("measuring"):
        result = result_of(project, given, moment)
        kept, damaged = kept_results(project)
        history = trend(kept, result.survey.version, moment)
    for each in damaged:
        err().print(f"[yellow]{escape(each.told)}[/], so it is left out of the history ({escape(each.fix)})")
    if save:
        err().print(f"[green]kept[/] {keep_result(project, result)}")
    if format is Written.JSON:
        from assay.maturity.published import as_json

        write(document(**{k: v for k, v in as_json(result).items() if k != "version"}))
    elif format is Written.SVG:
        from assay.report.radar import radar

        write(radar(result))
    else:
        show(result, history)
    if not given.to(result.survey) and format is Written.TEXT:
        err().print("nobody has answered yet: `assay survey` asks, and keeps every answer")
    if damaged:
        raise typer.Exit(Exit.INCOMPLETE)


def _chosen(ids: list[str] | tuple[str, ...]) -> tuple[Question, ...]:
    """The questions of these ids; all without any.

    Raises:
        UsageError: there is no such question.
    """
    known = {q.id: q for q in questions().questions}
    for one in ids:
        if one not in known:
            raise UsageError(f"there is no question `{one}`", fix=did_you_mean(one, known, what="question"))
    return tuple(q for q in known.values() if not ids or q.id in ids)


def _other_version(given: Answers, file: Path) -> None:
    if given.version and given.version != questions().version:
        err().print(
            f"[yellow]{file} answers version {given.version} of the survey; this is version {questions().version}[/], "
            "so those answers do not count: other questions were asked"
        )


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("who answers is not known", fix="say so: `--by NAME`") from None
