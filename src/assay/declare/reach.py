"""Which schemas can describe something inside a value, at any depth.

Contracts whose schemas all contain each other have thousands of schemas below every property. So a schema is read once,
with what is written inside it; what it can reach is one bit for each such schema, and schemas that contain each other
share their bits (Tarjan's strongly connected components).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from assay.declare.contract import Contract, SchemaRef, compositions
from assay.declare.contract.compositions import below
from assay.declare.contract.documents import Documents

_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = ("allOf", "anyOf", "oneOf", "items", "prefixItems", "contains", "additionalItems", "unevaluatedItems")
_PLAIN = frozenset({*_LISTS, "not", "if", "then", "else", "additionalProperties", "unevaluatedProperties"})


@dataclass(frozen=True, slots=True)
class Within:
    """What describes a value and everything inside it."""

    _graph: _Graph
    _bits: int

    def names(self, name: str) -> bool:
        """Whether a property at any depth has this name."""
        return bool(self._bits & self._graph.named.get(name, 0))

    def described_by(self, pointer: str) -> bool:
        """Whether the schema at this pointer describes the value or something in it.

        Schemas of other documents than the contract's own are spelt ``file#/pointer``.
        """
        return any(self._bits >> number & 1 for number in self._graph.placed.get(pointer, ()))


def within(contract: Contract, start: SchemaRef) -> Within:
    """What the schema at ``start`` can reach; every schema is visited, however deep. Remembered by the contract."""
    documents = contract.documents
    graph = documents.once("reach", lambda: _Graph(documents))
    return Within(graph, graph.reached(start))


class _Graph:
    """Schemas that something refers to, numbered in the order they are met, and the edges between them."""

    def __init__(self, documents: Documents) -> None:
        self.named: dict[str, int] = {}
        self.placed: dict[str, list[int]] = defaultdict(list)
        self._documents = documents
        self._numbers: dict[SchemaRef, int] = {}
        self._edges: list[tuple[int, ...]] = []
        self._reached: dict[int, int] = {}

    def reached(self, start: SchemaRef) -> int:
        """A bit for each schema that ``start`` reaches, its own included."""
        number = self._number(start)
        if number not in self._reached:
            self._close(number, start)
        return self._reached[number]

    def _number(self, start: SchemaRef) -> int:
        if start not in self._numbers:
            self._numbers[start] = len(self._numbers)
            self._edges.append(())
        return self._numbers[start]

    def _close(self, first: int, start: SchemaRef) -> None:
        """Tarjan's algorithm without recursion: a component is settled after everything that it refers to."""
        order: dict[int, int] = {}
        lowest: dict[int, int] = {}
        unsettled: list[int] = []
        places = {first: start}
        path: list[tuple[int, Iterator[int]]] = []

        def enter(number: int) -> None:
            order[number] = lowest[number] = len(order)
            unsettled.append(number)
            places.update(self._read(places[number], number))
            path.append((number, iter(self._edges[number])))

        enter(first)
        while path:
            at, edges = path[-1]
            following = next((n for n in edges if n not in self._reached), None)
            if following is None:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[at])
                if lowest[at] == order[at]:
                    members = [unsettled.pop()]
                    while members[-1] != at:
                        members.append(unsettled.pop())
                    self._settle(members)
            elif following in order:
                lowest[at] = min(lowest[at], order[following])
            else:
                enter(following)

    def _settle(self, members: list[int]) -> None:
        """All members of a component reach the same: each other, and what any of them refers to."""
        bits = 0
        for member in members:
            bits |= 1 << member
            for following in self._edges[member]:
                bits |= self._reached.get(following, 0)
        for member in members:
            self._reached[member] = bits

    def _read(self, start: SchemaRef, number: int) -> dict[int, SchemaRef]:
        """Takes in a schema with what is written inside it; the schemas that it refers to, by number."""
        documents = self._documents
        following: dict[int, SchemaRef] = {}
        waiting = [start]
        while waiting:
            at = waiting.pop()
            self.placed[at.pointer if at.file == documents.root else str(at)].append(number)
            raw = documents.schema(at)
            if not isinstance(raw, dict):
                continue
            for name in compositions.properties(raw):
                self.named[name] = self.named.get(name, 0) | 1 << number
            refers = compositions.reference(raw)
            target = documents.next_schema(at, refers) if refers is not None else None
            subtypes = compositions.derived(documents, at) if "discriminator" in raw else ()
            for other in (*subtypes, *([target] if target else ())):
                following[self._number(other)] = other
            waiting.extend(_parts(at, raw))
        self._edges[number] = tuple(following)
        return following


def _parts(at: SchemaRef, raw: dict[str, object]) -> Iterator[SchemaRef]:
    """The schemas written inside a schema, whatever they say about a value."""
    for keyword, value in raw.items():
        if keyword in _NAMED and isinstance(value, dict):
            yield from (below(at, keyword, name) for name in value)
        elif keyword in _PLAIN and isinstance(value, dict):
            yield below(at, keyword)
        elif keyword in _PLAIN and isinstance(value, list):
            yield from (below(at, keyword, str(i)) for i in range(len(value)))
