"""Puts the data map together: which data systems, flows, APIs and callers have to do with, and how sensitive it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.declare.declaration import Declaration
from assay.declare.model import Flow
from assay.domain import UsageError, did_you_mean
from assay.report.datamap import Box, Edge, Picture, Row, Shade
from assay.sensitivity.blend import blend
from assay.sensitivity.closure import Closure, Labels, stores_behind
from assay.sensitivity.label import Label
from assay.sensitivity.pieces import Pieces
from assay.sensitivity.principals import PrincipalReach
from assay.sensitivity.reach import reach
from assay.sensitivity.reductions import words

_SYSTEM, _FLOW, _API, _CALLER = range(4)
_MOST_ROWS = 8


def data_map(declaration: Declaration, closure: Closure, only: str | None = None) -> Picture:
    """The picture of everything, or of what has to do with one data set.

    Raises:
        UsageError: there is no data set ``only``.
    """
    if only is not None and only not in declaration.model.data:
        raise UsageError(
            f"there is no data set `{only}`", fix=did_you_mean(only, declaration.model.data, what="data set")
        )
    drawer = _Drawer(declaration, closure, only)
    boxes = (*drawer.systems(), *drawer.flows(), *drawer.apis(), *drawer.callers())
    title = f"{declaration.model.organisation.name}: where data is, and who sees it"
    title = f"{declaration.model.organisation.name}: where `{only}` is, and who sees it" if only else title
    unverified = any(b.shade and b.shade.differs for b in boxes)
    notes = [] if boxes else ["Nothing on this map: no system holds the data, and no API answers it."]
    if unverified:
        notes.append("Dashed: relies on a transformation that no proof has seen to work (`assay prove`).")
    return Picture(title, boxes, tuple(drawer.edges(boxes)), tuple(notes))


def mentions(pieces: Pieces, data: str | None) -> bool:
    """Whether something of a data set is among some pieces; always, for None."""
    return data is None or any(name == data for piece in pieces.values() for name, _ in piece.fields)


def shade(labels: Labels) -> Shade:
    """The levels of a pair of labels."""
    return Shade(labels.claimed.level, labels.verified.level)


class _Drawer:
    def __init__(self, declaration: Declaration, closure: Closure, only: str | None) -> None:
        self._declaration, self._closure, self._only = declaration, closure, only
        self._model = declaration.model
        self._answers: dict[str, list[Labels]] = {}
        for (api, _), labels in closure.operations.items():
            if labels.claimed.pieces and mentions(labels.claimed.pieces, only):
                self._answers.setdefault(api, []).append(labels)
        self._calls: dict[str, dict[str, None]] = {}

    def systems(self) -> Iterable[Box]:
        for name, system in self._model.systems.items():
            held = self._closure.held.get(name, {})
            rows = [(data, labels) for data, labels in held.items() if mentions(labels.claimed.pieces, self._only)]
            if not rows and self._only is not None:
                continue
            where = ", ".join(w for w in (system.kind, system.environment, system.location) if w)
            yield Box(f"systems.{name}", _SYSTEM, name, where, _highest(labels for _, labels in rows), _rows(rows))

    def flows(self) -> Iterable[Box]:
        for name, flow in self._model.flows.items():
            labels = self._closure.carried.get(name)
            if labels is None or not mentions(labels.claimed.pieces, self._only):
                continue
            yield Box(f"flows.{name}", _FLOW, name, _changes(flow), shade(labels))

    def apis(self) -> Iterable[Box]:
        for name, api in self._model.apis.items():
            answers = self._answers.get(name, [])
            if not answers and self._only is not None:
                continue
            data = sorted({d for labels in answers for d in labels.claimed.data})
            rows = tuple(Row(one, worst) for one in data if (worst := _of(answers, one)))[:_MOST_ROWS]
            yield Box(f"apis.{name}", _API, name, f"{api.exposure}, {api.environment}", _highest(answers), rows)

    def callers(self) -> Iterable[Box]:
        for reached in reach(self._declaration, self._closure):
            who = reached.principal
            objects = [o for o in reached.objects if mentions(o.claimed, self._only)]
            if who.kind not in ("consumer", "anonymous") or (not objects and self._only is not None):
                continue
            box = f"callers.{who.kind}.{who.id}"
            for one in objects:
                self._calls.setdefault(one.place, {})[box] = None
            blends = blend(reached, self._closure.rules)
            alarm = next((f"{b.claimed.level}, above clearance" for b in blends if b.above), "")
            if not alarm:
                alarm = next(
                    (f"{b.verified.level} until verified, above clearance" for b in blends if b.verified_above), ""
                )
            worst = max(blends, key=lambda b: (b.claimed.rank, b.verified.rank), default=None)
            told = f"clearance {who.clearance}" if who.clearance else ""
            rows = _seen(PrincipalReach(who, tuple(objects)), self._closure)
            level = Shade(worst.claimed.level, worst.verified.level) if worst else None
            yield Box(box, _CALLER, who.id or who.name, told, level, rows, alarm)

    def edges(self, boxes: Iterable[Box]) -> Iterable[Edge]:
        shades: Mapping[str, Shade | None] = {b.id: b.shade for b in boxes}
        for name, flow in self._model.flows.items():
            here = f"flows.{name}"
            if here in shades:
                yield Edge(f"systems.{flow.from_}", here, shades[here])
                yield Edge(here, f"systems.{flow.to}", shades[here])
        for name, api in self._model.apis.items():
            here = f"apis.{name}"
            if here not in shades:
                continue
            for behind in api.backed_by:
                if behind in self._model.apis:
                    yield Edge(f"apis.{behind}", here)
            direct = [s for s in stores_behind(self._model, name) if s in api.backed_by]
            for system in direct:
                yield Edge(f"systems.{system}", here, shades[here])
            for caller in self._calls.get(here, ()):
                yield Edge(here, caller, shades.get(caller))


def _highest(labels: Iterable[Labels]) -> Shade | None:
    every = list(labels)
    if not every:
        return None
    return Shade(
        max((one.claimed for one in every), key=_rank).level, max((one.verified for one in every), key=_rank).level
    )


def _rank(label: Label) -> int:
    return label.rank


def _rows(found: Iterable[tuple[str, Labels]]) -> tuple[Row, ...]:
    return tuple(Row(name, shade(labels)) for name, labels in sorted(found, key=lambda f: f[0]))[:_MOST_ROWS]


def _of(answers: Iterable[Labels], data: str) -> Shade | None:
    return _highest(labels for labels in answers if data in labels.claimed.data)


def _seen(reached: PrincipalReach, closure: Closure) -> tuple[Row, ...]:
    found: dict[str, list[Labels]] = {}
    for one in reached.objects:
        labels = Labels(Label(one.claimed, closure.rules), Label(one.verified, closure.rules))
        found.setdefault(one.data, []).append(labels)
    made = [(data, _highest(labels)) for data, labels in sorted(found.items())]
    return tuple(Row(data, level) for data, level in made if level)[:_MOST_ROWS]


def _changes(flow: Flow) -> str:
    changed = ", ".join(f"{field}: {words(transform)}" for field, transform in flow.transforms.items())
    return changed or "as it is"
