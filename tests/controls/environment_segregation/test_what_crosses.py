"""What a change of a value on its way out of production is worth, and who holds production's accounts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from assay.controls.base import Context
from assay.controls.environment_segregation.design import design
from assay.declare.loader import load
from assay.domain import Outcome, Verdict

TEXT = """\
assay: 1
organisation: {name: Shop, subjects: 100000}
environments: {live: {tier: production}, lab: {tier: non-production}}
systems:
  crm: {kind: database, environment: live, owner: it, holds: [person]}
  copy: {kind: database, environment: lab, owner: it, holds: [person]}
data:
  person: {fields: {email: {category: user.contact.email}, key: {category: system.authentication}}}
flows:
  down: {from: crm, to: copy, data: [person], transforms: {email: EMAIL, key: KEY}}
consumers:
  tester: {kind: application, owner: qa, environment: lab, roles: [r], authenticate: {oauth2: {client: tester}}}
  clerk: {kind: application, owner: sales, environment: live, roles: [r], authenticate: {oauth2: {client: clerk}}}
accounts:
  reader: {platform: postgresql, system: crm, environment: live, owner: it, used_by: [USER]}
"""


def judged(tmp_path: Path, check: str, email: str = "drop", key: str = "drop", user: str = "clerk") -> list[Verdict]:
    path = tmp_path / "assay.yaml"
    path.write_text(TEXT.replace("EMAIL", email).replace("KEY", key).replace("USER", user))
    found = design(Context(load(path, environ={}), date(2026, 11, 22), frozenset()))
    return [v for v in found if v.check == check]


@pytest.mark.parametrize("email", ["drop", "hmac", "last4", "{generalise: 2}", "{aggregate: {cells: 11}}"])
def test_a_value_that_something_is_taken_from_does_not_arrive_as_it_is(tmp_path: Path, email: str) -> None:
    assert [v.outcome for v in judged(tmp_path, "production-data-flows-down", email)] == [Outcome.PASS]


@pytest.mark.parametrize("email", ["hash", "encrypt", "{aggregate: {cells: 2}}"])
def test_what_anybody_can_undo_who_receives_it_arrives_as_it_is(tmp_path: Path, email: str) -> None:
    (verdict,) = judged(tmp_path, "production-data-flows-down", email)
    assert verdict.outcome is Outcome.FAIL
    assert "`person.email`" in verdict.sentence and "`person.key`" not in verdict.sentence


def test_a_secret_arrives_as_it_is_unless_it_is_dropped(tmp_path: Path) -> None:
    (verdict,) = judged(tmp_path, "production-data-flows-down", key="hmac")
    assert verdict.outcome is Outcome.FAIL and "`person.key`" in verdict.sentence


def test_an_account_of_production_belongs_to_nobody_of_another_tier(tmp_path: Path) -> None:
    assert [v.outcome for v in judged(tmp_path, "account-of-other-tier")] == [Outcome.PASS]
    (verdict,) = judged(tmp_path, "account-of-other-tier", user="tester")
    assert verdict.outcome is Outcome.FAIL
    assert "used by `tester`" in verdict.sentence and verdict.location.line == 15
