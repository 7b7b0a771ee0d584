"""What was withdrawn stays withdrawn, whoever removes the file that says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.decisions.decisions_made import ALICE, CISO, NOON, exception, line

from assay.app.deciding import decide, revoked
from assay.app.exceptions import listing
from assay.app.project import Project
from assay.app.reporting import design_at, excepted
from assay.decisions.exceptions import APPROVAL, REQUEST, WITHDRAWAL, exception_digest
from assay.declare.loader import load
from assay.domain import Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof

DECLARED = f"""\
assay: 1
organisation: {{name: Shop}}
people:
  alice: {{name: Alice, keys: ['{line(ALICE)}']}}
  ciso: {{name: Carla, keys: ['{line(CISO)}']}}
data: {{customer: {{fields: {{email: {{category: user.contact.email}}}}}}}}
exceptions:
  - {{id: crm, control: data_classification, "on": data.customer, reason: agreed in the meeting, owner: integration,
     approved_by: ciso, expires: 2027-01-31}}
"""
ENTRY = exception(control="data_classification", on="data.customer")
DIGEST = exception_digest(ENTRY)


def reread(folder: Path) -> Project:
    return Project(load(folder, environ={}), folder / ".assay")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assay.yaml").write_text(DECLARED)
    for minute, (kind, person, key) in enumerate([(REQUEST, "alice", ALICE), (APPROVAL, "ciso", CISO)]):
        say(tmp_path, kind, person, key, minute)
    return tmp_path


def say(folder: Path, kind: str, person: str, key, minute: int) -> Path:  # type: ignore[no-untyped-def]
    at = NOON + timedelta(minutes=minute)
    made = decide(
        reread(folder),
        key,
        kind=kind,
        subject="exceptions.crm",
        digest=DIGEST,
        person=person,
        reason="",
        at=at,
        clock=lambda: at,
    )
    return folder / made.signed.file


def proof() -> Proof:
    test = Test("data_classification", "payload-above-label", "t", Severity.HIGH, "w", "f", ())
    failed = Verdict(
        control=test.control,
        check=test.id,
        subject="data.customer",
        outcome=Outcome.FAIL,
        sentence="it was seen",
        location=Location("assay.yaml", 1, 1),
    )
    return Proof(case="c", test=test, verdict=failed, started=NOON)


def test_an_exception_whose_withdrawal_was_removed_covers_nothing(folder: Path) -> None:
    later = NOON + timedelta(hours=1)
    assert revoked(reread(folder), later) == frozenset()
    assert [p.verdict.excepted_by for p in excepted(reread(folder), [proof()], later)] == ["exceptions.0"]
    say(folder, WITHDRAWAL, "alice", ALICE, 5).unlink()
    assert revoked(reread(folder), later) == {"exceptions.0"}
    assert [p.verdict.excepted_by for p in excepted(reread(folder), [proof()], later)] == [None]
    assert [one.state for one in listing(reread(folder), later)] == ["withdrawn"]
    assert not [v for v in design_at(reread(folder), later) if v.excepted_by]
    assert revoked(reread(folder), NOON + timedelta(minutes=3)) == frozenset(), "it was not withdrawn yet"


def test_what_was_signed_again_after_a_withdrawal_counts(folder: Path) -> None:
    say(folder, WITHDRAWAL, "alice", ALICE, 5).unlink()
    say(folder, REQUEST, "alice", ALICE, 6)
    say(folder, APPROVAL, "ciso", CISO, 7)
    for old in sorted((folder / "decisions").iterdir()):
        if "T12:00" in old.read_text() or "T12:01" in old.read_text():
            old.unlink()
    assert revoked(reread(folder), NOON + timedelta(hours=1)) == frozenset()


def test_a_log_that_knows_nothing_takes_nothing_away(folder: Path) -> None:
    say(folder, WITHDRAWAL, "alice", ALICE, 5).unlink()
    elsewhere = replace(reread(folder), state=folder / "elsewhere")
    assert revoked(elsewhere, NOON + timedelta(hours=1)) == frozenset()
