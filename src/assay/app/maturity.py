"""Collects what the maturity survey measures from a project on disk, and keeps answers and results beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from assay.app.data_view import view
from assay.app.keeping import evidence_directory, kept_runs
from assay.app.once import tests_of_design
from assay.app.organisation import layer_picture
from assay.app.project import Project, in_environment
from assay.app.reporting import applied, standing_facts, with_exceptions
from assay.app.rights import reviews
from assay.assurance.facts import Measured, measured
from assay.assurance.objectives import Applied, of_this_configuration
from assay.controls.registry import controls
from assay.declare.quantities import parse_duration
from assay.domain import AssayError, IncompleteError, Outcome
from assay.evidence import cosigned
from assay.evidence.files import LogFiles
from assay.evidence.verify import verify
from assay.maturity import answers as answering
from assay.maturity import history
from assay.maturity.answers import Answers
from assay.maturity.assess import assess
from assay.maturity.facts import Blends, Closing, Edges, Facts, Log
from assay.maturity.grade import anchor_text
from assay.maturity.survey import survey
from assay.maturity.words import Answer, Question, Result
from assay.prove.result import RunResult
from assay.report.judgement import Unread
from assay.report.oscal.material import Interview
from assay.sensitivity.blend import blend

_ANSWERS_LIMIT = 1024 * 1024


def facts_of(project: Project, now: datetime) -> Facts:
    """What is known of a project at a moment, over all its gateways. What was kept later than that is left out.

    Raises:
        AssayError: the declaration does not compile, or the evidence is damaged beyond reading.
    """
    project = project.unparted
    declaration = project.everything
    about = [c.about for c in controls()]
    proofs: list[Measured] = []
    closings: list[Closing] = []
    states: list[Applied] = []
    count = 0
    for part in _gateways(project):
        # Where nothing was ever applied, nobody asks what the declaration compiles to.
        state = applied(part) if part.state.is_dir() else Applied()
        kept = (r for r in kept_runs(part) if r.via == "gateway" and r.started <= now)
        runs = with_exceptions(part, kept, now)
        states.append(state)
        count += len(runs)
        known = standing_facts(part, runs, state)
        proofs += (_unless_current(fact, state) for fact in of_this_configuration(known.values(), state))
        closings += _closings(runs)
    return Facts(
        now=now,
        declaration=declaration,
        design=(*declaration.notes, *tests_of_design(project, now.date())),
        proofs=tuple(proofs),
        ages={a.id: parse_duration(a.evidence_age) for a in about},
        reviews=tuple(
            r.review
            for r in reviews(project, tuple(declaration.model.accounts), today=now.date(), environ={}, used=False)
        ),
        blends=_blends(project, now),
        edges=_edges(project),
        log=_log(project, now),
        closings=tuple(closings),
        applied=next((s for s in states if not s.current), states[0] if states else Applied()),
        runs=count,
        versioned=_versioned(declaration.root),
    )


def _unless_current(fact: Measured, state: Applied) -> Measured:
    """What held on something else than what is declared concludes nothing about the declaration; a failure stands."""
    if state.current or fact.outcome is not Outcome.PASS:
        return fact
    told = state.altered or "it held on what was applied, which is not what is declared"
    return replace(fact, outcome=Outcome.INCONCLUSIVE, sentence=told)


def _gateways(project: Project) -> Iterator[Project]:
    """The parts of a project that have a gateway each."""
    model = project.declaration.model
    own = [name for name, e in model.environments.items() if e.gateway is not None]
    if not own:
        yield project
        return
    if any(api.environment not in own for api in model.apis.values()):
        yield in_environment(project, None)
    for name in own:
        yield in_environment(project, name)


def _closings(runs: Sequence[RunResult]) -> Iterator[Closing]:
    """Every failure of a case, from the first run that has it to the first after it that has it no more."""
    opened: dict[str, Measured] = {}
    for run in sorted(runs, key=lambda r: r.started):
        for fact in measured(run):
            before = opened.get(fact.key)
            if fact.outcome is Outcome.FAIL and before is None:
                opened[fact.key] = fact
            elif fact.outcome is Outcome.PASS and before is not None:
                yield Closing(fact.key, str(before.severity), before.at, fact.at)
                del opened[fact.key]
    for key, fact in opened.items():
        yield Closing(key, str(fact.severity), fact.at, None)


def _blends(project: Project, now: datetime) -> Blends:
    seen = view(project, now)
    above: dict[str, None] = {}
    later: dict[str, None] = {}
    for reached in seen.reached:
        for one in blend(reached, seen.closure.rules):
            if one.above:
                above[one.principal.name] = None
            if one.verified_above:
                later[one.principal.name] = None
    return Blends(len(seen.reached), tuple(above), tuple(later))


def _edges(project: Project) -> Edges | None:
    picture = layer_picture(project.everything)
    if picture is None:
        return None
    return Edges(len(picture.calls), tuple(f"{c.start} → {c.end}" for c in picture.calls if c.wrong))


def _log(project: Project, now: datetime) -> Log | None:
    directory = evidence_directory(project)
    if not directory.is_dir():
        return None
    try:
        listed = cosigned.read(LogFiles(directory).witnessed)
        known = {each.name: each.public for each in listed}
        found = verify(directory, now=now, witnesses=known)
    except AssayError:
        return Log(1, verified=False)
    witnesses = "; ".join(f"by {w.name}, {w.when}" for w in found.witnesses)
    return Log(found.records, verified=found.ok, witnesses=witnesses)


def _versioned(root: Path) -> bool:
    with suppress(OSError):
        return any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents))
    return False


def answers_file(project: Project) -> Path:
    """Where the answers of a project are: beside its declaration."""
    return project.declaration.root / answering.FILE


def load_answers(path: Path, now: datetime | None = None, *, today: date | None = None) -> tuple[str, Answers]:
    """The text of a file of answers, and what it says; nothing where there is no such file.

    ``now``: answers that came later are left out. ``today``: answers that are dated later are a mistake.

    Raises:
        DeclarationError: it says what it cannot.
        IncompleteError: it cannot be read.
    """
    try:
        if path.exists() and path.stat().st_size > _ANSWERS_LIMIT:
            raise IncompleteError(f"{path} is too large for answers", fix="name a file that `--template` wrote")
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        told = f"{path} cannot be read: {_plainly(error)}"
        raise IncompleteError(told, fix="check its permissions and encoding") from error
    found = answering.read_answers(text, str(path), survey(), today=today)
    if now is None:
        return text, found
    return text, replace(found, given={k: a for k, a in found.given.items() if a.on <= now.date()})


def keep_answer(path: Path, text: str, question: str, answer: Answer) -> str:
    """Writes one answer into the file, in one step, and returns its new text. What was answered before stays.

    Raises:
        AssayError: it cannot be written.
    """
    changed = answering.with_answer(text, str(path), survey(), question, answer)
    _replace(path, changed)
    return changed


def result_of(project: Project, answers: Answers, now: datetime) -> Result:
    """The survey's result at a moment."""
    return assess(facts_of(project, now), answers.to(survey()))


@dataclass(frozen=True, slots=True)
class Matured:
    """The survey of a project for a report, which goes on without what cannot be read, and says so."""

    result: Result
    trend: history.Trend
    unread: tuple[Unread, ...]


def matured(project: Project, now: datetime) -> Matured:
    """The result at a moment by the answers beside the declaration, and how it moved.

    Raises:
        AssayError: the declaration does not compile, or the evidence is damaged beyond reading.
    """
    given, unread = _answers(project, now)
    kept, damaged = kept_results(project)
    result = result_of(project, given, now)
    return Matured(result, history.trend(kept, result.survey.version, now), (*unread, *damaged))


def _answers(project: Project, now: datetime) -> tuple[Answers, tuple[Unread, ...]]:
    """The answers beside the declaration; none where they cannot be read, which is told."""
    file = answers_file(project)
    try:
        return load_answers(file, now)[1], ()
    except AssayError as error:
        return Answers(), (_unread(project, file, error),)


def _unread(project: Project, path: Path, error: AssayError) -> Unread:
    name = path.relative_to(project.declaration.root).as_posix()
    at = error.location
    where = f"{name}:{at.line}:{at.column}" if at else name
    return Unread(name, where, error.sentence.replace(str(path), name), error.fix)


def interviews(project: Project, now: datetime) -> tuple[Interview, ...]:
    """What people answered up to a moment, as somebody who assesses would note it; the day's beginning as the time."""
    given, _ = _answers(project, now)  # what cannot be read is said once, where the survey is
    said = given.to(survey())
    return tuple(
        Interview(
            question.id,
            question.text,
            _answered(question, answer),
            answer.by,
            datetime(answer.on.year, answer.on.month, answer.on.day, tzinfo=UTC),
        )
        for question in survey().questions
        if (answer := said.get(question.id)) is not None
    )


def _answered(question: Question, answer: Answer) -> str:
    if answer.level is None:
        return f"does not apply: {answer.note}"
    note = f" ({answer.note})" if answer.note else ""
    return f"level {answer.level}: {anchor_text(question, answer.level)}{note}"


def keep_result(project: Project, result: Result) -> Path:
    """Keeps a result beside the declaration; a second one on the same day takes the place of the first.

    Raises:
        IncompleteError: the disk refused.
    """
    path = project.declaration.root / history.FOLDER / history.name_of(result)
    _replace(path, history.kept_text(result))
    return path


def kept_results(project: Project) -> tuple[tuple[history.Kept, ...], tuple[Unread, ...]]:
    """The results that were kept, in the order of their names; and the files that are damaged."""
    folder = project.declaration.root / history.FOLDER
    kept: list[history.Kept] = []
    damaged: list[Unread] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            kept.append(_kept_result(path))
        except IncompleteError as error:
            damaged.append(_unread(project, path, error))
    return tuple(kept), tuple(damaged)


def _kept_result(path: Path) -> history.Kept:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IncompleteError("it cannot be read: " + _plainly(error), fix="restore it, or remove it") from error
    return history.read_kept(text, str(path))


def _plainly(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)


def _replace(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).chmod(mode)
        Path(new.name).replace(path)
    except OSError as error:
        raise IncompleteError(f"{path} cannot be written: {error.strerror}", fix="free the disk or the file") from error
