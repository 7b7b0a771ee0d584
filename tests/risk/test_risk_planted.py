"""A broken ownership check, planted in a running gateway: *Note* claimed, *High* shown; mended and proven, it falls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.mutation import laboratory as mutation
from tests.mutation.laboratory import BOUNDS, Laboratory, laboratory
from tests.mutation.switches import routes

from assay.app.aiming import at_project
from assay.app.proving import Choice, cases_of, kept, proven
from assay.app.risk import Assessed, assessed
from assay.app.stack import prepare_project
from assay.risk.assess import evaluate
from assay.risk.formula import rate
from assay.risk.words import Assessment, PlaceRisk, Rating

SCENARIO = "broken-object-authorisation@apis.customer-data"
PLANTED = "apis.customer-data.operations.getCustomer"
CHECKS = frozenset(
    {
        *("foreign-object-read", "foreign-object-changed", "foreign-child-under-own-parent", "identity-header-trusted"),
        *("path-header-trusted", "call-without-credential", "field-shown-in-clear", "undeclared-property-sent"),
        *("call-from-refused-network", "forged-address-believed"),
    }
)
"""Proofs that speak about this threat and take no time."""


def _no_owner(files: Mapping[str, Any]) -> None:
    """Takes the comparison of owners out of what Envoy is given for one operation, behind Assay's back."""
    planted = 0
    for route in routes(dict(files)):
        if "getCustomer" in str(route.get("name", "")):
            planted += _without(route, "condition")
    assert planted, "nothing was planted"


def _without(node: Any, key: str) -> int:
    if isinstance(node, dict):
        return int(node.pop(key, None) is not None) + sum(_without(value, key) for value in node.values())
    return sum(_without(value, key) for value in node) if isinstance(node, list) else 0


async def _proven(lab: Laboratory) -> Assessed:
    aim = at_project(lab.good, environ=lab.environ)
    choice = Choice(cases=[case.id for case in cases_of(aim, Choice()) if case.test.id in CHECKS])
    result = await proven(aim, choice, replace(BOUNDS, wait=2.0))
    await asyncio.to_thread(kept, aim, result)
    return assessed(lab.good, datetime.now(UTC))


def _of(found: Assessed) -> Assessment:
    return next(a for a in found.assessments if a.scenario.id == SCENARIO)


def _at(found: Assessment, place: str) -> PlaceRisk:
    return next(g for g in found.groups if place in g.places)


@pytest.mark.integration
def test_a_planted_flaw_is_note_as_claimed_and_high_as_shown_and_falls_once_it_is_mended_and_proven(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is applied must be what is declared, or nothing would be earned: here without the shorter patience.
    monkeypatch.setattr(mutation, "_prepared", prepare_project)

    async def story() -> tuple[Assessed, Assessed, Assessed]:
        async with laboratory() as lab:
            await lab.weaken(compiled=_no_owner)
            planted = await _proven(lab)
            await lab.weaken()
            mended_unproven = assessed(lab.good, datetime.now(UTC))
            return planted, mended_unproven, await _proven(lab)

    planted, unproven, mended = asyncio.run(story())
    before, between, after = _of(planted), _of(unproven), _of(mended)
    assert rate(before.claimed) is Rating.NOTE
    assert rate(before.evidenced) is Rating.HIGH
    assert _at(before, PLANTED).exploited
    assert rate(between.evidenced) is Rating.HIGH, "mending alone shows nothing"
    assert not _at(after, PLANTED).exploited
    assert rate(after.evidenced) in (Rating.NOTE, Rating.LOW)
    assert after.evidenced.score < before.evidenced.score - 5
    assert after.claimed == before.claimed and after.inherent == before.inherent

    # And it rises again by itself when nobody tests.
    later = datetime.now(UTC) + timedelta(days=90)
    aged = evaluate(mended.board.prepared[SCENARIO], later)
    assert _at(aged, PLANTED).rating in (Rating.HIGH, Rating.CRITICAL)
