"""What lowers risk most per effort: each possible step, and what would remain if it succeeded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from assay.risk import replay
from assay.risk.formula import assurance, lower_bound, rate, reading
from assay.risk.words import Assessment, Effect, PlaceRisk, Rating, Reading, Remedy

PROBES = 5
"""So many clean probes at each place a proof is supposed to give: what most proofs send to one operation (ours)."""
REQUESTS_A_PROBE = 3
"""A probe is surrounded by a positive control and a look at what it changed."""
REQUESTS_A_SECOND = 10
"""Runs keep below declared limits, and limits of 600 a minute are common."""
START_A_RUN = 10 / 60
"""Ten minutes: to start it, and to read what it says."""
MEND = 8.0
"""A day: to find the cause of a flaw, mend it, and have it reviewed."""
ADD = 16.0
"""Two days: to decide about a control, declare it, and let it observe before it refuses."""

_RANKS = {rating: number for number, rating in enumerate(Rating)}


class Kind(StrEnum):
    """What somebody does."""

    FIX = "fix"
    PROVE = "prove"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Gain:
    """One risk before and after a step.

    Attributes:
        before, after: at its worst place, which is what the register shows.
        eased: points of the score that its places lose on average. Where something else is as bad, a step lowers
            what remains at its own places and not yet the worst.
    """

    scenario: str
    before: Reading
    after: Reading
    eased: float

    @property
    def drop(self) -> float:
        """Points of the score."""
        return self.before.score - self.after.score

    @property
    def falls(self) -> bool:
        """Whether the rating falls with it."""
        return _RANKS[rate(self.after)] < _RANKS[rate(self.before)]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can be done about one or more risks. Every gain supposes that it succeeds.

    Attributes:
        effort: working hours.
        places: at how many places something changes.
        command: what to run.
        about: the finding to mend, in a sentence; empty for other kinds.
        gains: the largest drop first.
    """

    kind: Kind
    control: str
    sentence: str
    command: str
    effort: float
    places: int
    gains: tuple[Gain, ...]
    about: str = ""

    @property
    def drop(self) -> float:
        """Points of the score, over all risks."""
        return sum(g.drop for g in self.gains)

    @property
    def eased(self) -> float:
        """Points of the score that places lose on average, over all risks."""
        return sum(g.eased for g in self.gains)

    @property
    def worth(self) -> float:
        """Points of the score for each working hour."""
        return self.drop / self.effort

    @property
    def relieves(self) -> int:
        """The rank of the worst rating that a risk falls from; -1 if none falls."""
        return max((_RANKS[rate(g.before)] for g in self.gains if g.falls), default=-1)


Remedies = Mapping[str, Sequence[Remedy]]
"""By threat, every control that claims something against it."""


def steps(assessments: Iterable[Assessment], remedies: Remedies, *, options: str = "") -> tuple[Step, ...]:
    """Every step that would lower a risk: first those that take the worst ratings away, then by drop per hour.

    Steps that lower only what is not yet the worst come last. Where several controls lack proof, proving all of them
    in one run is a step too.

    Args:
        options: for every run of proofs, such as `--environment production`.
    """
    found: dict[tuple[Kind, str, str], list[tuple[Assessment, _Change]]] = {}
    for assessment in sorted(assessments, key=lambda a: a.scenario.id):
        for key, change in _changes(assessment, remedies.get(assessment.scenario.threat.id, ())):
            found.setdefault(key, []).append((assessment, change))
    if sum(1 for kind, control, _ in found if kind is Kind.PROVE and control) < 2:
        found.pop((Kind.PROVE, "", ""), None)
    made = [_step(*key, hits, f" {options}" if options else "") for key, hits in found.items()]
    useful = [s for s in made if s is not None]
    return tuple(sorted(useful, key=_order))


def _order(s: Step) -> tuple[object, ...]:
    return -s.relieves, -round(s.worth, 9), -round(s.eased / s.effort, 9), s.kind, s.control, s.about


@dataclass(frozen=True, slots=True)
class _Change:
    """What a step makes of a group, and the places that it is about."""

    make: Callable[[PlaceRisk], PlaceRisk]
    places: frozenset[str]
    about: str = ""


def _changes(assessment: Assessment, remedies: Sequence[Remedy]) -> Iterable[tuple[tuple[Kind, str, str], _Change]]:
    provable = frozenset(r.control for r in remedies if r.proofs)
    broken: dict[str, list[PlaceRisk]] = {}
    unproven: dict[str, list[PlaceRisk]] = {}
    for group in assessment.groups:
        for control in _to_mend(group):
            broken.setdefault(control, []).append(group)
        for effect in group.effects:
            if effect.control in provable and _proven(effect, group) != effect:
                unproven.setdefault(effect.control, []).append(group)
    for control, groups in broken.items():
        about = next((sentence for g in groups for sentence in g.exploited), "")
        yield (Kind.FIX, control, assessment.scenario.id), _Change(_mended(control), _places(groups), about)
    for control, groups in unproven.items():
        yield (Kind.PROVE, control, ""), _Change(_with_proof(frozenset({control})), _places(groups))
    if unproven:
        every = [g for groups in unproven.values() for g in groups]
        yield (Kind.PROVE, "", ""), _Change(_with_proof(frozenset(unproven)), _places(every))
    for remedy in remedies:
        lacking = [g for g in assessment.groups if all(e.control != remedy.control for e in g.effects)]
        if lacking:
            yield (Kind.ADD, remedy.control, ""), _Change(_added(remedy), _places(lacking))


def _places(groups: Iterable[PlaceRisk]) -> frozenset[str]:
    return frozenset(place for group in groups for place in group.places)


def _to_mend(group: PlaceRisk) -> list[str]:
    """The controls whose tests failed here; where none of them is claimed, nobody's in particular."""
    failed = sorted({e.control for e in group.effects if replay.failed(e)})
    return failed or ([""] if group.exploited else [])


def _proven(effect: Effect, group: PlaceRisk) -> Effect:
    """After a clean run. Failures stay: they are to be mended, and no run makes them go away."""
    if replay.failed(effect):
        return effect
    tried = effect.tried if effect.failures else max(effect.tried, PROBES * len(group.places))
    return _worth(effect, effect.failures, tried)


def _worth(effect: Effect, failures: int, tried: int) -> Effect:
    bound = lower_bound(failures, tried)
    sure = assurance(bound, effect.reliability, 1.0)
    return replace(
        effect,
        failures=failures,
        tried=tried,
        bound=bound,
        freshness=1.0,
        assurance=sure,
        effectiveness=effect.capability * sure,
    )


def _with_proof(controls: frozenset[str]) -> Callable[[PlaceRisk], PlaceRisk]:
    def make(group: PlaceRisk) -> PlaceRisk:
        effects = tuple(_proven(e, group) if e.control in controls else e for e in group.effects)
        return replace(group, effects=effects)

    return make


def _mended(control: str) -> Callable[[PlaceRisk], PlaceRisk]:
    """The flaw is gone, and what failed passes when it is tried again; wherever it is enforced alike, that counts."""

    def make(group: PlaceRisk) -> PlaceRisk:
        effects = tuple(
            _worth(e, 0, max(e.tried, PROBES * len(group.places))) if e.control == control and e.failures else e
            for e in group.effects
        )
        others = [c for c in _to_mend(group) if c != control]
        return replace(group, effects=effects, exploited=group.exploited if others else ())

    return make


def _added(remedy: Remedy) -> Callable[[PlaceRisk], PlaceRisk]:
    """The control is declared and applied where it is not yet, and its proof was clean."""
    blank = Effect(
        control=remedy.control,
        kind=remedy.kind,
        domain=remedy.domain,
        capability=remedy.capability,
        failures=0,
        tried=0,
        bound=0.0,
        reliability=remedy.reliability,
        freshness=0.0,
        assurance=0.0,
        effectiveness=0.0,
        because="",
        evidence_age=remedy.evidence_age,
    )

    def make(group: PlaceRisk) -> PlaceRisk:
        if any(e.control == remedy.control for e in group.effects):
            return group
        return replace(group, effects=(*group.effects, _worth(blank, 0, PROBES * len(group.places))))

    return make


_NOTHING = 1e-9


def _gain(assessment: Assessment, make: Callable[[PlaceRisk], PlaceRisk]) -> Gain:
    start, groups = assessment.inherent, assessment.groups
    after = [reading(start, g.effects, exploited=bool(g.exploited)) for g in map(make, groups)]
    count = sum(len(g.places) for g in groups)
    lost = sum((g.evidenced.score - a.score) * len(g.places) for g, a in zip(groups, after, strict=True))
    return Gain(
        assessment.scenario.id,
        replay.worst((g.evidenced for g in groups), start),
        replay.worst(after, start),
        lost / count if count else 0.0,
    )


def _step(
    kind: Kind, control: str, scenario: str, hits: Sequence[tuple[Assessment, _Change]], options: str
) -> Step | None:
    gains = []
    for assessment, change in hits:
        gain = _gain(assessment, change.make)
        if gain.drop > _NOTHING or gain.eased > _NOTHING:
            gains.append(gain)
    if not gains:
        return None
    gains.sort(key=lambda g: (-g.drop, -g.eased, g.scenario))
    places = len(frozenset[str]().union(*(change.places for _, change in hits)))
    about = next((c.about for _, c in hits if c.about), "")
    run = START_A_RUN + places * PROBES * REQUESTS_A_PROBE / REQUESTS_A_SECOND / 3600
    at = f"{places} place{'s' * (places != 1)}"
    proof = f"assay prove --control {control}{options}" if control else f"assay prove{options}"
    if kind is Kind.FIX:
        what = f"mend what was shown of {scenario} at {at}, and prove it again"
        return Step(kind, control, what, proof, MEND + run, places, tuple(gains), about)
    if kind is Kind.PROVE:
        what = f"prove {control or 'everything'} where proof is missing or old, at {at}"
        return Step(kind, control, what, proof, run, places, tuple(gains))
    what = f"declare {control} where it fits, at {at} at most, and prove it"
    return Step(kind, control, what, f"assay explain {control}", ADD + run, places, tuple(gains))
