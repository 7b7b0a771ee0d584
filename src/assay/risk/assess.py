"""From scenarios, remedies and evidence to what remains at risk.

Two steps, because one of them depends on the clock alone: :func:`prepare` finds which results speak about which place,
:func:`evaluate` says what they are worth at a moment. A :class:`Board` keeps the first for the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from assay.assurance.facts import Measured
from assay.domain import Outcome
from assay.risk.effects import Counted, Pool, counted, effect
from assay.risk.facts import Evidence
from assay.risk.formula import inherent, rate, reading, remaining
from assay.risk.words import Assessment, Effect, Place, PlaceRisk, Rating, Reading, Remedy, Scenario

RANK = {rating: position for position, rating in enumerate(Rating)}
"""Ratings as numbers, rising."""

_Key = tuple[str, str]
"""A control, and the digest of what enforces it (or the one place that stands alone)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Places that share everything their risk depends on."""

    places: tuple[str, ...]
    pools: tuple[_Key, ...]
    failed_here: tuple[Measured | None, ...]
    exploited: tuple[str, ...]
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario with the results that speak about it. Depends on no clock."""

    scenario: Scenario
    remedies: Mapping[str, Remedy]
    pools: Mapping[_Key, Pool]
    groups: tuple[Group, ...]


def assess(scenarios: Iterable[Scenario], remedies: Iterable[Remedy], evidence: Evidence) -> tuple[Assessment, ...]:
    """Every scenario at the moment of the evidence, the worst first."""
    by_threat = against(remedies)
    found = [
        evaluate(prepare(s, by_threat.get(s.threat.id, ()), evidence), evidence.live.now)
        for s in sorted(scenarios, key=lambda s: s.id)
    ]
    return worst_first(found)


def against(remedies: Iterable[Remedy]) -> Mapping[str, tuple[Remedy, ...]]:
    """Remedies by the threat they are against, each control's in one order."""
    found: dict[str, list[Remedy]] = defaultdict(list)
    for remedy in sorted(remedies, key=lambda r: (r.threat, r.control, r.kind)):
        found[remedy.threat].append(remedy)
    return {threat: tuple(some) for threat, some in found.items()}


def worst_first(assessments: Iterable[Assessment]) -> tuple[Assessment, ...]:
    """By rating, then score, then id."""
    return tuple(sorted(assessments, key=lambda a: (*_badness(a.evidenced), a.scenario.id)))


def _badness(found: Reading) -> tuple[int, float]:
    return -RANK[rate(found)], -found.score


def prepare(scenario: Scenario, remedies: Sequence[Remedy], evidence: Evidence) -> Prepared:
    """Which results speak about which of a scenario's places."""
    return _Preparing(scenario, remedies, evidence).prepared()


@dataclass(slots=True)
class _Said:
    """What results say of one remedy: about one subject, or several together."""

    passed: list[Measured] = field(default_factory=list)
    failed: list[Measured] = field(default_factory=list)


_NOTHING = _Said()


class _Preparing:
    def __init__(self, scenario: Scenario, remedies: Sequence[Remedy], evidence: Evidence) -> None:
        self._scenario, self._evidence = scenario, evidence
        self._remedies = {r.control: r for r in remedies}
        self._around: dict[tuple[str, ...], Mapping[str, _Said]] = {}

    def prepared(self) -> Prepared:
        places = sorted(self._scenario.places, key=lambda p: p.subject)
        gathered: dict[_Key, dict[str, Measured]] = defaultdict(dict)
        groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
        known: dict[tuple[object, ...], Group] = {}
        for place in places:
            own, around = self._said((place.subject,)), self._shared(place.also)
            pools = tuple((c, digest or f"at {place.subject}") for c, digest in place.guards if c in self._remedies)
            for key in pools:
                into = gathered[key]
                for said in (own.get(key[0], _NOTHING), around.get(key[0], _NOTHING)):
                    into.update((fact.key, fact) for fact in said.passed)
                    into.update((fact.key, fact) for fact in said.failed)
            failed = tuple(_first(own, around, control) for control, _ in pools)
            exploits = self._exploits(own, around)
            key_of = (pools, tuple(f.key if f else "" for f in failed), tuple(f.key for f in exploits))
            groups[key_of].append(place.subject)
            if key_of not in known:
                exploited = tuple(dict.fromkeys(f.sentence for f in exploits))
                accepted = tuple(dict.fromkeys(f.excepted_by for f in exploits if f.excepted_by))
                known[key_of] = Group((), pools, failed, exploited, accepted)
        return Prepared(
            self._scenario,
            self._remedies,
            {key: _pool(facts.values()) for key, facts in gathered.items()},
            tuple(
                Group(tuple(subjects), g.pools, g.failed_here, g.exploited, g.accepted)
                for g, subjects in ((known[k], groups[k]) for k in groups)
            ),
        )

    def _shared(self, subjects: tuple[str, ...]) -> Mapping[str, _Said]:
        if subjects not in self._around:
            self._around[subjects] = self._said(subjects)
        return self._around[subjects]

    def _said(self, subjects: tuple[str, ...]) -> Mapping[str, _Said]:
        found: dict[str, _Said] = {}
        for subject in subjects:
            about = self._evidence.about.get(subject)
            if not about:
                continue
            for control, remedy in self._remedies.items():
                for proof in remedy.proofs:
                    facts = about.get((control, proof))
                    if facts:
                        said = found.setdefault(control, _Said())
                        for fact in facts:
                            (said.failed if fact.outcome is Outcome.FAIL else said.passed).append(fact)
        return found

    def _exploits(self, own: Mapping[str, _Said], around: Mapping[str, _Said]) -> list[Measured]:
        """What was demonstrated: whether or not the control is claimed there."""
        found = [
            fact
            for control, remedy in self._remedies.items()
            for said in (own.get(control, _NOTHING), around.get(control, _NOTHING))
            for fact in said.failed
            if fact.check in remedy.exploits
        ]
        return sorted(found, key=lambda f: f.key)


def _first(own: Mapping[str, _Said], around: Mapping[str, _Said], control: str) -> Measured | None:
    """A failure of a control at a place, the same one each time."""
    failed = [*own.get(control, _NOTHING).failed, *around.get(control, _NOTHING).failed]
    return min(failed, key=lambda f: f.key, default=None)


def _pool(facts: Iterable[Measured]) -> Pool:
    passed: list[Measured] = []
    failed: list[Measured] = []
    for fact in facts:
        (failed if fact.outcome is Outcome.FAIL else passed).append(fact)
    passed.sort(key=lambda f: f.key)
    passed.sort(key=lambda f: f.at, reverse=True)
    failed.sort(key=lambda f: f.key)
    return Pool(tuple(passed), tuple(failed))


def evaluate(prepared: Prepared, now: datetime) -> Assessment:
    """What the results are worth at a moment. Only the clock can make this worse for the same results."""
    start = inherent(prepared.scenario.factors)
    known: dict[_Key, Counted] = {
        key: counted(pool, prepared.remedies[key[0]].evidence_age, now) for key, pool in prepared.pools.items()
    }
    made: dict[tuple[_Key, str], Effect] = {}
    risks: list[PlaceRisk] = []
    for group in prepared.groups:
        effects = []
        for key, here in zip(group.pools, group.failed_here, strict=True):
            name = key, here.key if here else ""
            if name not in made:
                made[name] = effect(prepared.remedies[key[0]], known[key], prepared.pools[key].failed, here)
            effects.append(made[name])
        claims = [(e.kind, e.domain, e.capability) for e in effects]
        evidenced = reading(start, effects, exploited=bool(group.exploited))
        claimed = remaining(start, claims)
        risks.append(
            PlaceRisk(
                group.places, evidenced, rate(evidenced), tuple(effects), group.exploited, claimed, group.accepted
            )
        )
    risks.sort(key=lambda r: (*_badness(r.evidenced), r.places))
    total = sum(len(r.places) for r in risks) or 1
    breadth: dict[Rating, float] = {}
    for rating in reversed(Rating):
        size = sum(len(r.places) for r in risks if r.rating is rating)
        if size:
            breadth[rating] = size / total
    return Assessment(
        scenario=prepared.scenario,
        inherent=start,
        claimed=min((r.claimed for r in risks), key=_badness, default=start),
        evidenced=risks[0].evidenced if risks else start,
        groups=tuple(risks),
        breadth=breadth,
        changes=min((c.until for c in known.values() if c.until is not None), default=None),
    )


@dataclass(frozen=True)
class Board:
    """Every scenario as it stands, with what is needed to bring it up to date quickly. Made by :func:`board`."""

    evidence: Evidence
    remedies: Mapping[str, tuple[Remedy, ...]]
    prepared: Mapping[str, Prepared]
    assessed: Mapping[str, Assessment]
    about: Mapping[str, tuple[str, ...]] = field(repr=False)

    @property
    def assessments(self) -> tuple[Assessment, ...]:
        """The worst first."""
        return worst_first(self.assessed.values())


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
    assessed = {id: evaluate(one, evidence.live.now) for id, one in prepared.items()}
    return Board(evidence, by_threat, prepared, assessed, {s: tuple(ids) for s, ids in about.items()})


def refreshed(before: Board, evidence: Evidence, changed: Iterable[str]) -> Board:
    """The board with other evidence (see :func:`assay.risk.facts.extended`), at the moment of that evidence.

    Prepared anew is only what something changed about; evaluated anew, besides, what time alone has changed.
    """
    now, then = evidence.live.now, before.evidence.live.now
    touched = {id for subject in changed for id in before.about.get(subject, ())}
    prepared = dict(before.prepared)
    for id in touched:
        scenario = prepared[id].scenario
        prepared[id] = prepare(scenario, before.remedies.get(scenario.threat.id, ()), evidence)
    assessed = dict(before.assessed)
    for id, known in before.assessed.items():
        same = now >= then and (known.changes is None or now <= known.changes)
        if id in touched or not same:
            assessed[id] = evaluate(prepared[id], now)
    return Board(evidence, before.remedies, prepared, assessed, before.about)


def place_of(subject: str, guards: Iterable[tuple[str, str]] = (), also: Iterable[str] = ()) -> Place:
    """A place with its guards in the order that makes equal places equal."""
    return Place(subject, tuple(sorted(guards)), tuple(also))
