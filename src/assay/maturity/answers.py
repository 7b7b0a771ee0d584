"""What people answered: a YAML file beside the declaration, kept in version control, with who said it and when.

An answer is a level (``D1.1: 3``), or a mapping with ``level`` (0 to 4, or ``n/a`` with a ``note``), ``by``, ``date``
and ``note``. ``by`` and ``date`` at the top hold for all answers that say nothing else. A question without a value is
not answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from assay.declare.patch import apply_edits
from assay.declare.problem import problem
from assay.declare.yaml_places import Written, dotted, read_yaml
from assay.declare.yaml_write import scalar_text
from assay.domain import DeclarationError, Edit, Location, Verdict, did_you_mean
from assay.maturity.words import TOP, Answer, Survey

FILE = "survey.yaml"
NOT_APPLICABLE = "n/a"
NAME, _NOTE = 200, 2000
"""Characters at most: of a name, of a note."""
_KEYS, _TOP_KEYS = ("level", "by", "date", "note"), ("survey", "by", "date", "answers")


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers by question id. ``version``: of the survey that was answered; empty: nothing was answered yet."""

    version: str = ""
    given: Mapping[str, Answer] = field(default_factory=dict)

    def to(self, survey: Survey) -> Mapping[str, Answer]:
        """Those that count: answers to another version of the survey are answers to other questions."""
        return self.given if self.version == survey.version else {}


def read_answers(text: str, file: str, survey: Survey, *, today: date | None = None) -> Answers:
    """The answers of a file. ``today``: answers that are dated later are a mistake; None: they are not looked at so.

    Raises:
        DeclarationError: it is no YAML, or says what it cannot; with every mistake, each at its place.
    """
    written = read_yaml(text, file)
    reader = _Reader(written, survey, today)
    answers = reader.read()
    if reader.problems:
        unique = {(p.location, p.sentence): p for p in reader.problems}
        raise DeclarationError(unique[key] for key in sorted(unique))
    return answers


class _Reader:
    def __init__(self, written: Written, survey: Survey, today: date | None) -> None:
        self._written, self._survey, self._today = written, survey, today
        self.problems: list[Verdict] = list(written.problems)

    def read(self) -> Answers:
        value = self._written.value
        if value is None:
            return Answers()
        if not isinstance(value, dict):
            self._wrong((), "the top of the file is no mapping", "begin with `survey:` and `answers:`")
            return Answers()
        self._unknown((), value, _TOP_KEYS)
        version = str(value.get("survey", ""))
        if not version:
            self._wrong((), "nothing says which version of the survey this answers", self._version_line())
        by, on = self._who(("by",), value.get("by")), self._day(("date",), value.get("date"))
        answers = value.get("answers")
        if answers is not None and not isinstance(answers, dict):
            self._wrong(("answers",), "`answers` is no mapping", "write `D1.1: 3` lines below it")
        if version != self._survey.version or not isinstance(answers, dict):
            return Answers(version)  # other questions: their ids and levels mean something else
        known = [q.id for q in self._survey.questions]
        given = {}
        for key, said in answers.items():
            if key not in known:
                fix = did_you_mean(key, known, what="question")
                self._wrong(("answers", key), f"there is no question `{key}`", fix, key=True)
            elif said is not None and (answer := self._answer(("answers", key), said, by, on)) is not None:
                given[key] = answer
        return Answers(version, given)

    def _version_line(self) -> str:
        return f'write `survey: "{self._survey.version}"` at the top'

    def _answer(self, path: tuple[str, ...], said: Any, by: str | None, on: date | None) -> Answer | None:
        told = said if isinstance(said, dict) else {"level": said}
        self._unknown(path, told, _KEYS)
        if told.get("level") is None:
            return None
        before = len(self.problems)
        at = (*path, "level") if isinstance(said, dict) else path
        level = self._level(at, told["level"])
        by = self._who((*path, "by"), told.get("by")) or by
        on = self._day((*path, "date"), told.get("date")) or on
        note = self._text((*path, "note"), told.get("note"), _NOTE)
        if len(self.problems) > before:
            return None
        if level is None and not note:
            self._wrong(path, "nothing says why this question does not apply", "write the reason under `note:`")
        if by is None:
            self._wrong(path, "nothing says who answered", "write `by: NAME` here or at the top")
        if on is None:
            self._wrong(path, "nothing says when this was answered", "write `date: YYYY-MM-DD` here or at the top")
        if by is None or on is None or len(self.problems) > before:
            return None
        return Answer(level, by, on, note)

    def _level(self, path: tuple[str, ...], value: Any) -> int | None:
        if value == NOT_APPLICABLE:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= TOP:
            return value
        self._wrong(
            path, "this is no level", f"write a whole number from 0 to {TOP}, or `{NOT_APPLICABLE}` with a note"
        )
        return None

    def _who(self, path: tuple[str, ...], value: Any) -> str | None:
        return self._text(path, value, NAME).strip() or None

    def _text(self, path: tuple[str, ...], value: Any, most: int) -> str:
        if value is None:
            return ""
        if isinstance(value, str) and len(value) <= most:
            return value
        self._wrong(path, f"this is no text of at most {most} characters", "put it in quotes, or shorten it")
        return ""

    def _day(self, path: tuple[str, ...], value: Any) -> date | None:
        if value is None:
            return None
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None:
            self._wrong(path, "this is no date", "write it as 2026-11-22")
        elif self._today is not None and day > self._today:
            self._wrong(path, f"this was answered on {day}, which is yet to come", "correct the date, or the clock")
            return None
        return day

    def _unknown(self, path: tuple[str, ...], value: Mapping[str, Any], known: Iterable[str]) -> None:
        for key in value:
            if key not in known:
                fix = did_you_mean(key, known, what="key")
                self._wrong((*path, key), f"there is no key `{key}` here", fix, key=True)

    def _wrong(self, path: tuple[str, ...], sentence: str, fix: str, *, key: bool = False) -> None:
        place = self._written.places.get(path)
        at = (place.key if key else place.value) if place else Location(self._written.file)
        self.problems.append(problem("survey-answer", dotted(path), sentence, at, fix))


def with_answer(text: str, file: str, survey: Survey, question: str, answer: Answer) -> str:
    """The file with one answer written into it; comments and everything else stay as they are.

    Raises:
        AssayError: the file is no YAML, or the answer cannot be written without touching something else.
    """
    base = text if text.strip() else heading(survey)
    said: dict[str, object] = {
        "level": NOT_APPLICABLE if answer.level is None else answer.level,
        "by": answer.by,
        "date": answer.on.isoformat(),
    }
    if answer.note:
        said["note"] = answer.note
    edits = [Edit(file, ("answers", question), said)]
    if (read_yaml(base, file).value or {}) == {"survey": survey.version, "answers": None}:
        edits = [Edit(file, ("answers",), {question: said})]
    return apply_edits({file: base}, edits)[file]


def heading(survey: Survey) -> str:
    """The beginning of a new file of answers."""
    return (
        "# What people answered to `assay survey`. A level is 0 to 4, or `n/a` with a note.\n"
        f'survey: "{survey.version}"\n'
        "answers:\n"
    )


def template(survey: Survey, by: str, on: date) -> str:
    """A file to be filled in: every question with what each level takes."""
    lines = [
        "# Answer by a level from 0 to 4 (0: nothing of it), or leave it empty. For a question that does not apply:",
        "#   D1.1: {level: n/a, note: why}",
        f'survey: "{survey.version}"',
        f"by: {scalar_text(by)}",
        f"date: {on.isoformat()}",
        "answers:",
    ]
    dimension = 0
    for question in survey.questions:
        if question.dimension != dimension:
            dimension = question.dimension
            lines += ["", f"  # {dimension}  {survey.dimensions[dimension]}"]
        lines += ["", f"  # {question.text}", f"  # ({question.metric})"]
        lines += [f"  #   {a.level}: {a.text}" for a in question.anchors]
        lines.append(f"  {question.id}:")
    return "\n".join(lines) + "\n"
