"""The risk register for spreadsheets, for programs and as a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from assay.report.risk_matrix import Mark, RiskMatrix
from assay.risk.estimates import Judged
from assay.risk.formula import VERSION, rate
from assay.risk.next_ import Step
from assay.risk.register import Register, Row
from assay.risk.simulation import Loss, Simulated
from assay.risk.words import Factor, PlaceRisk, Rating, Reading

COLUMNS = (
    "scenario",
    "threat",
    "subject",
    "inherent",
    "inherent_score",
    "claimed",
    "claimed_score",
    "evidenced",
    "evidenced_score",
    "residual",
    "residual_score",
    "gap",
    "appetite",
    "appetite_for",
    "above_appetite",
    "owner",
    "treatment",
    "due",
    "overdue",
    "reason",
    "places",
    *(f"places_{rating}" for rating in Rating),
    "evidence_oldest",
    "evidence_newest",
    "rises_at",
    "rises_to",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(register: Register) -> str:
    """A line for each risk, a header first (RFC 4180). Words that a spreadsheet would calculate are quoted by an
    apostrophe (CWE-1236)."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in register.rows:
        writer.writerow(
            f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in _cells(row)
        )
    return stream.getvalue()


def _cells(row: Row) -> tuple[str | int | float, ...]:
    one, decided = row.assessment, row.decided
    places = {r: sum(len(g.places) for g in one.groups if g.rating is r) for r in Rating}
    oldest, newest = row.measured or (None, None)
    return (
        row.id,
        one.scenario.threat.id,
        one.scenario.subject,
        row.inherent.value,
        round(one.inherent.score, 1),
        row.claimed.value,
        round(one.claimed.score, 1),
        row.evidenced.value,
        round(one.evidenced.score, 1),
        row.rating.value,
        round(row.residual.score, 1),
        round(row.gap, 1),
        row.appetite.value,
        row.appetite_for,
        "yes" if row.above else "no",
        row.owner,
        decided.treatment or "",
        decided.due.isoformat() if decided.due else "",
        "yes" if row.overdue else "no",
        decided.reason or "",
        len(one.scenario.places),
        *places.values(),
        _moment(oldest) or "",
        _moment(newest) or "",
        _moment(row.rise.at) or "" if row.rise else "",
        row.rise.to.value if row.rise else "",
    )


def as_json(register: Register) -> dict[str, object]:
    """The published shape (version 1)."""
    worst = register.worst
    return {
        "at": _moment(register.now),
        "formula": VERSION,
        "worst": worst.value if worst else None,
        "risks": [risk(row) for row in register.rows],
        "findings": [v.as_json() for v in register.notes],
    }


def risk(row: Row) -> dict[str, object]:
    """One risk in its published shape."""
    one, decided = row.assessment, row.decided
    oldest, newest = row.measured or (None, None)
    factors = one.scenario.factors
    return {
        "id": row.id,
        "threat": one.scenario.threat.id,
        "title": one.scenario.threat.title,
        "references": list(one.scenario.threat.references),
        "subject": one.scenario.subject,
        "inherent": reading(one.inherent),
        "claimed": reading(one.claimed),
        "evidenced": reading(one.evidenced),
        "residual": reading(row.residual),
        "gap": round(row.gap, 2),
        "places": len(one.scenario.places),
        "breadth": {r.value: round(one.breadth[r], 4) for r in Rating if one.breadth.get(r)},
        "groups": [_group(g) for g in one.groups],
        "factors": {
            name: [_factor(f) for f in getattr(factors, name)]
            for name in ("agent", "vulnerability", "technical", "business")
        },
        "owner": row.owner or None,
        "owner_declared": row.owner_declared,
        "treatment": decided.treatment,
        "due": decided.due.isoformat() if decided.due else None,
        "overdue": row.overdue,
        "reason": decided.reason,
        "appetite": row.appetite.value,
        "appetite_for": row.appetite_for or None,
        "above_appetite": row.above,
        "estimates": [_estimate(e) for e in row.estimates],
        "incidents": list(row.incidents),
        "evidence": {"oldest": _moment(oldest), "newest": _moment(newest)},
        "rises": {"at": _moment(row.rise.at), "to": row.rise.to.value, "earliest": row.rise.earliest}
        if row.rise
        else None,
    }


def reading(one: Reading) -> dict[str, object]:
    """Likelihood and impact as shares, score and rating."""
    return {
        "likelihood": round(one.likelihood, 6),
        "impact": round(one.impact, 6),
        "score": round(one.score, 2),
        "rating": rate(one).value,
    }


def _group(group: PlaceRisk) -> dict[str, object]:
    return {
        "places": list(group.places),
        "evidenced": reading(group.evidenced),
        "exploited": list(group.exploited),
        "accepted": list(group.accepted),
        "effects": [
            {
                "control": e.control,
                "kind": e.kind,
                "domain": e.domain,
                "capability": e.capability,
                "failures": e.failures,
                "tried": e.tried,
                "bound": round(e.bound, 6),
                "reliability": e.reliability,
                "freshness": round(e.freshness, 6),
                "assurance": round(e.assurance, 6),
                "effectiveness": round(e.effectiveness, 6),
                "measured": _moment(e.measured),
                "because": e.because,
                "evidence": len(e.evidence),
            }
            for e in group.effects
        ],
    }


def _factor(factor: Factor) -> dict[str, object]:
    return {
        "name": factor.name,
        "value": round(factor.value, 2),
        "origin": factor.origin.value,
        "because": factor.because,
    }


def _estimate(one: Judged) -> dict[str, object]:
    return {
        "name": one.name,
        "computed": round(one.computed, 2),
        "estimated": round(one.estimated, 2),
        "counts": one.counts,
        "because": one.because,
        "approved_by": one.approved_by or None,
        "expires": one.expires.isoformat() if one.expires else None,
    }


def step(one: Step) -> dict[str, object]:
    """A step that could be taken, in its published shape."""
    return {
        "kind": one.kind.value,
        "control": one.control or None,
        "sentence": one.sentence,
        "about": one.about or None,
        "command": one.command,
        "hours": round(one.effort, 2),
        "drop": round(one.drop, 2),
        "eased": round(one.eased, 2),
        "risks": [
            {
                "id": g.scenario,
                "before": reading(g.before),
                "after": reading(g.after),
                "drop": round(g.drop, 2),
                "eased": round(g.eased, 2),
            }
            for g in one.gains
        ],
    }


def money(one: Simulated) -> dict[str, object]:
    """What a year may cost, in its published shape."""
    return {
        "currency": one.currency,
        "draws": one.draws,
        "seed": one.seed,
        "together": _loss(one.together),
        "risks": [{"id": each.scenario, **_loss(each)} for each in one.losses],
        "exceedance": [{"at_least": amount, "share": round(share, 4)} for amount, share in one.exceedance],
    }


def _loss(one: Loss) -> dict[str, object]:
    return {
        "incidents_a_year": round(one.likely, 4),
        "mean": round(one.mean),
        "median": round(one.median),
        "low": round(one.low),
        "high": round(one.high),
        "no_incident": round(one.none, 4),
    }


def picture(register: Register, title: str = "") -> RiskMatrix:
    """The register as a matrix; what remains is drawn with the estimates that count."""
    rows = register.rows
    named = f"{title}: " if title else ""
    return RiskMatrix(
        f"{named}{len(rows)} risk{'s' * (len(rows) != 1)}",
        f"as of {register.now:%Y-%m-%d %H:%M} UTC",
        tuple(_mark(row) for row in rows),
    )


def _mark(row: Row) -> Mark:
    one = row.assessment
    return Mark(
        f"{one.scenario.subject.partition('.')[2] or one.scenario.subject}: {one.scenario.threat.title}",
        _point(one.inherent),
        _point(one.claimed),
        _point(row.residual),
        row.rating,
        row.residual.score,
    )


def _point(one: Reading) -> tuple[float, float]:
    return one.likelihood, one.impact


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def named(rows: Sequence[Row]) -> str:
    """How many risks there are of each rating, the worst first: `1 critical, 3 medium`."""
    counts = [(r, sum(1 for row in rows if row.rating is r)) for r in reversed(Rating)]
    return ", ".join(f"{n} {r}" for r, n in counts if n) or "none"
