"""Flows that lead back to where they came from."""

from __future__ import annotations

from collections.abc import Mapping

from assay.declare.model import Model


class Cycles:
    """The flows of a declaration that are part of a cycle."""

    def __init__(self, model: Model) -> None:
        self._flows = model.flows
        self._out: dict[str, dict[str, None]] = {}
        for flow in model.flows.values():
            self._out.setdefault(flow.from_, {})[flow.to] = None
        self._component = _components(self._out)

    def __contains__(self, flow: str) -> bool:
        declared = self._flows[flow]
        return self._component[declared.from_] == self._component[declared.to]

    def passes(self, flow: str, system: str) -> bool:
        """Whether a system lies on some cycle with a flow."""
        return flow in self and self._component[self._flows[flow].from_] == self._component.get(system)

    def way(self, flow: str) -> tuple[str, ...]:
        """The systems of a shortest cycle with a flow, from its source on."""
        source, start = self._flows[flow].from_, self._flows[flow].to
        before: dict[str, str] = {start: start}
        waiting = [start]
        for system in waiting:
            if system == source:
                break
            for other in self._out.get(system, ()):
                if other not in before and self._component[other] == self._component[start]:
                    before[other] = system
                    waiting.append(other)
        way = [source]
        while way[-1] != start:
            way.append(before[way[-1]])
        return tuple(dict.fromkeys((source, *reversed(way))))


def _components(out: Mapping[str, Mapping[str, None]]) -> dict[str, int]:
    """Strongly connected components (Tarjan), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    nodes = dict.fromkeys([*out, *(t for targets in out.values() for t in targets)])
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(out.get(root, ())))]
        index[root] = low[root] = len(index)
        path.append(root)
        on_path.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    path.append(target)
                    on_path.add(target)
                    work.append((target, iter(out.get(target, ()))))
                    break
                if target in on_path:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    number = len(component)
                    while True:
                        member = path.pop()
                        on_path.discard(member)
                        component[member] = number
                        if member == node:
                            break
    return component
