"""A run takes away what it made: its own objects, and those that attacks made by the way."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from assay.app.aiming import at_project
from assay.app.proving import Choice, proven
from assay.demo.stage import staged
from assay.domain import Outcome
from assay.prove.bounds import Limits
from assay.prove.result import RunResult

LIMITS = Limits(requests=3000, per_second=600, seconds=180.0, wait=15.0)
CHOICE = Choice(
    controls=("authorisation", "input_validation", "data_exposure"),
    operations=("customer-data.createCustomer", "customer-data.createOrder"),
)


def rows(store: Path) -> dict[str, int]:
    with sqlite3.connect(store) as opened:
        return {t: opened.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("customers", "orders")}  # noqa: S608 - two fixed names


def made(result: RunResult) -> int:
    """Objects that calls of cases made, beside the ones that were made for them."""
    sent = (e for p in result.proofs for e in p.exchanges)
    return sum(e.method == "POST" and e.status == 201 and not e.purpose.startswith("sets the scene") for e in sent)


@pytest.mark.integration
def test_a_store_holds_after_a_run_what_it_held_before() -> None:
    async def go() -> tuple[dict[str, int], dict[str, int], RunResult]:
        async with staged("sqlite", emit=lambda _: None) as stage:
            store = next(stage.directory.rglob("customers.sqlite3"))
            before = rows(store)
            result = await proven(at_project(stage.project, environ=stage.environ), CHOICE, LIMITS)
            return before, rows(store), result

    before, after, result = asyncio.run(go())
    assert sum(p.verdict.outcome is Outcome.PASS for p in result.proofs) > len(result.proofs) / 2
    assert made(result) >= 10, "otherwise this shows nothing"
    assert after == before
    assert result.left == ()
