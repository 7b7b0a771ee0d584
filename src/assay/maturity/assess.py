"""The whole survey at a moment: measured, answered, scored, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from assay.maturity.facts import Facts
from assay.maturity.grade import graded
from assay.maturity.published import inputs_digest
from assay.maturity.score import score
from assay.maturity.steps import next_steps
from assay.maturity.survey import rules, survey
from assay.maturity.words import Answer, Result


def assess(facts: Facts, answers: Mapping[str, Answer]) -> Result:
    """The result for these facts and answers; the same give the same."""
    asked = survey()
    levels = graded(asked, facts, answers)
    return Result(
        survey=asked,
        organisation=facts.declaration.model.organisation.name,
        now=facts.now,
        declaration=facts.declaration.digest,
        graded=levels,
        score=score(asked.dimensions, levels),
        steps=next_steps(asked.dimensions, levels, rules()),
        inputs=inputs_digest(asked.version, facts.declaration.digest, levels, answers),
    )
