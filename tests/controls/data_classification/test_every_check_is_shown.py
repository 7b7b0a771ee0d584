"""Every finding that this control can make is made somewhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ruamel.yaml import YAML

from assay.controls.base import Context, about
from assay.controls.data_classification.design import design
from assay.declare.loader import load

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "customer-data"


def test_every_check_finds_something_in_the_bad_declaration_or_the_example() -> None:
    shown = YAML(typ="safe").load((HERE / "bad.out.yaml").read_text())["verdicts"]
    found = {v["check"] for v in shown if v["outcome"] in ("fail", "inconclusive")}
    context = Context(load(EXAMPLE, environ={}), date(2026, 7, 1), frozenset())
    found |= {v.check for v in design(context) if v.is_finding}
    assert set(about("data_classification").checks) - found == set()


def test_the_example_has_notes_only() -> None:
    context = Context(load(EXAMPLE, environ={}), date(2026, 7, 1), frozenset())
    assert {str(v.severity) for v in design(context) if v.is_finding} == {"note"}


def test_a_declaration_without_data_has_nothing_to_judge() -> None:
    declaration = load(EXAMPLE, environ={})
    bare = declaration.model.model_copy(update={"data": {}})
    assert not list(
        design(
            Context(type(declaration)(declaration.root, bare, {}, declaration.places, {}, ""), date.max, frozenset())
        )
    )
