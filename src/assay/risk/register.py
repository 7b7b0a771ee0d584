"""The register: every assessed risk with who answers for it, what is decided, and what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from assay.declare.categories import SPECIAL_CATEGORY, belongs
from assay.declare.model import Appetite, Model, Risk
from assay.domain import Verdict
from assay.risk.ageing import Rise
from assay.risk.estimates import Approvers, Judged, judge
from assay.risk.formula import rate
from assay.risk.history import Past, past
from assay.risk.words import Assessment, Factor, Factors, Origin, Rating, Reading, Scenario

Given = Mapping[str, Mapping[str, tuple[float, str]]]
"""By scenario and factor: the value that counts instead of what the declaration lets conclude, and why."""

NOTHING_DECIDED = Risk()


@dataclass(frozen=True, slots=True)
class Reach:
    """What is at stake in a scenario.

    Attributes:
        categories: data categories that are reached, concluded ones included.
        special: some of it is of a special category (GDPR Art. 9, 10).
        subjects: how many people it is about, 0 for none and for data about nobody.
        owner: who answers for what the scenario stands on.
    """

    categories: frozenset[str] = frozenset()
    special: bool = False
    subjects: int = 0
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One risk of the register.

    ``residual`` is what evidence supports, with estimates laid over it where they count; ``rating`` is that of
    ``residual`` and decides whether the risk is within appetite. ``estimates`` hold each estimate beside what is
    computed, those that do not count too. ``owner_declared``: the owner is the risk's own, not that of its subject.
    ``late``: the date of the treatment has passed.
    """

    assessment: Assessment
    inherent: Rating
    claimed: Rating
    evidenced: Rating
    residual: Reading
    rating: Rating
    reach: Reach
    decided: Risk
    owner: str
    owner_declared: bool
    late: bool
    appetite: Rating
    appetite_for: str
    estimates: tuple[Judged, ...] = ()
    incidents: tuple[int, ...] = ()
    rise: Rise | None = None

    @property
    def id(self) -> str:
        """The scenario's id."""
        return self.assessment.scenario.id

    @property
    def gap(self) -> float:
        """The assurance gap: how much of what is claimed no evidence supports, in points of the score."""
        return self.assessment.evidenced.score - self.assessment.claimed.score

    @property
    def above(self) -> bool:
        """Whether more risk remains than is accepted."""
        return rank(self.rating) > rank(self.appetite)

    @property
    def overdue(self) -> bool:
        """Whether the date has passed and something is still to be done: to reduce it, or to decide again."""
        return self.late and (self.above or self.decided.treatment != "reduce")

    @property
    def measured(self) -> tuple[datetime, ...]:
        """The oldest and the newest moment that something was measured which the evidenced risk rests on."""
        times = sorted(
            e.measured for g in self.assessment.groups for e in g.effects if e.measured is not None and e.assurance > 0
        )
        return (times[0], times[-1]) if times else ()


@dataclass(frozen=True, slots=True)
class Register:
    """All risks, the worst first, and what was found about how they are decided."""

    rows: tuple[Row, ...]
    now: datetime
    notes: tuple[Verdict, ...] = field(default=())

    @property
    def worst(self) -> Rating | None:
        """The worst rating that remains; None without any risk."""
        return max((row.rating for row in self.rows), key=rank, default=None)


def rank(rating: Rating) -> int:
    """Ratings as numbers, rising."""
    return _RANKS[rating]


_RANKS = {rating: number for number, rating in enumerate(Rating)}


def given(
    assessments: Iterable[Assessment], model: Model, today: date
) -> tuple[Given, Mapping[str, tuple[Judged, ...]], Mapping[str, Past]]:
    """What counts instead of the factors that were computed: estimates that hold, and floors that incidents put.

    An incident raises a factor that somebody estimates lower: it is a fact, and it is recent.

    Args:
        assessments: made without anything given.

    Returns:
        values for the assessment; every estimate of a factor beside its computed value; what incidents say. Each by
        scenario, and only for scenarios that have any.
    """
    values: dict[str, Mapping[str, tuple[float, str]]] = {}
    judged: dict[str, tuple[Judged, ...]] = {}
    happened: dict[str, Past] = {}
    for assessment in assessments:
        scenario = assessment.scenario
        decided = model.risks.get(scenario.id)
        estimates = decided.factors.given() if decided else {}
        subjects = {scenario.subject, *(p.subject for p in scenario.places)} if model.incidents else ()
        floors = past(scenario.threat.id, subjects, model.incidents, today) if model.incidents else Past()
        if not estimates and not floors.floors:
            continue
        computed = {f.name: f.value for f in factors(assessment)}
        approvers = Approvers(model.people, decided.owner if decided else None)
        found = [judge(n, computed[n], e, today, approvers) for n, e in estimates.items() if n in computed]
        value = {j.name: (j.value, j.because) for j in found if j.counts}
        for name, floor in floors.floors.items():
            if floor.value > value.get(name, (computed.get(name, 9.0), ""))[0]:
                value[name] = (floor.value, floor.because)
        if found:
            judged[scenario.id] = tuple(found)
        if floors.incidents:
            happened[scenario.id] = floors
        if value:
            values[scenario.id] = value
    return values, judged, happened


def regiven(scenario: Scenario, values: Mapping[str, tuple[float, str]]) -> Scenario:
    """The scenario with other values of some factors."""

    def put(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
        return tuple(
            Factor(f.name, values[f.name][0], Origin.GIVEN, values[f.name][1]) if f.name in values else f
            for f in factors
        )

    f = scenario.factors
    return replace(scenario, factors=Factors(put(f.agent), put(f.vulnerability), put(f.technical), put(f.business)))


def factors(assessment: Assessment) -> tuple[Factor, ...]:
    """The sixteen factors of an assessment."""
    f = assessment.scenario.factors
    return (*f.agent, *f.vulnerability, *f.technical, *f.business)


def row(
    assessment: Assessment,
    model: Model,
    reach: Reach,
    now: datetime,
    *,
    judged: Sequence[Judged] = (),
    happened: Past | None = None,
    rise: Rise | None = None,
) -> Row:
    """One risk as the register holds it."""
    today = now.date()
    decided = model.risks.get(assessment.scenario.id, NOTHING_DECIDED)
    residual, over = _estimated(assessment, decided, today, Approvers(model.people, decided.owner))
    accepted, because = appetite(model.appetite, reach)
    return Row(
        assessment=assessment,
        inherent=rate(assessment.inherent),
        claimed=rate(assessment.claimed),
        evidenced=rate(assessment.evidenced),
        residual=residual,
        rating=rate(residual),
        reach=reach,
        decided=decided,
        owner=decided.owner or reach.owner,
        owner_declared=decided.owner is not None,
        late=decided.due is not None and today > decided.due,
        appetite=accepted,
        appetite_for=because,
        estimates=(*judged, *over),
        incidents=happened.incidents if happened else (),
        rise=rise,
    )


def _estimated(
    assessment: Assessment, decided: Risk, today: date, approvers: Approvers
) -> tuple[Reading, tuple[Judged, ...]]:
    """What remains with the estimates that count; none of them makes unlikely what was demonstrated."""
    computed = assessment.evidenced
    found = []
    shares = {"likelihood": computed.likelihood, "impact": computed.impact}
    for name, estimate in (("likelihood", decided.likelihood), ("impact", decided.impact)):
        if estimate is not None:
            one = judge(name, shares[name] * 9, estimate, today, approvers)
            if one.counts and name == "likelihood" and one.estimated < one.computed and _demonstrated(assessment):
                one = replace(one, counts=False, because="it was demonstrated, which no estimate outweighs")
            found.append(one)
            if one.counts:
                shares[name] = estimate.value / 9
    return (Reading(**shares) if found else computed), tuple(found)


def _demonstrated(assessment: Assessment) -> bool:
    return any(group.exploited for group in assessment.groups)


def appetite(declared: Appetite, reach: Reach) -> tuple[Rating, str]:
    """How much may remain of a risk, and the data category that makes it less than usual (or nothing).

    The strictest counts: a category makes appetite smaller, never larger, since others may be reached beside it.
    """
    found, because = Rating(declared.residual), ""
    for category, rating in sorted(declared.for_.items()):
        reached = reach.special if category == SPECIAL_CATEGORY else any(belongs(c, category) for c in reach.categories)
        if reached and rank(Rating(rating)) < rank(found):
            found, because = Rating(rating), category
    return found, because


def ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The worst first: by rating, by score, by id."""
    return tuple(sorted(rows, key=lambda r: (-rank(r.rating), -r.residual.score, r.id)))


def entries(
    assessments: Iterable[Assessment],
    model: Model,
    now: datetime,
    *,
    reach: Callable[[Assessment], Reach],
    rise: Callable[[Assessment], Rise | None] = lambda _: None,
    judged: Mapping[str, tuple[Judged, ...]] | None = None,
    happened: Mapping[str, Past] | None = None,
) -> tuple[Row, ...]:
    """The rows of the register, the worst first; the same for the same assessments in whatever order they come."""
    return ordered(
        row(
            assessment,
            model,
            reach(assessment),
            now,
            judged=(judged or {}).get(assessment.scenario.id, ()),
            happened=(happened or {}).get(assessment.scenario.id),
            rise=rise(assessment),
        )
        for assessment in assessments
    )
