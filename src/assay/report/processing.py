"""The record of processing activities (GDPR Art. 30(1)) as CSV, HTML and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

import htpy as h

from assay.report.plain import plain
from assay.sensitivity.record import Activity

COLUMNS: Final = (
    "purpose",
    "(a) controller",
    "(a) contact",
    "(a) representative",
    "(a) data protection officer",
    "(b) purpose in words",
    "legal basis (Art. 6)",
    "condition (Art. 9(2))",
    "(c) data subjects",
    "(c) categories of data",
    "(c) special categories",
    "data sets",
    "systems",
    "(d) recipients",
    "(e) transfers",
    "(f) erasure",
    "(g) measures, as declared",
    "missing",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row(activity: Activity) -> tuple[str, ...]:
    """One activity as the cells under :data:`COLUMNS`."""
    recipients = [
        f"{r.name} ({r.kind}{', ' + r.location if r.location else ''}{', outside' if r.outside else ''})"
        for r in activity.recipients
    ]
    transfers = [
        f"{t.system} in {t.location}: {t.safeguard or 'no safeguard named'}{' ' + t.reference if t.reference else ''}"
        for t in activity.transfers
    ]
    erased = [f"{data}: {duration(seconds)}" for data, seconds in activity.retention]
    cells = (
        activity.purpose or "(none declared)",
        activity.controller,
        activity.contact,
        activity.representative,
        activity.dpo,
        activity.statement or "(none declared)",
        "; ".join(activity.legal_bases),
        "; ".join(activity.conditions),
        "; ".join(activity.subjects),
        "; ".join(activity.categories),
        "; ".join(activity.special),
        "; ".join(activity.data),
        "; ".join(activity.systems),
        "; ".join(recipients),
        "; ".join(transfers),
        "; ".join(erased),
        "; ".join(activity.measures),
        "; ".join(f"{m.letter} {m.sentence}" for m in activity.missing),
    )
    return tuple(plain(cell) for cell in cells)


def duration(seconds: int | None) -> str:
    """A time limit in words; a year has 365 days here."""
    if seconds is None:
        return "not declared"
    days = seconds // 86_400
    if days and days % 365 == 0:
        return f"{days // 365} year{'s' * (days != 365)}"
    return f"{days} day{'s' * (days != 1)}" if days else f"{seconds} seconds"


def as_csv(activities: Sequence[Activity]) -> str:
    """A line for each activity, a header first (RFC 4180). Cells that a spreadsheet would calculate are quoted by an
    apostrophe (CWE-1236)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for activity in activities:
        writer.writerow("'" + cell if cell.startswith(_FORMULA) else cell for cell in row(activity))
    return out.getvalue()


def as_json(activities: Sequence[Activity]) -> list[dict[str, object]]:
    """The published shape (version 1)."""
    return [
        {
            "purpose": a.purpose or None,
            "controller": {
                "name": a.controller,
                "contact": a.contact or None,
                "representative": a.representative or None,
                "dpo": a.dpo or None,
            },
            "statement": a.statement,
            "legal_bases": list(a.legal_bases),
            "conditions": list(a.conditions),
            "subjects": list(a.subjects),
            "categories": list(a.categories),
            "special": list(a.special),
            "data": list(a.data),
            "systems": list(a.systems),
            "recipients": [
                {"kind": r.kind, "name": r.name, "place": r.location or None, "outside": r.outside}
                for r in a.recipients
            ],
            "transfers": [
                {
                    "system": t.system,
                    "place": t.location,
                    "safeguard": t.safeguard or None,
                    "reference": t.reference or None,
                }
                for t in a.transfers
            ],
            "retention": [{"data": data, "seconds": seconds} for data, seconds in a.retention],
            "measures": list(a.measures),
            "missing": [
                {"letter": m.letter, "sentence": m.sentence, "path": [str(p) for p in m.path]} for m in a.missing
            ],
        }
        for a in activities
    ]


def as_html(activities: Sequence[Activity], digest: str) -> str:
    """A page that stands alone; ``digest`` says of which declaration."""
    controller = activities[0].controller if activities else ""
    page = h.html(lang="en")[
        h.head[
            h.meta(charset="utf-8"),
            h.meta(name="viewport", content="width=device-width"),
            h.title["Record of processing activities"],
            h.style[_STYLE],
        ],
        h.body[
            h.h1["Record of processing activities"],
            h.p[f"{controller}, GDPR Art. 30(1). Made from the declaration {digest[:12]}; measures are as declared."],
            [_section(activity) for activity in activities] or h.p["No data set is about people."],
        ],
    ]
    return f"<!doctype html>\n{page}\n"


def _section(activity: Activity) -> h.Element:
    cells = zip(COLUMNS, row(activity), strict=True)
    return h.section[
        h.h2[activity.purpose or "Data without a purpose"],
        h.dl[
            [
                (h.dt[name], h.dd(class_="missing" if name == "missing" else None)[cell or "–"])
                for name, cell in cells
                if name != "purpose" and (cell or name != "missing")
            ]
        ],
    ]


_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; border-top: 1px solid #8886; padding-top: 1rem; }
dl { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .25rem 1rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; } .missing { font-weight: 600; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
"""
