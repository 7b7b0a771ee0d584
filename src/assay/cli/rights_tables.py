"""How rights, reviews and proposals are shown."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from assay.app.rights import Proposal, Reviewed
from assay.cli.console import err, out, tables, write
from assay.privilege.narrowing import as_yaml
from assay.privilege.review import Review
from assay.privilege.rights import Grant
from assay.report.plain import plain

_SHOWN = 3
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show_grants(found: Iterable[Reviewed]) -> None:
    """A row for each right."""
    table = _table("account", "right", "object", "through", "rows", "since")
    for reviewed in found:
        name, review = reviewed.review.name, reviewed.review
        for grant in review.grants:
            since = grant.since.isoformat() if grant.since else ""
            what = f"future objects of {grant.object}" if grant.future else grant.object
            _row(table, name, _right(grant), what, " → ".join(grant.via), grant.rows or "all", since)
        if review.rights and review.rights.powers:
            _row(table, name, ", ".join(sorted(review.rights.powers)), "", "itself", "", "")
        if not review.grants:
            _row(table, name, "not read" if reviewed.problem else "none known", "", "", "", "")
    tables().print(table)
    _unclear(found)


def show_reviews(found: Iterable[Reviewed]) -> None:
    """A row for each account."""
    table = _table("account", "rights", "too much", "excess", "by use", "reaches", "records", "last used", "flags")
    for reviewed in found:
        review = reviewed.review
        flags = ", ".join(review.flags)
        if reviewed.problem is not None:
            _row(table, review.name, "not read", "", "", "", "", "", _day(reviewed), flags)
            continue
        excess = review.excess
        reaches = ", ".join(f"{d} ({level})" for d, level in review.blast.data[:_SHOWN])
        more = len(review.blast.data) - _SHOWN
        _row(
            table,
            review.name,
            str(len(review.grants)),
            str(len(excess.unused) + len(excess.too_wide)) if review.needs else "no needs declared",
            _index(excess.index) if review.needs else "",
            _index(review.by_use.index if review.by_use else None),
            reaches + (f" and {more} more" if more > 0 else "") + _together(review),
            f"{review.blast.records:,}" if review.blast.records else "",
            _day(reviewed),
            flags,
        )
    tables().print(table)
    _unclear(found)


def _together(review: Review) -> str:
    """That it becomes more sensitive when it is joined, if it does."""
    return f"; together {review.level}" if review.level != review.blast.level else ""


def _unclear(found: Iterable[Reviewed]) -> None:
    for reviewed in found:
        review = reviewed.review
        for item in (*review.unclear, *(review.uses.unclear if review.uses else ())):
            where = f" ({item.at})" if item.at else ""
            err().print(plain(f"{review.name}: {item.sentence}{where}"), markup=False)
        if review.uses is not None and review.by_use is None and review.uses.since is not None:
            err().print(
                plain(
                    f"{review.name}: use is known since {review.uses.since.isoformat()} only; what was not used for"
                    f" {review.window} days cannot be told before that many have passed"
                ),
                markup=False,
            )


def show_proposal(proposed: Proposal, sources: Mapping[str, str]) -> None:
    """The script, the policy or the patch, and for other platforms the rights to take away."""
    if proposed.script is not None:
        write(proposed.script.text)
    if proposed.policy is not None:
        write(json.dumps(proposed.policy, indent=2))
    for name, text in (proposed.files or {}).items():
        before, after = sources[name].splitlines(keepends=True), text.splitlines(keepends=True)
        write("".join(difflib.unified_diff(before, after, name, name)))
    if proposed.script is None and proposed.policy is None and not proposed.files:
        console = out()
        if not proposed.revoke:
            console.print(f"{plain(proposed.review.name)} holds nothing that it does not need", markup=False)
        for grant in proposed.revoke:
            console.print(plain(f"take away: {grant}"), markup=False)
    if proposed.narrowings:
        write(as_yaml(proposed.review.name, proposed.narrowings))


def as_json(reviewed: Reviewed, *, grants: bool) -> dict[str, Any]:
    """The published shape (version 1)."""
    review = reviewed.review
    problem = reviewed.problem
    shown: dict[str, Any] = {
        "account": review.name,
        "source": review.rights.source if review.rights and problem is None else None,
        "problem": problem.sentence if problem else None,
        "powers": sorted(review.rights.powers) if review.rights else [],
        "unclear": [i.sentence for i in review.unclear],
    }
    if grants:
        return shown | {"grants": [_grant(g) for g in review.grants]}
    known = problem is None and review.rights is not None
    return shown | {
        "grants": len(review.grants) if known else None,
        "needs": [str(n) for n in review.needs],
        "excess": review.excess.index if known and review.needs else None,
        "unneeded": [str(g) for g in review.excess.unused] if known and review.needs else [],
        "too_wide": [str(g) for g in review.excess.too_wide] if known and review.needs else [],
        "missing": [str(g) for g in review.excess.missing] if known else [],
        "excess_by_use": review.by_use.index if review.by_use else None,
        "unused": [str(g) for g in review.by_use.unused] if review.by_use else [],
        "use_known_since": review.uses.since.isoformat() if review.uses and review.uses.since else None,
        "last_used": review.last_used.isoformat() if review.last_used else None,
        "reaches": [{"data": d, "level": level} for d, level in review.blast.data],
        "level": review.level,
        "records": review.blast.records,
        "superuser": list(review.superuser),
        "flags": list(review.flags),
    }


def as_csv(found: Iterable[Reviewed], *, grants: bool) -> str:
    """A table with a header (RFC 4180). Rights are written so that `format: csv` reads them again."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if grants:
        writer.writerow(("principal", "object", "operation", "right", "since", "via"))
        for reviewed in found:
            for grant in reviewed.review.grants:
                since = grant.since.isoformat() if grant.since else ""
                via = " → ".join(grant.via)
                writer.writerow(_safe((reviewed.review.name, grant.object, grant.operation, grant.right, since, via)))
        return stream.getvalue()
    writer.writerow(
        ("account", "rights", "unneeded", "excess", "excess_by_use", "level", "records", "last_used", "flags")
    )
    for reviewed in found:
        review, index = reviewed.review, reviewed.review.excess.index
        known = reviewed.problem is None and review.rights is not None
        writer.writerow(
            _safe(
                (
                    review.name,
                    str(len(review.grants)) if known else "",
                    str(len(review.excess.unused) + len(review.excess.too_wide)) if known and review.needs else "",
                    _index(index) if known and review.needs else "",
                    _index(review.by_use.index if review.by_use else None),
                    review.level or "",
                    str(review.blast.records) if known else "",
                    review.last_used.isoformat() if review.last_used else "",
                    " ".join(review.flags),
                )
            )
        )
    return stream.getvalue()


def _safe(values: Iterable[str]) -> list[str]:
    """Values that no spreadsheet takes for a formula: names of tables are chosen by others."""
    return [f"'{v}" if v.startswith(_FORMULA) else v for v in values]


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "object": grant.object,
        "operation": grant.operation,
        "right": grant.right,
        "via": list(grant.via),
        "rows": grant.rows,
        "future": grant.future,
        "since": grant.since.isoformat() if grant.since else None,
    }


def _right(grant: Grant) -> str:
    return (
        f"{grant.right} ({grant.operation})"
        if grant.right and grant.right.lower() != grant.operation
        else grant.operation
    )


def _index(index: float | None) -> str:
    return "" if index is None else f"{index:.2f}"


def _day(reviewed: Reviewed) -> str:
    return reviewed.review.last_used.isoformat() if reviewed.review.last_used else ""


def _table(*names: str) -> Table:
    return Table(*names, box=None, header_style="bold", pad_edge=False)


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(plain(cell)) for cell in cells))
