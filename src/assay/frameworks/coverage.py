"""How much of a framework is shown: honest counts, each beside what it is a share of.

*Mapped* means that somebody proposed that an objective stands for an item; *reviewed*, that a person signed that it
does; *assessed*, that something about every such objective was concluded; *effective*, that every one of them holds in
operation, now. An item counts only when all that is mapped to it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.assurance.objectives import Status
from assay.frameworks.crosswalk import Link
from assay.frameworks.judging import Judged
from assay.frameworks.published import Framework, Item

Reviews = Mapping[str, Collection[str]]
"""Digests that persons signed for, by the subject of a link."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items have come how far; each is at most the one that its share is taken of."""

    catalogued: int
    mapped: int
    reviewed: int
    assessed: int
    effective: int

    def as_json(self) -> dict[str, int]:
        """The published shape."""
        return {
            "catalogued": self.catalogued,
            "mapped": self.mapped,
            "reviewed": self.reviewed,
            "assessed": self.assessed,
            "effective": self.effective,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One item, the objectives that are mapped to it, and which of them have come how far (ids)."""

    item: Item
    mapped: tuple[str, ...]
    reviewed: tuple[str, ...] = ()
    assessed: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()

    def counts_as(self, some: tuple[str, ...]) -> bool:
        """Whether all that is mapped is among ``some``."""
        return bool(self.mapped) and len(some) == len(self.mapped)

    def as_json(self) -> dict[str, Any]:
        """The published shape."""
        return {
            "item": self.item.id,
            "title": self.item.title,
            "methods": list(self.item.methods),
            "mapped": list(self.mapped),
            "reviewed": list(self.reviewed),
            "assessed": list(self.assessed),
            "effective": list(self.effective),
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """One framework, item by item.

    Attributes:
        whole: whether every item of the framework (or of the part of it that is named) is here; else only mapped ones.
    """

    framework: Framework
    rows: tuple[Row, ...]
    whole: bool

    @property
    def counts(self) -> Counts:
        """Items, counted."""
        return Counts(
            catalogued=len(self.rows),
            mapped=sum(bool(r.mapped) for r in self.rows),
            reviewed=sum(r.counts_as(r.reviewed) for r in self.rows),
            assessed=sum(r.counts_as(r.assessed) for r in self.rows),
            effective=sum(r.counts_as(r.effective) for r in self.rows),
        )

    @property
    def population(self) -> str:
        """What the counts are shares of."""
        if self.whole:
            return self.framework.population
        return f"the {len(self.rows)} items that an objective is mapped to (the whole list is not carried here)"

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1)."""
        return {
            "framework": self.framework.id,
            "title": self.framework.title,
            "population": self.population,
            "counts": self.counts.as_json(),
            "items": [row.as_json() for row in self.rows],
        }


def is_reviewed(link: Link, reviews: Reviews) -> bool:
    """Whether somebody signed for exactly this content of the link."""
    return link.digest in reviews.get(link.subject, ())


def coverage(into: Framework, links: Iterable[Link], standings: Iterable[Judged], reviews: Reviews) -> Coverage:
    """The matrix of one framework. An objective that is not in force, or that one of the
    declaration's own stands in for and says less, is mapped, and neither assessed nor effective."""
    by_item: dict[str, list[Link]] = {}
    for link in links:
        if link.framework == into.column:
            by_item.setdefault(link.item, []).append(link)
    known = {j.chosen.id: j for j in standings if j.chosen.vouches}
    whole = bool(into.items)
    items = into.items.values() if whole else (Item(name) for name in sorted(by_item, key=in_order))
    return Coverage(into, tuple(_row(i, by_item.get(i.id, ()), known, reviews) for i in items), whole)


def _row(item: Item, links: Iterable[Link], known: Mapping[str, Judged], reviews: Reviews) -> Row:
    links = tuple(links)
    judged = [known[link.objective] for link in links if link.objective in known]
    return Row(
        item,
        tuple(link.objective for link in links),
        tuple(link.objective for link in links if is_reviewed(link, reviews)),
        tuple(j.chosen.id for j in judged if j.assessed),
        tuple(j.chosen.id for j in judged if j.standing.status is Status.EFFECTIVE and j.assessed),
    )


def in_order(identifier: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts ``V2.2.1`` before ``V10.3.1``."""
    parts: list[str] = []
    for character in identifier:
        if parts and parts[-1][0].isdigit() == character.isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return tuple((int(p), "") if p.isdecimal() else (-1, p) for p in parts)
