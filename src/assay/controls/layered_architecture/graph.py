"""Who calls what, as declared: consumers call APIs, APIs call APIs and systems, data flows into systems."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from assay.controls._lib.subjects import served_apis
from assay.declare.declaration import Declaration
from assay.declare.model import Access, Api, Consumer

ANONYMOUS = "anonymous"
"""The node of callers that prove nothing."""
Route = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """One call, or one flow of data. Nodes are ``apis.ID``, ``systems.ID``, ``consumers.ID`` or :data:`ANONYMOUS`.

    Attributes:
        route: where in the declaration it stands.
        flow: data goes there by an integration, rather than by a call of an API.
    """

    start: str
    end: str
    route: Route
    flow: bool = False


@dataclass(slots=True)
class Graph:
    """Edges by the node they begin at and by the one they end at; between two nodes there is one at most."""

    out: dict[str, dict[str, Edge]] = field(default_factory=dict)
    into: dict[str, dict[str, Edge]] = field(default_factory=dict)

    def add(self, edge: Edge) -> None:
        """The first edge between two nodes stays; one of a call takes the place of a flow's."""
        known = self.out.setdefault(edge.start, {}).get(edge.end)
        if known is None or (known.flow and not edge.flow):
            self.out[edge.start][edge.end] = edge
            self.into.setdefault(edge.end, {})[edge.start] = edge

    def edge(self, start: str, end: str) -> Edge | None:
        """The edge between two nodes."""
        return self.out.get(start, {}).get(end)

    def chains(
        self, start: str, ends: Collection[str], without: Collection[tuple[str, str]] = ()
    ) -> Iterator[tuple[Edge, ...]]:
        """The shortest chain from ``start`` to each of ``ends`` that it reaches, edges ``without`` left out."""
        came: dict[str, Edge] = {}
        waiting, wanted = deque([start]), set(ends) - {start}
        while waiting and wanted:
            for edge in self.out.get(waiting.popleft(), {}).values():
                if edge.end == start or edge.end in came or (edge.start, edge.end) in without:
                    continue
                came[edge.end] = edge
                waiting.append(edge.end)
                if edge.end in wanted:
                    wanted.discard(edge.end)
                    yield _back(came, start, edge.end)

    def circles(self) -> Iterator[tuple[Edge, ...]]:
        """One shortest circle through the first node of each set of nodes that all reach each other."""
        for group in _strongly_connected(self.out):
            members = set(group)
            start = min(group)
            if len(group) == 1:
                if loop := self.edge(start, start):
                    yield (loop,)
                continue
            inside = Graph({n: {e: x for e, x in self.out.get(n, {}).items() if e in members} for n in group})
            found = [
                (*chain, inside.out[chain[-1].end][start])
                for chain in inside.chains(start, members)
                if start in inside.out[chain[-1].end]
            ]
            yield min(found, key=len)


def _back(came: Mapping[str, Edge], start: str, end: str) -> tuple[Edge, ...]:
    chain: list[Edge] = []
    while end != start:
        chain.append(came[end])
        end = came[end].start
    return tuple(reversed(chain))


def _strongly_connected(out: Mapping[str, Mapping[str, Edge]]) -> Iterator[list[str]]:
    """Tarjan's algorithm (SIAM J. Comput. 1(2), 1972), without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for root in sorted(out):
        if root in number:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(out.get(root, ())))]
        number[root] = low[root] = len(number)
        path.append(root)
        on_path.add(root)
        while work:
            node, following = work[-1]
            for end in following:
                if end not in number:
                    number[end] = low[end] = len(number)
                    path.append(end)
                    on_path.add(end)
                    work.append((end, iter(out.get(end, ()))))
                    break
                if end in on_path:
                    low[node] = min(low[node], number[end])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    group = [path.pop()]
                    while group[-1] != node:
                        group.append(path.pop())
                    on_path.difference_update(group)
                    yield group


def shown(node: str) -> str:
    """A node as a sentence names it."""
    return f"`{node.partition('.')[2] or node}`"


def told(chain: Iterable[Edge]) -> str:
    """A chain as a sentence shows it: `a` → `b` → `c`."""
    edges = tuple(chain)
    return " → ".join([shown(edges[0].start), *(shown(e.end) for e in edges)])


def caller_node(name: str, consumer: Consumer) -> str:
    """The node that a consumer's calls come from: the API whose credential it is, else the consumer itself."""
    return f"apis.{consumer.acts_for}" if consumer.acts_for else f"consumers.{name}"


def callers_of(declaration: Declaration) -> Mapping[str, Mapping[str, Route]]:
    """By API, the consumers that an access rule lets in from its environment (and :data:`ANONYMOUS`), and the rule."""
    by_role: dict[str, list[tuple[str, Consumer]]] = {}
    for name, consumer in declaration.model.consumers.items():
        for role in dict.fromkeys(consumer.roles):
            by_role.setdefault(role, []).append((name, consumer))
    found: dict[str, Mapping[str, Route]] = {}
    for api_id, api in served_apis(declaration):
        mine: dict[str, Route] = {}
        for index, rule in enumerate(api.access):
            for name in _let_in(api, rule, by_role):
                mine.setdefault(name, ("apis", api_id, "access", index))
        found[api_id] = mine
    return found


def _let_in(api: Api, rule: Access, by_role: Mapping[str, list[tuple[str, Consumer]]]) -> Iterator[str]:
    if rule.anonymous:
        yield ANONYMOUS
    for role in rule.roles:
        for name, consumer in by_role.get(role, ()):
            if consumer.environment in (None, api.environment):
                yield name


def graph_of(declaration: Declaration, callers: Mapping[str, Mapping[str, Route]]) -> Graph:
    """Every call and flow that is declared. ``callers``: see :func:`callers_of`."""
    model, graph = declaration.model, Graph()
    for api_id, api in served_apis(declaration):
        node = f"apis.{api_id}"
        for index, name in enumerate(api.backed_by):
            route: Route = ("apis", api_id, "backed_by", index)
            # An API and the system behind it often have the same name.
            if name in model.apis and (name != api_id or name not in model.systems):
                graph.add(Edge(node, f"apis.{name}", route))
            if name in model.systems:
                graph.add(Edge(node, f"systems.{name}", route))
        for name, rule in callers[api_id].items():
            start = name if name == ANONYMOUS else caller_node(name, model.consumers[name])
            if start != node:
                graph.add(Edge(start, node, rule))
    for name, flow in model.flows.items():
        graph.add(Edge(f"systems.{flow.from_}", f"systems.{flow.to}", ("flows", name), flow=True))
    for name, account in model.accounts.items():
        for index, user in enumerate(account.used_by):
            start = node_of(declaration, user)
            if start != f"systems.{account.system}":
                route = ("accounts", name, "used_by", index)
                graph.add(Edge(start, f"systems.{account.system}", route, flow=True))
    return graph


def node_of(declaration: Declaration, name: str) -> str:
    """The node that a member of a contract names; for a consumer, the one that its calls come from."""
    model = declaration.model
    sections: Mapping[str, Collection[str]] = {
        "apis": model.apis,
        "systems": model.systems,
        "consumers": model.consumers,
    }
    section, dot, rest = name.partition(".")
    if not (dot and rest in sections.get(section, ())):
        section, rest = next(((s, name) for s, ids in sections.items() if name in ids), ("", name))
    if section == "consumers":
        return caller_node(rest, model.consumers[rest])
    return f"{section}.{rest}" if section else name
