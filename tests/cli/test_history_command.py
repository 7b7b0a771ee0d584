"""`assay history`: a table for people, one object for programs, and exit 3 where state and log do not agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.app.test_app_history import Shop
from tests.controls.governance.repositories import Work


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    work = Work(tmp_path / "shop", tmp_path / "keys")
    for name in ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, work.environ[name])
    found = Shop(work)
    found.commit(message="change\n\nReviewed-by: Bob <bob@shop.example>")
    monkeypatch.chdir(work.folder)
    return found


def test_people_see_who_applied_what_and_who_is_behind_it(assay, shop: Shop) -> None:
    shop.apply()
    shop.apply(changes={"loosening": 2, "tightening": 1, "neutral": 0})
    said = assay("history")
    assert (said.exit, said.err) == (0, "")
    head, second, first = said.out.splitlines()
    assert head.split() == ["version", "applied", "by", "change", "commit", "author", "seen", "by", "approved", "by"]
    assert second.startswith("2 live") and "2 loosening, 1 tightening" in second
    assert first.startswith("1 ") and "1 tightening" in first and "2026-07-01 12:00" in first
    assert "two, claimed" in first and "ann" in first


def test_older_versions_are_counted(assay, shop: Shop) -> None:
    shop.apply()
    shop.apply()
    said = assay("history", "--limit", "1")
    assert len(said.out.splitlines()) == 2
    assert "and 1 older" in said.err
    assert json.loads(assay("history", "--limit", "1", "--format", "json").out)["more"] == 1


def test_what_does_not_fit_together_exits_3_and_is_named(assay, shop: Shop) -> None:
    shop.apply()
    shop.apply(record=False)
    said = assay("history")
    assert said.exit == 3
    assert "problem no record in the evidence log says that version 2 was applied" in said.out
    assert assay("history", "--format", "json").json()["versions"][0]["problems"]


def test_without_version_control_the_rest_is_shown(assay, shop: Shop) -> None:
    shop.apply()
    shutil.rmtree(shop.work.folder / ".git")
    said = assay("history")
    assert said.exit == 0
    assert "version control was not looked at: the declaration is in no git work tree" in said.err


def test_nothing_applied_says_what_to_do(assay, shop: Shop) -> None:
    said = assay("history")
    assert (said.exit, said.out) == (0, "")
    assert "nothing was ever applied; `assay up` or `assay apply` does that" in said.err
