"""Rights from a table: comma-separated values (RFC 4180) with a header.

Columns: ``principal``, ``object``, ``operation`` (read, write, delete, execute, admin, impersonate, grant) are needed;
``right`` (the platform's word), ``since`` (YEAR-MONTH-DAY) and ``via`` may be left out. Others are refused: a column
that is not understood could be the one that takes a right away.
"""

from __future__ import annotations

import csv
import io

from assay.domain import AssayError, Location, did_you_mean
from assay.privilege.readers.text import day, no_principal
from assay.privilege.rights import OPERATIONS, Grant, Rights, Unclear

NEEDED = ("principal", "object", "operation")
COLUMNS = (*NEEDED, "right", "since", "via")


def read(text: str, file: str, principal: str) -> Rights:
    """The rows about a principal.

    Raises:
        AssayError: no such table, or nobody of this name in it.
    """
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    grants: list[Grant] = []
    unclear: list[Unclear] = []
    known: set[str] = set()
    try:
        header = _header(next(rows, []), file)
        for row in rows:
            if not row or row == [""]:
                continue
            at = Location(file, rows.line_num)
            if len(row) != len(header):
                unclear.append(
                    Unclear(f"this row has {len(row)} values where the header has {len(header)} columns", at)
                )
                continue
            values = {name: value.strip() for name, value in zip(header, row, strict=True)}
            known.add(values["principal"])
            if values["principal"] == principal:
                grants += _grant(values, file, at, unclear)
    except csv.Error as error:
        raise AssayError(
            f"`{file}` is no table of comma-separated values: {error}",
            fix="quote values that hold commas, quotes or line breaks (RFC 4180)",
            location=Location(file, max(1, rows.line_num)),
        ) from error
    if principal not in known:
        raise no_principal(principal, known, file)
    return Rights(principal, file, tuple(grants), tuple(unclear))


def _header(row: list[str], file: str) -> list[str]:
    header = [name.strip().lower() for name in row]
    for name in header:
        if name not in COLUMNS:
            raise AssayError(
                f"`{file}` has a column `{name}` that is not known",
                fix=did_you_mean(name, COLUMNS, what="column"),
                location=Location(file),
            )
    missing = [name for name in NEEDED if name not in header]
    if missing or len(set(header)) != len(header):
        said = f"has no column `{missing[0]}`" if missing else "has a column twice"
        raise AssayError(
            f"`{file}` {said}",
            fix=f"its header is {', '.join(COLUMNS)} (the last three may be left out)",
            location=Location(file),
        )
    return header


def _grant(values: dict[str, str], file: str, at: Location, unclear: list[Unclear]) -> list[Grant]:
    operation = next((o for o in OPERATIONS if o == values["operation"].lower()), None)
    if operation is None or not values["object"]:
        what = f"the operation `{values['operation']}` is not known" if operation is None else "the object is missing"
        fix = did_you_mean(values["operation"], OPERATIONS, what="operation") if operation is None else ""
        unclear.append(Unclear(f"{what}{': ' + fix if fix else ''}", at))
        return []
    since = day(values.get("since"), at, unclear)
    via = (values["via"],) if values.get("via") else ()
    return [Grant(values["principal"], values["object"], operation, values.get("right", ""), file, since, via, at=at)]
