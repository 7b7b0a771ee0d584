"""How objectives and coverage of frameworks are shown."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from math import floor

from rich.table import Table
from rich.text import Text

from assay.assurance.objectives import Status
from assay.cli.console import out, tables
from assay.frameworks.coverage import Coverage, Row
from assay.frameworks.judging import Judged, Share
from assay.report.dossier import age
from assay.report.plain import plain

_STYLES = {
    Status.EFFECTIVE: "green",
    Status.FAILED: "red",
    Status.DEVIATION: "red",
    Status.STALE: "yellow",
    Status.EXCEPTED: "yellow",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show_objectives(found: Sequence[Judged], profile: str | None) -> None:
    """A row for each objective, and how many there are of each status."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("objective", no_wrap=True)
    table.add_column("what must hold", ratio=4)
    table.add_column("status", no_wrap=True)
    table.add_column("why", ratio=3)
    table.add_column("shown", ratio=2)
    for name in ("evidence", "expires"):
        table.add_column(name, no_wrap=True)
    for each in found:
        standing = each.standing
        table.add_row(
            Text(plain(each.chosen.id)),
            Text(plain(standing.objective.statement)),
            Text(str(standing.status), style=_STYLES.get(standing.status, "")),
            Text(plain(standing.reason)),
            Text(shown(each.share)),
            Text(age(standing.evidence_age)),
            Text(f"{standing.expires:%Y-%m-%d %H:%M}" if standing.expires else "–"),
        )
    tables().print(table)
    counted = Counter(j.standing.status for j in found)
    told = " · ".join(f"{counted[s]} {s}" for s in Status if counted[s])
    own = sum(j.chosen.own for j in found)
    source = f"{own} of your own" + (f", {len(found) - own} of the profile {profile}" if profile else "")
    out().print(f"\n{len(found)} objectives ({source}): {told}", markup=False)


def shown(share: Share) -> str:
    """What was measured, and what is wanted: ``38 of 41 operations (92.6 %), 100 % wanted``."""
    wanted = f"{share.target:g} % wanted"
    if share.value is None:
        return f"nothing measured, {wanted}"
    return f"{share.held} of {share.due} held ({per_cent(share.held, share.due)}), {wanted}"


def per_cent(part: int, whole: int) -> str:
    """A share that never looks larger than it is: cut after one digit, not rounded."""
    if not whole:
        return "–"
    return f"{floor(1000 * part / whole) / 10:g} %"


def show_coverage(found: Coverage) -> None:
    """How many items came how far, then every item that something is mapped to."""
    console = out()
    console.print(f"{found.framework.title}: shares of {found.population}", style="bold", markup=False)
    counts = found.counts.as_json()
    table = Table("", "items", "share", "", box=None, header_style="bold", pad_edge=False)
    for name, said in _MEANINGS.items():
        # Without a list of all items, those that are known are those that are mapped: that is no share of anything.
        tells = found.whole or name not in ("catalogued", "mapped")
        share = per_cent(counts[name], counts["catalogued"]) if tells else "–"
        table.add_row(name, str(counts[name]), share, Text(said, style="dim"))
    tables().print(table)
    console.print()
    tables().print(_items(r for r in found.rows if r.mapped))
    open_items = [r.item.id for r in found.rows if not r.mapped]
    if open_items:
        console.print(f"\nnothing is mapped to {len(open_items)}: {', '.join(open_items)}", markup=False)


_MEANINGS = {
    "catalogued": "known here",
    "mapped": "an objective is proposed to stand for it",
    "reviewed": "a person signed every mapping to it, in the words it has now",
    "assessed": "something was concluded about every objective that is mapped to it",
    "effective": "every objective that is mapped to it holds in operation, now",
}


def _items(rows: Iterable[Row]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("item", no_wrap=True)
    table.add_column("", ratio=3)
    table.add_column("mapped", ratio=2)
    for name in ("reviewed", "assessed", "effective"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        of = len(row.mapped)
        table.add_row(
            row.item.id,
            Text(row.item.title),
            Text(", ".join(row.mapped)),
            *(f"{len(some)}/{of}" for some in (row.reviewed, row.assessed, row.effective)),
        )
    return table


def objectives_csv(found: Iterable[Judged]) -> str:
    """A table with a header (RFC 4180)."""
    return _csv(
        (
            "objective",
            "origin",
            "category",
            "statement",
            "status",
            "reason",
            "metric",
            "held",
            "due",
            "target",
            "sample",
            "bound",
            "evidence_age",
            "expires",
        ),
        (
            (
                j.chosen.id,
                "own" if j.chosen.own else "catalogue",
                str(j.standing.objective.category),
                j.standing.objective.statement,
                str(j.standing.status),
                j.standing.reason,
                j.metric,
                str(j.share.held),
                str(j.share.due),
                f"{j.share.target:g}",
                str(j.standing.operating.sample),
                f"{j.standing.operating.bound:.4f}",
                "" if j.standing.evidence_age is None else f"{j.standing.evidence_age:.0f}",
                j.standing.expires.isoformat() if j.standing.expires else "",
            )
            for j in found
        ),
    )


def coverage_csv(found: Coverage) -> str:
    """A table with a header (RFC 4180): every item, those that nothing is mapped to included."""
    return _csv(
        ("framework", "item", "title", "mapped", "reviewed", "assessed", "effective"),
        (
            (
                found.framework.id,
                r.item.id,
                r.item.title,
                *(" ".join(some) for some in (r.mapped, r.reviewed, r.assessed, r.effective)),
            )
            for r in found.rows
        ),
    )


def _csv(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    # Names and statements are anybody's: no spreadsheet is to take one for a formula.
    writer.writerows([f"'{v}" if v.startswith(_FORMULA) else v for v in row] for row in rows)
    return stream.getvalue()
