"""Who is behind each version: what state, evidence log and version control say, and where they do not agree."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from tests.controls.conftest import SHOP
from tests.controls.governance.repositories import Work

from assay.app.git import source_of
from assay.app.history import History, Version, history
from assay.app.keeping import keep_application
from assay.app.project import Project, open_project
from assay.cli.history import as_json
from assay.decisions import sign
from assay.domain import Outcome
from assay.gateway import ir, state
from assay.gateway.assemble import Policy, assemble
from assay.gateway.envoy import Configuration
from assay.gateway.plan import Approval

DECLARATION = """\
assay: 1
organisation: {{name: Shop}}
environments: {{live: {{tier: production, issuer: {{url: https://login.example, audience: shop}}}}}}
apis:
  shop:
    {{owner: web, exposure: internal, environment: live, contract: shop.yaml, upstream: "http://10.0.0.1:8000",
     access: [{{roles: [clerk], operations: ["*"]}}]}}
consumers: {{till: {{kind: service, authenticate: {{oauth2: {{client: till}}}}, roles: [clerk]}}}}
people:
  ann: {{name: Ann, email: ann@shop.example, keys: ["{ann}"]}}
  bob: {{name: Bob, email: bob@shop.example, keys: ["{bob}"]}}
"""
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PLAN = hashlib.sha256(b"a plan").hexdigest()
BASE = {"control": "api_gateway", "source": "assay.yaml:3:5"}


def policy(port: int) -> Policy:
    return assemble([ir.Listener(**BASE, address="127.0.0.1", port=port), ir.AccessLog(**BASE)])


def configuration(version: str) -> Configuration:
    files: dict[str, dict[str, Any]] = {n: {"version_info": version, "resources": []} for n in state.LIVE_ORDER}
    return Configuration(version, {"node": {"id": "x"}}, files)


@dataclass
class Shop:
    """A project in a repository, to which policies are applied without a gateway."""

    work: Work

    @property
    def project(self) -> Project:
        return open_project(self.work.folder, environ={})

    @property
    def paths(self) -> state.Paths:
        return state.prepare(self.project.state, environ={})

    def commit(self, who: str = "ann", message: str = "change", *, sign: bool = True, **more: str) -> str:
        text = DECLARATION.format(ann=self.work.key("ann"), bob=self.work.key("bob"))
        files = {"assay_yaml": text, "shop_yaml": SHOP, "_gitignore": ".assay\ndecisions\n", **more}
        return self.work.commit(who, message, sign=sign, **files)

    def apply(self, *, record: bool = True, approvals: Iterable[Approval] = (), **more: Any) -> int:
        """As `assay apply` leaves it, at the test's own time."""
        number = len(state.numbers(self.paths)) + 1
        made = configuration(f"v{number}")
        meta = state.store(
            self.paths,
            policy(8000 + number),
            made,
            by="root",
            at=NOW,
            approvals=tuple(approvals),
            plan=PLAN[:16],
            **{"changes": {"loosening": 0, "tightening": 1, "neutral": 0}, **more},
        )
        applied = state.Applied(1, meta.number, meta.policy, f"{number:016}", NOW, files=state.digests(made))
        state.write_applied(self.paths, applied)
        if record:
            keep_application(self.project, applied, "applied", Outcome.PASS)
        return number

    def approve(self, who: str, at: datetime, digest: str = PLAN) -> str:
        """A decision file. Returns the decision's id."""
        key = load_ssh_private_key((self.work.keys / who).read_bytes(), None)
        made = sign(
            self.project.declaration,
            key,  # type: ignore[arg-type]
            kind="policy-approval",
            subject=f"plans.{PLAN[:16]}",
            digest=digest,
            person=who,
            reason="agreed",
            at=at,
        )
        file = self.work.folder / made.file
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(made.data)
        return hashlib.sha256(made.stated.payload).hexdigest()[:12]

    def history(self) -> History:
        return history(self.project, now=NOW + timedelta(hours=1), environ=self.work.environ)

    def version(self, number: int) -> Version:
        return next(v for v in self.history().versions if v.number == number)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("ASSAY_STATE", raising=False)
    work = Work(tmp_path / "shop", tmp_path / "keys")
    for name in ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, work.environ[name])
    return Shop(work)


def test_a_version_names_its_commit_and_who_signed_that(shop: Shop) -> None:
    commit = shop.commit()
    shop.apply()
    found = shop.version(1)
    assert found.recorded and (found.recorded.commit, found.recorded.clean) == (commit, True)
    assert found.review and (found.review.author, found.review.signed, found.eyes) == ("ann", True, "one")
    assert (found.live, found.whole, found.problems) == (True, True, ())


def test_a_signed_merge_or_a_signed_approval_by_another_shows_two_people(shop: Shop) -> None:
    shop.commit()
    shop.work.branch("change")
    shop.commit(other_txt="1", assay_yaml=(shop.work.folder / "assay.yaml").read_text() + "# more\n")
    shop.work.merge("bob", "change")
    shop.apply()
    assert (shop.version(1).eyes, shop.version(1).people) == ("two", ("ann", "bob"))


def test_a_signed_approval_counts_when_it_was_there_before(shop: Shop) -> None:
    shop.commit()
    shop.approve("bob", NOW - timedelta(minutes=5))
    shop.apply()
    found = shop.version(1)
    assert [(a.by, a.signed) for a in found.approvals] == [("bob", True)]
    assert (found.eyes, found.people) == ("two", ("ann", "bob"))


@pytest.mark.parametrize("how", ["later", "another plan", "typed", "file gone"])
def test_an_approval_that_does_not_count_shows_nobody(shop: Shop, how: str) -> None:
    shop.commit()
    at, digest, approvals = NOW - timedelta(minutes=5), PLAN, ()
    if how == "later":
        at = NOW + timedelta(minutes=5)
    if how == "another plan":
        digest = "0" * 64
    decision = shop.approve("bob", at, digest)
    if how in ("typed", "file gone"):
        shutil.rmtree(shop.work.folder / "decisions")
        approvals = (Approval(PLAN[:16], "bob", NOW, decision if how == "file gone" else ""),)
    shop.apply(approvals=approvals)
    found = shop.version(1)
    assert not any(a.signed for a in found.approvals)
    assert found.eyes == ("claimed" if approvals else "one")


def test_what_was_not_committed_nobody_has_signed(shop: Shop) -> None:
    shop.commit()
    file = shop.work.folder / "assay.yaml"
    file.write_text(file.read_text() + "# not committed\n")
    shop.approve("bob", NOW - timedelta(minutes=5))
    shop.apply()
    found = shop.version(1)
    assert found.recorded and found.recorded.clean is False
    assert found.eyes == "claimed"
    assert source_of(shop.project.declaration, shop.work.environ)["changed"] == ["assay.yaml"]


def test_a_version_that_no_record_speaks_of_is_a_problem(shop: Shop) -> None:
    shop.commit()
    shop.apply()
    shop.apply(record=False)
    shop.apply()
    found = {v.number: v.problems for v in shop.history().versions}
    assert found[1] == found[3] == ()
    assert found[2] == ("no record in the evidence log says that version 2 was applied",)


def test_a_version_from_before_the_log_is_older_and_no_problem(shop: Shop) -> None:
    shop.commit()
    shop.apply(record=False)
    shop.apply()
    assert (shop.version(1).older, shop.version(1).problems) == (True, ())


def test_a_note_that_was_edited_is_a_problem(shop: Shop) -> None:
    shop.commit()
    shop.apply()
    note = shop.paths.versions / "0001" / "meta.json"
    note.write_bytes(note.read_bytes().replace(b'"root"', b'"boot"'))
    assert shop.version(1).problems == ("the note of version 1 is not as it was when that was recorded",)


def test_a_version_that_was_removed_is_a_problem(shop: Shop) -> None:
    shop.commit()
    shop.apply()
    shop.apply()
    shutil.rmtree(shop.paths.versions / "0001")
    found = shop.version(1)
    assert found.problems == ("version 1 is in the evidence log, and not on the disk any more",)
    assert found.recorded and found.at == found.recorded.at


def test_a_commit_that_is_gone_is_told_and_shows_nobody(shop: Shop) -> None:
    shop.commit()
    shop.apply()
    first = shop.version(1).recorded
    shutil.rmtree(shop.work.folder / ".git")
    shop.work.__post_init__()
    shop.commit(message="begun again")
    assert first is not None
    assert shop.history().notes == (f"commit {first.commit[:12]} of version 1 is not in this repository",)
    assert (shop.version(1).problems, shop.version(1).eyes) == ((), "unknown")


def test_outside_version_control_it_says_so_and_goes_on(shop: Shop) -> None:
    shop.commit()
    shutil.rmtree(shop.work.folder / ".git")
    shop.apply()
    found = shop.history()
    assert found.notes == ("version control was not looked at: the declaration is in no git work tree",)
    assert found.versions[0].recorded and found.versions[0].recorded.source == "the declaration is in no git work tree"
    assert found.versions[0].eyes == "unknown"


def test_damage_is_told_and_never_raised(shop: Shop) -> None:
    shop.commit()
    shop.apply()
    for name in ("versions/0001/meta.json", "applied.json"):
        (shop.paths.gateway / name).write_bytes(b"{")
    (shop.project.state / "evidence" / "records.jsonl").write_bytes(b"{}\n")
    found = shop.history()
    assert found.versions[0].problems and len(found.notes) >= 1


def test_what_is_printed_names_everything_and_is_the_same_each_time(shop: Shop) -> None:
    shop.commit(message="change\n\nReviewed-by: Bob <bob@shop.example>")
    shop.apply()
    found = shop.history()
    said = json.loads(as_json(found, found.versions))
    assert said["version"] == 1 and said["more"] == 0
    (version,) = said["versions"]
    assert version["eyes"] == "claimed" and version["change"]["claimed_reviewers"] == ["Bob <bob@shop.example>"]
    assert version["change"]["signed_by"] == "ann" and version["changes"]["tightening"] == 1
    assert as_json(shop.history(), shop.history().versions) == as_json(found, found.versions)


def test_nothing_applied_is_no_error(shop: Shop) -> None:
    shop.commit()
    assert shop.history() == History()
