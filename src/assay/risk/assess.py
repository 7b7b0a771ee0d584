"""From scenarios, remedies and evidence to what remains at risk.

Two steps, because one of them depends on the clock alone: ``prepare`` finds which results speak about which place,
``evaluate`` says what they are worth at a moment. A :class:`Board` keeps both for the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.risk.evaluate import RANK, Evaluated, badness, evaluate, evaluated
from assay.risk.facts import Evidence
from assay.risk.prepare import Prepared, prepare, renewed
from assay.risk.uncollected import uncollected
from assay.risk.words import Assessment, Place, Remedy, Scenario

__all__ = [
    "RANK",
    "Board",
    "Prepared",
    "against",
    "assess",
    "board",
    "evaluate",
    "place_of",
    "prepare",
    "refreshed",
    "worst_first",
]


def assess(scenarios: Iterable[Scenario], remedies: Iterable[Remedy], evidence: Evidence) -> tuple[Assessment, ...]:
    """Every scenario at the moment of the evidence, the worst first."""
    return board(scenarios, remedies, evidence).assessments


def against(remedies: Iterable[Remedy]) -> Mapping[str, tuple[Remedy, ...]]:
    """Remedies by the threat they are against, each control's in one order."""
    found: dict[str, list[Remedy]] = defaultdict(list)
    for remedy in sorted(remedies, key=lambda r: (r.threat, r.control, r.kind)):
        found[remedy.threat].append(remedy)
    return {threat: tuple(some) for threat, some in found.items()}


def worst_first(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """By rating, then score, then id."""
    return tuple(sorted(assessments, key=lambda a: (*badness(a.evidenced), a.scenario.id)))


@dataclass(frozen=True)
class Board:
    """Every scenario as it stands, with what is needed to bring it up to date quickly. Made by :func:`board`."""

    evidence: Evidence
    remedies: Mapping[str, tuple[Remedy, ...]]
    prepared: Mapping[str, Prepared]
    assessed: Mapping[str, Assessment]
    about: Mapping[str, tuple[str, ...]] = field(repr=False)
    known: Mapping[str, Evaluated] = field(repr=False)

    @property
    def assessments(self) -> tuple[Assessment, ...]:
        """The worst first."""
        return worst_first(self.assessed.values())


@uncollected()
def board(scenarios: Iterable[Scenario], remedies: Iterable[Remedy], evidence: Evidence) -> Board:
    """The same as :func:`assess`, kept for what comes next."""
    by_threat = against(remedies)
    prepared = {
        s.id: prepare(s, by_threat.get(s.threat.id, ()), evidence) for s in sorted(scenarios, key=lambda s: s.id)
    }
    about: dict[str, list[str]] = defaultdict(list)
    for id, one in prepared.items():
        for subject in dict.fromkeys(s for p in one.scenario.places for s in (p.subject, *p.also)):
            about[subject].append(id)
    known = {id: evaluated(one, evidence.live.now) for id, one in prepared.items()}
    assessed = {id: one.assessment for id, one in known.items()}
    return Board(evidence, by_threat, prepared, assessed, {s: tuple(ids) for s, ids in about.items()}, known)


@uncollected()
def refreshed(before: Board, evidence: Evidence, changed: Iterable[str]) -> Board:
    """The board with other evidence (see :func:`assay.risk.facts.extended`), at the moment of that evidence.

    Prepared anew is only what something changed about; evaluated anew, besides, what time alone has changed.
    """
    now, then = evidence.live.now, before.evidence.live.now
    touched: dict[str, set[str]] = defaultdict(set)
    for subject in changed:
        for id in before.about.get(subject, ()):
            touched[id].add(subject)
    prepared, assessed, known = dict(before.prepared), dict(before.assessed), dict(before.known)
    for id, subjects in touched.items():
        remedies = before.remedies.get(prepared[id].scenario.threat.id, ())
        prepared[id] = renewed(prepared[id], remedies, before.evidence, evidence, subjects)
    for id, one in before.assessed.items():
        same = now >= then and (one.changes is None or now <= one.changes)
        if not same or prepared[id] is not before.prepared[id]:
            known[id] = evaluated(prepared[id], now, before.known[id])
            assessed[id] = known[id].assessment
    return Board(evidence, before.remedies, prepared, assessed, before.about, known)


def place_of(subject: str, guards: Iterable[tuple[str, str]] = (), also: Iterable[str] = ()) -> Place:
    """A place with its guards in the order that makes equal places equal."""
    return Place(subject, tuple(sorted(guards)), tuple(also))
