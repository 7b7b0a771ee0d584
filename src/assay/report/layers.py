"""The layers as a picture: callers, APIs by layer, systems of record, and every call between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.report.svg import text

_WIDTH, _HEIGHT, _GAP, _ROW, _TOP, _LEFT = 190, 34, 90, 46, 76, 20


@dataclass(frozen=True, slots=True)
class Node:
    """A caller, an API or a system; ``column`` is its layer, from the outside in."""

    id: str
    name: str
    column: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is declared. ``wrong``: why the architecture has no place for it; empty: it has."""

    start: str
    end: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class LayerPicture:
    """What is drawn. ``columns`` are the headings, from the outside in."""

    columns: tuple[str, ...]
    nodes: tuple[Node, ...]
    calls: tuple[Call, ...]


def render(picture: LayerPicture) -> str:
    """The picture as a standalone SVG document, in light or dark as the reader has it; the same bytes for the same."""
    columns = [[n for n in picture.nodes if n.column == c] for c in range(len(picture.columns))]
    places = {
        node.id: (_LEFT + column * (_WIDTH + _GAP), _TOP + row * _ROW)
        for column, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    width = 2 * _LEFT + len(columns) * _WIDTH + (len(columns) - 1) * _GAP
    height = _TOP + _ROW * max((len(nodes) for nodes in columns), default=0) + 24
    wrong = sum(bool(c.wrong) for c in picture.calls)
    title = f"{len(picture.calls)} calls, {wrong} against the architecture" if wrong else f"{len(picture.calls)} calls"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        _STYLE,
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="title" x="{_LEFT}" y="28">{title}</text>',
        *(
            f'<text class="soft" x="{_LEFT + c * (_WIDTH + _GAP)}" y="{_TOP - 14}">{text(name)}</text>'
            for c, name in enumerate(picture.columns)
        ),
        *_calls(picture.calls, places),
        *(_node(node, places[node.id]) for node in picture.nodes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _calls(calls: Iterable[Call], places: Mapping[str, tuple[int, int]]) -> Iterable[str]:
    for call in sorted(calls, key=lambda c: bool(c.wrong)):  # what is wrong lies on top
        if call.start not in places or call.end not in places:
            continue
        (x, y), (w, z) = places[call.start], places[call.end]
        kind = "wrong" if call.wrong else "call"
        if w > x:
            line = f"M{x + _WIDTH} {y + _HEIGHT // 2}C{x + _WIDTH + _GAP // 2} {y + _HEIGHT // 2}"
            line += f" {w - _GAP // 2} {z + _HEIGHT // 2} {w - 4} {z + _HEIGHT // 2}"
        else:  # within a layer, or outwards
            far = max(x, w) + _WIDTH + 30
            line = f"M{x + _WIDTH} {y + _HEIGHT // 2}C{far} {y + _HEIGHT // 2} {far} {z + _HEIGHT // 2}"
            line += f" {w + _WIDTH + 4} {z + _HEIGHT // 2}"
        said = f"<title>{text(call.wrong)}</title>" if call.wrong else ""
        yield f'<path class="{kind}" d="{line}" marker-end="url(#to-{kind})">{said}</path>'


def _node(node: Node, place: tuple[int, int]) -> str:
    x, y = place
    name = node.name if len(node.name) <= 26 else node.name[:25] + "…"
    return (
        f"<g><title>{text(f'{node.kind} {node.name}'.strip())}</title>"
        f'<rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{x + 12}" y="{y + 22}">{text(name)}</text></g>'
    )


_STYLE = """<style>
svg { --paper: #fff; --ink: #1c2330; --soft: #5a6474; --line: #8a94a3; --panel: #f6f8fa; --bad: #b3261e;
  font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161d; --ink: #e7eaf0; --soft: #9aa5b5; --line: #6b7787;
  --panel: #1a2029; --bad: #ff8a80; } }
.paper { fill: var(--paper); } .box { fill: var(--panel); stroke: var(--line); }
text { fill: var(--ink); } .soft { fill: var(--soft); } .title { font-size: 16px; font-weight: 600; }
.call { fill: none; stroke: var(--line); stroke-width: 1.2; }
.wrong { fill: none; stroke: var(--bad); stroke-width: 2.2; stroke-dasharray: 7 4; }
.to-call { fill: var(--line); } .to-wrong { fill: var(--bad); }
</style>
<defs><marker id="to-call" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path class="to-call" d="M0 0L8 4L0 8z"/></marker>
<marker id="to-wrong" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">
<path class="to-wrong" d="M0 0L8 4L0 8z"/></marker></defs>"""
