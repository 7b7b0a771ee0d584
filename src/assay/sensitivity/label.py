"""How sensitive a collection of data is: its label, and how that was concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from assay.declare.model import LEVELS, Level
from assay.sensitivity.pieces import Applied, Pieces, joined, total
from assay.sensitivity.rules import conclude, explain
from assay.sensitivity.steps import NO_RULES, Concluded, Rulebook, Step


@dataclass(frozen=True)
class Label:
    """``(level, D, Q, A, K, n, purposes, T)`` of a collection of attributes that stand together."""

    pieces: Pieces
    rules: Rulebook = field(default=NO_RULES, compare=False, repr=False)

    @cached_property
    def _concluded(self) -> Concluded:
        known = self.rules.remembered.get(id(self.pieces))
        if known is None:
            known = self.rules.remembered[id(self.pieces)] = self.pieces, conclude(self.pieces, self.rules)
        return known[1]

    @property
    def rank(self) -> int:
        """The level as a number from 0 (public) to 4 (special)."""
        return self._concluded.rank

    @property
    def level(self) -> Level:
        """How bad a leak would be."""
        return LEVELS[self.rank]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """How the level was concluded, in order. The last step's level is the label's."""
        return explain(self.pieces, self.rules)

    @property
    def k(self) -> float | None:
        """How many people share the same quasi-identifiers on average; None when that is not known."""
        return self._concluded.k

    @property
    def bits(self) -> float:
        """How far all quasi-identifiers together narrow a population down."""
        return sum(self.quasi.values())

    @property
    def unknown(self) -> tuple[str, ...]:
        """What is not known and could make it more sensitive than its level says, in words."""
        return self._concluded.unknown

    @cached_property
    def direct(self) -> frozenset[str]:
        """D: attributes that identify somebody, alone or (E2, E4) together."""
        return frozenset(a for a, p in self.pieces.items() if p.direct) | self._concluded.identifying

    @cached_property
    def quasi(self) -> Mapping[str, float]:
        """Q: attributes that narrow a population down, with bits."""
        return {a: p.bits for a, p in self.pieces.items() if p.bits}

    @cached_property
    def sensitive(self) -> Mapping[str, frozenset[str]]:
        """A: attributes that say something sensitive, with the data categories they say."""
        return {a: p.sensitive for a, p in self.pieces.items() if p.sensitive}

    @cached_property
    def keys(self) -> frozenset[str]:
        """K: names under which its records can be joined with others; direct identifiers are keys too."""
        return frozenset(key for p in self.pieces.values() for key in p.linking)

    @property
    def subjects(self) -> int | None:
        """n: how many people it is about, as far as that is known."""
        return total(self.pieces.values())

    @cached_property
    def data(self) -> frozenset[str]:
        """The data sets that anything in it was declared in."""
        return frozenset(data for p in self.pieces.values() for data, _ in p.fields)

    @cached_property
    def purposes(self) -> frozenset[str]:
        """What the data in it is for."""
        return frozenset(p for data in self.data for p in self.rules.purposes.get(data, ()))

    @cached_property
    def transforms(self) -> frozenset[Applied]:
        """T: the transformations that were applied, and whether each was verified."""
        return frozenset(applied for p in self.pieces.values() for applied in p.applied)

    @cached_property
    def categories(self) -> frozenset[str]:
        """Every data category in it, inferred ones included."""
        own = {p.category for p in self.pieces.values() if p.category}
        return frozenset(own.union(*(p.sensitive for p in self.pieces.values())))


def join(labels: Iterable[Label]) -> Label:
    """Rule J0: everything that stands in any of the labels, together. Never lower than any of them."""
    parts = tuple(labels)
    rules = parts[0].rules if parts else NO_RULES
    return Label(joined(*(label.pieces for label in parts)), rules)
