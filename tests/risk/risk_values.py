"""Small makers of the values that a risk is computed from. The clock is at NOW."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay.assurance.facts import Measured
from assay.domain import Outcome, Severity
from assay.risk.assess import place_of
from assay.risk.facts import Evidence, Live, gather
from assay.risk.words import Factor, Factors, Origin, Place, Remedy, Scenario, Threat

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE = Live(NOW, "live")
DAY = 86400.0
BOLA = Threat("broken-object-authorisation", "Callers reach objects of others", "…", "operations")


def four(values: Sequence[float], group: str) -> tuple[Factor, ...]:
    return tuple(Factor(f"{group} {n}", v, Origin.GIVEN, "as given") for n, v in enumerate(values))


def factors(
    agent: Sequence[float], vulnerability: Sequence[float], technical: Sequence[float], business: Sequence[float]
) -> Factors:
    return Factors(four(agent, "a"), four(vulnerability, "v"), four(technical, "t"), four(business, "b"))


MIDDLE = factors([5, 5, 7, 6], [7, 7, 6, 8], [6, 5, 5, 7], [3, 5, 5, 5])


def remedy(control: str, kind: str = "preventive", capability: float = 0.95, **more: object) -> Remedy:
    made = Remedy(control, BOLA.id, kind, capability, "…", control, 1.0, 7 * DAY, (f"{control}-proof",))
    return replace(made, **more)  # type: ignore[arg-type]


def subject(name: str) -> str:
    return f"apis.shop.operations.{name}"


def place(name: str, guards: Mapping[str, str], also: Iterable[str] = ("apis.shop",)) -> Place:
    return place_of(subject(name), guards.items(), also)


def scenario(places: Iterable[Place], given: Factors = MIDDLE) -> Scenario:
    return Scenario(f"{BOLA.id}@apis.shop", BOLA, "apis.shop", tuple(places), given)


def fact(
    control: str, name: str, *, number: int = 0, days: float = 0, outcome: Outcome = Outcome.PASS, **more: object
) -> Measured:
    made = Measured(
        key=f"{control}/{name}/{number}",
        control=control,
        check=f"{control}-proof",
        subject=subject(name),
        identity="alice",
        outcome=outcome,
        severity=Severity.HIGH,
        sentence=f"{control} was seen to fail" if outcome is Outcome.FAIL else f"{control} held",
        at=NOW - timedelta(days=days),
        configuration="live",
        evidence=(f"{control}-{name}-{number}",),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def root(subject: str) -> str | None:
    return None if "gone" in subject else subject


def evidence(facts: Iterable[Measured], live: Live = LIVE) -> Evidence:
    return gather(facts, live, root)
