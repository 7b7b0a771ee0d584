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
from assay.risk.uncollected import uncollected
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
    return board(scenarios, remedies, evidence).assessments


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


_Said = Mapping[str, tuple[list[Measured], list[Measured]]]
"""What results about one subject say: by control, what passed and what failed."""

_NOTHING: tuple[list[Measured], list[Measured]] = ([], [])


class _Preparing:
    def __init__(self, scenario: Scenario, remedies: Sequence[Remedy], evidence: Evidence) -> None:
        self._scenario, self._about = scenario, evidence.about
        self._remedies = {r.control: r for r in remedies}
        self._wanted = {(r.control, proof) for r in remedies for proof in r.proofs}
        self._exploits = {(r.control, proof) for r in remedies for proof in r.exploits}
        self._known: dict[str, _Said] = {}
        self._around: dict[tuple[str, ...], tuple[Mapping[str, list[Measured]], list[Measured]]] = {}

    def prepared(self) -> Prepared:
        speaking: dict[_Key, dict[str, None]] = defaultdict(dict)
        groups: dict[tuple[object, ...], list[str]] = {}
        known: dict[tuple[object, ...], Group] = {}
        for place in sorted(self._scenario.places, key=lambda p: p.subject):
            subject, own = place.subject, self._said(place.subject)
            failures, exploits = self._failed(place, own)
            pools = tuple(sorted((c, digest or f"at {subject}") for c, digest in place.guards if c in self._remedies))
            for key in pools:
                speaking[key][subject] = None
                speaking[key].update(dict.fromkeys(place.also))
            here = tuple(_first(failures.get(control)) for control, _ in pools) if failures else (None,) * len(pools)
            key_of = (
                pools,
                tuple(f.key if f else "" for f in here) if failures else (),
                tuple(f.key for f in exploits),
            )
            if key_of in groups:
                groups[key_of].append(subject)
                continue
            groups[key_of] = [subject]
            exploited = tuple(dict.fromkeys(f.sentence for f in exploits))
            accepted = tuple(dict.fromkeys(f.excepted_by for f in exploits if f.excepted_by))
            known[key_of] = Group((), pools, here, exploited, accepted)
        return Prepared(
            self._scenario,
            self._remedies,
            {key: self._pool(key[0], subjects) for key, subjects in speaking.items()},
            tuple(
                Group(tuple(subjects), known[k].pools, known[k].failed_here, known[k].exploited, known[k].accepted)
                for k, subjects in groups.items()
            ),
        )

    def _said(self, subject: str) -> _Said:
        found = self._known.get(subject)
        if found is None:
            made: dict[str, tuple[list[Measured], list[Measured]]] = {}
            for named, facts in self._about.get(subject, {}).items():
                if named in self._wanted:
                    passed, failed = made.setdefault(named[0], ([], []))
                    for fact in facts:
                        (failed if fact.outcome is Outcome.FAIL else passed).append(fact)
            found = self._known[subject] = made
        return found

    def _failed(self, place: Place, own: _Said) -> tuple[Mapping[str, list[Measured]], list[Measured]]:
        """The failures at a place and around it by control, and those that are the threat come true.

        The latter whether or not the control is claimed there.
        """
        around = self._around.get(place.also)
        if around is None:
            around = self._around[place.also] = self._collected([self._said(subject) for subject in place.also])
        mine = self._collected([own])
        if not mine[0]:
            return around
        if not around[0]:
            return mine
        controls = {*mine[0], *around[0]}
        both = {c: [*mine[0].get(c, ()), *around[0].get(c, ())] for c in controls}
        return both, sorted([*mine[1], *around[1]], key=_key)

    def _collected(self, said: Iterable[_Said]) -> tuple[Mapping[str, list[Measured]], list[Measured]]:
        found: dict[str, list[Measured]] = {}
        for one in said:
            for control, (_, failed) in one.items():
                if failed:
                    found.setdefault(control, []).extend(failed)
        exploits = [f for failed in found.values() for f in failed if (f.control, f.check) in self._exploits]
        return found, sorted(exploits, key=_key)

    def _pool(self, control: str, subjects: Iterable[str]) -> Pool:
        passed: list[Measured] = []
        failed: list[Measured] = []
        for subject in subjects:
            held, broke = self._said(subject).get(control, _NOTHING)
            passed += held
            failed += broke
        passed.sort(key=_newest, reverse=True)
        failed.sort(key=_key)
        return Pool(tuple(passed), tuple(failed))


def _key(fact: Measured) -> str:
    return fact.key


def _newest(fact: Measured) -> tuple[datetime, str]:
    return fact.at, fact.key


def _first(failed: list[Measured] | None) -> Measured | None:
    """One of some failures, the same one each time."""
    return min(failed, key=_key) if failed else None


def evaluate(prepared: Prepared, now: datetime) -> Assessment:
    """What the results are worth at a moment. Only the clock can make this worse for the same results."""
    start = inherent(prepared.scenario.factors)
    known: dict[_Key, Counted] = {
        key: counted(pool, prepared.remedies[key[0]].evidence_age, now) for key, pool in prepared.pools.items()
    }
    sound = {
        key: effect(prepared.remedies[key[0]], one, prepared.pools[key].failed, None) for key, one in known.items()
    }
    broken: dict[tuple[_Key, str], Effect] = {}
    claims: dict[tuple[str, ...], Reading] = {}
    risks: list[tuple[tuple[int, float], PlaceRisk]] = []
    for group in prepared.groups:
        effects = tuple([sound[key] for key in group.pools])
        if any(group.failed_here):
            effects = tuple(
                _broken(broken, prepared, known, key, here) if here else sound[key]
                for key, here in zip(group.pools, group.failed_here, strict=True)
            )
        controls = tuple([key[0] for key in group.pools])
        claimed = claims.get(controls)
        if claimed is None:
            claimed = claims[controls] = remaining(start, [(e.kind, e.domain, e.capability) for e in effects])
        evidenced = reading(start, effects, exploited=bool(group.exploited))
        rating = rate(evidenced)
        risk = PlaceRisk(group.places, evidenced, rating, effects, group.exploited, claimed, group.accepted)
        risks.append(((-RANK[rating], -evidenced.score), risk))
    risks.sort(key=lambda r: (*r[0], r[1].places))
    groups = tuple(risk for _, risk in risks)
    total = sum(len(r.places) for r in groups) or 1
    sizes: dict[Rating, int] = defaultdict(int)
    for risk in groups:
        sizes[risk.rating] += len(risk.places)
    return Assessment(
        scenario=prepared.scenario,
        inherent=start,
        claimed=min(claims.values(), key=_badness, default=start),
        evidenced=groups[0].evidenced if groups else start,
        groups=groups,
        breadth={rating: sizes[rating] / total for rating in reversed(Rating) if rating in sizes},
        changes=min((c.until for c in known.values() if c.until is not None), default=None),
    )


def _broken(
    made: dict[tuple[_Key, str], Effect],
    prepared: Prepared,
    known: Mapping[_Key, Counted],
    key: _Key,
    here: Measured,
) -> Effect:
    """The effect of a control at a place where it was seen to fail."""
    name = key, here.key
    if name not in made:
        made[name] = effect(prepared.remedies[key[0]], known[key], prepared.pools[key].failed, here)
    return made[name]


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
    assessed = {id: evaluate(one, evidence.live.now) for id, one in prepared.items()}
    return Board(evidence, by_threat, prepared, assessed, {s: tuple(ids) for s, ids in about.items()})


@uncollected()
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
