"""What is decided and known about risks is read with its place; what cannot be meant is said where it stands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assay.declare import load
from assay.declare.declaration import Declaration
from assay.domain import DeclarationError

HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production}}
systems: {crm: {kind: database, environment: production, owner: x}}
"""


def declared(folder: Path, words: str) -> Declaration:
    (folder / "assay.yaml").write_text(HEAD + words + "\n")
    return load(folder, environ={})


def told(folder: Path, words: str) -> str:
    with pytest.raises(DeclarationError) as error:
        declared(folder, words)
    (only,) = error.value.verdicts
    assert only.location.line == 5
    return f"{only.sentence} | {only.fix.sentence if only.fix else ''}"


def test_decisions_estimates_incidents_and_losses_are_read(tmp_path: Path) -> None:
    model = declared(
        tmp_path,
        """\
risks:
  injection@systems.crm:
    {owner: sales, treatment: reduce, due: 2027-01-31, likelihood: 4.5,
     factors: {skill: 9, motive: {value: 1, approved_by: ciso, reason: nothing to gain here, expires: 2027-01-31}}}
incidents: [{date: 2026-10-04, threat: injection, on: systems.crm, what: a test form was open}]
losses: {currency: EUR, per_record: [0.5, 5]}
appetite: {residual: low, for: {user.special_category: note}}
""",
    ).model
    risk = model.risks["injection@systems.crm"]
    assert risk.likelihood is not None
    assert risk.likelihood.value == 4.5
    assert {name: e.value for name, e in risk.factors.given().items()} == {"skill": 9, "motive": 1}
    assert model.incidents[0].date == date(2026, 10, 4)
    assert model.losses is not None
    assert (model.losses.per_record, model.losses.frequency) == ((0.5, 5), (0.01, 10))


def test_risks_and_incidents_may_be_spread_over_files(tmp_path: Path) -> None:
    more = tmp_path / "assay.d"
    more.mkdir()
    for name, threat in (("a", "injection"), ("b", "inventory")):
        (more / f"{name}.yaml").write_text(
            f"risks: {{{threat}@systems.crm: {{owner: x}}}}\n"
            f"incidents: [{{date: 2026-10-04, threat: {threat}, what: it happened}}]\n"
        )
    model = declared(tmp_path, "").model
    assert [*model.risks] == ["injection@systems.crm", "inventory@systems.crm"]
    assert [i.threat for i in model.incidents] == ["injection", "inventory"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("risks: {injection: {owner: x}}", ("a scenario is THREAT@SUBJECT",)),
        ("risks: {injection@systems.crm: {treatment: accept}}", ("who accepts a risk says why",)),
        ("risks: {injection@systems.crm: {impact: 10}}", ("the largest value is 9",)),
        ("risks: {injection@systems.crm: {impact: .nan}}", ("impact",)),
        ("risks: {injection@systems.crm: {factors: {skil: 3}}}", ("`skil` is not known", "`skill`")),
        ("risks: {injection@systems.crm: {impact: {value: 2, expires: soon}}}", ("a date is YEAR-MONTH-DAY",)),
        ("incidents: [{date: 2026-10-04, threat: x, on: systems.crn, what: it happened}]", ("leads to nothing", "crm")),
        ("incidents: [{date: 2026-10-04, threat: x, what: it happened, closed: 2026-10-01}]", ("not `closed` before",)),
        ("losses: {currency: EUR}", ("`per_incident`, `per_record`, or both",)),
        ("losses: {currency: EUR, per_record: [5, 1]}", ("[low, high], both above 0",)),
        ("losses: {currency: EUR, per_record: [1]}", ("per_record",)),
        ("losses: {currency: euro, per_record: [1, 2]}", ("currency",)),
        ("appetite: {for: {user.contact.emial: low}}", ("no data category `user.contact.emial`", "user.contact.email")),
    ],
)
def test_what_cannot_be_meant_is_said_where_it_stands(words: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    said = told(tmp_path, words)
    assert all(part in said for part in parts)
