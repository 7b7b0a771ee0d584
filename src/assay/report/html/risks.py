"""The page about risks: the matrix, the register, and where each number comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from htpy import Element, Node, a, details, div, figcaption, figure, h1, h2, img, li, ol, p, span, strong, summary, ul

from assay.domain import listed
from assay.report.html.parts import grid, mono, page
from assay.report.risk_matrix import render as render_matrix
from assay.report.risk_tables import picture
from assay.risk.estimates import Judged
from assay.risk.register import Register, Row
from assay.risk.words import Effect, PlaceRisk, Rating, Reading

PAGE, MATRIX = "risks.html", "risk-matrix.svg"
_TONES = {Rating.CRITICAL: "bad", Rating.HIGH: "bad", Rating.MEDIUM: "warn", Rating.LOW: "info", Rating.NOTE: "none"}
_PLACES = 12


def pages(organisation: str, register: Register | None, styles: str) -> Mapping[str, str]:
    """The page and its picture, by name; nothing where no risk was assessed."""
    if register is None or not register.rows:
        return {}
    title = f"{organisation}: risks"
    content: Node = [
        p(".brand")[a(href="index.html")["Assay · API security report"]],
        h1[title],
        p(".lead")[in_a_sentence(register)],
        figure[
            div(".wide")[a(href=MATRIX)[img(src=MATRIX, alt="Risks by likelihood and impact")]],
            figcaption[
                "Each arrow begins where a risk would be without controls and ends where evidence puts it. Hollow: "
                "where it would be if everything that is claimed worked."
            ],
        ],
        h2["Register"],
        p(".small")[
            "Scores are 100 × likelihood × impact; a rating is read from the bands of both. Evidenced counts a control "
            "only as far as proofs on the running configuration support it, and less from day to day once they age."
        ],
        overview(register.rows),
        [p(".small")["! ", note.sentence] for note in register.notes],
        h2["Where the numbers come from"],
        [_risk(row) for row in register.rows],
    ]
    return {PAGE: page(title, content, styles=styles), MATRIX: render_matrix(picture(register))}


def in_a_sentence(register: Register) -> str:
    """How many risks of which rating remain, and how many are above what is accepted."""
    counted = Counter(row.rating for row in register.rows)
    told = ", ".join(f"{counted[r]} {r}" for r in reversed(Rating) if counted[r])
    above = sum(row.above for row in register.rows)
    over = f"{above} above what is accepted" if above else "none above what is accepted"
    unshown = sum(row.evidenced is not row.claimed for row in register.rows)
    gap = f"; {unshown} would be rated lower if everything that is claimed were shown" if unshown else ""
    return f"{len(register.rows)} risks remain: {told}; {over}{gap}."


def overview(rows: tuple[Row, ...], *, link: str = "") -> Element:
    """The register as a table, the worst first."""
    headings = ("risk", "inherent", "claimed", "evidenced", "gap#", "accepted up to", "owner", "decided")
    return div(".wide")[grid(headings, [_line(row, link) for row in rows])]


def _line(row: Row, link: str) -> tuple[Node, ...]:
    scenario = row.assessment.scenario
    name: Node = [a(href=f"{link}#{row.id}")[scenario.threat.title], div(".small")[mono(scenario.subject)]]
    # An estimate of a factor is in the evidenced score already; one of likelihood or impact stands beside it.
    beside = row.residual != row.assessment.evidenced
    residual = div(".small")[f"estimated: {row.rating} {row.residual.score:.1f}"] if beside else None
    return (
        name,
        rated(row.inherent, row.assessment.inherent),
        rated(row.claimed, row.assessment.claimed),
        [rated(row.evidenced, row.assessment.evidenced), residual],
        f"{row.gap:.1f}",
        [str(row.appetite), " ", strong["exceeded"] if row.above else None, _because(row)],
        row.owner or "nobody",
        _decided(row),
    )


def rated(rating: Rating, reading: Reading) -> Element:
    """A rating with its score."""
    return span(class_=f"chip {_TONES[rating]}")[f"{rating} {reading.score:.1f}"]


def _because(row: Row) -> Node:
    return div(".small")[f"for {row.appetite_for}"] if row.appetite_for else None


def _decided(row: Row) -> Node:
    due = row.decided.due.isoformat() if row.decided.due else ""
    word = "until" if row.decided.treatment == "accept" else "by"
    words = [row.decided.treatment or "nothing yet", f" {word} {due}" if due else ""]
    return [*words, div(".small")[strong["overdue"]] if row.overdue else None]


def _risk(row: Row) -> Element:
    scenario = row.assessment.scenario
    rise = f"Without a new proof it becomes {row.rise.to} on {row.rise.at:%Y-%m-%d}." if row.rise else ""
    breadth = ", ".join(f"{share:.0%} {r}" for r, share in sorted(row.assessment.breadth.items()) if share)
    return div(".card", id=row.id)[
        div[strong[scenario.threat.title], " ", rated(row.rating, row.residual)],
        p[scenario.threat.what],
        p(".small")[
            mono(row.id),
            f" · {listed(scenario.threat.references, 6)}" if scenario.threat.references else "",
            f" · {_many(len(scenario.places))}: {breadth}" if breadth else "",
        ],
        p(".small")[rise] if rise else None,
        p[row.decided.reason] if row.decided.reason else None,
        [p(".small")[_estimate(e)] for e in row.estimates],
        details[summary["Likelihood and impact without controls: sixteen factors"], _factors(row)],
        [_group(group) for group in row.assessment.groups],
    ]


def _many(places: int) -> str:
    return "1 place" if places == 1 else f"{places} places"


def _estimate(found: Judged) -> str:
    verb = "counts" if found.counts else "does not count"
    return (
        f"{found.name}: computed {found.computed:.1f}, estimated {found.estimated:.1f}, which {verb}: {found.because}"
    )


def _factors(row: Row) -> Element:
    sets = row.assessment.scenario.factors
    groups = (
        ("threat agent", sets.agent),
        ("vulnerability", sets.vulnerability),
        ("technical impact", sets.technical),
        ("business impact", sets.business),
    )
    rows: list[tuple[Node, ...]] = [
        (group, f.name.replace("_", " "), f"{f.value:g}", str(f.origin), f.because)
        for group, held in groups
        for f in held
    ]
    return div(".wide")[grid(("", "factor", "0 to 9#", "from", "because"), rows)]


def _group(group: PlaceRisk) -> Element:
    named = listed(list(group.places), _PLACES)
    counted = _many(len(group.places))
    reading = group.evidenced
    return details[
        summary[f"{counted}: {group.rating} {reading.score:.1f}"],
        p(".small.mono")[named],
        p(".small")[f"Likelihood {reading.likelihood:.3f}, impact {reading.impact:.3f}."],
        ul[(li["✗ demonstrated: ", sentence] for sentence in group.exploited)] if group.exploited else None,
        ol[(li["accepted, which lowers nothing: ", each] for each in group.accepted)] if group.accepted else None,
        div(".wide")[grid(_EFFECTS, map(_effect, group.effects))]
        if group.effects
        else p["No control is claimed here."],
    ]


_EFFECTS = ("control", "it", "of#", "results#", "at least#", "× trust#", "× fresh#", "worth#", "why")


def _effect(effect: Effect) -> tuple[Node, ...]:
    verb = "prevents" if effect.kind == "preventive" else "limits"
    held = f"{effect.tried - effect.failures}/{effect.tried}"
    numbers = (effect.capability, held, effect.bound, effect.reliability, effect.freshness, effect.effectiveness)
    shown = [n if isinstance(n, str) else f"{n:.3f}" for n in numbers]
    return (a(href=f"control-{effect.control}.html")[effect.control], verb, *shown, effect.because)
