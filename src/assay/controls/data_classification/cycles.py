"""Flows that lead back to where they came from."""

from __future__ import annotations

from collections.abc import Mapping

from assay.declare.model import Model


def cycles(model: Model) -> Mapping[str, tuple[str, ...]]:
    """For each flow on a cycle, the systems of a shortest such cycle, from the flow's source on."""
    out: dict[str, dict[str, None]] = {}
    for flow in model.flows.values():
        out.setdefault(flow.from_, {})[flow.to] = None
    component = _components(out)
    found: dict[str, tuple[str, ...]] = {}
    for name, flow in model.flows.items():
        if flow.from_ == flow.to:
            found[name] = (flow.from_,)
        elif component[flow.from_] == component.get(flow.to):
            found[name] = (flow.from_, *_way(out, component, flow.to, flow.from_))
    return found


def _way(out: Mapping[str, Mapping[str, None]], component: Mapping[str, int], start: str, end: str) -> tuple[str, ...]:
    """The systems from ``start`` to before ``end``, within one component."""
    before: dict[str, str] = {start: start}
    waiting = [start]
    for system in waiting:
        if system == end:
            break
        for other in out.get(system, ()):
            if other not in before and component[other] == component[start]:
                before[other] = system
                waiting.append(other)
    way, at = [], end
    while at != start:
        at = before[at]
        way.append(at)
    return tuple(reversed(way))


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
