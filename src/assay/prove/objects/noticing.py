"""What calls of cases have made beside the engine's own objects, as their answers say: to be taken away at the end."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from assay.declare.contract import placeholders
from assay.prove.case import Call, Seen
from assay.prove.objects.extracting import identifier
from assay.prove.objects.graph import Graph, How, Source, collection, prefix
from assay.prove.objects.making import Made, Maker
from assay.prove.surface import Surface, Target

_SHORTEST = 4
_CREATING = ("POST", "PUT")


@dataclass(frozen=True, slots=True)
class _Item:
    """Where an item of a collection has its own path: the template, and how the answer to making one names it."""

    path: str
    names: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Nameless:
    """Something that was made, and that no path of the contract leads to."""

    api: str
    operation: str
    why: str


class Noticing:
    """Reads answers to calls of cases. Every operation is looked at once, when the first call of its API succeeds."""

    def __init__(self, surface: Surface, maker: Maker) -> None:
        self._surface, self._maker = surface, maker
        self._routes: dict[str, dict[tuple[str, int], list[tuple[re.Pattern[str], Target]]]] = {}
        self._items: dict[str, Mapping[str, _Item]] = {}

    def read(self, call: Call, seen: Seen, api: str) -> Made | Nameless | None:
        """What an answer says was made; None: nothing, or nothing that it says.

        A thing was made when the answer is 201, or has a ``Location`` (RFC 9110 § 9.3.3), or repeats what was sent
        under an identifier of its own. An answer that merely shows something is no sign: what it shows may be
        somebody else's, and must not be deleted.
        """
        if not seen.ok or call.method not in _CREATING:
            return None
        found = self._target(api, call)
        if found is None:
            return None
        target, params = found
        if call.method == "PUT":
            chosen = target.operation.path.rstrip("/").endswith("}") and seen.status == 201
            return Made(api, target.operation.path, params, call.who) if chosen else None
        certain = seen.status == 201 or "location" in seen.headers
        if not certain and not _repeats(seen.json(), call):
            return None
        item = self._below(target).get(target.id)
        if item is None:
            return Nameless(api, target.id, "no declared operation deletes it") if certain else None
        above = dict(zip(item.names, params.values(), strict=False))
        last = item.names[-1]
        value = identifier(
            seen,
            item.source,
            name=last,
            kind=collection(item.path, last)[1],
            path=target.base + item.path,
            params=above,
            rng=random.Random(0),  # noqa: S311 - nothing here is a secret
        )
        if value is None:
            return Nameless(api, target.id, "the answer does not say what it is called")
        return Made(api, item.path, {**above, last: value}, call.who)

    def _target(self, api: str, call: Call) -> tuple[Target, dict[str, str]] | None:
        """The operation that a call went to, and the values in its path; the most literal one where several fit."""
        if api not in self._routes:
            self._routes[api] = self._index(api)
        path = call.target.partition("?")[0]
        for pattern, target in self._routes[api].get((call.method, path.count("/")), ()):
            match = pattern.fullmatch(path)
            if match:
                names = placeholders(target.operation.path)
                return target, dict(zip(names, (unquote(value) for value in match.groups()), strict=True))
        return None

    def _index(self, api: str) -> dict[tuple[str, int], list[tuple[re.Pattern[str], Target]]]:
        found: dict[tuple[str, int], list[tuple[re.Pattern[str], Target]]] = {}
        targets = [t for t in self._surface.targets if t.api == api and t.operation.method in _CREATING]
        for target in sorted(targets, key=lambda t: (t.path.count("{"), t.path)):
            parts = re.split(r"\{[^{}/]*\}", target.path)
            pattern = re.compile("([^/]+)".join(re.escape(part) for part in parts))
            found.setdefault((target.operation.method, target.path.count("/")), []).append((pattern, target))
        return found

    def _below(self, target: Target) -> Mapping[str, _Item]:
        """The items of the collections of an API, by the operation that makes them."""
        if target.api not in self._items:
            found: dict[str, _Item] = {}
            for operation, item in _items(self._maker.graph(target)):
                found.setdefault(operation, item)
            self._items[target.api] = found
        return self._items[target.api]


def _items(graph: Graph) -> Iterator[tuple[str, _Item]]:
    for (operation, name), sources in graph.parameters.items():
        path = graph.operations[operation].path
        names = placeholders(path)
        if name != names[-1]:
            continue
        here = prefix(path, name)
        for source in sources:
            if source.how is How.CREATED:
                yield source.operation, _Item(here, names, source)


def _repeats(body: Any, call: Call) -> bool:
    """Whether an answer holds at least half of the texts that the request sent, and there were some."""
    try:
        sent = set(_texts(_loaded(call.body)))
    except (ValueError, RecursionError):
        return False
    return bool(sent) and 2 * len(sent & set(_texts(body))) >= len(sent)


def _loaded(body: bytes | None) -> Any:
    return json.loads(body) if body else None


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str) and len(item) >= _SHORTEST:
            yield item
