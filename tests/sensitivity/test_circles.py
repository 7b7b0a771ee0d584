"""Data that flows in circles: labels come to an end, whatever happens to the data on its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.declare.loader import load
from assay.sensitivity import closure

TEXT = """\
assay: 1
organisation: {name: Round}
environments: {production: {tier: production}}
data:
  people: {fields: {id: {level: internal}, email: {category: user.contact.email, identifies: direct}}}
  facts: {fields: {id: {links: people}}}
systems:
  one: {kind: database, environment: production, owner: a, holds: [people]}
  two: {kind: database, environment: production, owner: a, holds: [facts]}
  three: {kind: database, environment: production, owner: a, holds: [facts]}
flows:
  out: {from: one, to: two, data: [people], into: facts, transforms: {email: HOW, id: HOW}}
  on: {from: two, to: three, data: [facts], transforms: {email: HOW, id: HOW}}
  back: {from: three, to: one, data: [facts], into: people, transforms: {email: HOW, id: HOW}}
"""


@pytest.mark.parametrize(
    "how", ["{tokenise: per-recipient}", "{tokenise: deterministic}", "hmac", "last4", "{generalise: 3}"]
)
def test_a_circle_of_transformations_has_an_end(how: str, tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text(TEXT.replace("HOW", how), encoding="utf-8")
    found = closure(load(tmp_path))
    assert found
