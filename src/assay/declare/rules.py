"""Which access rules cover which operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.declare.contract import Operation
from assay.declare.model import Access, Api
from assay.declare.selectors import is_pattern, selects

Numbered = tuple[int, Access]
"""An access rule and its index under ``apis.*.access``."""


def rules_by_operation(api: Api, operations: Iterable[Operation]) -> Mapping[str, tuple[Numbered, ...]]:
    """For each operation id, the rules that cover it, in the order they are written; an empty tuple when none does."""
    exact: dict[str, list[Numbered]] = {}
    patterns: list[tuple[str, Numbered]] = []
    for index, rule in enumerate(api.access):
        for name in dict.fromkeys(rule.operations):
            exact.setdefault(name, []).append((index, rule))
            if is_pattern(name):
                patterns.append((name, (index, rule)))
    covered: dict[str, tuple[Numbered, ...]] = {}
    for operation in operations:
        found = dict(exact.get(operation.id, ()))
        found.update({i: r for pattern, (i, r) in patterns if i not in found and selects(pattern, operation.id)})
        covered[operation.id] = tuple(sorted(found.items(), key=_index))
    return covered


def _index(numbered: Numbered) -> int:
    return numbered[0]
