"""What is wrong with a contract: remembered cheaply while reading, told with lines and columns only if asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.domain import Confidence, Fix, Location, Outcome, Severity, Verdict

if TYPE_CHECKING:
    from assay.declare.contract.documents import Documents

RELATED = 20
"""How many further places a grouped note lists."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of a contract.

    Attributes:
        group: problems with the same check and group are told once, with the number of places; the sentence must
            then be true of all of them.
        location: where, if it is known already (a syntax error has no pointer).
    """

    check: str
    file: str
    pointer: str
    sentence: str
    severity: Severity = Severity.MEDIUM
    fix: str = ""
    reason: str = ""
    group: str = ""
    location: Location | None = None


def as_verdicts(problems: Iterable[Problem], documents: Documents | None) -> tuple[Verdict, ...]:
    """Problems as verdicts, in the order they were found, groups merged, repetitions dropped."""
    merged: dict[tuple[str, ...], list[Problem]] = {}
    for problem in problems:
        if problem.group:
            key: tuple[str, ...] = (problem.check, problem.group)
        else:
            key = (problem.check, problem.file, problem.pointer, problem.sentence)
        merged.setdefault(key, []).append(problem)
    return tuple(_verdict(same, documents) for same in merged.values())


def _verdict(same: list[Problem], documents: Documents | None) -> Verdict:
    first = same[0]
    places = list(dict.fromkeys((p.file, p.pointer) for p in same))
    sentence = first.sentence
    if len(places) > 1:
        sentence = f"{sentence.rstrip('.')} ({len(places)} places)"
    return Verdict(
        control="contract",
        check=first.check,
        subject=f"{first.file}{first.pointer}",
        outcome=Outcome.FAIL,
        sentence=sentence,
        severity=first.severity,
        confidence=Confidence.HIGH,
        location=first.location or _place(documents, first.file, first.pointer),
        reason=first.reason,
        fix=Fix(first.fix) if first.fix else None,
        related=tuple(_place(documents, file, pointer) for file, pointer in places[1 : RELATED + 1]),
    )


def _place(documents: Documents | None, file: str, pointer: str) -> Location:
    return documents.locate(file, pointer) if documents else Location(file)
