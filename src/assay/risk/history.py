"""What happened lately makes the same threat likelier: past incidents as floors under the likelihood factors.

The values are those of OWASP Risk Rating for what an incident shows. Somebody did it, so there is a reward (motive 4),
and the weakness is obvious to at least one (awareness 6). Twice is no accident: high reward (9), public knowledge (9).
As long as the cause is not mended, it was found (ease of discovery 7, easy) and used (ease of exploit 5, easy).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from assay.declare.model import PastIncident

WINDOW = timedelta(days=90)

_ONCE: Mapping[str, float] = {"motive": 4, "awareness": 6}
_AGAIN: Mapping[str, float] = {"motive": 9, "awareness": 9}
_OPEN: Mapping[str, float] = {"ease_of_discovery": 7, "ease_of_exploit": 5}


@dataclass(frozen=True, slots=True)
class Floor:
    """A factor is at least this, for the reason given."""

    value: float
    because: str


@dataclass(frozen=True, slots=True)
class Past:
    """What incidents say about one scenario: floors by factor, and which incidents (their places in the list)."""

    floors: Mapping[str, Floor] = field(default_factory=dict)
    incidents: tuple[int, ...] = ()


def recent(incident: PastIncident, today: date) -> bool:
    """Whether it counts: not longer ago than 90 days, and not ahead of the clock."""
    return today - WINDOW <= incident.date <= today


def past(threat: str, subjects: Collection[str], incidents: Sequence[PastIncident], today: date) -> Past:
    """The floors that incidents put under the factors of a scenario.

    Args:
        subjects: routes that the scenario strikes at: what it stands on, and its places.
    """
    hits = [
        (index, incident)
        for index, incident in enumerate(incidents)
        if incident.threat == threat and recent(incident, today) and strikes(incident.on, subjects)
    ]
    if not hits:
        return Past()
    still = [i for _, i in hits if i.closed is None or i.closed > today]
    floors: dict[str, Floor] = {}
    _raise(floors, _AGAIN if len(hits) > 1 else _ONCE, [i for _, i in hits], "")
    _raise(floors, _OPEN if still else {}, still, ", its cause not mended")
    return Past(floors, tuple(index for index, _ in hits))


def strikes(on: str | None, subjects: Collection[str]) -> bool:
    """Whether what happened at ``on`` happened to one of the routes, to something below one, or to what holds one.

    Below an API are its operations, not other APIs whose ids begin with its own and a dot.
    """
    if on is None or on in subjects:
        return True
    return any(on.startswith(f"{s}.operations.") or s.startswith(f"{on}.operations.") for s in subjects)


def _raise(floors: dict[str, Floor], values: Mapping[str, float], hits: Iterable[PastIncident], more: str) -> None:
    days = sorted({i.date.isoformat() for i in hits})
    told = ", ".join(days[-3:])
    for name, value in values.items():
        floors[name] = Floor(value, f"it happened ({told}){more}")
