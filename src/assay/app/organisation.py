"""Puts together what a report says of the organisation: its data, who puts what together, accounts, layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from assay.app.data_map import data_map
from assay.app.data_observed import Compared, Comparison, Span, compare, most
from assay.app.data_view import Told, blends, view
from assay.app.project import Project
from assay.app.rights import Reviewed, reviews
from assay.controls.layered_architecture.graph import ANONYMOUS, Edge, callers_of, graph_of
from assay.controls.layered_architecture.layers import OUTSIDE, Layers, layers_of
from assay.declare.declaration import Declaration
from assay.report.layers import Call, LayerPicture, Node
from assay.report.organisation import AccountNote, BlendNote, Organisation
from assay.sensitivity.levels import rank

_CHANGES = 3


def organisation(project: Project, now: datetime) -> Organisation:
    """The organisation as the declaration, the kept proofs and the access logs say it; no system is asked."""
    declaration = project.declaration
    model = declaration.model
    seen = view(project, now)
    compared = compare(project, seen)
    judged = reviews(project, tuple(model.accounts), today=now.date(), environ={}, used=False)
    return Organisation(
        data=data_map(declaration, seen.closure) if model.systems or model.flows else None,
        blends=_worst(blends(seen), compared),
        accounts=tuple(_account(found) for found in judged),
        layers=layer_picture(declaration),
        observed=_covered(compared.span) if compared.span else "",
    )


def _covered(span: Span) -> str:
    return span.text + ("" if span.complete else "; earlier calls are not counted")


def _worst(found: Iterable[Told], compared: Comparison) -> tuple[BlendNote, ...]:
    """The most sensitive blend of each principal, those above their clearance first."""
    worst: dict[str, Told] = {}
    for told in found:
        before = worst.get(told.blend.principal.name)
        if before is None or _weight(told) > _weight(before):
            worst[told.blend.principal.name] = told
    ordered = sorted(worst.values(), key=lambda t: (not t.blend.above, -rank(t.blend.claimed.level), t.blend.principal))
    called = {one.principal.name: one for one in compared.principals}
    return tuple(_blend(told, called.get(told.blend.principal.name)) for told in ordered)


def _weight(told: Told) -> tuple[bool, int, int]:
    return told.blend.above, rank(told.blend.claimed.level), len(told.blend.objects)


def _blend(told: Told, called: Compared | None) -> BlendNote:
    blend = told.blend
    return BlendNote(
        principal=blend.principal.name,
        clearance=blend.principal.clearance or "",
        objects=tuple(dict.fromkeys(f"{o.data} ({o.place})" for o in blend.objects)),
        claimed=blend.claimed.level,
        verified=blend.verified.level,
        above=blend.above,
        above_until_verified=blend.verified_above,
        why=tuple(f"{step.rule}: {step.sentence}" for step in blend.steps),
        changes=tuple(w.sentence for w in told.what_ifs[:_CHANGES]),
        observed=most(called.observed) if called else "",
        unused=_unused(called) if called else "",
    )


def _unused(called: Compared) -> str:
    if not called.unused:
        return ""
    return f"{len(called.unused)} of {len(called.answering)} granted operations not called"


def _account(found: Reviewed) -> AccountNote:
    review = found.review
    flags = [
        *(["superuser"] if review.superuser else []),
        *(["shared"] if review.shared else []),
        *([f"idle {review.idle} days"] if review.idle is not None else []),
        *([f"credential {review.overdue} days overdue"] if review.overdue is not None else []),
        *(["duties in conflict"] if review.conflicts else []),
        *(["wildcards"] if review.wildcards else []),
        *(["roles it does not need"] if review.creeping else []),
    ]
    return AccountNote(
        id=review.name,
        system=review.account.system,
        rights=None if review.rights is None else len(review.grants),
        excess=review.excess.index,
        flags=tuple(flags),
        reaches=tuple(name for name, _ in review.blast.data),
        level=review.blast.level or "",
    )


def layer_picture(declaration: Declaration) -> LayerPicture | None:
    """The calls between callers, layers and systems; None where no API says its layer."""
    layers = layers_of(declaration)
    if layers is None:
        return None
    graph = graph_of(declaration, callers_of(declaration))
    edges = [e for ends in graph.out.values() for e in ends.values() if not e.flow and e.end.startswith("apis.")]
    systems = [e for ends in graph.out.values() for e in ends.values() if not e.flow and e.end.startswith("systems.")]
    shown = {f"apis.{name}" for name in layers.ranks}
    edges = [e for e in edges if e.end in shown and (e.start in shown or not e.start.startswith("apis."))]
    systems = [e for e in systems if e.start in shown]
    calls = [_call(declaration, layers, e) for e in edges] + [_stored(declaration, layers, e) for e in systems]
    columns = ("callers", *layers.names, "systems")
    return LayerPicture(columns, tuple(_nodes(layers, calls, len(columns))), tuple(calls))


def _nodes(layers: Layers, calls: Sequence[Call], columns: int) -> Iterable[Node]:
    names = dict.fromkeys(n for c in calls for n in (c.start, c.end))
    for name in names:
        section, _, rest = name.partition(".")
        if section == "apis":
            yield Node(name, rest, layers.ranks[rest] + 1, "API")
        elif section == "systems":
            yield Node(name, rest, columns - 1, "system")
        else:
            yield Node(name, "anybody" if name == ANONYMOUS else rest, 0, "consumer")


def _call(declaration: Declaration, layers: Layers, edge: Edge) -> Call:
    start = layers.ranks[edge.start.removeprefix("apis.")] if edge.start.startswith("apis.") else OUTSIDE
    end = layers.ranks[edge.end.removeprefix("apis.")]
    if layers.permits(start, end) or (edge.start, edge.end) in layers.allowed:
        return Call(edge.start, edge.end)
    where = declaration.locate(*edge.route).below(str(declaration.root))
    whose = "from outside" if start == OUTSIDE else f"from layer {layers.names[start]}"
    caller, called = edge.start.partition(".")[2] or "anybody", edge.end.partition(".")[2]
    return Call(edge.start, edge.end, f"{caller}, {whose}, calls {called} in layer {layers.names[end]} ({where})")


def _stored(declaration: Declaration, layers: Layers, edge: Edge) -> Call:
    system = declaration.model.systems[edge.end.removeprefix("systems.")]
    rank_ = layers.ranks[edge.start.removeprefix("apis.")]
    if not system.record or rank_ == layers.innermost or (edge.start, edge.end) in layers.allowed:
        return Call(edge.start, edge.end)
    api, name = edge.start.removeprefix("apis."), edge.end.removeprefix("systems.")
    where = declaration.locate(*edge.route).below(str(declaration.root))
    said = f"{api}, in layer {layers.names[rank_]}, stands right before {name}, a system of record ({where})"
    return Call(edge.start, edge.end, said)
