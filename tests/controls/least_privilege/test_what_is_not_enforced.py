"""An account is not narrowed by what only watches, and days to come say nothing."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from assay.controls.base import Context
from assay.controls.least_privilege.design import design
from assay.declare.loader import load
from assay.domain import Outcome, Verdict

HERE = Path(__file__).parent


def judged(tmp_path: Path, old: str, new: str, subject: str, check: str) -> Verdict:
    for name in ("shop.yaml", "rights.csv"):
        shutil.copy(HERE / name, tmp_path / name)
    text = (HERE / "good.in.yaml").read_text()
    assert old in text
    (tmp_path / "assay.yaml").write_text(text.replace(old, new, 1))
    found = design(Context(load(tmp_path, environ={}), date(2026, 6, 30), frozenset()))
    return next(v for v in found if (v.subject, v.check) == (subject, check))


@pytest.mark.parametrize(
    ("observed", "said"),
    [("authorisation", "may also call"), ("rate_limiting", "no limit"), ("network_ranges", "no network range")],
)
def test_what_only_watches_narrows_nothing(tmp_path: Path, observed: str, said: str) -> None:
    old, subject = "    backed_by: [crm]\n", "accounts.narrowed.narrowed_by"
    assert judged(tmp_path, old, old, subject, "excess-not-narrowed").outcome is Outcome.PASS
    found = judged(tmp_path, old, f"{old}    observe: [{observed}]\n", subject, "excess-not-narrowed")
    assert found.outcome is Outcome.FAIL and said in found.sentence


def test_an_account_that_was_used_in_the_future_is_not_known_to_be_used(tmp_path: Path) -> None:
    found = judged(tmp_path, "last_used: 2026-06-20", "last_used: 2062-06-20", "accounts.by-hand", "dormant-account")
    assert found.outcome is Outcome.INCONCLUSIVE and "yet to come" in found.sentence
