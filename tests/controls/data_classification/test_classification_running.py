"""On the running example: masks hold, and where they only observe, the raw values that callers read are found."""

from __future__ import annotations

import asyncio

import pytest
from tests.mutation.laboratory import Laboratory, laboratory
from tests.mutation.switches import observing

from assay.app.proving import Choice
from assay.domain import Outcome
from assay.prove.result import Proof

pytestmark = pytest.mark.integration
CHOICE = Choice(controls=("data_classification",), operations=("customer-data.getCustomer",))


async def _masks(lab: Laboratory) -> list[Proof]:
    proofs = await lab.prove(CHOICE)
    assert any(p.test.id == "payload-above-label" and p.verdict.outcome is Outcome.PASS for p in proofs.values())
    return [p for p in proofs.values() if p.test.id == "masked-value-readable"]


def test_masks_that_only_observe_are_found_and_the_readable_fields_named() -> None:
    async def run() -> None:
        async with laboratory() as lab:
            good = await _masks(lab)
            assert good
            assert {p.verdict.outcome for p in good} == {Outcome.PASS}, [p.verdict.sentence for p in good]
            await lab.weaken(declared=observing("data_exposure"))
            bad = await _masks(lab)
            assert {p.verdict.outcome for p in bad} == {Outcome.FAIL}, [p.verdict.sentence for p in bad]
            assert all("`customer.national_id` as it was written" in p.verdict.sentence for p in bad)

    asyncio.run(run())
