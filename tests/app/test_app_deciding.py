"""A decision is kept twice, as a file and in the log, and what only one of them knows is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.decisions.decisions_made import ALICE, CISO, MALLORY, NOON, line

from assay.app.deciding import decide, logged, signed_approvals, traces
from assay.app.project import Project
from assay.declare.loader import load
from assay.domain import DeclarationError, Location, UsageError
from assay.gateway.plan import Change, Plan, refuse_loosening

DECLARED = f"""\
assay: 1
organisation: {{name: Shop}}
people:
  alice: {{name: Alice, keys: ['{line(ALICE)}']}}
  ciso: {{name: Carla, keys: ['{line(CISO)}']}}
"""
CHANGE = Change(
    effect="loosening", control="rate_limiting", subject="shop", headline="more", on="", source=Location("assay.yaml")
)
PLAN = Plan("old", "new", (CHANGE,))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "assay.yaml").write_text(DECLARED)
    return reread(tmp_path)


def reread(folder: Path) -> Project:
    return Project(load(folder, environ={}), folder / ".assay")


def say(project: Project, kind: str = "mapping-review", minutes: int = 0, **more: object):  # type: ignore[no-untyped-def]
    said = {"subject": "mappings.a", "digest": "ab" * 32, "person": "ciso", "reason": "read it", **more}
    key = ALICE if said["person"] == "alice" else CISO
    return decide(project, key, kind=kind, at=NOON, clock=lambda: NOON + timedelta(minutes=minutes), **said)  # type: ignore[arg-type]


def test_a_decision_is_a_file_and_a_record(project: Project, tmp_path: Path) -> None:
    made = say(project)
    assert (tmp_path / made.signed.file).read_bytes() == made.signed.data
    assert made.signed.file.startswith("decisions/2026-11-22-mapping-review-")
    (one,) = logged(project).values()
    assert (one.evidence, one.stated, one.late) == (made.evidence, made.signed.stated, False)
    again = reread(tmp_path)
    assert traces(again, NOON) == type(traces(again, NOON))()


def test_a_file_that_is_gone_or_was_never_logged_is_said(project: Project, tmp_path: Path) -> None:
    file = tmp_path / say(project).signed.file
    kept = file.read_bytes()
    file.unlink()
    assert [e.stated.person for e in traces(reread(tmp_path), NOON).only_log] == ["ciso"]
    file.write_bytes(kept)
    elsewhere = Project(reread(tmp_path).declaration, tmp_path / "elsewhere")
    assert [d.person for d in traces(elsewhere, NOON).only_files] == ["ciso"]


def test_a_decision_that_is_back_dated_is_said(project: Project, tmp_path: Path) -> None:
    say(project, minutes=90)
    assert [e.stated.time for e in traces(reread(tmp_path), NOON).late] == ["2026-11-22T12:00:00Z"]


def test_nobody_decides_with_a_key_that_is_not_theirs(project: Project, tmp_path: Path) -> None:
    for key, person, word in ((MALLORY, "ciso", "none of"), (CISO, "alice", "none of"), (CISO, "bob", "no person")):
        with pytest.raises(UsageError, match=word):
            decide(project, key, kind="withdrawal", subject="a", digest="ab" * 32, person=person, reason="", at=NOON)
    with pytest.raises(UsageError, match="cannot be decided"):
        say(project, digest="AB")
    assert not (tmp_path / "decisions").exists()
    assert logged(project) == {}


def test_loosening_takes_a_signature_over_this_very_plan(project: Project, tmp_path: Path) -> None:
    signed = signed_approvals(project)
    assert signed is not None
    with pytest.raises(UsageError, match="nobody has signed") as error:
        refuse_loosening(PLAN, (PLAN.digest,), by="ada", at=NOON, signed=signed)
    assert error.value.fix.endswith(f"`assay approve {PLAN.digest} --as PERSON --key FILE`")

    for subject, digest in ((f"plans.{PLAN.digest}", "ab" * 32), ("plans.another", PLAN.fingerprint)):
        say(project, "policy-approval", subject=subject, digest=digest)
    assert not signed_approvals(reread(tmp_path))(PLAN, NOON)  # type: ignore[misc]

    made = say(project, "policy-approval", subject=f"plans.{PLAN.digest}", digest=PLAN.fingerprint)
    signed = signed_approvals(reread(tmp_path))
    (one,) = refuse_loosening(PLAN, (), by="ada", at=NOON, signed=signed)
    assert (one.by, one.plan, one.at) == ("ciso", PLAN.digest, NOON)
    assert one.decision in made.signed.file
    with pytest.raises(UsageError, match="approves another plan"):
        refuse_loosening(PLAN, ("0" * 16,), by="ada", at=NOON, signed=signed)


def test_nobody_applies_what_they_alone_approved(project: Project, tmp_path: Path) -> None:
    text = DECLARED.replace("{name: Carla, ", "{name: Carla, logins: [carla, c.roth], ")
    (tmp_path / "assay.yaml").write_text(text)
    project = reread(tmp_path)
    say(project, "policy-approval", subject=f"plans.{PLAN.digest}", digest=PLAN.fingerprint)
    for account in ("ciso", "c.roth"):
        signed = signed_approvals(reread(tmp_path), account)
        with pytest.raises(UsageError, match=f"`ciso` approved this and would apply it as `{account}`") as error:
            refuse_loosening(PLAN, (), by=account, at=NOON, signed=signed)
        assert error.value.location is not None
    assert refuse_loosening(PLAN, (), by="ada", at=NOON, signed=signed_approvals(reread(tmp_path), "ada"))
    say(project, "policy-approval", subject=f"plans.{PLAN.digest}", digest=PLAN.fingerprint, person="alice")
    signed = signed_approvals(reread(tmp_path), "ciso")
    assert [a.by for a in refuse_loosening(PLAN, (), by="ciso", at=NOON, signed=signed)] == ["alice"]


@pytest.mark.parametrize("login", ["shared", "ciso"])
def test_an_account_of_two_people_is_refused(tmp_path: Path, login: str) -> None:
    """It could not be told which of them applied."""
    text = DECLARED.replace("{name: Alice, ", f"{{name: Alice, logins: [{login}], ")
    (tmp_path / "assay.yaml").write_text(text.replace("{name: Carla, ", "{name: Carla, logins: [shared], "))
    with pytest.raises(DeclarationError, match=f"`{login}` is an account of") as error:
        load(tmp_path, environ={})
    assert error.value.location is not None


def test_without_people_a_typed_digest_is_enough(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("assay: 1\norganisation: {name: Shop}\n")
    assert signed_approvals(reread(tmp_path)) is None
    assert [a.by for a in refuse_loosening(PLAN, (PLAN.digest,), by="ada", at=NOON)] == ["ada"]
