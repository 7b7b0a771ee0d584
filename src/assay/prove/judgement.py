"""What a case tests, and what it concludes from what it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.domain import Outcome, Severity
from assay.prove.messages import RawSeen, Seen, Shaken


class NotReached(Exception):
    """The logic under test was not reached. The text says what was missing, for a person."""


@dataclass(frozen=True, slots=True)
class Test:
    """What a case tests: the ``proofs`` entry of a ``control.yaml``.

    ``id`` names the bad pattern; ``title`` states the good one. ``rows`` are the rows of the probe catalogue it covers.
    """

    control: str
    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    rows: tuple[str, ...] = ()

    __test__ = False  # not a test of pytest


@dataclass(frozen=True, slots=True)
class Judged:
    """What a case concludes.

    Attributes:
        decisive: number of the exchange that shows it; the report prints how to send it again.
        facts: figures for machines (``{"declared": 10, "passed": 10}``); they go into the evidence.
    """

    outcome: Outcome
    sentence: str
    decisive: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None


def held(sentence: str, by: Seen | RawSeen | Shaken | None = None, **facts: Any) -> Judged:
    """The control did what it claims, and it was seen to."""
    return Judged(Outcome.PASS, sentence, by.number if by else None, facts)


def broken(
    sentence: str, by: Seen | RawSeen | Shaken | None = None, *, severity: Severity | None = None, **facts: Any
) -> Judged:
    """The control did not do what it claims. The engine runs the case again before it reports this."""
    return Judged(Outcome.FAIL, sentence, by.number if by else None, facts, severity)


def unclear(sentence: str, by: Seen | RawSeen | Shaken | None = None, **facts: Any) -> Judged:
    """What was seen proves neither the one nor the other."""
    return Judged(Outcome.INCONCLUSIVE, sentence, by.number if by else None, facts)


def beside_the_point(sentence: str) -> Judged:
    """There is nothing here that the test speaks about, as was only seen while it ran."""
    return Judged(Outcome.NOT_APPLICABLE, sentence)
