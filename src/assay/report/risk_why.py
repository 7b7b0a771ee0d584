"""How every number of a risk was come by, as lines of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.domain.listing import listed
from assay.report.plain import plain
from assay.risk.formula import LEAST_IMPACT, LEAST_LIKELIHOOD, band, rate
from assay.risk.register import Row
from assay.risk.replay import claimed as working
from assay.risk.words import Effect, Factor, PlaceRisk, Reading

_PLACES = 5


@dataclass(slots=True)
class Twig:
    """A line, and the lines below it that say where it comes from."""

    said: str
    twigs: list[Twig] = field(default_factory=list)

    def add(self, said: str) -> Twig:
        """A line below this one."""
        twig = Twig(said)
        self.twigs.append(twig)
        return twig


def lines(row: Row) -> list[str]:
    """The whole derivation of a risk: inherent, claimed and evidenced, down to factors and results."""
    return _drawn(derivation(row))


def _drawn(tree: Twig) -> list[str]:
    found = [plain(tree.said)]
    for number, twig in enumerate(tree.twigs, 1):
        last = number == len(tree.twigs)
        first, *rest = _drawn(twig)
        found.append(f"{'└─' if last else '├─'} {first}")
        found += [f"{'  ' if last else '│ '} {line}" for line in rest]
    return found


def derivation(row: Row) -> Twig:
    """The derivation as a tree."""
    one, threat = row.assessment, row.assessment.scenario.threat
    references = f" ({', '.join(threat.references)})" if threat.references else ""
    tree = Twig(f"{row.id}: {threat.title}{references}")
    _inherent(tree, row)
    claimed = tree.add(f"claimed {_scored(one.claimed)}: if every control that is declared worked always")
    worst = next((g for g in one.groups if g.claimed == one.claimed), None)
    if worst:
        where = claimed.add(f"worst where {_controls(worst.effects)}: {_where(worst.places, one.scenario.subject)}")
        if worst.effects:
            _claimed(where, one.inherent, worst)
    evidenced = tree.add(f"evidenced {_scored(one.evidenced)}: the worst of {_many(len(one.scenario.places), 'place')}")
    for group in one.groups:
        _group(evidenced, one.scenario.subject, one.inherent, group)
    tree.add(f"assurance gap {row.gap:.1f}: evidenced less claimed")
    _decided(tree, row)
    if row.rise:
        when = f"{'at the earliest ' if row.rise.earliest else ''}on {row.rise.at:%Y-%m-%d %H:%M} UTC"
        tree.add(f"becomes {row.rise.to} {when}, if nothing is measured again")
    else:
        tree.add("age alone does not raise its rating")
    return tree


def _inherent(tree: Twig, row: Row) -> None:
    one = row.assessment
    f = one.scenario.factors
    top = tree.add(f"inherent {_scored(one.inherent)}: without any control")
    agent, vulnerability = _mean(f.agent), _mean(f.vulnerability)
    likelihood = top.add(
        f"likelihood {_share(one.inherent.likelihood)} = ({agent:.2f} + {vulnerability:.2f}) / 2 / 9,"
        " the means of threat agent and vulnerability"
    )
    _factors(likelihood, "threat agent", f.agent)
    _factors(likelihood, "vulnerability", f.vulnerability)
    technical, business = _mean(f.technical), _mean(f.business)
    impact = top.add(
        f"impact {_share(one.inherent.impact)} = max({technical:.2f}, {business:.2f}) / 9,"
        " the means of technical and business impact"
    )
    _factors(impact, "technical impact", f.technical)
    _factors(impact, "business impact", f.business)


def _factors(above: Twig, name: str, factors: Sequence[Factor]) -> None:
    group = above.add(f"{name} {_mean(factors):.2f}")
    for factor in factors:
        group.add(f"{factor.name.replace('_', ' ')} {factor.value:g} ({factor.origin}): {factor.because}")


def _mean(factors: Sequence[Factor]) -> float:
    return sum(f.value for f in factors) / len(factors)


def _group(above: Twig, subject: str, start: Reading, group: PlaceRisk) -> None:
    top = above.add(f"{group.rating} {group.evidenced.score:.1f} at {_where(group.places, subject)}")
    raised = bool(group.exploited)
    top.add(_product("likelihood", start.likelihood, group.effects, group.evidenced.likelihood, raised=raised))
    top.add(_product("impact", start.impact, group.effects, group.evidenced.impact))
    for sentence in group.exploited:
        top.add(f"demonstrated, so its likelihood is at least 0.9: {sentence}")
    for name in group.accepted:
        top.add(f"accepted by {name}: an exception lowers no risk")
    for effect in sorted(group.effects, key=lambda e: (-e.effectiveness, e.control)):
        _effect(top, effect)
    if not group.effects:
        top.add("no control against it is declared here")


def _claimed(above: Twig, start: Reading, group: PlaceRisk) -> None:
    """The same product, of controls that work always: the best capability in each failure domain counts."""
    always = [working(e) for e in group.effects]
    above.add(_product("likelihood", start.likelihood, always, group.claimed.likelihood))
    above.add(_product("impact", start.impact, always, group.claimed.impact))


def _product(name: str, start: float, effects: Sequence[Effect], found: float, *, raised: bool = False) -> str:
    kind, least = ("preventive", LEAST_LIKELIHOOD) if name == "likelihood" else ("limiting", LEAST_IMPACT)
    best: dict[str, float] = {}
    for e in effects:
        if e.kind == kind:
            best[e.domain] = max(best.get(e.domain, 0.0), e.effectiveness)
    parts = "".join(f" × (1 − {value:.4f})" for _, value in sorted(best.items()) if value)
    product = start
    for value in best.values():
        product *= 1 - value
    floor = f", and never below {least:g}" if product < least else ""
    shown = ", raised by what was demonstrated" if raised and product < found else ""
    return f"{name} {_share(found)} = {_share(start)}{parts}{shown or floor}"


def _effect(above: Twig, e: Effect) -> None:
    top = above.add(
        f"{e.control}: {e.effectiveness:.4f} = capability {e.capability:g} × assurance {e.assurance:.4f}"
        f" ({e.kind}, domain {e.domain})"
    )
    if e.assurance > 0:
        top.add(
            f"assurance = {e.bound:.4f} × reliability {e.reliability:g} × freshness {e.freshness:.4f};"
            f" {e.bound:.4f} is the lower 95 % bound for {e.failures} of {e.tried} failed"
        )
    top.add(e.because or "nothing is known of it")
    if e.measured is not None:
        top.add(f"measured {e.measured:%Y-%m-%d %H:%M} UTC, fades after {e.evidence_age / 86400:g} days")
    if e.evidence:
        top.add(f"evidence {listed(e.evidence, 3)}")


def _decided(tree: Twig, row: Row) -> None:
    for e in row.estimates:
        used = "counts" if e.counts else "does not count"
        tree.add(f"{e.name.replace('_', ' ')} estimated {e.estimated:g}, computed {e.computed:g}: {used}; {e.because}")
    if row.incidents:
        tree.add(f"made likelier by {_many(len(row.incidents), 'incident')} of the last 90 days")
    because = f" (it reaches {row.appetite_for})" if row.appetite_for else ""
    word = "above" if row.above else "within"
    tree.add(f"{word} appetite: {row.rating} remains, {row.appetite} is accepted{because}")
    owner = row.owner or "nobody"
    whose = "" if row.owner_declared or not row.owner else ", who owns what it stands on"
    treatment = row.decided.treatment or "nothing decided"
    due = f", due {row.decided.due}{' (overdue)' if row.overdue else ''}" if row.decided.due else ""
    reason = f": {row.decided.reason}" if row.decided.reason else ""
    tree.add(f"owner {owner}{whose}; {treatment}{due}{reason}")


def _controls(effects: Sequence[Effect]) -> str:
    names = sorted({e.control for e in effects})
    return f"{listed(names, 6)} would work" if names else "no control is declared"


def _where(places: Sequence[str], subject: str) -> str:
    """Places, without what all of them begin with: operations of the API that the risk is about."""
    short = [p.removeprefix(f"{subject}.operations.") for p in places]
    return f"{_many(len(places), 'place')}: {listed(short, _PLACES)}"


def _scored(one: Reading) -> str:
    """Score and rating, and the bands of both axes: the rating is read from these, not from the score."""
    likelihood, impact = (f"{_share(value)} ({band(value)})" for value in (one.likelihood, one.impact))
    return f"{one.score:.1f} {rate(one)} = 100 × likelihood {likelihood} × impact {impact}"


def _share(value: float) -> str:
    return f"{value:.4f}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
