"""Assessments made by hand, small enough to compute on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from assay.risk import formula, replay
from assay.risk.words import (
    Assessment,
    Effect,
    Factor,
    Factors,
    Origin,
    Place,
    PlaceRisk,
    Rating,
    Reading,
    Scenario,
    Threat,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = 86400.0
BOLA = Threat("broken-object-authorisation", "Somebody reads another's object", "…", "api", ("OWASP API1:2023",))
DOS = Threat("denial-of-service", "The API does not answer", "…", "api")
OVER = Threat("over-privileged-integration", "An integration may do more than it needs", "…", "account")
_NAMES = (
    ("skill", "motive", "opportunity", "size"),
    ("ease_of_discovery", "ease_of_exploit", "awareness", "intrusion_detection"),
    ("loss_of_confidentiality", "loss_of_integrity", "loss_of_availability", "loss_of_accountability"),
    ("financial_damage", "reputation_damage", "non_compliance", "privacy_violation"),
)


def factors(agent: float, vulnerability: float, technical: float, business: float) -> Factors:
    """Four groups whose four factors are alike."""
    groups = zip(_NAMES, (agent, vulnerability, technical, business), strict=True)
    return Factors(*(tuple(Factor(n, v, Origin.DERIVED, f"{n} as declared") for n in names) for names, v in groups))


def effect(
    control: str,
    *,
    tried: int = 40,
    failures: int = 0,
    capability: float = 0.95,
    kind: str = "preventive",
    domain: str = "",
    days: float | None = 1,
    age: float = 7,
    disproven: bool = False,
) -> Effect:
    """What a control is worth, measured ``days`` before NOW."""
    measured = None if days is None else NOW - timedelta(days=days)
    blank = Effect(
        control,
        kind,
        domain or control,
        capability,
        failures,
        tried,
        0,
        1.0,
        0,
        0,
        0,
        "",
        measured,
        ("ev-1",),
        age * DAY,
    )
    return replay.computed(blank, NOW, counts=not disproven)


def group(
    places: Sequence[str], effects: Sequence[Effect], start: Reading, *, exploited: Sequence[str] = ()
) -> PlaceRisk:
    """Places with what remains there."""
    evidenced = formula.reading(start, effects, exploited=bool(exploited))
    claimed = formula.reading(start, map(replay.claimed, effects))
    return PlaceRisk(tuple(places), evidenced, formula.rate(evidenced), tuple(effects), tuple(exploited), claimed)


def assessment(
    threat: Threat,
    subject: str,
    values: Factors,
    groups: Sequence[tuple[Sequence[str], Sequence[Effect], Sequence[str]]],
) -> Assessment:
    """The assessment of a scenario with these (places, effects, exploited)."""
    start = formula.inherent(values)
    made = [group(places, effects, start, exploited=exploited) for places, effects, exploited in groups]
    made.sort(key=lambda g: -g.evidenced.score)
    every = tuple(Place(p) for g in made for p in g.places)
    share = {r: sum(len(g.places) for g in made if g.rating is r) / max(1, len(every)) for r in Rating}
    return Assessment(
        Scenario(f"{threat.id}@{subject}", threat, subject, every, values),
        start,
        replay.worst((g.claimed for g in made), start),
        replay.worst((g.evidenced for g in made), start),
        tuple(made),
        {r: s for r, s in share.items() if s},
    )


_OPERATIONS = [f"apis.customer-data.operations.op{n}" for n in range(1, 7)]


def bola(*, tried: int = 40, bypassed: bool = True, days: float = 1) -> Assessment:
    """Four operations proven, one never tried, one with a way around (or not)."""
    held = effect("authorisation", tried=tried, days=days)
    groups: list[tuple[Sequence[str], Sequence[Effect], Sequence[str]]] = [
        (_OPERATIONS[:4], [held], ()),
        (_OPERATIONS[4:5], [effect("authorisation", tried=0, days=None)], ()),
    ]
    if bypassed:
        failed = effect("authorisation", tried=41, failures=1, disproven=True)
        said = "the record of c-1002 was read as c-1001 through op6"
        groups.append((_OPERATIONS[5:], [failed], (said,)))
    return assessment(BOLA, "apis.customer-data", factors(7, 7, 6, 8), groups)


def denial() -> Assessment:
    """Rate limits, measured long ago."""
    limits = effect("rate_limiting", tried=20, days=30, age=14)
    return assessment(DOS, "apis.customer-data", factors(7, 6, 4, 4), [(_OPERATIONS, [limits], ())])


def over() -> Assessment:
    """An account that nothing guards."""
    return assessment(OVER, "accounts.sync", factors(3, 3, 6, 5), [(["accounts.sync"], [], ())])


def later(days: float) -> datetime:
    """So many days after NOW."""
    return NOW + timedelta(days=days)
