"""The risk matrix as a picture: where each risk would be without controls, where it is claimed to be, where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assay.report.labels import Box, place
from assay.report.svg import text
from assay.risk.words import Rating

_LEFT, _TOP, _CELL = 76, 72, 200
_SIDE = 3 * _CELL
_LEGEND = _LEFT + _SIDE + 36
_LISTED, _LINE, _NAME = 24, 22, 62
_RADIUS = 6.0
_CELLS = (
    ("medium", "high", "critical"),
    ("low", "medium", "high"),
    ("note", "low", "medium"),
)
"""Ratings from the highest impact down, from the lowest likelihood up (OWASP Risk Rating Methodology)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One risk. Pairs are (likelihood, impact), as shares of the whole; ``name`` is what the list beside says."""

    name: str
    inherent: tuple[float, float]
    claimed: tuple[float, float]
    evidenced: tuple[float, float]
    rating: Rating
    score: float


@dataclass(frozen=True, slots=True)
class RiskMatrix:
    """What is drawn; the worst risk first. ``when``: the moment it speaks of, as it is shown."""

    title: str
    when: str
    marks: tuple[Mark, ...]


def render(picture: RiskMatrix) -> str:
    """The picture as a standalone SVG document, in light or dark as the reader has it; the same bytes for the same.

    The first 24 risks have numbers, a line from where they would be without controls, and a place in the list; of the
    others there is a dot each, and how many they are.
    """
    named, others = picture.marks[:_LISTED], picture.marks[_LISTED:]
    rows = len(named) + bool(others)
    width, height = _LEGEND + 540, max(_TOP + _SIDE + 60, _TOP + 16 + rows * _LINE + 90)
    described = f"{_counted(picture.marks)}. {_KEY}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            ' role="img" aria-labelledby="risk-title risk-desc">',
            f'<title id="risk-title">{text(picture.title)}</title>',
            f'<desc id="risk-desc">{text(described)}</desc>',
            _STYLE,
            '<rect class="paper" width="100%" height="100%"/>',
            f'<text class="title" x="{_LEFT}" y="32">{text(picture.title)}</text>',
            f'<text class="soft" x="{_LEFT}" y="52">{text(picture.when)}</text>',
            *_grid(),
            *(_tail(mark) for mark in reversed(named)),
            *(_dot(mark, "rest") for mark in reversed(others)),
            *(_hollow(mark) for mark in reversed(named)),
            *(_dot(mark, "dot") for mark in reversed(named)),
            *_numbers(named),
            *_listed(named, len(others)),
            *_key(_TOP + 16 + rows * _LINE + 14),
            "</svg>",
            "",
        ]
    )


_KEY = (
    "A full dot is the risk that evidence supports, a hollow one the risk that is claimed;"
    " the line comes from where the risk would be without controls"
)


def _counted(marks: Sequence[Mark]) -> str:
    counts = [(r, sum(1 for m in marks if m.rating is r)) for r in reversed(Rating)]
    told = ", ".join(f"{n} {r}" for r, n in counts if n)
    return f"{len(marks)} risk{'s' * (len(marks) != 1)}" + (f": {told}" if told else "")


def _grid() -> Iterator[str]:
    for row, ratings in enumerate(_CELLS):
        for column, rating in enumerate(ratings):
            x, y = _LEFT + column * _CELL, _TOP + row * _CELL
            yield f'<rect class="cell c-{rating}" x="{x}" y="{y}" width="{_CELL}" height="{_CELL}"/>'
            yield f'<text class="cell-name" x="{x + _CELL - 10}" y="{y + _CELL - 10}">{rating}</text>'
    bottom = _TOP + _SIDE
    for number, name in enumerate(("low", "medium", "high")):
        middle = number * _CELL + _CELL // 2
        yield f'<text class="axis" x="{_LEFT + middle}" y="{bottom + 20}">{name}</text>'
        yield _upright("axis", _LEFT - 14, bottom - middle, name)
    yield f'<text class="axis-name" x="{_LEFT + _SIDE // 2}" y="{bottom + 44}">likelihood</text>'
    yield _upright("axis-name", _LEFT - 40, _TOP + _SIDE // 2, "impact")
    for number, share in enumerate(("0", "3/9", "6/9", "1")):
        yield f'<text class="tick" x="{_LEFT + number * _CELL}" y="{bottom + 14}">{share}</text>'


def _upright(kind: str, x: int, y: int, said: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" transform="rotate(-90 {x} {y})">{said}</text>'


def _at(point: tuple[float, float]) -> tuple[float, float]:
    likelihood, impact = (min(max(share, 0.0), 1.0) for share in point)
    return _LEFT + likelihood * _SIDE, _TOP + (1 - impact) * _SIDE


def _tail(mark: Mark) -> str:
    (x, y), (w, z) = _at(mark.inherent), _at(mark.evidenced)
    away = ((w - x) ** 2 + (z - y) ** 2) ** 0.5
    start = f'<path class="start" d="M{x - 4:.1f} {y:.1f}H{x + 4:.1f}M{x:.1f} {y - 4:.1f}V{y + 4:.1f}"/>'
    if away <= _RADIUS + 8:
        return start
    share = (away - _RADIUS - 1.5) / away
    end = f"{x + (w - x) * share:.1f} {y + (z - y) * share:.1f}"
    return f'{start}<path class="tail" d="M{x:.1f} {y:.1f}L{end}" marker-end="url(#risk-arrow)"/>'


def _hollow(mark: Mark) -> str:
    (x, y), (w, z) = _at(mark.claimed), _at(mark.evidenced)
    if ((w - x) ** 2 + (z - y) ** 2) ** 0.5 < 2:  # the dot says it all
        return ""
    gap = f'<path class="gap" d="M{w:.1f} {z:.1f}L{x:.1f} {y:.1f}"/>'
    said = f"{mark.name}: claimed"
    circle = f'<circle class="hollow" cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS - 1:.0f}"/>'
    return f"{gap}<g><title>{text(said)}</title>{circle}</g>"


def _dot(mark: Mark, kind: str) -> str:
    x, y = _at(mark.evidenced)
    said = f"{mark.name}: {mark.rating}, {mark.score:.1f}"
    radius = _RADIUS if kind == "dot" else 3.0
    return f'<g><title>{text(said)}</title><circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.0f}"/></g>'


def _numbers(marks: Sequence[Mark]) -> Iterable[str]:
    """A number near each dot, where it covers no other dot and no other number; a thin line leads back from afar."""
    dots = [_at(m.evidenced) for m in marks]
    taken = [Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in dots]
    within = Box(_LEFT + 2, _TOP + 2, _LEFT + _SIDE - 2, _TOP + _SIDE - 2)
    for number, ((x, y), spot) in enumerate(zip(dots, place(dots, taken, within), strict=True), 1):
        w, z = spot.middle
        if ((w - x) ** 2 + (z - y) ** 2) ** 0.5 > 20:
            yield f'<path class="leader" d="M{x:.1f} {y:.1f}L{w:.1f} {z:.1f}"/>'
        yield f'<rect class="tag" x="{spot.left:.1f}" y="{spot.top:.1f}" width="18" height="14" rx="3"/>'
        yield f'<text class="number" x="{w:.1f}" y="{z + 4:.1f}">{number}</text>'


def _listed(marks: Sequence[Mark], more: int) -> Iterator[str]:
    for row, mark in enumerate(marks):
        y = _TOP + 16 + row * _LINE
        name = mark.name if len(mark.name) <= _NAME else mark.name[: _NAME - 1] + "…"
        yield f'<text class="rank" x="{_LEGEND + 16}" y="{y}">{row + 1}</text>'
        yield f'<rect class="chip c-{mark.rating}" x="{_LEGEND + 26}" y="{y - 12}" width="84" height="16" rx="8"/>'
        yield f'<text class="chip-name" x="{_LEGEND + 68}" y="{y}">{mark.rating} {mark.score:.1f}</text>'
        yield f'<text x="{_LEGEND + 120}" y="{y}"><title>{text(mark.name)}</title>{text(name)}</text>'
    if more:
        y = _TOP + 16 + len(marks) * _LINE
        yield f'<text class="soft" x="{_LEGEND + 26}" y="{y}">and {more} more, as small dots</text>'


def _key(top: int) -> Iterator[str]:
    x = _LEGEND + 16
    signs = (
        (f'<circle class="dot" cx="{x}" cy="{top}" r="6"/>', "what evidence supports"),
        (f'<circle class="hollow" cx="{x}" cy="{top + 24}" r="5"/>', "what is claimed; dashes: the assurance gap"),
        (
            f'<path class="start" d="M{x - 14} {top + 48}h8m-4 -4v8"/>'
            f'<path class="tail" d="M{x - 10} {top + 48}H{x + 10}" marker-end="url(#risk-arrow)"/>',
            "from where it would be without controls",
        ),
    )
    for number, (sign, said) in enumerate(signs):
        yield f'{sign}<text class="soft" x="{x + 24}" y="{top + 24 * number + 4}">{said}</text>'


_STYLE = """<style>
svg { --paper: #fff; --ink: #1c2330; --soft: #5a6474; --line: #8a94a3; --grid: #fff; --dot: #1c2330;
  --note: #eef1f4; --low: #dff0e4; --medium: #fdeec2; --high: #fbd3bd; --critical: #f3b0ad;
  font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161d; --ink: #e7eaf0; --soft: #9aa5b5; --line: #8b97a8;
  --grid: #12161d; --dot: #fff; --note: #262d37; --low: #17402a; --medium: #4d3d0e; --high: #64351a;
  --critical: #6e2222; } }
text { fill: var(--ink); } .title { font-size: 18px; font-weight: 600; } .soft { fill: var(--soft); }
.paper { fill: var(--paper); } .cell { stroke: var(--grid); stroke-width: 2; }
.c-note { fill: var(--note); } .c-low { fill: var(--low); } .c-medium { fill: var(--medium); }
.c-high { fill: var(--high); } .c-critical { fill: var(--critical); }
.cell-name { text-anchor: end; fill: var(--soft); font-size: 12px; }
.axis { text-anchor: middle; fill: var(--soft); } .axis-name { text-anchor: middle; font-weight: 600; }
.tick { text-anchor: middle; fill: var(--soft); font-size: 10px; }
.tail { fill: none; stroke: var(--line); stroke-width: 1.3; } .arrow { fill: var(--line); }
.start { fill: none; stroke: var(--line); stroke-width: 1.5; }
.gap { fill: none; stroke: var(--dot); stroke-width: 1; stroke-dasharray: 2 4; opacity: .7; }
.hollow { fill: var(--paper); stroke: var(--dot); stroke-width: 1.6; }
.dot { fill: var(--dot); stroke: var(--paper); stroke-width: 1.5; } .rest { fill: var(--dot); opacity: .45; }
.leader { fill: none; stroke: var(--soft); stroke-width: .8; } .tag { fill: var(--paper); opacity: .85; }
.number { text-anchor: middle; font-size: 11.5px; font-weight: 600; }
.rank { text-anchor: end; font-weight: 600; } .chip-name { text-anchor: middle; font-size: 11px; }
</style>
<defs><marker id="risk-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"
  markerUnits="userSpaceOnUse"><path class="arrow" d="M0 0L8 4L0 8z"/></marker></defs>"""
