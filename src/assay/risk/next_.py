"""What lowers risk most per effort: each possible step, and what would remain if it succeeded.

What a run of proofs or a mended flaw would change is computed by the engine itself, from the results that would then be
there: a pass of every case that a run tries. What a control would change that nobody has declared yet is estimated
from its capability and a few clean probes, since which cases it would bring is not known before it is declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from assay.assurance.facts import Measured
from assay.domain import Outcome, Severity
from assay.domain.listing import listed
from assay.prove.case import Case
from assay.risk import replay
from assay.risk.assess import Board, board, refreshed
from assay.risk.facts import Evidence, Live, extended, gather
from assay.risk.formula import assurance, lower_bound, rate, reading
from assay.risk.words import Assessment, Effect, PlaceRisk, Rating, Reading, Remedy

PROBES = 5
"""So many clean probes at each place a control is supposed to give that is not declared yet: what most proofs send to
one operation (ours)."""
START_A_RUN = 10 / 60
"""Hours: ten minutes, to start a run and to read what it says."""
MEND = 8.0
"""Hours: a day, to find the cause of a flaw, mend it, and have it reviewed."""
ADD = 16.0
"""Hours: two days, to decide about a control, declare it, and let it observe before it refuses."""

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
        relieves: rank of the worst rating that one of its places falls from; -1 if none falls.
    """

    scenario: str
    before: Reading
    after: Reading
    eased: float
    relieves: int

    @property
    def drop(self) -> float:
        """Points of the score."""
        return self.before.score - self.after.score


@dataclass(frozen=True, slots=True)
class Step:
    """Something that can be done about one or more risks. Every gain supposes that it succeeds.

    Attributes:
        effort: working hours.
        command: what to run.
        about: what was found, in a sentence, where there is something to mend.
        gains: the largest drop first.
    """

    kind: Kind
    control: str
    sentence: str
    command: str
    effort: float
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
        """The rank of the worst rating that a place falls from; -1 if none falls."""
        return max((g.relieves for g in self.gains), default=-1)


Price = Callable[[Sequence[Case]], float]
"""How many seconds a run of these cases takes."""


def steps(now: Board, cases: Sequence[Case], price: Price, *, options: str = "") -> tuple[Step, ...]:
    """Every step that would lower a risk: first those that take the worst ratings away, then by drop per hour.

    Steps that lower only what is not yet the worst come last. Where several controls lack proof, proving all of them
    in one run is a step too.

    Args:
        cases: what a run of every proof would try.
        options: for every run of proofs, such as `--environment production`.
    """
    maker = _Steps(now, tuple(cases), price, f" {options}" if options else "")
    found = [*maker.proofs(), *maker.fixes(), *maker.additions()]
    return tuple(sorted((s for s in found if s is not None), key=_order))


def _order(s: Step) -> tuple[object, ...]:
    return -s.relieves, -round(s.worth, 9), -round(s.eased / s.effort, 9), s.kind, s.control, s.about


class _Steps:
    def __init__(self, now: Board, cases: tuple[Case, ...], price: Price, options: str) -> None:
        self._now, self._cases, self._price, self._options = now, cases, price, options
        live = now.evidence.live
        # What is declared but not applied cannot be shown: steps suppose that it was applied first.
        self._live = live if live.current and live.configuration else Live(live.now, "as declared", True)
        self._then = now if self._live is live else self._applied()
        self._known = {key: fact for by_case in now.evidence.cases.values() for key, fact in by_case.items()}

    def _applied(self) -> Board:
        facts = (fact for by_case in self._now.evidence.cases.values() for fact in by_case.values())
        remedies = [r for some in self._now.remedies.values() for r in some]
        evidence = gather(facts, self._live, self._now.evidence.root)
        return board((p.scenario for p in self._now.prepared.values()), remedies, evidence)

    def proofs(self) -> Iterable[Step | None]:
        """Runs of each control's cases, and of all of them."""
        by_control: dict[str, list[Case]] = defaultdict(list)
        for case in self._cases:
            by_control[case.test.control].append(case)
        found = [self._proof(control, cases) for control, cases in by_control.items()]
        useful = [step for step in found if step is not None]
        return [*useful, self._proof("", self._cases)] if len(useful) > 1 else useful

    def _proof(self, control: str, cases: Sequence[Case]) -> Step | None:
        # Failures stay: no run makes them go away.
        passing = [c for c in cases if not self._failed(c.id)]
        gains = self._supposing([self._passed(c.id, c.test.control, c.test.id, c.subject) for c in passing])
        if not gains:
            return None
        unknown = sum(1 for c in passing if not self._shown(c.id))
        told = f"{len(cases)} case{'s' * (len(cases) != 1)}, {_told(unknown, len(cases))}"
        what = f"prove {control or 'everything'}: {told}"
        command = f"assay prove --control {control}{self._options}" if control else f"assay prove{self._options}"
        return Step(Kind.PROVE, control, what, command, START_A_RUN + self._price(cases) / 3600, gains)

    def _failed(self, case: str) -> bool:
        known = self._known.get(case)
        return known is not None and known.outcome is Outcome.FAIL

    def _shown(self, case: str) -> bool:
        known = self._known.get(case)
        return known is not None and known.outcome is Outcome.PASS and self._live.earns(known)

    def fixes(self) -> Iterable[Step | None]:
        """What proofs found, by proof: mended, and shown to be mended."""
        failures: dict[tuple[str, str], list[Measured]] = defaultdict(list)
        for about in self._now.evidence.about.values():
            for named, facts in about.items():
                failures[named].extend(f for f in facts if f.outcome is Outcome.FAIL)
        return [self._fix(named, sorted(facts, key=lambda f: f.key)) for named, facts in failures.items() if facts]

    def _fix(self, named: tuple[str, str], facts: Sequence[Measured]) -> Step | None:
        gains = self._supposing([self._passed(f.key, f.control, f.check, f.subject) for f in facts])
        if not gains:
            return None
        control, check = named
        where = listed(dict.fromkeys(f.subject for f in facts), 2)
        cases = [c for c in self._cases if self._failed(c.id) and (c.test.control, c.test.id) == named]
        effort = MEND + START_A_RUN + self._price(cases) / 3600
        what = f"mend what {control}/{check} found at {where}, and prove it again"
        command = f"assay prove --replay {facts[0].key}{self._options}"
        return Step(Kind.FIX, control, what, command, effort, gains, facts[0].sentence)

    def _passed(self, key: str, control: str, check: str, subject: str) -> Measured:
        return Measured(
            key=key,
            control=control,
            check=check,
            subject=subject,
            identity="",
            outcome=Outcome.PASS,
            severity=Severity.NOTE,
            sentence="",
            at=self._live.now,
            configuration=self._live.configuration,
        )

    def _supposing(self, facts: Iterable[Measured]) -> tuple[Gain, ...]:
        """What would remain if these were the newest results of their cases."""
        before = self._then.evidence
        supposed = {fact.key: fact for fact in facts}
        kept = {s: {k: f for k, f in some.items() if k not in supposed} for s, some in before.cases.items()}
        touched = {before.root(f.subject) for f in supposed.values()} - {None}
        bare = Evidence(
            before.live, before.root, {**before.cases, **{s: kept.get(s, {}) for s in touched}}, before.about
        )
        evidence, changed = extended(bare, supposed.values(), self._live)
        then = refreshed(self._then, evidence, changed)
        gains = []
        for id, after in then.assessed.items():
            now = self._now.assessed[id]
            if after is not now:
                gains.append(_gain(now, after))
        return _useful(gains)

    def additions(self) -> Iterable[Step | None]:
        """Controls that are not claimed at some place where they would help."""
        gains: dict[str, list[Gain]] = defaultdict(list)
        places: dict[str, set[str]] = defaultdict(set)
        for id, one in sorted(self._now.assessed.items()):
            for remedy in self._now.remedies.get(one.scenario.threat.id, ()):
                lacking = [g for g in one.groups if all(e.control != remedy.control for e in g.effects)]
                if lacking:
                    places[remedy.control].update(place for g in lacking for place in g.places)
                    gains[remedy.control].append(_gain(one, _with(self._now.assessed[id], remedy)))
        for control, found in gains.items():
            useful = _useful(found)
            if useful:
                count = len(places[control])
                at = f"{count} place{'s' * (count != 1)}"
                what = f"declare {control}, or mend what `assay check` finds of it, at {at} at most, and prove it"
                yield Step(Kind.ADD, control, what, f"assay explain {control}", ADD + START_A_RUN, useful)


_LITTLE = 0.05
"""Points of the score that are not worth a line: the register rounds them away."""


def _told(unknown: int, size: int) -> str:
    """How many of some cases have shown nothing yet on what is live."""
    if not unknown:
        return "all of them shown on what is live now, and ageing"
    if unknown == size:
        return "none of them shown on what is live now" if size > 1 else "not shown on what is live now"
    return f"{unknown} of them not shown on what is live now"


def _useful(gains: Iterable[Gain]) -> tuple[Gain, ...]:
    found = [g for g in gains if g.drop >= _LITTLE or g.eased >= _LITTLE or g.relieves >= 0]
    return tuple(sorted(found, key=lambda g: (-g.drop, -g.eased, g.scenario)))


def _gain(now: Assessment, then: Assessment) -> Gain:
    after = {place: g for g in then.groups for place in g.places}
    pairs = [(g, after[place]) for g in now.groups for place in g.places if place in after]
    falls = [_RANKS[before.rating] for before, a in pairs if _RANKS[a.rating] < _RANKS[before.rating]]
    lost = sum(before.evidenced.score - a.evidenced.score for before, a in pairs)
    eased = lost / len(pairs) if pairs else 0.0
    return Gain(now.scenario.id, now.evidenced, then.evidenced, eased, max(falls, default=-1))


def _with(one: Assessment, remedy: Remedy) -> Assessment:
    """The assessment with the control where it is not yet, and a few clean probes at each place."""
    groups = tuple(_added(g, one.inherent, remedy) for g in one.groups)
    return replace(one, groups=groups, evidenced=replay.worst((g.evidenced for g in groups), one.inherent))


def _added(group: PlaceRisk, start: Reading, remedy: Remedy) -> PlaceRisk:
    if any(e.control == remedy.control for e in group.effects):
        return group
    tried = PROBES * len(group.places)
    bound = lower_bound(0, tried)
    sure = assurance(bound, remedy.reliability, 1.0)
    effect = Effect(
        control=remedy.control,
        kind=remedy.kind,
        domain=remedy.domain,
        capability=remedy.capability,
        failures=0,
        tried=tried,
        bound=bound,
        reliability=remedy.reliability,
        freshness=1.0,
        assurance=sure,
        effectiveness=remedy.capability * sure,
        because="supposed",
        evidence_age=remedy.evidence_age,
    )
    found = reading(start, (*group.effects, effect), exploited=bool(group.exploited))
    return replace(group, effects=(*group.effects, effect), evidenced=found, rating=rate(found))
