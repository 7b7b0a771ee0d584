"""What `assay survey --format json` prints: a survey that was answered and measured in part, and one that was not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from assay.maturity.grade import grade
from assay.maturity.published import as_json
from assay.maturity.score import score
from assay.maturity.survey import Rule, survey
from assay.maturity.words import Answer, Found, Graded, Question, Result, Source, Step

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Facts:
    now = _NOW


def _graded(question: Question, found: Found, answer: Answer | None) -> Graded:
    return grade(question, Rule(measure="held"), found, answer, _Facts())  # type: ignore[arg-type]


def all_of_them() -> list[dict[str, Any]]:
    """One with everything, one with nothing."""
    asked = survey()
    found = Found(0.5, "…", population=2, sample=2, good=1, at=_NOW, evidence=("…",), todo=("…",))
    answer = Answer(3, "ann", date(2026, 1, 1))
    full = [_graded(q, found, answer) for q in asked.questions]
    # A dimension that does not apply at all has no level.
    bare = [
        replace(_graded(q, Found(None, "…"), None), level=None, source=Source.NOT_APPLICABLE) for q in asked.questions
    ]
    steps = (Step(("D1.1",), 3, "…", 0.1, "assay check", "…"), Step(("D3.2", "D4.2"), None, "…", 0.5))
    return [
        as_json(Result(asked, "…", _NOW, "0", tuple(graded), score(asked.dimensions, graded), steps, "0"))
        for graded in (full, bare)
    ]
