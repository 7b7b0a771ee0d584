"""What an account refers to exists, or is answered with the closest match; rights that nobody knows are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.declare import load
from assay.domain import DeclarationError

HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production}}
data: {customer: {fields: {email: {level: internal}}}}
systems: {crm: {kind: database, environment: production, owner: x}}
duties: {paying: {never_together: [pay, {update: payments}], why: x}}
accounts:
  sync: {platform: p, system: crm, environment: production, owner: x, %s}
"""


def said(folder: Path, words: str) -> str:
    (folder / "assay.yaml").write_text(HEAD % words)
    with pytest.raises(DeclarationError) as error:
        load(folder, environ={})
    (only,) = error.value.verdicts
    assert only.location.line == 8
    return f"{only.sentence} | {only.fix.sentence if only.fix else ''}"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("used_by: [crmm]", ("no consumer, system or API `crmm`", "`crm`")),
        ("objects: {t: custmer}", ("no data set `custmer`", "`customer`")),
        ("duties: [pai]", ("speaks of a duty `pai`", "`pay`")),
        ("rights: {read_from: gone.csv}", ("no file `gone.csv`", "export the rights again")),
        ("narrowed_by: {api: shop, operations: [x]}", ("no API `shop`",)),
        ("rights: [{selekt: t}]", ("`selekt`", "`select`")),
        ("rights: [{since: 2026-01-01}]", ("a right is one of `select`",)),
        ("rights: [{select: t, since: 01/02/2026}]", ("YEAR-MONTH-DAY",)),
        ("rights: {read_from: connection, format: aws}", ("format",)),
        ("credential: {issued: 2026-01-01, rotate: 90d, secret: hunter2}", ("as a literal",)),
        ("kind: robot", ("kind",)),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, words: str, parts: tuple[str, ...]) -> None:
    found = said(tmp_path, words)
    for part in parts:
        assert part in found


def test_a_rule_of_duties_needs_two(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text((HEAD % "used_by: [crm]").replace("[pay, {update: payments}]", "[pay]"))
    with pytest.raises(DeclarationError, match="never_together"):
        load(tmp_path, environ={})
