"""What `assay check` says of an exception, day by day, and of decisions that do not count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.decisions.decisions_made import ALICE, CISO, TODAY, exception, file, later, line, stated

from assay.controls.exceptions import findings_of, overlay
from assay.controls.registry import check_design
from assay.decisions.exceptions import exception_digest
from assay.declare.declaration import Declaration
from assay.declare.loader import load
from assay.domain import DeclarationError, Outcome, Severity, Verdict

ENDS = TODAY + timedelta(days=60)
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production, issuer: {url: https://login.example, audience: shop}}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: production
    contract: shop.yaml
    upstream: http://10.0.0.1:8000
    access: [{roles: [clerk], operations: [listOrders]}]
consumers: {till: {kind: service, authenticate: {oauth2: {client: till}}, roles: [clerk]}}
"""
PEOPLE = (
    f"people:\n  alice: {{name: Alice, keys: ['{line(ALICE)}']}}\n  ciso: {{name: Carla, keys: ['{line(CISO)}']}}\n"
)
ENTRY = exception(check="plaintext-upstream", expires=ENDS.isoformat())
WRITTEN = (
    "exceptions:\n  - {id: crm, control: transport_encryption, check: plaintext-upstream, on: apis.shop, "
    f"reason: agreed in the meeting, owner: integration, approved_by: ciso, expires: {ENDS.isoformat()}}}\n"
)
Declared = Callable[..., Declaration]


def sign(folder: Path, *kinds: str) -> None:
    """Puts decisions beside the declaration, one after another."""
    (folder / "decisions").mkdir(exist_ok=True)
    who = {"exception-request": ("alice", ALICE), "exception-approval": ("ciso", CISO), "withdrawal": ("alice", ALICE)}
    for number, kind in enumerate(kinds):
        name, key = who[kind]
        data = file(stated(kind, "exceptions.crm", exception_digest(ENTRY), name, later(number)), key)
        (folder / "decisions" / f"{number}-{kind}.json").write_bytes(data)


def judged(declaration: Declaration, days: int = 0) -> tuple[Verdict, dict[str, Verdict]]:
    """The finding that the exception is about, and what is said about the exception and decisions, by check."""
    verdicts = check_design(declaration, TODAY + timedelta(days=days))
    about = [v for v in verdicts if v.subject.startswith(("exceptions.", "decisions")) and v.control == "declaration"]
    return next(v for v in verdicts if v.check == "plaintext-upstream"), {v.check: v for v in about}


BOTH = ("exception-request", "exception-approval")


def test_signed_by_two_it_covers_and_says_who_and_how_long(declared: Declared, tmp_path: Path) -> None:
    sign(tmp_path, *BOTH)
    finding, said = judged(declared(HEAD + PEOPLE + WRITTEN))
    assert finding.excepted_by == "exceptions.0"
    assert finding.outcome is Outcome.FAIL
    assert said.keys() == {"exception-expired"}
    assert said["exception-expired"].outcome is Outcome.PASS
    assert "60 days left; requested by `alice`, approved by `ciso`" in said["exception-expired"].sentence


@pytest.mark.parametrize(
    ("days", "checks", "word"),
    [
        (29, {"exception-expired"}, "31 days left"),
        (30, {"exception-expired", "expiry-near"}, "ends in 30 days"),
        (53, {"exception-expired", "expiry-near"}, "the last week: "),
        (59, {"exception-expired", "expiry-near"}, "ends in 1 day,"),
        (60, {"exception-expired", "expiry-near"}, "ends today"),
        (61, {"exception-expired"}, "1 finding returned"),
    ],
)
def test_its_days_are_counted_and_it_ends(
    declared: Declared, tmp_path: Path, days: int, checks: set[str], word: str
) -> None:
    sign(tmp_path, *BOTH)
    finding, said = judged(declared(HEAD + PEOPLE + WRITTEN), days)
    assert said.keys() == checks
    assert any(word in v.sentence for v in said.values())
    assert finding.is_finding is (days > 60)
    if "expiry-near" in said:
        assert said["expiry-near"].severity is Severity.NOTE


def test_what_is_not_signed_covers_nothing_and_names_the_command(declared: Declared, tmp_path: Path) -> None:
    sign(tmp_path, "exception-request")
    finding, said = judged(declared(HEAD + PEOPLE + WRITTEN))
    assert finding.is_finding
    assert said.keys() == {"approval-missing"}
    missing = said["approval-missing"]
    assert (missing.outcome, missing.severity) == (Outcome.FAIL, Severity.MEDIUM)
    assert missing.location.line == HEAD.count("\n") + PEOPLE.count("\n") + 2
    assert missing.fix and missing.fix.sentence == "`assay exception approve crm --as ciso --key FILE`"


def test_a_withdrawal_brings_the_finding_back_at_once(declared: Declared, tmp_path: Path) -> None:
    sign(tmp_path, *BOTH, "withdrawal")
    finding, said = judged(declared(HEAD + PEOPLE + WRITTEN))
    assert finding.is_finding
    assert "`alice` withdrew it on 2026-11-22, and 1 finding returned" in said["exception-withdrawn"].sentence


def test_a_damaged_decision_is_a_finding_where_it_lies(declared: Declared, tmp_path: Path) -> None:
    sign(tmp_path, *BOTH)
    approval = tmp_path / "decisions" / "1-exception-approval.json"
    approval.write_bytes(approval.read_bytes().replace(b"agreed", b"never agreed"))
    finding, said = judged(declared(HEAD + PEOPLE + WRITTEN))
    assert finding.is_finding
    assert said.keys() == {"approval-missing", "decision-does-not-count"}
    assert said["decision-does-not-count"].location.file.endswith("decisions/1-exception-approval.json")


def test_without_people_it_covers_and_a_note_says_that_its_approval_is_only_claimed(declared: Declared) -> None:
    finding, said = judged(declared(HEAD + WRITTEN))
    assert finding.excepted_by == "exceptions.0"
    assert said["approval-only-claimed"].severity is Severity.NOTE


def test_kept_proofs_are_covered_by_the_same_rule(declared: Declared, tmp_path: Path) -> None:
    sign(tmp_path, "exception-request")
    declaration = declared(HEAD + PEOPLE + WRITTEN)
    (finding,) = findings_of(declaration, check_design(declaration, TODAY), ENTRY)
    assert overlay(declaration, [finding], TODAY)[0][0].excepted_by is None
    sign(tmp_path, *BOTH)
    again = load(tmp_path / "assay.yaml", environ={})
    assert overlay(again, [finding], TODAY)[0][0].excepted_by == "exceptions.0"
    assert findings_of(again, overlay(again, [finding], TODAY)[0], ENTRY) == (finding,)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (PEOPLE.replace(line(CISO), line(ALICE)) + WRITTEN, "is `alice`'s already"),
        (PEOPLE + WRITTEN.replace("approved_by: ciso", "approved_by: cisso"), "no person `cisso`"),
        (PEOPLE + WRITTEN + WRITTEN.removeprefix("exceptions:\n"), "id of an exception already"),
        (PEOPLE.replace("keys: [", "keys: ['ssh-rsa AAAA', "), "this is RSA"),
        (PEOPLE.replace("AAAAC3Nza", "AAAAC3Nzb"), "damaged"),
        (PEOPLE.replace("name: Alice, keys", "keys"), "name"),
    ],
)
def test_people_that_cannot_be_told_apart_are_no_people(declared: Declared, text: str, word: str) -> None:
    with pytest.raises(DeclarationError) as error:
        declared(HEAD + text)
    assert any(word in v.sentence for v in error.value.verdicts)


def test_files_that_are_no_decisions_are_findings(declared: Declared, tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    for number in range(3):
        (tmp_path / "decisions" / f"{number}.json").write_text("{}")
    _, said = judged(declared(HEAD + PEOPLE))
    assert said["decision-does-not-count"].outcome is Outcome.FAIL
