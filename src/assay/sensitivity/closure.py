"""Where data goes, and how sensitive it becomes there: labels closed over flows, joins and APIs.

Data sets at systems are the nodes of a graph, flows and joins its edges. What arrives somewhere is added to what is
there, until nothing changes any more. Additions are unions and transformations are monotone, so this ends, cycles
included, and in the same place whatever is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush

from msgspec.structs import replace

from assay.declare.declaration import Declaration
from assay.declare.model import Flow, Model, Transform
from assay.sensitivity.answers import Answers
from assay.sensitivity.attributes import Attributes, attributes, rulebook
from assay.sensitivity.label import Label
from assay.sensitivity.pieces import EMPTY, Applied, Piece, Pieces, absorb, joined, narrowed, smaller
from assay.sensitivity.reductions import on_the_way, reduced, words
from assay.sensitivity.steps import Rulebook

Node = tuple[str, str]
"""A system and a data set in it."""


@dataclass(frozen=True, slots=True)
class VerifiedTransform:
    """A transformation that was seen to work on payloads.

    Attributes:
        flow, field: where it is declared: ``flows.FLOW.transforms.FIELD``.
        text: the transformation that was seen, as :func:`assay.sensitivity.reductions.words` says it. If the
            declaration says something else by now, it is not verified any more.
        evidence: id of the record that shows it, if it is kept.
    """

    flow: str
    field: str
    text: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """The two labels of one place.

    Attributes:
        claimed: as if every declared transformation worked.
        verified: counting only transformations that were verified on payloads.
    """

    claimed: Label
    verified: Label


@dataclass(frozen=True)
class Closure:
    """The labels of a declaration. Made by :func:`closure`.

    Attributes:
        stored: by (system, data set): of what the system holds, declared or arrived.
        claimed, verified: the same as ``stored``, as attributes.
        attributes: the declared fields as attributes.
    """

    stored: Mapping[Node, Labels]
    claimed: Mapping[Node, Pieces]
    verified: Mapping[Node, Pieces]
    attributes: Attributes
    rules: Rulebook
    answers: Answers
    _declaration: Declaration = field(repr=False, compare=False)
    _claimed: _Spread = field(repr=False, compare=False)
    _proven: _Spread = field(repr=False, compare=False)

    def brings(self, flow: str, node: Node) -> Pieces:
        """What a flow brings to a system's data set, as claimed."""
        return self._claimed.brings(flow, node)

    @cached_property
    def carried(self) -> Mapping[str, Labels]:
        """By flow, of what is on the way, as those see it who carry it."""
        return {
            name: Labels(Label(self._claimed.carried(name), self.rules), Label(self._proven.carried(name), self.rules))
            for name in self._declaration.model.flows
        }

    @cached_property
    def operations(self) -> Mapping[tuple[str, str], Labels]:
        """By (API, operation), of its answers, before anything is masked."""
        return _operations(self._declaration, self.answers, self.claimed, self.verified, self.rules)

    @cached_property
    def held(self) -> Mapping[str, Mapping[str, Labels]]:
        """By system, the labels of everything that it holds, by data set."""
        found: dict[str, dict[str, Labels]] = {}
        for (system, data), labels in self.stored.items():
            found.setdefault(system, {})[data] = labels
        return found


def closure(declaration: Declaration, verified: Iterable[VerifiedTransform] = ()) -> Closure:
    """The labels of every data set at every system, of every flow, and of the answers of every operation.

    Args:
        verified: the transformations that payloads were seen to confirm; none by default.
    """
    seen = frozenset((v.flow, v.field, v.text) for v in verified)
    return declaration.once(("closure", seen), lambda: _closed(declaration, seen))


def _closed(declaration: Declaration, seen: Set[tuple[str, str, str]]) -> Closure:
    model = declaration.model
    known, rules = attributes(model), rulebook(model)
    claimed = _Spread(model, known, lambda *_: True, seen)
    proven = _Spread(model, known, lambda flow, key, text: (flow, key, text) in seen, seen)
    for node, pieces in claimed.pieces.items():
        if proven.pieces[node] == pieces:
            proven.pieces[node] = pieces  # one label for both
    answers = Answers(declaration, known)
    stored = {
        node: Labels(Label(pieces, rules), Label(proven.pieces[node], rules)) for node, pieces in claimed.pieces.items()
    }
    return Closure(stored, claimed.pieces, proven.pieces, known, rules, answers, declaration, claimed, proven)


class _Spread:
    """The smallest assignment of attributes to nodes that contains what is declared and what flows bring."""

    def __init__(
        self,
        model: Model,
        known: Attributes,
        counts: Callable[[str, str, str], bool],
        seen: Set[tuple[str, str, str]],
    ) -> None:
        self._model, self._known, self._counts, self._seen = model, known, counts, seen
        self.pieces: dict[Node, Pieces] = {}
        self._flows: dict[Node, list[str]] = {}
        self._joins: dict[Node, list[Node]] = {}
        self._left: dict[tuple[str, bool, int], tuple[Piece, Piece | None]] = {}
        self._start()
        self._run()

    def _start(self) -> None:
        model = self._model
        for system, declared in model.systems.items():
            for data in declared.holds:
                self._declare((system, data))
        for name, flow in model.flows.items():
            for node in moved(model, flow):
                self._declare(node)
                self._flows.setdefault(node, []).append(name)
            for _, data in moved(model, flow):
                self._declare((flow.to, flow.into or data))
        for system, data in tuple(self.pieces):
            join = model.data[data].join
            for part in join.of if join else ():
                if part in model.data:
                    self._declare((system, part)) if (system, part) in self.pieces else None
                    self._joins.setdefault((system, part), []).append((system, data))
        for (system, data), pieces in tuple(self.pieces.items()):
            join = model.data[data].join
            absent = [p for p in (join.of if join else ()) if (system, p) not in self.pieces and p in model.data]
            brought = joined(pieces, *(self._bounded(self._known.pieces[p], data) for p in absent))
            self.pieces[system, data] = brought

    def _declare(self, node: Node) -> None:
        if node[1] in self._known.pieces:
            self.pieces.setdefault(node, self._known.pieces[node[1]])

    def _run(self) -> None:
        """Passes on what is new, in rounds from upstream to downstream.

        So a chain takes one round, and a circle three, in whatever order its flows were written. The end does not
        depend on the order: everything only grows.
        """
        nodes = self._upstream_first()
        place = {node: index for index, node in enumerate(nodes)}
        waiting, later = list(range(len(nodes))), set[int]()
        queued = set(waiting)
        while waiting:
            here = heappop(waiting)
            queued.discard(here)
            for target, arriving in self._leaving(nodes[here]):
                after = absorb(self.pieces.get(target, EMPTY), arriving)
                if after is None:
                    continue
                self.pieces[target] = after
                there = place[target]
                if there <= here:
                    later.add(there)
                elif there not in queued:
                    queued.add(there)
                    heappush(waiting, there)
            if not waiting:
                waiting, queued, later = sorted(later), later, set()

    def _upstream_first(self) -> list[Node]:
        """All nodes, each before those it leads to, as far as there is no circle (the reverse of a postorder)."""
        found: list[Node] = []
        seen: set[Node] = set()
        for start in self.pieces:
            if start in seen:
                continue
            seen.add(start)
            path = [(start, self._targets(start))]
            while path:
                node, rest = path[-1]
                following = next((target for target in rest if target not in seen), None)
                if following is None:
                    found.append(node)
                    path.pop()
                else:
                    seen.add(following)
                    path.append((following, self._targets(following)))
        return found[::-1]

    def _targets(self, node: Node) -> Iterator[Node]:
        for name in self._flows.get(node, ()):
            flow = self._model.flows[name]
            target = flow.to, flow.into or node[1]
            if target in self.pieces:
                yield target
        yield from self._joins.get(node, ())

    def _leaving(self, node: Node) -> Iterable[tuple[Node, Pieces]]:
        for name in self._flows.get(node, ()):
            flow = self._model.flows[name]
            target = flow.to, flow.into or node[1]
            if target in self.pieces:
                yield target, self._through(name, flow, self.pieces[node], arriving=True)
        for target in self._joins.get(node, ()):
            yield target, self._bounded(self.pieces[node], target[1])

    def _bounded(self, pieces: Pieces, data: str) -> Pieces:
        """What a part brings to a join; in an inner one, seen among the people of the smallest part only."""
        join = self._model.data[data].join
        if join is None or join.kind == "outer":
            return pieces
        least: int | None = None
        for part in join.of:
            if part in self._model.data:
                least = smaller(least, _count(self._model, part))
        return {attribute: narrowed(piece, least) for attribute, piece in pieces.items()}

    def carried(self, name: str) -> Pieces:
        """What is on the way in a flow."""
        flow = self._model.flows[name]
        nodes = moved(self._model, flow)
        return joined(*(self._through(name, flow, self.pieces.get(n, EMPTY), arriving=False) for n in nodes))

    def brings(self, name: str, target: Node) -> Pieces:
        """What a flow brings to one data set of the system it goes to."""
        flow = self._model.flows[name]
        nodes = [n for n in moved(self._model, flow) if (flow.to, flow.into or n[1]) == target]
        return joined(*(self._through(name, flow, self.pieces.get(n, EMPTY), arriving=True) for n in nodes))

    def _through(self, name: str, flow: Flow, pieces: Pieces, *, arriving: bool) -> dict[str, Piece]:
        found: dict[str, Piece] = {}
        for attribute, piece in pieces.items():
            key = (name, arriving, id(piece))
            known = self._left.get(key)
            if known is None:
                known = self._left[key] = piece, self._one(name, flow, piece, arriving=arriving)
            if known[1] is not None:
                found[attribute] = known[1]
        return found

    def _one(self, name: str, flow: Flow, piece: Piece, *, arriving: bool) -> Piece | None:
        """One attribute on its way through a flow; None when it does not arrive."""
        left: Piece | None = piece
        marks = piece.applied
        for key, transform in _transforms(flow, piece):
            text = words(transform)
            marks |= {Applied(name, key, text, (name, key, text) in self._seen)}
            if left is not None and self._counts(name, key, text):
                left = (reduced if arriving else on_the_way)(left, transform, flow.to)
        return left and replace(left, via=piece.via | {name} if arriving else piece.via, applied=marks)


def _count(model: Model, data: str) -> int | None:
    count = model.data[data].count
    return model.organisation.subjects if count is None else count


def moved(model: Model, flow: Flow) -> tuple[Node, ...]:
    """What a flow takes along: the data sets it names, or everything its source holds where it names none."""
    source = model.systems.get(flow.from_)
    names = flow.data or (source.holds if source else ())
    return tuple((flow.from_, data) for data in dict.fromkeys(names) if data in model.data)


def _transforms(flow: Flow, piece: Piece) -> Iterable[tuple[str, Transform]]:
    """The transformations of a flow that an attribute meets, by the names of its fields."""
    if not flow.transforms:
        return ()
    known, names = flow.transforms, []
    for data, key in piece.fields:
        for name in (key, f"{data}.{key}"):
            if name in known and name not in names:
                names.append(name)
    if not names:
        return ()
    return [(name, known[name]) for name in sorted(names)]


def _operations(
    declaration: Declaration,
    answers: Answers,
    claimed: Mapping[Node, Pieces],
    proven: Mapping[Node, Pieces],
    rules: Rulebook,
) -> dict[tuple[str, str], Labels]:
    found: dict[tuple[str, str], Labels] = {}
    made: dict[object, Labels] = {}
    for api_id in declaration.model.apis:
        behind = stores_behind(declaration.model, api_id)
        for operation in declaration.operations(api_id):
            fields = answers.fields(api_id, operation)
            key = (behind, fields)
            if key not in made:
                made[key] = Labels(
                    Label(answers.pieces(fields, behind, claimed), rules),
                    Label(answers.pieces(fields, behind, proven), rules),
                )
            found[api_id, operation.id] = made[key]
    return found


def stores_behind(model: Model, api: str) -> tuple[str, ...]:
    """The systems behind an API, through other APIs too. An API and the system behind it often have the same name."""
    seen, waiting, found = {api}, [api], set[str]()
    while waiting:
        declared = model.apis.get(waiting.pop())
        for name in declared.backed_by if declared else ():
            if name in model.systems:
                found.add(name)
            if name in model.apis and name not in seen:
                seen.add(name)
                waiting.append(name)
    return tuple(sorted(found))
