"""Where review is required, the last change of each file is judged by what its signatures show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.controls.conftest import SHOP
from tests.controls.governance.repositories import Work

from assay.controls.base import Context
from assay.controls.governance.design import design
from assay.declare.loader import load
from assay.domain import Outcome, Verdict

TODAY = date(2026, 7, 1)
HEAD = """\
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
governance: {governance}
"""
BOTH = "{reviews: required, signatures: required}"
REVIEW, SIGNED, KNOWN = "change-without-second-person", "change-unsigned", "declaration-outside-version-control"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return Work(tmp_path / "shop", tmp_path / "keys")


def written(work: Work, governance: str = BOTH) -> dict[str, str]:
    text = HEAD.format(ann=work.key("ann"), bob=work.key("bob"), governance=governance)
    return {"assay_yaml": text, "shop_yaml": SHOP}


def judged(work: Work) -> dict[str, Verdict]:
    declaration = load(work.folder, environ={})
    found = list(design(Context(declaration, TODAY, frozenset({"governance"}))))
    return {v.check: v for v in found if v.subject == "governance"}


def outcomes(work: Work) -> dict[str, str]:
    return {check: str(v.outcome) for check, v in judged(work).items() if check != "production-changed-by-one"}


def reviewed(work: Work) -> None:
    """Everything committed by Ann on a branch, brought in by Bob, both signing."""
    work.commit("ann", "begin", _gitignore=".assay\n")
    work.branch("change")
    work.commit("ann", **written(work))
    work.merge("bob", "change")


def test_signed_by_one_and_merged_by_another_passes(work: Work) -> None:
    reviewed(work)
    assert outcomes(work) == {KNOWN: "pass", REVIEW: "pass", SIGNED: "pass"}
    assert judged(work)["production-changed-by-one"].outcome is Outcome.PASS


def test_a_change_of_the_contract_alone_is_a_change(work: Work) -> None:
    reviewed(work)
    work.commit("ann", shop_yaml=SHOP + "# more\n")
    found = judged(work)
    assert outcomes(work) == {KNOWN: "pass", REVIEW: "fail", SIGNED: "pass"}
    assert found[REVIEW].location.file.endswith("shop.yaml")
    assert "nobody but ann has seen the last change" in found[REVIEW].sentence


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda w: w.commit("eve", **written(w)), {KNOWN: "pass", REVIEW: "fail", SIGNED: "fail"}),
        (lambda w: w.commit("ann", sign=False, **written(w)), {KNOWN: "pass", REVIEW: "fail", SIGNED: "fail"}),
        (
            lambda w: w.commit("ann", "x\n\nReviewed-by: Bob <bob@shop.example>", **written(w)),
            {KNOWN: "pass", REVIEW: "inconclusive", SIGNED: "pass"},
        ),
    ],
    ids=["by somebody who is not declared", "unsigned", "with a reviewer who is merely named"],
)
def test_what_one_person_did_does_not_pass(work: Work, change: Callable[[Work], str], expected: dict[str, str]) -> None:
    change(work)
    assert outcomes(work) == expected


def test_what_is_not_committed_is_named_and_nobody_has_signed_it(work: Work) -> None:
    reviewed(work)
    (work.folder / "assay.yaml").write_text((work.folder / "assay.yaml").read_text() + "# later\n")
    found = judged(work)
    assert outcomes(work) == {KNOWN: "fail", REVIEW: "inconclusive", SIGNED: "inconclusive"}
    assert "assay.yaml" in found[KNOWN].sentence and found[KNOWN].location.file.endswith("assay.yaml")


def test_without_a_repository_it_is_found_and_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    work = Work(tmp_path / "elsewhere", tmp_path / "keys")
    (tmp_path / "shop").mkdir()
    for name, text in written(work).items():
        (tmp_path / "shop" / name.replace("_", ".")).write_text(text)
    work.folder = tmp_path / "shop"
    assert outcomes(work) == {KNOWN: "fail", REVIEW: "inconclusive", SIGNED: "inconclusive"}


def test_without_git_nothing_can_be_told(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed(work)
    monkeypatch.setenv("PATH", str(work.keys))
    assert outcomes(work) == {KNOWN: "inconclusive", REVIEW: "inconclusive", SIGNED: "inconclusive"}
    assert "git is not installed here" in judged(work)[KNOWN].sentence


def test_a_history_that_was_cut_off_shows_nothing(work: Work, tmp_path: Path) -> None:
    reviewed(work)
    work.commit("ann", "beside", other_txt="1")
    work.git("clone", "-q", "--depth", "1", f"file://{work.folder}", str(tmp_path / "clone"))
    work.folder = tmp_path / "clone"
    assert outcomes(work) == {KNOWN: "pass", REVIEW: "inconclusive", SIGNED: "inconclusive"}
    assert "git fetch --unshallow" in judged(work)[REVIEW].sentence


def test_git_is_not_even_run_where_nothing_asks_for_it(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    work.commit("ann", **written(work, "{longest_exception: 90d}"))

    def run(*_: object, **__: object) -> None:
        raise AssertionError("git was run")

    monkeypatch.setattr("subprocess.run", run)
    assert outcomes(work) == {}
    assert judged(work)["production-changed-by-one"].outcome is Outcome.FAIL


def test_every_verdict_that_needs_somebody_says_where_and_how(work: Work) -> None:
    work.commit("eve", **written(work))
    for verdict in judged(work).values():
        if verdict.is_finding:
            assert verdict.fix and verdict.fix.sentence and Path(verdict.location.file).is_file()
