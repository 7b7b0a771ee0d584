"""Verdicts, facts and controls to judge objectives by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from assay.app.objectives import offers
from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied
from assay.domain import Location, Outcome, Severity, Verdict
from assay.frameworks.offered import Offered

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE = Applied(live="abc", wanted="abc")


@dataclass(frozen=True)
class Bench:
    """What the tests are made of."""

    now: datetime = NOW
    live: Applied = LIVE
    offers: Mapping[str, Offered] = field(default_factory=offers)

    def verdict(self, control: str, check: str, outcome: Outcome = Outcome.PASS, subject: str = "apis.shop") -> Verdict:
        return Verdict(
            control=control,
            check=check,
            subject=subject,
            outcome=outcome,
            sentence=f"{check} {outcome}",
            location=Location("assay.yaml"),
        )

    def fact(
        self,
        control: str,
        proof: str,
        outcome: Outcome = Outcome.PASS,
        where: str = "getOrder",
        *,
        hours: float = 1,
        excepted_by: str | None = None,
        configuration: str = "abc",
    ) -> Measured:
        subject = f"apis.shop.operations.{where}"
        return Measured(
            key=f"{control}/{proof}/{where}",
            control=control,
            check=proof,
            subject=subject,
            identity="alice",
            outcome=outcome,
            severity=Severity.HIGH,
            sentence=f"{proof} {outcome}",
            at=NOW - timedelta(hours=hours),
            configuration=configuration,
            excepted_by=excepted_by,
        )


@pytest.fixture(scope="session")
def bench() -> Bench:
    """The moment, the configuration that is applied, and the controls that there are."""
    return Bench()


@pytest.fixture
def facts() -> Callable[..., dict[str, Measured]]:
    """Facts by case."""
    return lambda *several: {f.key: f for f in several}
