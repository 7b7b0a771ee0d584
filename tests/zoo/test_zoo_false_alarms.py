"""What the prover is worth: it leaves the safe twins of the zoo alone."""

from __future__ import annotations

import pytest
from tests.zoo import proofs
from tests.zoo.services import DEFINITIONS

from assay.domain import Outcome

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.mark.parametrize("service", list(DEFINITIONS))
def test_a_safe_service_is_given_no_false_alarm(service: str) -> None:
    result = proofs.attack(service)
    assert proofs.alarms(result) == []
    passed = sum(proof.verdict.outcome is Outcome.PASS for proof in result.proofs)
    assert passed > len(result.proofs) * 0.7, "a run that reaches nothing raises no false alarm either"
    assert result.stopped == ""
