"""Measures name checks and proofs in a table; each of them is one that a control has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.controls.registry import controls
from assay.frameworks.catalogue import catalogue
from assay.maturity.measures import MEASURES
from assay.maturity.survey import rules, survey

ROOT = Path(__file__).parents[2]


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, str) and "/" in value and " " not in value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _named(inner)


def test_every_check_and_proof_is_one_that_a_control_has() -> None:
    known = {f"{c.id}/{test}" for c in controls() for test in (*c.about.checks, *c.about.proofs)}
    named = {name for rule in rules().values() for name in _named(dict(rule.arguments or {}))}
    assert named - known == {"declaration/exception-expired"}


def test_every_measure_and_guide_exists_and_every_measure_is_used() -> None:
    assert {rule.measure for rule in rules().values() if rule.measure} == set(MEASURES)
    missing = [rule.guide for rule in rules().values() if rule.guide and not (ROOT / rule.guide).is_file()]
    assert missing == []


def test_the_metrics_name_objectives_of_the_catalogue() -> None:
    known = {entry.id for entry in catalogue()}
    assert {o for q in survey().questions for o in q.objectives} <= known


def test_no_measure_knows_a_control_by_name() -> None:
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/assay/maturity").rglob("*.py"))
    assert [c.id for c in controls() if f"{c.id}/" in code or f'"{c.id}"' in code] == []
