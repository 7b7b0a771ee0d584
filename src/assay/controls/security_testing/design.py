"""Tests of design: is security tested, by whom, how lately and how completely, and does the pipeline insist?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.controls.security_testing.imported import imported
from assay.controls.security_testing.pen_tests import pen_tests
from assay.controls.security_testing.pipelines import Pipeline, Step, read_pipeline
from assay.declare.declaration import Declaration
from assay.domain import Location, Verdict

_CONTROL = "security_testing"
_MOST_BYTES = 1024 * 1024


def design(context: Context) -> Iterator[Verdict]:
    """Judges the penetration test of every API that is served, every imported finding, and the pipelines."""
    for api_id, api in context.declaration.model.apis.items():
        if api.product.lifecycle != "retired":
            yield from pen_tests(context, api_id, api)
    yield from imported(context)
    if context.declaration.model.apis:
        yield from _gates(context.declaration)


def _gates(declaration: Declaration) -> Iterator[Verdict]:
    files = declaration.model.security_testing.pipeline
    read = [
        (_read(declaration.root, f), declaration.locate("security_testing", "pipeline", i)) for i, f in enumerate(files)
    ]
    for command, check in (("check", "pipeline-without-check"), ("prove", "pipeline-without-proof")):
        yield _gate(declaration, read, command, check)


def _read(root: Path, file: str) -> Pipeline:
    path = root / file
    try:
        if path.stat().st_size > _MOST_BYTES:
            return Pipeline(file, problem="it is too large for a pipeline")
        return read_pipeline(path.read_text(encoding="utf-8"), file)
    except UnicodeDecodeError:
        return Pipeline(file, problem="it is not UTF-8 text")
    except (OSError, ValueError) as error:
        return Pipeline(file, problem=f"it cannot be read: {getattr(error, 'strerror', None) or 'the path is none'}")


def _gate(declaration: Declaration, read: list[tuple[Pipeline, Location]], command: str, check: str) -> Verdict:
    judge, subject = _judge(_CONTROL), "security_testing"
    if not read:
        at = declaration.locate("apis")
        return judge.unclear(
            check, subject, at, f"no pipeline is declared, so nothing shows that `assay {command}` runs"
        )
    steps = [(p, s, at) for p, at in read for s in p.steps if s.command == command]
    for pipeline, step, at in steps:
        if _counts(pipeline, step):
            sentence = f"`{pipeline.file}` runs `assay {command}` in line {step.at.line}, and ends when it fails"
            return judge.passed(check, subject, at, sentence)
    own = {p.file for p, _, _ in steps}
    doubts = [
        *((at, f"`{p.file}`: {s.why}") for p, s, at in steps if s.means == "unclear"),
        *((at, f"`{p.file}`: {p.problem}") for p, at in read if p.problem),
        *((at, f"`{p.file}` runs other files, which may do it") for p, at in read if p.elsewhere and p.file not in own),
    ]
    if doubts:
        at, why = doubts[0]
        return judge.unclear(check, subject, at, f"whether `assay {command}` guards a change cannot be told: {why}")
    for pipeline, step, at in steps:
        why = step.why or "the pipeline does not run when something changes"
        return judge.failed(check, subject, at, f"`{pipeline.file}` runs `assay {command}`, but {why}")
    shown = ", ".join(f"`{p.file}`" for p, _ in read)
    return judge.failed(check, subject, read[0][1], f"no pipeline runs `assay {command}`: {shown}")


def _counts(pipeline: Pipeline, step: Step) -> bool:
    """Proofs may run on a schedule; a check that does not run at a change holds nothing up."""
    return step.means == "gates" and (step.command != "check" or pipeline.on_changes is not False)
