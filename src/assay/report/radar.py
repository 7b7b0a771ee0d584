"""A maturity survey's dimensions as a radar: what people think, and what counts. The same result, the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from assay.maturity.words import TOP, DimensionScore, Result
from assay.report.svg import text

_WIDTH, _HEIGHT, _RADIUS = 900, 660, 200
_X, _Y = 450, 354


@dataclass(frozen=True, slots=True)
class Axis:
    """One spoke. Levels are 0 to 4; None: there is none."""

    name: str
    perceived: float | None
    level: float | None
    note: str = ""


def radar(result: Result) -> str:
    """The result's dimensions as a standalone SVG document, in light or dark as the reader has it."""
    score = result.score
    axes = tuple(_axis(d) for d in score.dimensions)
    moment = f"{result.now:%Y-%m-%d}"
    title = f"Maturity of {result.organisation} on {moment}: {score.overall:.1f} of {TOP}"
    perceived = "nobody was asked" if score.perceived is None else f"people say {score.perceived:.1f}"
    beneath = f"{perceived}; {score.assurance:.0%} of the weight is measured; survey {result.survey.version}"
    return render(axes, title, beneath)


def _axis(dimension: DimensionScore) -> Axis:
    note = f"held by {', '.join(dimension.capped_by)}" if dimension.capped_by else ""
    return Axis(f"{dimension.number} {dimension.name}", dimension.perceived, dimension.level, note)


def render(axes: Sequence[Axis], title: str, beneath: str = "") -> str:
    """A radar with an axis each, clockwise from the top."""
    described = "; ".join(f"{a.name}: {_said(a)}" for a in axes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' role="img" aria-labelledby="radar-title radar-desc">',
        f'<title id="radar-title">{text(title)}</title>',
        f'<desc id="radar-desc">{text(described)}</desc>',
        _STYLE,
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text class="title" x="24" y="34">{text(title)}</text>',
        f'<text class="soft" x="24" y="56">{text(beneath)}</text>',
        *_grid(len(axes)),
        *_shape(axes, [a.perceived for a in axes], "perceived"),
        *_shape(axes, [a.level for a in axes], "level"),
        *(_label(axis, index, len(axes)) for index, axis in enumerate(axes)),
        *_legend(any(a.perceived is not None for a in axes)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _said(axis: Axis) -> str:
    level = "does not apply" if axis.level is None else f"{axis.level:.1f} of {TOP}"
    perceived = "" if axis.perceived is None else f", perceived {axis.perceived:.1f}"
    return level + perceived + (f" ({axis.note})" if axis.note else "")


def _point(index: int, of: int, level: float) -> tuple[float, float]:
    angle = 2 * pi * index / of - pi / 2
    radius = _RADIUS * level / TOP
    return round(_X + radius * cos(angle), 1), round(_Y + radius * sin(angle), 1)


def _ring(of: int, level: float) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in (_point(i, of, level) for i in range(of)))


def _grid(of: int) -> Iterable[str]:
    for level in range(1, TOP + 1):
        yield f'<polygon class="ring" points="{_ring(of, level)}"/>'
    for index in range(of):
        x, y = _point(index, of, TOP)
        yield f'<line class="ring" x1="{_X}" y1="{_Y}" x2="{x:g}" y2="{y:g}"/>'
    for level in range(1, TOP + 1):
        yield f'<text class="tick" x="{_X + 5}" y="{_Y - _RADIUS * level / TOP + 13:g}">{level}</text>'


def _shape(axes: Sequence[Axis], levels: Sequence[float | None], kind: str) -> Iterable[str]:
    """The outline through the levels that there are, and a dot for each, which tells itself."""
    known = [(index, level) for index, level in enumerate(levels) if level is not None]
    if not known:
        return
    points = [_point(index, len(axes), level) for index, level in known]
    yield f'<polygon class="{kind}" points="{" ".join(f"{x:g},{y:g}" for x, y in points)}"/>'
    word = "perceived" if kind == "perceived" else "what counts"
    for (index, level), (x, y) in zip(known, points, strict=True):
        told = text(f"{axes[index].name}: {level:.2f}, {word}")
        if kind == "perceived":
            dot = f'<rect class="dot-perceived" x="{x - 4:g}" y="{y - 4:g}" width="8" height="8">'
            yield f"{dot}<title>{told}</title></rect>"
        else:
            yield f'<circle class="dot-level" cx="{x:g}" cy="{y:g}" r="4.5"><title>{told}</title></circle>'


def _label(axis: Axis, index: int, of: int) -> str:
    angle = 2 * pi * index / of - pi / 2
    x, y = _X + (_RADIUS + 22) * cos(angle), _Y + (_RADIUS + 22) * sin(angle)
    anchor = "middle" if abs(cos(angle)) < 0.2 else "start" if cos(angle) > 0 else "end"
    up = -34 if sin(angle) < -0.9 else 0
    level = "n/a" if axis.level is None else f"{axis.level:.1f}"
    perceived = "" if axis.perceived is None else f" (perceived {axis.perceived:.1f})"
    lines = [
        f'<tspan class="name" x="{x:.1f}" dy="0">{text(_short(axis.name))}</tspan>',
        f'<tspan x="{x:.1f}" dy="16">{level}{perceived}</tspan>',
    ]
    if axis.note:
        lines.append(f'<tspan class="held" x="{x:.1f}" dy="15">{text(axis.note)}</tspan>')
        up -= 15 if sin(angle) < -0.9 else 0
    return f'<text x="{x:.1f}" y="{y + up:.1f}" text-anchor="{anchor}">{"".join(lines)}</text>'


def _short(name: str) -> str:
    return name if len(name) <= 36 else name[:35].rstrip() + "…"


def _legend(perceived: bool) -> Iterable[str]:
    y = _HEIGHT - 24
    yield f'<circle class="dot-level" cx="32" cy="{y - 4}" r="4.5"/>'
    yield f'<text x="46" y="{y}">what counts: measured, else answered</text>'
    if perceived:
        yield f'<rect class="dot-perceived" x="318" y="{y - 8}" width="8" height="8"/>'
        yield f'<text x="336" y="{y}">what people answered</text>'


_STYLE = """<style>
svg { --paper: #fff; --ink: #1c2330; --soft: #5a6474; --line: #c3cad4; --accent: #1f5fbf; --said: #a15c00;
  --bad: #b3261e; font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #12161d; --ink: #e7eaf0; --soft: #9aa5b5; --line: #3a4454;
  --accent: #7fb0ff; --said: #f0b35a; --bad: #ff8a80; } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .soft, .tick { fill: var(--soft); }
.tick { font-size: 10.5px; }
.title { font-size: 16px; font-weight: 600; } .name { font-weight: 600; } .held { fill: var(--bad); }
.ring { fill: none; stroke: var(--line); stroke-width: 1; }
.perceived { fill: none; stroke: var(--said); stroke-width: 1.8; stroke-dasharray: 6 4; }
.level { fill: var(--accent); fill-opacity: .16; stroke: var(--accent); stroke-width: 2.2; stroke-linejoin: round; }
.dot-level { fill: var(--accent); } .dot-perceived { fill: var(--said); }
</style>"""
