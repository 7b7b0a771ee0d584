"""Which results speak about which of a scenario's places. Depends on no clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assay.assurance.facts import Measured
from assay.domain import Outcome
from assay.risk.effects import Pool
from assay.risk.facts import Evidence
from assay.risk.words import Place, Remedy, Scenario

Key = tuple[str, str]
"""A control, and the digest of what enforces it (or the one place that stands alone)."""

_Alike = tuple[tuple[Key, ...], tuple[str, ...], tuple[str, ...]]
"""What places of a group share: their pools, the failure of each control there, and the threat come true."""


@dataclass(frozen=True, slots=True)
class Group:
    """Places that share everything their risk depends on."""

    places: tuple[str, ...]
    pools: tuple[Key, ...]
    failed_here: tuple[Measured | None, ...]
    exploited: tuple[str, ...]
    accepted: tuple[str, ...]
    alike: _Alike


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario with the results that speak about it."""

    scenario: Scenario
    remedies: Mapping[str, Remedy]
    pools: Mapping[Key, Pool]
    groups: tuple[Group, ...]


def prepare(scenario: Scenario, remedies: Sequence[Remedy], evidence: Evidence) -> Prepared:
    """Which results speak about which of a scenario's places."""
    return _Preparing(scenario, remedies, evidence).prepared()


def renewed(
    before: Prepared, remedies: Sequence[Remedy], known: Evidence, now: Evidence, changed: Collection[str]
) -> Prepared:
    """The same as :func:`prepare` from ``now``, made of what was prepared from ``known``.

    Args:
        changed: about what something else counts now. Only pools and places that it speaks about are made anew.

    Returns:
        ``before`` itself where nothing of that speaks about this scenario.
    """
    return _Renewing(before, remedies, known, now).renewed(changed)


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
        speaking: dict[Key, dict[str, None]] = defaultdict(dict)
        alike: dict[_Alike, tuple[Group, list[str]]] = {}
        for place in sorted(self._scenario.places, key=_subject):
            group = self.alone(place)
            for key in group.pools:
                speaking[key][place.subject] = None
                speaking[key].update(dict.fromkeys(place.also))
            alike.setdefault(group.alike, (group, []))[1].append(place.subject)
        return Prepared(
            self._scenario,
            self._remedies,
            {key: self._pool(key[0], subjects) for key, subjects in speaking.items()},
            tuple(
                Group(tuple(places), g.pools, g.failed_here, g.exploited, g.accepted, g.alike)
                for g, places in alike.values()
            ),
        )

    def alone(self, place: Place) -> Group:
        """The group of this place, with no other in it yet."""
        failures, exploits = self._failed(place, self._said(place.subject))
        pools = tuple(sorted(_pools_of(place, self._remedies)))
        here = tuple(_first(failures.get(control)) for control, _ in pools) if failures else (None,) * len(pools)
        alike = (
            pools,
            tuple(f.key if f else "" for f in here) if failures else (),
            tuple(f.key for f in exploits),
        )
        exploited = tuple(dict.fromkeys(f.sentence for f in exploits))
        accepted = tuple(dict.fromkeys(f.excepted_by for f in exploits if f.excepted_by))
        return Group((place.subject,), pools, here, exploited, accepted, alike)

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
        return _pool(passed, failed)


class _Renewing:
    def __init__(self, before: Prepared, remedies: Sequence[Remedy], known: Evidence, now: Evidence) -> None:
        self._before, self._remedies = before, remedies
        self._known, self._now = known, now
        self._wanted = {(r.control, proof) for r in remedies for proof in r.proofs}

    def renewed(self, changed: Collection[str]) -> Prepared:
        moves = {s: move for s in changed if (move := self._move(s)).controls}
        if not moves:
            return self._before
        here = [p for p in self._before.scenario.places if p.subject in moves]
        around = {s for p in self._before.scenario.places for s in p.also if s in moves}
        fails = {s for s, move in moves.items() if move.fails}
        pools = self._pools(moves, here, around)
        groups = self._groups([p for p in here if p.subject in fails])
        if pools is None or groups is None or fails & around:
            return prepare(self._before.scenario, self._remedies, self._now)
        return replace(self._before, pools=pools, groups=groups)

    def _move(self, subject: str) -> _Move:
        """What else is said about a subject: the very results that count, not others that are equal to them."""
        old, new = self._known.about.get(subject, {}), self._now.about.get(subject, {})
        gone: dict[str, list[Measured]] = defaultdict(list)
        come: dict[str, list[Measured]] = defaultdict(list)
        for named in self._wanted & (old.keys() | new.keys()):
            before, after = old.get(named, ()), new.get(named, ())
            if len(before) != len(after) or any(a is not b for a, b in zip(before, after, strict=True)):
                gone[named[0]] += before
                come[named[0]] += after
        return _Move(gone, come)

    def _pools(self, moves: Mapping[str, _Move], here: Iterable[Place], around: set[str]) -> Mapping[Key, Pool] | None:
        """The pools with what moved in and out; None: they are not what these results were taken from."""
        speaking: dict[Key, set[str]] = defaultdict(set)
        for place in here:
            for key in _pools_of(place, self._before.remedies):
                if key[0] in moves[place.subject].controls:
                    speaking[key].add(place.subject)
        if around:
            for place in self._before.scenario.places:
                for subject in around.intersection(place.also):
                    for key in _pools_of(place, self._before.remedies):
                        if key[0] in moves[subject].controls:
                            speaking[key].add(subject)
        pools = dict(self._before.pools)
        for key, subjects in speaking.items():
            gone = {id(f) for s in subjects for f in moves[s].gone.get(key[0], ())}
            come = [f for s in subjects for f in moves[s].come.get(key[0], ())]
            old = pools[key]
            passed, failed = ([f for f in some if id(f) not in gone] for some in (old.passed, old.failed))
            if len(passed) + len(failed) + len(gone) != len(old.passed) + len(old.failed):
                return None
            failed += [f for f in come if f.outcome is Outcome.FAIL]
            passed += [f for f in come if f.outcome is not Outcome.FAIL]
            pools[key] = _pool(passed, failed)
        return pools

    def _groups(self, moved: Sequence[Place]) -> tuple[Group, ...] | None:
        """The groups with these places where they belong now; None: where which result speaks for a group is open."""
        if not moved:
            return self._before.groups
        names = Counter(p.subject for p in self._before.scenario.places)
        moving = {p.subject for p in moved}
        groups: dict[_Alike, Group] = {}
        for group in self._before.groups:
            places = group.places if moving.isdisjoint(group.places) else _without(group.places, moving)
            if any(group.failed_here) and 0 < len(places) < len(group.places):
                return None
            if places:
                groups[group.alike] = group if places is group.places else replace(group, places=places)
        preparing = _Preparing(self._before.scenario, self._remedies, self._now)
        for place in moved:
            alone = preparing.alone(place)
            with_ = groups.get(alone.alike)
            if names[place.subject] > 1 or (with_ is not None and (alone.exploited or any(alone.failed_here))):
                return None
            groups[alone.alike] = replace(
                alone, places=tuple(sorted((*(with_.places if with_ else ()), place.subject)))
            )
        return tuple(sorted(groups.values(), key=lambda g: g.places[0]))


@dataclass(frozen=True, slots=True)
class _Move:
    """Results about a subject that do not count any more, and those that do now, by control."""

    gone: Mapping[str, Sequence[Measured]]
    come: Mapping[str, Sequence[Measured]]

    @property
    def controls(self) -> Collection[str]:
        return self.gone.keys()

    @property
    def fails(self) -> bool:
        """Whether failures are among them."""
        every = (f for moved in (self.gone, self.come) for some in moved.values() for f in some)
        return any(f.outcome is Outcome.FAIL for f in every)


def _without(places: Iterable[str], moving: Collection[str]) -> tuple[str, ...]:
    return tuple(p for p in places if p not in moving)


def _pools_of(place: Place, remedies: Mapping[str, Remedy]) -> Iterable[Key]:
    """What results are pooled under at a place: each control that is claimed there, and how it is enforced."""
    return [(control, digest or f"at {place.subject}") for control, digest in place.guards if control in remedies]


def _pool(passed: list[Measured], failed: list[Measured]) -> Pool:
    passed.sort(key=_newest, reverse=True)
    failed.sort(key=_key)
    return Pool(tuple(passed), tuple(failed))


def _subject(place: Place) -> str:
    return place.subject


def _key(fact: Measured) -> str:
    return fact.key


def _newest(fact: Measured) -> tuple[datetime, str]:
    return fact.at, fact.key


def _first(failed: list[Measured] | None) -> Measured | None:
    """One of some failures, the same one each time."""
    return min(failed, key=_key) if failed else None
