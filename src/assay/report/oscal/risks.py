"""Risks: assessed scenarios with their three readings, and weaknesses with how they are treated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.domain import Severity, Verdict
from assay.report.oscal import frame
from assay.report.oscal.material import Accepted, Material, RiskNote
from assay.report.oscal.observations import Observations, Seen
from assay.report.oscal.words import NS, Json, bullets, end_of, full, line, named, prop, props, prose, raw, string
from assay.risk.words import Reading

_TREATMENT = {"reduce": "mitigate", "accept": "accept", "avoid": "avoid", "share": "share"}
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk in OSCAL, and what it hangs together with."""

    uuid: str
    json: Json
    controls: frozenset[str] = frozenset()
    note: RiskNote | None = None


@dataclass(frozen=True, slots=True)
class Weakness:
    """What one test found in one or more places, accepted in all of them or not."""

    control: str
    check: str
    seen: tuple[Seen, ...]
    accepted: tuple[Accepted, ...] = field(default=())

    @property
    def worst(self) -> Verdict:
        """The most severe of its verdicts; the first of equals."""
        verdicts = [s.verdict for s in self.seen if s.verdict]
        return max(verdicts, key=lambda v: v.severity.rank)

    @property
    def name(self) -> str:
        """What it is called in names: an accepted one is another than an open one."""
        return "accepted" if self.accepted else "open"

    @property
    def risk(self) -> str:
        """The name of its risk."""
        return named("risk", self.control, self.check, self.name)


def weaknesses(material: Material, seen: Observations) -> list[Weakness]:
    """Weaknesses by control and test, open ones before accepted ones, most severe first."""
    known = {a.key: a for a in material.accepted}
    open_: dict[tuple[str, str], list[Seen]] = {}
    accepted: dict[tuple[str, str], list[Seen]] = {}
    for one in seen.all:
        if one.verdict is None or not one.is_weakness:
            continue
        where = accepted if one.verdict.excepted_by in known else open_
        where.setdefault((one.verdict.control, one.verdict.check), []).append(one)
    found = [Weakness(c, k, tuple(s)) for (c, k), s in open_.items()]
    found += [Weakness(c, k, tuple(s), _by(s, known)) for (c, k), s in accepted.items()]
    return sorted(found, key=lambda w: (bool(w.accepted), -w.worst.severity.rank, w.control, w.check))


def _by(seen: Iterable[Seen], known: Mapping[str, Accepted]) -> tuple[Accepted, ...]:
    keys = dict.fromkeys(s.verdict.excepted_by for s in seen if s.verdict and s.verdict.excepted_by)
    return tuple(known[k] for k in keys if k in known)


def weakness_risk(weakness: Weakness, due: str = "") -> Json:
    """A weakness as a risk: open, or a deviation that was approved, with what should be done or why it was accepted."""
    worst = weakness.worst
    lasts = min((a.expires for a in weakness.accepted), default=None)
    return full(
        uuid=weakness.risk,
        title=line(f"{weakness.control}/{weakness.check}"),
        description=prose(worst.sentence),
        statement=prose(worst.reason or worst.sentence),
        props=props({"control": weakness.control, "check": weakness.check, "places": len(weakness.seen)}),
        status="deviation-approved" if weakness.accepted else "open",
        origins=[frame.origin()],
        characterizations=[{"origin": frame.origin(), "facets": [_severity(worst.severity)]}],
        mitigating_factors=[f for a in weakness.accepted for f in _compensating(a)],
        deadline=end_of(lasts) if lasts else due,
        remediations=[_acceptance(a) for a in weakness.accepted] if weakness.accepted else _remedies(weakness),
        related_observations=[{"observation-uuid": s.uuid} for s in weakness.seen],
    )


def _severity(severity: Severity) -> Json:
    return {"name": "severity", "system": NS, "value": str(severity)}


def _remedies(weakness: Weakness) -> list[Json]:
    fixes = dict.fromkeys(s.verdict.fix.sentence for s in weakness.seen if s.verdict and s.verdict.fix)
    return [
        {
            "uuid": named("response", weakness.control, weakness.check, fix),
            "lifecycle": "recommendation",
            "title": "Mend it",
            "description": prose(fix),
            "props": [{"name": "type", "value": "mitigate"}],
        }
        for fix in list(fixes)[:_SHOWN]
    ]


def _acceptance(accepted: Accepted) -> Json:
    return {
        "uuid": named("response", "accepted", accepted.key, accepted.control, accepted.on),
        "lifecycle": "completed",
        "title": line(f"Accepted until {accepted.expires.isoformat()}"),
        "description": prose(accepted.reason),
        "props": [
            {"name": "type", "value": "accept"},
            *props(
                {
                    "exception": accepted.key,
                    "on": accepted.on,
                    "owner": accepted.owner,
                    "approved-by": accepted.approved_by,
                    "expires": accepted.expires.isoformat(),
                }
            ),
        ],
    }


def _compensating(accepted: Accepted) -> list[Json]:
    return [
        {
            "uuid": named("mitigating", accepted.key, accepted.on, control),
            "description": line(f"Compensated by {control}"),
            "props": [prop("control", control)],
        }
        for control in accepted.compensating
    ]


def scenario_risks(material: Material, seen: Observations) -> list[Risk]:
    """Assessed scenarios, in the order of the register."""
    return [_scenario(note, seen) for note in material.risks]


def _scenario(note: RiskNote, seen: Observations) -> Risk:
    found = note.assessment
    scenario, threat = found.scenario, found.scenario.threat
    worst = found.groups[0] if found.groups else None
    effects = [e for g in found.groups for e in g.effects]
    controls = frozenset(e.control for e in effects)
    evidence = dict.fromkeys(e for effect in effects for e in effect.evidence)
    shown = dict.fromkeys(sentence for g in found.groups for sentence in g.exploited)
    related = dict.fromkeys(s.uuid for e in evidence for s in seen.by_evidence.get(e, ()))
    facets = [
        *_facets("inherent", found.inherent),
        *_facets("claimed", found.claimed),
        *_facets("evidenced", found.evidenced),
        _facet("evidenced-rating", worst.rating) if worst else None,
        _facet("residual-rating", note.rating) if note.rating else None,
        _facet("assurance-gap", f"{found.gap:.4g}"),
        *(_facet(f"breadth-{rating}", f"{share:.4g}") for rating, share in found.breadth.items()),
    ]
    name = named("risk", "scenario", scenario.id)
    made = full(
        uuid=name,
        title=line(f"{threat.title}: {scenario.subject}"),
        description=prose(threat.what),
        statement=raw(
            prose(
                f"{threat.title} at {scenario.subject}: inherent {found.inherent.score:.1f}, claimed "
                f"{found.claimed.score:.1f}, supported by evidence {found.evidenced.score:.1f} of 100."
            ),
            "Demonstrated:" if shown else "",
            bullets(list(shown)[:_SHOWN]),
        ),
        props=props(
            {
                "scenario": scenario.id,
                "threat": threat.id,
                "owner": note.owner,
                "treatment": note.treatment,
                "above-appetite": {True: "yes", False: "no", None: None}[note.above],
                "places": len(scenario.places),
                "demonstrated": len(shown),
            }
        ),
        # Accepting it is a response. That somebody approved it is said of exceptions only, which are signed for.
        status="open",
        origins=[frame.origin()],
        characterizations=[{"origin": frame.origin(), "facets": [f for f in facets if f]}],
        deadline=end_of(note.due) if note.due else "",
        remediations=_treatment(note),
        related_observations=[{"observation-uuid": u} for u in related],
    )
    return Risk(name, made, controls, note)


def _treatment(note: RiskNote) -> list[Json]:
    if not note.treatment:
        return []
    return [
        full(
            uuid=named("response", note.assessment.scenario.id, note.treatment),
            lifecycle="completed" if note.treatment == "accept" else "planned",
            title=line(note.treatment.capitalize()),
            description=prose(f"As the register says; answered for by {note.owner or 'nobody yet'}."),
            props=[{"name": "type", "value": _TREATMENT.get(note.treatment, "mitigate")}],
        )
    ]


def _facets(name: str, reading: Reading) -> list[Json]:
    return [
        _facet(f"{name}-likelihood", f"{reading.likelihood:.4g}"),
        _facet(f"{name}-impact", f"{reading.impact:.4g}"),
        _facet(f"{name}-score", f"{reading.score:.4g}"),
    ]


def _facet(name: str, value: object) -> Json:
    return {"name": name, "system": NS, "value": string(str(value))}
