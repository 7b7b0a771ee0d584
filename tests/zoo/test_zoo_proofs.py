"""What the prover is worth: it finds the flaws of the zoo, each by name and place."""

from __future__ import annotations

import pytest
from tests.zoo import proofs
from tests.zoo.flaws import catalogue, find
from tests.zoo.services import DEFINITIONS

from assay.domain import Outcome

GROUPS = [(service, number) for service in DEFINITIONS for number in range(len(proofs.groups(service)))]


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(("service", "number"), GROUPS)
def test_flaws_are_detected_where_they_are(service: str, number: int) -> None:
    group = proofs.groups(service)[number]
    result = proofs.attack(service, [flaw.id for flaw in group], chosen=proofs.concerning(group))
    missed = {found.flaw.id for found in proofs.detections(group, result) if not found.by and not _open(found)}
    assert missed == {flaw.id for flaw in group} & set(proofs.UNDETECTED), "not as UNDETECTED says"
    assert proofs.alarms(result, group) == []


@pytest.mark.integration
def test_a_case_that_runs_alone_finds_what_it_finds_among_others() -> None:
    """An order names a product: which there are must be looked up, and not known by chance from another case."""
    case = "data_exposure/property-set-by-caller/shop.createOrder/alice"
    flaw = find("mass-assignment-owner")
    result = proofs.attack(flaw.service, [flaw.id], chosen=lambda each: each.id == case)
    assert [p.verdict.outcome for p in result.proofs] == [Outcome.FAIL], result.proofs[0].verdict.sentence


def _open(found: proofs.Detection) -> bool:
    """Whether a flaw that only time shows was left open, as it must be when the machine has no time to measure it."""
    return found.flaw.id in proofs.BY_TIME and all(p.verdict.outcome is Outcome.INCONCLUSIVE for p in found.asked)


def test_what_is_not_detected_is_listed_with_a_reason() -> None:
    assert set(proofs.UNDETECTED) <= {flaw.id for flaw in catalogue()}
    assert all(proofs.UNDETECTED.values())


def test_no_finding_can_be_taken_for_that_of_another_flaw() -> None:
    for service in DEFINITIONS:
        grouped = [flaw.id for group in proofs.groups(service) for flaw in group]
        assert sorted(grouped) == sorted(flaw.id for flaw in catalogue() if flaw.service == service)
