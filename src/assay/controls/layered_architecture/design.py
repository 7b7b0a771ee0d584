"""Tests of design: is there a layer for each API, do calls go inwards, and does nothing reach what it must not?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, served_apis
from assay.controls.base import Context
from assay.controls.layered_architecture.contracts import contracts
from assay.controls.layered_architecture.graph import (
    ANONYMOUS,
    Graph,
    Route,
    callers_of,
    graph_of,
    shown,
    told,
)
from assay.controls.layered_architecture.layers import OUTSIDE, Layers, admitted, layers_of
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.observe import observes
from assay.domain import Location, Severity, Verdict

_CONTROL = "layered_architecture"
_SHOWN = 4


def design(context: Context) -> Iterator[Verdict]:
    """Judges every API with a layer, every contract of the architecture, and every circle of calls."""
    declaration = context.declaration
    callers = callers_of(declaration)
    graph, layers = graph_of(declaration, callers), layers_of(declaration)
    used: set[tuple[str, str]] = set()
    acting: dict[str, list[str]] = {}
    for name, consumer in declaration.model.consumers.items():
        if consumer.acts_for:
            acting.setdefault(consumer.acts_for, []).append(name)
    if layers is None:
        at = declaration.locate("architecture" if declaration.model.architecture.layers else "apis")
        sentence = "no API that is served says which layer it is in, so calls between layers are not judged"
        yield _judge(_CONTROL).not_applicable("api-without-layer", "architecture", at, sentence)
    else:
        for api_id, api in served_apis(declaration):
            yield from _api(declaration, graph, layers, api_id, api, used)
            if api_id in layers.ranks:
                yield from _identity(declaration, layers, callers, api_id, acting.get(api_id, []))
        yield from _outsiders(declaration, layers, callers, used)
        yield from _unused(declaration, layers, used)
    yield from contracts(declaration, graph)
    yield from _circles(declaration, graph)


def _api(
    declaration: Declaration, graph: Graph, layers: Layers, api_id: str, api: Api, used: set[tuple[str, str]]
) -> Iterator[Verdict]:
    judge, subject, rank = _judge(_CONTROL), api_subject(api_id), layers.ranks.get(api_id)
    at = declaration.locate("apis", api_id, "layer")
    check = "api-without-layer"
    if rank is None:
        if api.layer:
            order = ", ".join(layers.names)
            sentence = f"API `{api_id}` is in layer `{api.layer}`, and the architecture has only {order}"
            yield judge.failed(check, subject, at, sentence, fix="write one of these, or add it under `layers:`")
        else:
            sentence = f"API `{api_id}` says no layer, so its calls are not judged"
            yield judge.unclear(check, subject, declaration.places.key("apis", api_id), sentence)
        return
    yield judge.passed(check, subject, at, f"API `{api_id}` is in layer `{api.layer}`")
    yield from _calls(declaration, graph, layers, api_id, used)
    yield from _records(declaration, graph, layers, api_id, used)
    watched = [i for i, o in enumerate(api.observe) if o.control == _CONTROL]
    for index in watched:
        sentence = f"calls to API `{api_id}` that skip a layer are only counted, not refused"
        where = declaration.locate("apis", api_id, "observe", index)
        yield judge.failed("layers-observed", subject, where, sentence)
    if not watched:
        yield judge.passed("layers-observed", subject, at, f"layers are enforced on API `{api_id}`")


def _calls(
    declaration: Declaration, graph: Graph, layers: Layers, api_id: str, used: set[tuple[str, str]]
) -> Iterator[Verdict]:
    judge, subject, start = _judge(_CONTROL), api_subject(api_id), layers.ranks[api_id]
    node, wrong = f"apis.{api_id}", {"layer-skipped": 0, "call-upwards": 0}
    for end, edge in graph.out.get(node, {}).items():
        rank = layers.ranks.get(end.removeprefix("apis.")) if end.startswith("apis.") else None
        if rank is None or layers.permits(start, rank):
            continue
        if (node, end) in layers.allowed:
            used.add((node, end))
            continue
        check = "layer-skipped" if rank > start else "call-upwards"
        wrong[check] += 1
        how = f"past layer `{layers.names[rank - 1]}`" if rank > start else "outwards"
        sentence = f"API {shown(node)} (`{layers.names[start]}`) calls API {shown(end)} (`{layers.names[rank]}`) {how}"
        related = (declaration.locate("apis", end.removeprefix("apis."), "layer"),)
        yield judge.failed(check, subject, declaration.locate(*edge.route), sentence, related=related)
    at = declaration.places.key("apis", api_id)
    if not wrong["layer-skipped"]:
        yield judge.passed("layer-skipped", subject, at, f"API `{api_id}` calls no API past the next layer")
    if not wrong["call-upwards"]:
        yield judge.passed("call-upwards", subject, at, f"API `{api_id}` calls no API of an outer layer")


def _records(
    declaration: Declaration, graph: Graph, layers: Layers, api_id: str, used: set[tuple[str, str]]
) -> Iterator[Verdict]:
    judge, subject, check = _judge(_CONTROL), api_subject(api_id), "record-behind-outer-layer"
    node, rank, wrong = f"apis.{api_id}", layers.ranks[api_id], False
    layer = declaration.model.apis[api_id].layer
    for end, edge in graph.out.get(node, {}).items():
        system = declaration.model.systems.get(end.removeprefix("systems.")) if end.startswith("systems.") else None
        if system is None or system.record is False or rank == layers.innermost:
            continue
        if (node, end) in layers.allowed:
            used.add((node, end))
            continue
        wrong, at = True, declaration.locate(*edge.route)
        if system.record:
            sentence = (
                f"API `{api_id}` (`{layer}`) stands right before {shown(end)}, a system of record, without layer "
                f"`{layers.names[-1]}` between"
            )
            related = (declaration.locate("systems", end.removeprefix("systems."), "record"),)
            yield judge.failed(check, subject, at, sentence, related=related)
        else:
            sentence = (
                f"API `{api_id}` (`{layer}`) stands right before system {shown(end)}, and nothing says whether that "
                "is a system of record"
            )
            yield judge.unclear(check, subject, at, sentence, fix="write `record: true` or `record: false` for it")
    if not wrong:
        where = declaration.places.key("apis", api_id)
        yield judge.passed(check, subject, where, f"API `{api_id}` is before no system of record that is not its own")


def _identity(
    declaration: Declaration,
    layers: Layers,
    callers: Mapping[str, Mapping[str, Route]],
    api_id: str,
    acting: Sequence[str],
) -> Iterator[Verdict]:
    judge, subject, check = _judge(_CONTROL), api_subject(api_id), "call-without-identity"
    for index, name in enumerate(declaration.model.apis[api_id].backed_by):
        if name == api_id or name not in layers.ranks:
            continue
        known = next((consumer for consumer in acting if consumer in callers[name]), None)
        at = declaration.locate("apis", api_id, "backed_by", index)
        if known:
            yield judge.passed(check, subject, at, f"API `{api_id}` calls API `{name}` as consumer `{known}`")
        else:
            sentence = f"API `{api_id}` calls API `{name}`, which lets in no consumer that acts for it"
            yield judge.failed(check, subject, at, sentence)


def _outsiders(
    declaration: Declaration, layers: Layers, callers: Mapping[str, Mapping[str, Route]], used: set[tuple[str, str]]
) -> Iterator[Verdict]:
    """Callers from outside that access rules let into an inner layer. The gateway refuses them all the same."""
    judge, check, model = _judge(_CONTROL), "outsider-in-inner-layer", declaration.model
    who = admitted(declaration)
    for api_id, rank in layers.ranks.items():
        subject, node = api_subject(api_id), f"apis.{api_id}"
        outside: list[tuple[str, Route]] = []
        for name, route in callers[api_id].items():
            if name != ANONYMOUS and model.consumers[name].acts_for:
                continue
            start = name if name == ANONYMOUS else f"consumers.{name}"
            if layers.permits(OUTSIDE, rank):
                continue
            if (start, node) in layers.allowed:
                used.add((start, node))
                continue
            if name == ANONYMOUS or not who[api_id].admits(name):
                outside.append((name, route))
        if not outside:
            at = declaration.locate("apis", api_id, "layer")
            yield judge.passed(check, subject, at, f"no rule lets a caller from outside past the layers to `{api_id}`")
            continue
        names = ", ".join("anybody" if n == ANONYMOUS else f"`{n}`" for n, _ in outside[:_SHOWN])
        more = f" and {len(outside) - _SHOWN} more" if len(outside) > _SHOWN else ""
        refuses = "only counts it" if observes(model.apis[api_id], _CONTROL) else "refuses it"
        sentence = (
            f"{names}{more} may call API `{api_id}` by its access rules, from outside into layer "
            f"`{layers.names[rank]}`; the gateway {refuses}"
        )
        related = tuple(_place(declaration, r) for _, r in outside[1:_SHOWN])
        yield judge.failed(check, subject, _place(declaration, outside[0][1]), sentence, related=related)


def _unused(declaration: Declaration, layers: Layers, used: set[tuple[str, str]]) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "allowance-unused"
    for pair, route in layers.allowed.items():
        at, subject = declaration.locate(*route), f"architecture.contracts.{route[2]}"
        words = f"the call from {shown(pair[0])} to {shown(pair[1])}"
        if pair in used:
            yield judge.passed(check, subject, at, f"{words} is allowed for a stated reason, and would not be without")
        else:
            yield judge.failed(check, subject, at, f"{words} is allowed, and there is none that breaks the contract")


def _circles(declaration: Declaration, graph: Graph) -> Iterator[Verdict]:
    judge, check, found = _judge(_CONTROL), "call-in-circle", False
    for circle in graph.circles():
        found = True
        calls = [e for e in circle if not e.flow]
        what = "calls go" if calls else "data flows"
        first = circle[0].start
        severity = None if calls else Severity.LOW
        yield judge.failed(
            check,
            first,
            _place(declaration, circle[-1].route),
            f"{what} in a circle: {told(circle)}",
            severity=severity,
            related=tuple(_place(declaration, e.route) for e in circle[:-1][:_SHOWN]),
        )
    if not found and graph.out:
        yield judge.passed(check, "architecture", declaration.locate("apis"), "no calls and no data go in a circle")


def _place(declaration: Declaration, route: Route) -> Location:
    return declaration.locate(*route)
