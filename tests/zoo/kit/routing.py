"""From method and path to an operation, strictly; and the ways of being too tolerant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from tests.zoo.flaws import Switches
from tests.zoo.kit.model import Operation


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: operations by method, and the values of the path's parameters."""

    methods: dict[str, Operation]
    params: dict[str, str]


class Routes:
    """The routes of a service: literal segments win over parameters."""

    def __init__(self, operations: Iterable[Operation], flaws: Switches) -> None:
        self._flaws = flaws
        self._by_path: dict[tuple[str, ...], dict[str, Operation]] = {}
        for operation in operations:
            if not operation.only_with or operation.only_with in flaws:
                self._by_path.setdefault(_segments(operation.path), {})[operation.method] = operation
        self._order = sorted(self._by_path, key=lambda template: [part.startswith("{") for part in template])

    def find(self, raw_path: str) -> Found | None:
        """What a path leads to, byte for byte; segments are decoded only after they were told apart."""
        path = _segments(raw_path)
        for template in self._order:
            if len(template) != len(path):
                continue
            pairs = list(zip(template, path, strict=True))
            if all(p if t.startswith("{") else t == p for t, p in pairs):
                return Found(self._by_path[template], {t[1:-1]: unquote(p) for t, p in pairs if t.startswith("{")})
        return None

    def find_tolerantly(self, raw_path: str) -> Found | None:
        """FLAWS: what a path leads to when details are overlooked that decide about access."""
        path = raw_path
        if "path-semicolon" in self._flaws:
            path = "/".join(part.partition(";")[0] for part in path.split("/"))
        if "path-slash" in self._flaws:
            path = "/" + "/".join(part for part in path.split("/") if part)
        if "path-case" in self._flaws:
            path = path.lower()
        return self.find(path) if path != raw_path else None


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))
