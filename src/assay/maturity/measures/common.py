"""What measures share: how proofs stand behind a value, and how shares are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from assay.assurance.facts import Measured
from assay.declare.quantities import parse_duration
from assay.domain import Outcome
from assay.maturity.facts import Facts
from assay.maturity.words import Found

Arguments = Mapping[str, Any]
Measure = Callable[[Facts, Arguments], Found]


def nothing(sentence: str, *, awaits: bool = False) -> Found:
    """It could not be measured, for this reason; ``awaits``: it could be if proofs were run."""
    return Found(None, sentence, awaits=awaits)


def unproven(facts: Facts, proofs: Iterable[str]) -> Found:
    """Nothing was concluded by these proofs: because none was run, none has a case here, or none came to an end."""
    if not facts.runs:
        return nothing("nothing of it was tested on the running system yet", awaits=True)
    due = facts.due(proofs)
    if not due:
        return nothing("no kept run has a case for it")
    return nothing(f"{len(due)} proofs came to no conclusion: {due[0].sentence}", awaits=True)


def resolved(facts: Facts, proofs: Sequence[str]) -> frozenset[str]:
    """The subjects of which all these proofs held: what the declaration could not say of them is known by that."""
    shown = facts.concluded(proofs)
    return frozenset(f.subject for f in shown) - {f.subject for f in failed(shown)}


def names(arguments: Arguments, key: str) -> tuple[str, ...]:
    """A list of names that a measure is told."""
    return tuple(arguments.get(key) or ())


def seconds(arguments: Arguments, key: str) -> float:
    """A duration that a measure is told."""
    return float(parse_duration(str(arguments[key])))


def share(good: int, of: int) -> float:
    """A share of something that there is."""
    return good / of


def many(count: int, plural: str) -> str:
    """``3 accounts``, ``1 account``; ``1 operation on an object``."""
    return f"{count:,} {plural}" if count != 1 else "1 " + re.sub(r"s\b", "", plural, count=1)


def are(count: int) -> str:
    """``is as it should be`` of one, ``are as they should be`` of several."""
    return "is as it should be" if count == 1 else "are as they should be"


def percent(value: float) -> str:
    """``97%``; never rounded up to all, nor down to nothing."""
    shown = round(100 * value, 1)
    if shown >= 100 and value < 1:
        shown = 99.9
    if shown <= 0 and value > 0:
        shown = 0.1
    return f"{shown:g}%"


def oldest(facts: Iterable[Measured]) -> datetime | None:
    """When the oldest of them was measured."""
    return min((f.at for f in facts), default=None)


def evidence(facts: Iterable[Measured]) -> tuple[str, ...]:
    """The records behind them, none twice."""
    return tuple(dict.fromkeys(e for f in facts for e in f.evidence))


def failed(facts: Iterable[Measured], *, accepted: bool = False) -> tuple[Measured, ...]:
    """Those that failed; ``accepted``: what an exception covers does not count as failed."""
    return tuple(f for f in facts if f.outcome is Outcome.FAIL and not (accepted and f.excepted_by))


def backed(facts: Facts, found: Found, proofs: Sequence[str], *, accepted: bool = False) -> Found:
    """A value from the declaration, with what proofs on the running system say about it.

    All of them held: it is proven. One failed: the system contradicts the declaration, which is then worth no more than
    having been written.
    """
    if found.value is None or not proofs:
        return found
    shown = facts.concluded(proofs)
    if not shown:
        missing = unproven(facts, proofs)
        return replace(found, sentence=f"{found.sentence}; {missing.sentence}", awaits=missing.awaits)
    bad = failed(shown, accepted=accepted)
    open_ = len(facts.due(proofs)) - len(shown)
    told = f"{len(bad)} of {len(shown)} proofs contradict it" if bad else _held(len(shown), open_)
    return replace(
        found,
        sentence=f"{found.sentence}; {told}",
        # A part of the proofs, such as those of one operation, does not stand for all.
        proven=not bad and not open_,
        contradicted=bool(bad),
        awaits=bool(open_) and not bad,
        at=oldest(shown),
        evidence=evidence(shown),
        age=facts.age_of(proofs),
        todo=tuple(dict.fromkeys((*found.todo, *(f.subject for f in bad)))),
    )


def _held(count: int, open_: int) -> str:
    if open_:
        return f"{count} of {count + open_} proofs held, the others came to no conclusion"
    return "the only proof held" if count == 1 else f"all {count} proofs held"
