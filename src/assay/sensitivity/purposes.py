"""Rule E9: what data was collected for, and what it is used for (GDPR Art. 5(1)(b), 6(4))."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from assay.declare.model import Model

Compatible = Mapping[str, frozenset[str]]
"""For each purpose, those whose data may be used for it besides its own."""


def compatible(model: Model) -> Compatible:
    """What the declaration says about purposes that go together."""
    return {name: frozenset((name, *purpose.compatible_with)) for name, purpose in model.purposes.items()}


def may_serve(known: Compatible, collected_for: Collection[str], used_for: str) -> bool:
    """Whether data collected for some purposes may be used for another one."""
    return not known.get(used_for, frozenset({used_for})).isdisjoint(collected_for)


def go_together(known: Compatible, one: Collection[str], other: Collection[str]) -> bool:
    """Whether data of two origins may be brought together: each may serve some purpose of the other, one way round."""
    return any(may_serve(known, one, purpose) for purpose in other) or any(
        may_serve(known, other, purpose) for purpose in one
    )


def conflicts(model: Model, known: Compatible, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of data sets whose purposes do not go together. Data without a purpose conflicts with nothing; that it has
    none is told elsewhere."""
    sets = [(name, model.data[name].purpose) for name in sorted(names) if name in model.data]
    for (one, first), (other, second) in combinations([s for s in sets if s[1]], 2):
        if not go_together(known, first, second):
            yield one, other
