"""A result as JSON: what `assay survey --format json` prints, and what is kept to compare with later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from assay.maturity.words import Answer, DimensionScore, Graded, Result, Step


def as_json(result: Result) -> dict[str, Any]:
    """The published shape (version 1). Levels are 0 to 4, shares 0 to 1."""
    score = result.score
    return {
        "version": 1,
        "survey": result.survey.version,
        "organisation": result.organisation,
        "at": result.now.isoformat(),
        "declaration": result.declaration,
        "inputs": result.inputs,
        "overall": _rounded(score.overall),
        "floor": _rounded(score.floor),
        "perceived": _rounded(score.perceived),
        "assurance": _rounded(score.assurance),
        "gap": _rounded(score.gap),
        "derivation": list(score.derivation),
        "dimensions": [_dimension(d) for d in score.dimensions],
        "questions": [_question(g) for g in result.graded],
        "next": [_step(s) for s in result.steps],
    }


def _dimension(dimension: DimensionScore) -> dict[str, Any]:
    return {
        "number": dimension.number,
        "name": dimension.name,
        "level": _rounded(dimension.level),
        "mean": _rounded(dimension.mean),
        "capped_by": list(dimension.capped_by),
        "perceived": _rounded(dimension.perceived),
        "measured": _rounded(dimension.measured),
        "assurance": _rounded(dimension.assurance),
        "gap": _rounded(dimension.gap),
        "derivation": dimension.derivation,
    }


def _question(one: Graded) -> dict[str, Any]:
    question, found = one.question, one.found
    return {
        "id": question.id,
        "question": question.text,
        "weight": question.weight,
        "gate": question.gate,
        "level": one.level,
        "source": str(one.source),
        "perceived": one.perceived,
        "measured": one.measured,
        "fresh": one.fresh,
        "most": one.most,
        "worth": one.worth,
        "metric": question.metric,
        "unit": str(question.unit),
        "value": _rounded(found.value),
        "population": found.population,
        "sample": found.sample,
        "sentence": found.sentence,
        "proven": found.proven,
        "measured_at": found.at.isoformat() if found.at else None,
        "evidence": list(found.evidence),
        "todo": list(found.todo),
        "steps": list(one.steps),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "questions": list(step.questions),
        "level": step.level,
        "sentence": step.sentence,
        "gain": _rounded(step.gain),
        "command": step.command,
        "guide": step.guide,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def inputs_digest(survey: str, declaration: str, graded: tuple[Graded, ...], answers: Mapping[str, Answer]) -> str:
    """SHA-256 over everything that the levels come from: version, declaration, answers, and what was measured."""
    document = {
        "survey": survey,
        "declaration": declaration,
        "answers": {k: [a.level, a.by, a.on.isoformat(), a.note] for k, a in answers.items()},
        "measured": {
            g.question.id: [_rounded(g.found.value), g.found.at.isoformat() if g.found.at else None, *g.found.evidence]
            for g in graded
        },
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
