"""The survey's conversation in the terminal: one question a screen, each answer kept before the next is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from assay.app.maturity import keep_answer
from assay.cli.console import err, prose
from assay.domain import UsageError
from assay.maturity.answers import Answers
from assay.maturity.asking import HELP, Act, Asking, Reply, begin, understood
from assay.maturity.survey import survey
from assay.maturity.words import Answer, Question


def ask(
    questions: Sequence[Question], file: Path, text: str, given: Answers, *, who: str, day: date, again: bool
) -> bool:
    """Asks, and keeps every answer in ``file`` at once. Returns whether all of them were gone through.

    Raises:
        UsageError: the file answers another version of the survey.
        AssayError: an answer cannot be kept.
    """
    if given.version and given.version != survey().version:
        raise UsageError(
            f"{file} answers version {given.version} of the survey, and this is version {survey().version}",
            fix="keep it under another name, and answer anew",
        )
    known = dict(given.given)
    asking, console = begin(questions, known, again=again), prose()
    if asking.over:
        console.print("[dim]every question is answered; `--again` asks anew, `--question ID` asks one[/]")
        return True
    if known and not again:
        console.print(f"{len(known)} of {len(questions)} are answered; going on with {questions[asking.at].id}")
    try:
        while not asking.over:
            question = asking.questions[asking.at]
            _screen(console, asking, question, known.get(question.id))
            reply = _reply()
            while reply.act in (Act.UNKNOWN, Act.HELP):
                console.print(HELP if reply.act is Act.HELP else reply.said, markup=False)
                reply = _reply()
            if reply.act is Act.ANSWER:
                known[question.id] = answer = Answer(reply.level, who, day, reply.note)
                text = keep_answer(file, text, question.id, answer)
            asking = asking.after(reply)
    except (EOFError, KeyboardInterrupt):
        err().print()
        _kept(file, known)
        raise KeyboardInterrupt from None
    if asking.ended:
        _kept(file, known)
        return False
    return True


def _reply() -> Reply:
    try:
        return understood(input("> "))
    except UnicodeDecodeError:
        return Reply(Act.UNKNOWN, said="that is no text")


def _screen(console: Console, asking: Asking, question: Question, before: Answer | None) -> None:
    if console.is_terminal and not console.is_dumb_terminal:
        console.clear()
    name = survey().dimensions[question.dimension]
    console.print(f"\n[dim]{asking.at + 1} of {len(asking.questions)} · {escape(name)}[/]")
    gate = "  (a gate: its level caps the dimension)" if question.gate else ""
    console.print(f"\n[bold]{question.id}  {escape(question.text)}[/]{gate}")
    console.print(f"[dim]counted: {escape(question.metric)}[/]\n")
    console.print("  0  nothing of it")
    for anchor in question.anchors:
        console.print(f"  {anchor.level}  {escape(anchor.text)}")
    if before is not None:
        level = "does not apply" if before.level is None else str(before.level)
        note = f", {before.note}" if before.note else ""
        console.print(f"\n[dim]answered by {escape(before.by)} on {before.on}: {level}{escape(note)}[/]")
    console.print(f"\n[dim]{HELP}[/]")


def _kept(file: Path, known: dict[str, Answer]) -> None:
    total = len(survey().questions)
    err().print(f"{len(known)} of {total} answers are kept in {file}; `assay survey` goes on where you stopped")
