"""What a run would do, before it does anything: cases chosen, counted and priced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.domain import UsageError, did_you_mean
from assay.prove.bounds import Limits
from assay.prove.case import Case, Family

_SECONDS_PER_REQUEST = 0.03
"""A loopback exchange and its share of waiting for the log, measured on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is going to be tried.

    Attributes:
        requests, writes: the most that will be sent.
        seconds: an estimate, never more than the run's bound.
        exceeds: what the cases ask beyond the bounds, in sentences; those cases would be skipped.
    """

    cases: tuple[Case, ...]
    by_control: Mapping[str, int]
    by_family: Mapping[Family, int]
    requests: int
    writes: int
    seconds: float
    exceeds: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1)."""
        return {
            "cases": len(self.cases),
            "by_control": dict(self.by_control),
            "by_family": {family.name.lower().replace("_", "-"): n for family, n in self.by_family.items()},
            "requests": self.requests,
            "writes": self.writes,
            "seconds": round(self.seconds, 1),
            "exceeds": list(self.exceeds),
        }


def summarise(cases: Sequence[Case], limits: Limits) -> Plan:
    """Counts and prices the cases within the bounds."""
    requests, writes = sum(c.requests for c in cases), sum(c.writes for c in cases)
    sending = max(requests / limits.per_second, requests * _SECONDS_PER_REQUEST / max(1, limits.concurrency))
    seconds = sending + sum(_waiting(family, cases) for family in Family)
    allowed, exceeds = limits.requests - limits.reserve, []
    if requests > allowed:
        exceeds.append(f"the cases may ask for {requests} requests, and the run sends {allowed} at most")
    if seconds > limits.seconds:
        exceeds.append(f"the cases may take {seconds:.0f} s, and the run takes {limits.seconds:g} s at most")
    return Plan(
        cases=tuple(cases),
        by_control=dict(Counter(c.test.control for c in cases)),
        by_family={family: n for family in Family if (n := sum(c.family is family for c in cases))},
        requests=requests,
        writes=writes,
        seconds=min(seconds, limits.seconds),
        exceeds=tuple(exceeds),
    )


def _waiting(family: Family, cases: Iterable[Case]) -> float:
    """Seconds of announced pauses: cases of one identity wait one after the other, others at the same time."""
    waits: Counter[str] = Counter()
    for case in cases:
        if case.family is family:
            waits[case.identity] += int(case.seconds + 0.999)
    return float(max(waits.values(), default=0))


def select(
    cases: Sequence[Case],
    *,
    controls: Collection[str] = (),
    operations: Collection[str] = (),
    identities: Collection[str] = (),
    ids: Collection[str] = (),
) -> tuple[Case, ...]:
    """The cases that match every selector that is given; ``operations`` are ``API.OPERATION``, ``ids`` case ids.

    Raises:
        UsageError: a selector matches nothing; the fix names what was probably meant.
    """
    chosen = tuple(cases)
    for words, known_as, what in (
        (controls, _control, "control"),
        (operations, _operation, "operation"),
        (identities, _identity, "identity"),
        (ids, _id, "case"),
    ):
        known = {known_as(case) for case in cases}
        for word in words:
            if word not in known:
                raise UsageError(
                    f"no case was planned for the {what} `{word}`", fix=did_you_mean(word, known, what=what)
                )
        if words:
            chosen = tuple(case for case in chosen if known_as(case) in words)
    return chosen


def _control(case: Case) -> str:
    return case.test.control


def _operation(case: Case) -> str:
    return f"{case.api}.{case.operation}" if case.operation else case.api


def _identity(case: Case) -> str:
    return case.identity


def _id(case: Case) -> str:
    return case.id
