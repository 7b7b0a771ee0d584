"""What each objective stands for in published frameworks: one link for each objective and item.

Every link is proposed until a person has reviewed it, and says so in a signed decision over exactly its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from assay.domain import UsageError
from assay.evidence.canonical import canonical
from assay.frameworks.catalogue import Entry, catalogue
from assay.frameworks.published import Framework, framework, frameworks


@dataclass(frozen=True, slots=True)
class Link:
    """One objective of the catalogue stands for one item of a framework.

    Attributes:
        framework: the framework's column, such as ``owasp_api_2023``.
        digest: SHA-256, in hexadecimal, over what a reviewer judges: the objective's wording and how it is measured,
            and the item with its title. Changed since a review, the link is proposed again.
    """

    objective: str
    framework: str
    item: str
    digest: str

    @property
    def subject(self) -> str:
        """What a decision about it names: ``CO-AUZ-01/owasp_api_2023/API1``."""
        return f"{self.objective}/{self.framework}/{self.item}"


def identifiers(cell: str, into: Framework, objective: str) -> tuple[str, ...]:
    """The identifiers of a cell, which separates them by commas.

    Raises:
        UsageError: one has not the framework's form, is not in its list, is empty, or is there twice.
    """
    if not cell:
        return ()
    found: list[str] = []
    for part in cell.split(","):
        if part in found:
            raise UsageError(f"{objective}: `{part}` is there twice", fix="name it once")
        refusal = into.refusal(part)
        if refusal:
            raise UsageError(f"{objective}: `{part}` {refusal}", fix=f"correct it, or take it away from {into.column}")
        found.append(part)
    return tuple(found)


def links(entries: Iterable[Entry]) -> tuple[Link, ...]:
    """Every link of these objectives, in their order and that of the frameworks.

    Raises:
        UsageError: as :func:`identifiers`; or a row has no column for a framework.
    """
    found: list[Link] = []
    for entry in entries:
        for into in frameworks():
            cell = entry.row.get(into.column)
            if cell is None:
                raise UsageError(f"{entry.id} has no column {into.column}", fix="complete the table")
            found += [_link(entry, into, item) for item in identifiers(cell, into, entry.id)]
    return tuple(found)


def _link(entry: Entry, into: Framework, item: str) -> Link:
    known = into.items.get(item)
    judged = {
        "objective": entry.id,
        "statement": entry.statement,
        "metric": entry.metric,
        "target": entry.wanted,
        "design": entry.design,
        "operation": entry.operation,
        "framework": into.column,
        "item": item,
        "title": known.title if known else "",
    }
    return Link(entry.id, into.column, item, hashlib.sha256(canonical(judged)).hexdigest())


@cache
def crosswalk() -> tuple[Link, ...]:
    """Every link of the catalogue that comes with the package."""
    return links(catalogue())


def of_objective(objective: str, within: str | None = None) -> tuple[Link, ...]:
    """The links of one objective, perhaps to one framework only (by what commands or decisions call it).

    Raises:
        UsageError: there is no such framework, or the objective has no link to it.
    """
    column = framework(within).column if within else None
    found = tuple(link for link in crosswalk() if link.objective == objective and column in (None, link.framework))
    if not found:
        told = f"{objective} stands for nothing in {framework(within).title}" if within else f"{objective} has no link"
        raise UsageError(told, fix="`assay explain` with the objective's id shows what it stands for")
    return found
