"""How long findings may wait: since they were reported or tested last, whichever was later."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from assay.controls.base import Context
from assay.controls.security_testing.design import design
from assay.declare.loader import load
from assay.domain import Verdict

TODAY = date(2026, 7, 1)
CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths: {/orders: {get: {operationId: listOrders, responses: {"200": {description: ok}}}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: test
    contract: shop.yaml
    upstream: http://10.0.0.1:8000
    pen_test: {last: 2026-01-01, by: internal, RETEST findings: [{file: f.jsonl, REPORTED fixed: [FIXED]}]}
"""


def judged(folder: Path, check: str, retest: str = "", reported: str = "", fixed: str = "") -> list[Verdict]:
    text = HEAD.replace("RETEST", f"retest: {retest}," if retest else "")
    text = text.replace("REPORTED", f"reported: {reported}," if reported else "").replace("FIXED", fixed)
    (folder / "assay.yaml").write_text(text)
    (folder / "shop.yaml").write_text(CONTRACT)
    found = {"template-id": "sqli", "info": {"name": "SQL", "severity": "high"}, "matched-at": "https://x.test/orders"}
    (folder / "f.jsonl").write_text(json.dumps(found) + "\n")
    context = Context(load(folder, environ={}), TODAY, frozenset())
    return [v for v in design(context) if v.check == check]


@pytest.mark.parametrize(
    ("dates", "outcome"),
    [
        ({}, "fail"),
        ({"retest": "2026-06-01"}, "pass"),
        ({"reported": "2026-06-01"}, "pass"),
        ({"retest": "2026-06-01", "reported": "2025-06-01"}, "pass"),
        ({"retest": "2025-06-01"}, "fail"),
        ({"retest": "2027-06-01"}, "fail"),
        ({"reported": "2027-06-01"}, "fail"),
    ],
    ids=[
        "never",
        "tested again",
        "just reported",
        "reported long ago and tested again",
        "tested before the test",
        "to be tested",
        "to come",
    ],
)
def test_a_finding_may_wait_for_so_long(tmp_path: Path, dates: dict[str, str], outcome: str) -> None:
    assert [str(v.outcome) for v in judged(tmp_path, "finding-not-retested", **dates)] == [outcome]


@pytest.mark.parametrize(
    ("retest", "outcome"),
    [("2026-06-01", "pass"), ("", "fail"), ("2025-06-01", "fail"), ("2027-06-01", "fail")],
    ids=["by a retest", "by nobody", "before it was found", "in the future"],
)
def test_only_a_retest_shows_that_something_is_mended(tmp_path: Path, retest: str, outcome: str) -> None:
    (verdict,) = judged(tmp_path, "imported-finding-open", retest=retest, fixed="sqli")
    assert str(verdict.outcome) == outcome
    assert verdict.location.line == 11
