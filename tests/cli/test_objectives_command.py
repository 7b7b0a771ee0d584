"""`assay objectives`: how objectives stand, what they show of frameworks, and who signed for a mapping."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from assay.app.objectives import offers
from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied
from assay.cli.objectives_tables import (
    coverage_csv,
    objectives_csv,
    per_cent,
    show_coverage,
    show_objectives,
)
from assay.declare.model import Objective
from assay.domain import Location, Outcome, Severity, Verdict
from assay.frameworks.coverage import coverage
from assay.frameworks.crosswalk import crosswalk
from assay.frameworks.judging import Judged, in_force, judged
from assay.frameworks.published import framework

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWN = Objective.model_validate(
    {"category": "integrity", "statement": "=Ours\u202e holds.", "controls": ["input_validation"]}
)
CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /orders:
    get: {operationId: listOrders, responses: {"200": {description: ok}}}
"""
DECLARED = """\
assay: 1
organisation: {name: Shop}
profile: basic
environments: {test: {tier: non-production}}
apis:
  shop: {owner: us, exposure: public, environment: test, contract: shop.yaml, upstream: "http://127.0.0.1:9"}
"""
SHOWN = ("CO-AUN-01", "CO-AUZ-01", "CO-AUZ-02", "CO-INT-04", "CO-AVL-02", "CO-PRV-05")


def _fact(control: str, proof: str, where: str, outcome: Outcome = Outcome.PASS, hours: int = 3) -> Measured:
    return Measured(
        f"{control}/{proof}/{where}",
        control,
        proof,
        f"apis.shop.operations.{where}",
        "alice",
        outcome,
        Severity.HIGH,
        "measured",
        NOW - timedelta(hours=hours),
        "abc",
        ("e1",),
    )


FACTS = (
    _fact("authorisation", "foreign-object-read", "getOrder"),
    _fact("authorisation", "foreign-object-read", "getBill", Outcome.INCONCLUSIVE),
    _fact("authorisation", "function-open-to-other-roles", "listBills", Outcome.FAIL),
    _fact("authentication", "call-without-credential", "getOrder", hours=200),
    _fact("input_validation", "server-side-request", "getOrder"),
)
DESIGN = tuple(
    Verdict(
        control=control,
        check=check,
        subject="apis.shop",
        outcome=Outcome.PASS,
        sentence="as designed",
        location=Location("assay.yaml"),
    )
    for control, check in (
        ("authorisation", "operation-without-owner-rule"),
        ("authorisation", "operation-without-access-rule"),
        ("authentication", "operation-without-scheme"),
        ("least_privilege", "duties-in-conflict"),
    )
)


@pytest.fixture
def standings() -> tuple[Judged, ...]:
    """One objective of most statuses, and one of somebody's own."""
    declared = SimpleNamespace(model=SimpleNamespace(objectives={"ours": OWN}, profile="advanced"))
    chosen = [c for c in in_force(declared, offers()) if c.own or c.id in SHOWN]
    facts = {f.key: f for f in FACTS}
    return judged(chosen, DESIGN, facts, Applied("abc", "abc"), now=NOW)


@pytest.fixture
def covered(standings):
    """The Top 10, with one mapping signed for."""
    signed = {link.subject: (link.digest,) for link in crosswalk() if link.item == "API7"}
    return coverage(framework("owasp-api"), crosswalk(), standings, signed)


def test_the_table_of_objectives_is_as_agreed(standings, golden, capsys) -> None:
    show_objectives(standings, "advanced")
    golden("objectives/standings.out.txt", capsys.readouterr().out)


def test_the_matrix_of_a_framework_is_as_agreed(covered, golden, capsys) -> None:
    show_coverage(covered)
    golden("objectives/owasp_api.out.txt", capsys.readouterr().out)


def test_tables_for_programs_are_as_agreed(standings, covered, golden) -> None:
    golden("objectives/standings.out.csv", objectives_csv(standings))
    golden("objectives/owasp_api.out.csv", coverage_csv(covered))


def test_no_spreadsheet_takes_a_statement_for_a_formula(standings) -> None:
    (ours,) = [r for r in csv.DictReader(io.StringIO(objectives_csv(standings))) if r["objective"] == "ours"]
    assert ours["statement"].startswith("'=")


@pytest.mark.parametrize(
    ("part", "whole", "told"), [(0, 0, "–"), (0, 3, "0 %"), (1, 3, "33.3 %"), (9999, 10000, "99.9 %"), (4, 4, "100 %")]
)
def test_a_share_never_looks_larger_than_it_is(part: int, whole: int, told: str) -> None:
    assert per_cent(part, whole) == told


def test_without_a_profile_the_own_objectives_are_shown_and_the_others_hinted_at(assay, project: Path) -> None:
    said = assay("objectives", "--format", "json")
    assert said.exit == 0
    found = said.json()
    assert {o["origin"] for o in found["objectives"]} == {"own"}
    assert "profile: basic" in assay("objectives").err


def test_a_profile_can_be_tried_without_declaring_it(assay, project: Path) -> None:
    found = assay("objectives", "show", "--profile", "basic", "--format", "json").json()
    by_id = {o["id"]: o for o in found["objectives"]}
    assert found["profile"] == "basic"
    assert by_id["CO-AUZ-01"]["origin"] == "catalogue"
    assert by_id["CO-AUZ-01"]["status"] == "designed"
    assert by_id["CO-AUZ-01"]["share"]["value"] is None
    assert "CO-ENV-03" not in by_id


def test_a_declared_profile_brings_its_objectives_into_the_report(assay, project: Path) -> None:
    main = project / "assay.yaml"
    main.write_text(main.read_text().replace("assay: 1\n", "assay: 1\nprofile: basic\n", 1))
    found = assay("objectives", "--format", "json").json()
    assert "CO-AUZ-01" in {o["id"] for o in found["objectives"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--framework", "owasp"), "owasp-api"),
        (("--profile", "basics"), "basic"),
        (("--at", "tomorrow"), "2026-12-01"),
    ],
)
def test_what_is_misspelt_is_refused_with_what_was_meant(assay, project: Path, arguments, told: str) -> None:
    said = assay("objectives", *arguments)
    assert said.exit == 2
    assert told in said.err


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A declaration with one API and one person, whose key is in `key`; the current directory."""
    made = Ed25519PrivateKey.generate()
    key = tmp_path / "key"
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    public = made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    (tmp_path / "shop.yaml").write_text(CONTRACT)
    (tmp_path / "assay.yaml").write_text(DECLARED + f"people: {{ana: {{name: Ana, keys: ['{public}']}}}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mapping_is_reviewed_when_a_person_signed_for_it(assay, alone: Path) -> None:
    said = assay("objectives", "review", "CO-INT-04", "--framework", "owasp-api", "--key", "key", "--yes")
    assert said.exit == 0, said.err
    assert "CO-INT-04/owasp_api_2023/API7: reviewed, decisions/" in said.out
    covered = assay("objectives", "show", "--framework", "owasp-api", "--format", "json").json()["coverage"]
    assert covered["counts"] == {"catalogued": 10, "mapped": 10, "reviewed": 1, "assessed": 0, "effective": 0}
    again = assay("objectives", "review", "CO-INT-04", "--framework", "owasp-api", "--key", "key", "--yes")
    assert again.exit == 0
    assert "(reviewed)" in again.out
    assert len(list((alone / "decisions").iterdir())) == 1


def test_a_review_of_other_words_does_not_count(assay, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assay("objectives", "review", "CO-INT-04", "--framework", "owasp-api", "--key", "key", "--yes")
    changed = tuple(replace(link, digest="0" * 64) if link.item == "API7" else link for link in crosswalk())
    monkeypatch.setattr("assay.app.coverage.crosswalk", lambda: changed)
    covered = assay("objectives", "show", "--framework", "owasp-api", "--format", "json").json()["coverage"]
    assert covered["counts"]["reviewed"] == 0


def test_nothing_is_signed_for_without_being_asked(assay, alone: Path) -> None:
    said = assay("objectives", "review", "CO-INT-04", "--key", "key")
    assert said.exit == 2
    assert "--yes" in said.err
    assert not (alone / "decisions").exists()


def test_completion_offers_what_there_is() -> None:
    from assay.cli import completing

    assert completing.frameworks("nist") == ["nist-800-53"]
    assert completing.profiles("") == ["advanced", "basic"]
    assert "CO-AUZ-01" in completing.objectives("CO-AUZ")
