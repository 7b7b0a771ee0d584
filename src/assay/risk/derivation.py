"""The derivation of an assessment as lines of text: every number with what it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.risk.formula import DEMONSTRATED, LEAST_IMPACT, LEAST_LIKELIHOOD, VERSION, band, rate
from assay.risk.words import Assessment, Effect, Factor, PlaceRisk, Reading

_SHOWN = 5
"""So many places of a group are named."""


def derivation(assessment: Assessment) -> tuple[str, ...]:
    """Everything behind the three readings of a scenario, indented by depth with two spaces.

    Nothing in it depends on anything but the assessment.
    """
    return tuple(_lines(assessment))


def _lines(a: Assessment) -> Iterator[str]:
    scenario = a.scenario
    yield f"{scenario.threat.title} ({scenario.id}), formula {VERSION}"
    yield f"  inherent   {_read(a.inherent)}"
    yield f"  claimed    {_read(a.claimed)}"
    yield f"  evidenced  {_read(a.evidenced)}"
    yield f"  assurance gap {a.gap:.1f}"
    f = scenario.factors
    likelihood = f"(mean of agent {_mean(f.agent):.2f} + mean of vulnerability {_mean(f.vulnerability):.2f}) / 2 / 9"
    yield f"  likelihood without controls: {likelihood} = {a.inherent.likelihood:.3f}"
    yield from _factors("threat agent", f.agent)
    yield from _factors("vulnerability", f.vulnerability)
    impact = f"the greater of technical {_mean(f.technical):.2f} and business {_mean(f.business):.2f}, / 9"
    yield f"  impact without controls: {impact} = {a.inherent.impact:.3f}"
    yield from _factors("technical", f.technical)
    yield from _factors("business", f.business)
    total = sum(len(g.places) for g in a.groups)
    for group in a.groups:
        yield from _group(group, a.inherent, total)


def _read(reading: Reading) -> str:
    likelihood, impact = band(reading.likelihood), band(reading.impact)
    return (
        f"{rate(reading)} {reading.score:.1f} = 100 × L {reading.likelihood:.3f} ({likelihood})"
        f" × I {reading.impact:.3f} ({impact})"
    )


def _mean(factors: Sequence[Factor]) -> float:
    return sum(f.value for f in factors) / len(factors)


def _factors(group: str, factors: Sequence[Factor]) -> Iterator[str]:
    for factor in factors:
        yield f"    {group}: {factor.name} {factor.value:g} ({factor.origin}): {factor.because}"


def _group(group: PlaceRisk, start: Reading, total: int) -> Iterator[str]:
    names = ", ".join(group.places[:_SHOWN])
    more = f" and {len(group.places) - _SHOWN} more" if len(group.places) > _SHOWN else ""
    yield f"  {len(group.places)} of {total}: {names}{more}"
    yield f"    evidenced {_read(group.evidenced)}"
    yield f"    claimed {_read(group.claimed)}"
    for sentence in group.exploited:
        yield f"    demonstrated, so L is at least {DEMONSTRATED}: {sentence}"
    for name in group.accepted:
        yield f"    accepted by {name}, which lowers no risk"
    if not group.effects:
        yield "    no control is claimed here"
    for kind, letter, first, least in (
        ("preventive", "L", start.likelihood, LEAST_LIKELIHOOD),
        ("limiting", "I", start.impact, LEAST_IMPACT),
    ):
        effects = [e for e in group.effects if e.kind == kind]
        best = _best(effects)
        for effect in effects:
            counts = "" if best[effect.domain] is effect else "; another in its failure domain counts instead"
            yield f"    {kind} {effect.control} ({effect.domain}): {_worth(effect)}{counts}"
            yield f"      {effect.because}"
        if effects:
            product = " × ".join(f"(1 - {e.effectiveness:.3f})" for e in best.values())
            yield f"    {letter} = {first:.3f} × {product}, not below {least:g}"


def _best(effects: Sequence[Effect]) -> dict[str, Effect]:
    found: dict[str, Effect] = {}
    for effect in effects:
        known = found.get(effect.domain)
        if known is None or effect.effectiveness > known.effectiveness:
            found[effect.domain] = effect
    return found


def _worth(e: Effect) -> str:
    if not e.assurance:
        return f"capability {e.capability:g} × assurance 0 = 0"
    assurance = (
        f"LB95({e.failures} of {e.tried}) {e.bound:.3f} × reliability {e.reliability:g} × fresh {e.freshness:.3f}"
    )
    return f"capability {e.capability:g} × {assurance} = {e.effectiveness:.3f}"
