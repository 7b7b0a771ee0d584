"""Pictures, drawn as SVG from the dossier alone: the same facts give the same picture."""

from __future__ import annotations

from collections import Counter

from htpy import Element
from htpy import svg as _svg
from markupsafe import Markup

from assay.assurance.objectives import Standing, Status
from assay.domain import Outcome
from assay.report.dossier import Dossier

_STAGES = ("declared", "designed", "applied", "verified", "verified now")
_ROW, _LEFT, _COLUMN = 34, 300, 118


def posture(dossier: Dossier) -> Element:
    """For every objective, how far it came: declared, designed, applied, verified, verified now."""
    rows = [_row(number, standing, dossier) for number, standing in enumerate(dossier.standings)]
    width = _LEFT + _COLUMN * len(_STAGES)
    height = _ROW * (len(rows) + 1) + 8
    heads = "".join(
        f'<text class="soft" x="{_LEFT + i * _COLUMN + _COLUMN // 2}" y="20" text-anchor="middle">{name}</text>'
        for i, name in enumerate(_STAGES)
    )
    return _picture(width, height, "How far each objective came", heads + "".join(rows))


def stages(standing: Standing, dossier: Dossier) -> tuple[bool | None, ...]:
    """Declared, designed, applied, verified, verified now: held, not held, or not known (None)."""
    design = {Outcome.PASS: True, Outcome.FAIL: False}.get(standing.design.outcome)
    applied = bool(dossier.live) and dossier.live == dossier.wanted if dossier.live else None
    operating = {Outcome.PASS: True, Outcome.FAIL: False}.get(standing.operating.outcome)
    now = operating if standing.status is not Status.STALE else False
    return True, design, applied, operating, now


def _row(number: int, standing: Standing, dossier: Dossier) -> str:
    top = _ROW * (number + 1)
    middle = top + _ROW // 2
    cells = [
        f'<line class="line" x1="0" x2="{_LEFT + _COLUMN * len(_STAGES)}" y1="{top}" y2="{top}"/>',
        f'<text x="0" y="{middle + 5}">{Markup.escape(_short(standing.id, 38))}</text>',
    ]
    found = stages(standing, dossier)
    for place, held in enumerate(found):
        x = _LEFT + place * _COLUMN + _COLUMN // 2
        if place:
            before = x - _COLUMN
            cells.append(f'<line class="line" x1="{before + 12}" x2="{x - 12}" y1="{middle}" y2="{middle}"/>')
        tone, sign = {True: ("good", "✓"), False: ("bad", "✗"), None: ("none", "–")}[held]
        text = "t-on" if held is not None else "soft"
        cells.append(f'<circle class="f-{tone}" cx="{x}" cy="{middle}" r="11"/>')
        cells.append(f'<text class="{text}" x="{x}" y="{middle + 5}" text-anchor="middle">{sign}</text>')
    return "".join(cells)


def outcomes(dossier: Dossier) -> Element | None:
    """Per control, a bar of what its proofs came to."""
    rows = []
    counted = {c.id: Counter(str(p.verdict.outcome) for p in dossier.of_control(c.id)[1]) for c in dossier.controls}
    most = max((sum(c.values()) for c in counted.values()), default=0)
    if not most:
        return None
    room = 430
    for number, (control, found) in enumerate(counted.items()):
        top, x = 26 * number, float(_LEFT - 100)
        rows.append(f'<text x="0" y="{top + 17}">{Markup.escape(control)}</text>')
        for outcome, tone in (("pass", "good"), ("inconclusive", "warn"), ("error", "warn"), ("fail", "bad")):
            if not found[outcome]:
                continue
            wide = max(4.0, room * found[outcome] / most)
            rows.append(
                f'<rect class="f-{tone}" x="{x:.1f}" y="{top + 4}" width="{wide:.1f}" height="17" rx="2">'
                f"<title>{found[outcome]} {outcome}</title></rect>"
            )
            x += wide + 2
        told = ", ".join(f"{n} {o.replace('_', ' ')}" for o, n in sorted(found.items())) or "nothing proven"
        rows.append(f'<text class="soft" x="{x + 8:.1f}" y="{top + 17}">{Markup.escape(told)}</text>')
    return _picture(980, 26 * len(counted) + 6, "Proofs by control and outcome", "".join(rows))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _picture(width: int, height: int, label: str, inner: str) -> Element:
    # Every text in ``inner`` was escaped where it came from.
    return _svg(viewBox=f"0 0 {width} {height}", role="img", aria_label=label)[Markup(inner)]  # noqa: S704
