"""The data map: systems, flows, APIs and who calls them, in columns, as one SVG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from assay.declare.model import LEVELS, Level
from assay.report import svg

COLUMNS = ("Systems", "Flows", "APIs", "Callers")
_WIDTH, _GAP, _TOP, _LEFT = 268, 96, 92, 24
_HEAD, _ROW, _BETWEEN = 44, 22, 18
_TITLE, _NAME = 32, 24


@dataclass(frozen=True, slots=True)
class Shade:
    """The two levels of something: as if every declared transformation worked, and counting only verified ones."""

    claimed: Level
    verified: Level

    @property
    def differs(self) -> bool:
        """Whether something relies on a transformation that nobody verified."""
        return self.claimed != self.verified


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a box: a data set, and its levels there."""

    text: str
    shade: Shade


@dataclass(frozen=True, slots=True)
class Box:
    """Something on the map.

    Attributes:
        id: unique in the picture, such as ``systems.crm``.
        column: index into :data:`COLUMNS`.
        alarm: why it needs somebody, in a few words; empty: it does not.
    """

    id: str
    column: int
    title: str
    subtitle: str = ""
    shade: Shade | None = None
    rows: tuple[Row, ...] = ()
    alarm: str = ""

    @property
    def height(self) -> int:
        """In pixels."""
        return _HEAD + _ROW * len(self.rows) + (_ROW if self.alarm else 0) + 8


@dataclass(frozen=True, slots=True)
class Edge:
    """Data that goes from one box to another."""

    source: str
    target: str
    shade: Shade | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn."""

    title: str
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "title": self.title,
            "boxes": [
                {
                    "id": b.id,
                    "column": COLUMNS[b.column].lower(),
                    "title": b.title,
                    "subtitle": b.subtitle,
                    **_levels(b.shade),
                    "rows": [{"text": r.text, **_levels(r.shade)} for r in b.rows],
                    "alarm": b.alarm or None,
                }
                for b in self.boxes
            ],
            "edges": [{"source": e.source, "target": e.target, **_levels(e.shade)} for e in self.edges],
            "notes": list(self.notes),
        }


def _levels(shade: Shade | None) -> dict[str, str | None]:
    return {"claimed": shade.claimed if shade else None, "verified": shade.verified if shade else None}


@dataclass(frozen=True, slots=True)
class _Placed:
    box: Box
    x: int
    y: int


@dataclass
class _Layout:
    placed: dict[str, _Placed] = field(default_factory=dict)
    height: int = 0


def render(picture: Picture) -> str:
    """The picture as a standalone SVG document that follows the reader's light or dark setting. The same picture makes
    the same bytes."""
    layout = _arranged(picture)
    width = _LEFT * 2 + _WIDTH * len(COLUMNS) + _GAP * (len(COLUMNS) - 1)
    height = layout.height + 24 + 18 * len(picture.notes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label={quoteattr(svg.clean(picture.title))}>',
        f"<title>{svg.text(picture.title)}</title>",
        _STYLE,
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="title" x="{_LEFT}" y="32">{svg.text(picture.title)}</text>',
        *_legend(width),
        *(
            f'<text class="head" x="{_x(column)}" y="{_TOP - 14}">{name}</text>'
            for column, name in enumerate(COLUMNS)
            if any(b.column == column for b in picture.boxes)
        ),
        *(_edge(e, layout.placed) for e in picture.edges if e.source in layout.placed and e.target in layout.placed),
        *(_box(layout.placed[b.id]) for b in picture.boxes),
        *(
            f'<text class="soft" x="{_LEFT}" y="{layout.height + 18 + 18 * n}">{svg.text(note)}</text>'
            for n, note in enumerate(picture.notes)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(column: int) -> int:
    return _LEFT + column * (_WIDTH + _GAP)


def _arranged(picture: Picture) -> _Layout:
    """Boxes one under the other in their columns; from the second column on, near what they are connected with."""
    layout = _Layout(height=_TOP)
    beside: dict[str, list[str]] = {}
    for edge in picture.edges:
        beside.setdefault(edge.source, []).append(edge.target)
        beside.setdefault(edge.target, []).append(edge.source)
    for column in range(len(COLUMNS)):
        boxes = [b for b in picture.boxes if b.column == column]
        if column:
            boxes.sort(key=lambda b: (_middle(b, beside, layout.placed), b.id))
        y = _TOP
        for box in boxes:
            layout.placed[box.id] = _Placed(box, _x(column), y)
            y += box.height + _BETWEEN
        layout.height = max(layout.height, y)
    return layout


def _middle(box: Box, beside: Mapping[str, Iterable[str]], placed: Mapping[str, _Placed]) -> float:
    heights = [p.y + p.box.height / 2 for other in beside.get(box.id, ()) if (p := placed.get(other)) is not None]
    return sum(heights) / len(heights) if heights else float("inf")


def _edge(edge: Edge, placed: Mapping[str, _Placed]) -> str:
    source, target = placed[edge.source], placed[edge.target]
    level = f" l-{edge.shade.verified}" if edge.shade else ""
    claimed = " claimed" if edge.shade and edge.shade.differs else ""
    if source.x == target.x:  # an API behind an API
        x, y, z = source.x + _WIDTH, source.y + source.box.height // 2, target.y + target.box.height // 2
        line = f"M{x} {y}C{x + 48} {y} {x + 48} {z} {x + 4} {z}"
    elif source.x < target.x:
        x, y = source.x + _WIDTH, source.y + source.box.height // 2 - 5
        w, z = target.x - 4, target.y + target.box.height // 2 - 5
        line = f"M{x} {y}C{x + _GAP // 2} {y} {w - _GAP // 2} {z} {w} {z}"
    else:  # back to where it is stored
        x, y = source.x, source.y + source.box.height // 2 + 7
        w, z = target.x + _WIDTH + 4, target.y + target.box.height // 2 + 7
        line = f"M{x} {y}C{x - _GAP // 2} {y} {w + _GAP // 2} {z} {w} {z}"
    return f'<path class="edge{level}{claimed}" d="{line}" marker-end="url(#arrow)"/>'


def _box(placed: _Placed) -> str:
    box, x, y = placed.box, placed.x, placed.y
    title, kind = (
        _cut(box.title, _TITLE - (13 if box.shade else 0) - (4 if box.shade and box.shade.differs else 0)),
        "box alarm" if box.alarm else "box",
    )
    full = f"{box.title}: {box.subtitle}" if box.subtitle else box.title
    parts = [
        f"<g id={quoteattr(svg.clean(box.id))}><title>{svg.text(full)}</title>",
        f'<rect class="{kind}" x="{x}" y="{y}" width="{_WIDTH}" height="{box.height}" rx="6"/>',
        f'<text class="name" x="{x + 14}" y="{y + 19}">{svg.text(title)}</text>',
        f'<text class="soft" x="{x + 14}" y="{y + 36}">{svg.text(_cut(box.subtitle, 42))}</text>',
    ]
    if box.shade:
        parts.append(f'<rect class="l-{box.shade.verified}" x="{x}" y="{y + 5}" width="5" height="{box.height - 10}"/>')
        parts += _chips(box.shade, x + _WIDTH - 8, y + 6)
    for number, row in enumerate(box.rows):
        top = y + _HEAD + number * _ROW
        parts.append(f'<text x="{x + 14}" y="{top + 14}">{svg.text(_cut(row.text, _NAME))}</text>')
        parts += _chips(row.shade, x + _WIDTH - 8, top)
    if box.alarm:
        top = y + _HEAD + len(box.rows) * _ROW
        parts.append(f'<text class="warn" x="{x + 14}" y="{top + 14}">{svg.text(_cut(box.alarm, 40))}</text>')
    return "".join(parts) + "</g>"


def _chips(shade: Shade, right: int, top: int) -> Iterable[str]:
    """The verified level, filled; beside it the claimed one, hollow, where it is another."""
    yield _chip(shade.verified, right - 78, top, "chip")
    if shade.differs:
        yield _chip(shade.claimed, right - 78 - 20, top, "hollow", width=16, text=str(LEVELS.index(shade.claimed)))


def _chip(level: Level, x: int, top: int, kind: str, *, width: int = 78, text: str = "") -> str:
    said = f"{level}, if every declared transformation works" if kind == "hollow" else level
    return (
        f'<g><title>{said}</title><rect class="{kind} l-{level}" x="{x}" y="{top}" width="{width}" height="17" rx="8"/>'
        f'<text class="{kind}-ink t-{level}" x="{x + width // 2}" y="{top + 12}">{text or level}</text></g>'
    )


def _legend(width: int) -> Iterable[str]:
    x = width - _LEFT - 100 * len(LEVELS)
    for number, level in enumerate(LEVELS):
        yield _chip(level, x + 100 * number, 18, "chip", width=94, text=f"{number} {level}")
    words = "filled: verified on payloads · number in a ring: the level claimed, if declared transformations work"
    yield f'<text class="soft" x="{width - _LEFT}" y="52" text-anchor="end">{words}</text>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_STYLE = """<style>
svg { --paper: #fff; --ink: #1c2330; --soft: #5a6474; --line: #c3cad4; --panel: #f6f8fa; --bad: #b3261e;
  --l0: #dfe5ea; --l1: #cfe2ff; --l2: #ffe39a; --l3: #ffb07c; --l4: #d9b3ff; --on: #1c2330;
  font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161d; --ink: #e7eaf0; --soft: #9aa5b5; --line: #465162;
  --panel: #1a2029; --bad: #ff8a80; --l0: #5b6673; --l1: #2f5fa8; --l2: #8a6a12; --l3: #a5501b; --l4: #7644a8;
  --on: #fff; } }
text { fill: var(--ink); } .title { font-size: 18px; font-weight: 600; } .name { font-weight: 600; }
.head { font-weight: 600; fill: var(--soft); } .soft { fill: var(--soft); font-size: 11.5px; }
.warn { fill: var(--bad); font-weight: 600; } .paper { fill: var(--paper); }
.box { fill: var(--panel); stroke: var(--line); } .alarm { stroke: var(--bad); stroke-width: 2; }
.l-public { fill: var(--l0); stroke: var(--l0); } .l-internal { fill: var(--l1); stroke: var(--l1); }
.l-confidential { fill: var(--l2); stroke: var(--l2); } .l-restricted { fill: var(--l3); stroke: var(--l3); }
.l-special { fill: var(--l4); stroke: var(--l4); }
.hollow { fill: none; stroke-width: 1.5; } .chip-ink { fill: var(--on); }
.chip-ink, .hollow-ink { font-size: 11px; text-anchor: middle; }
.edge { fill: none; stroke-width: 2; } .edge:not([class*="l-"]) { stroke: var(--line); }
.claimed { stroke-dasharray: 6 4; } .arrow { fill: var(--soft); }
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"
  markerUnits="userSpaceOnUse"><path class="arrow" d="M0 0L8 4L0 8Z"/></marker></defs>"""
