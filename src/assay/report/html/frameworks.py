"""The page about published frameworks: what is mapped to each item, and how much of that is shown."""

from __future__ import annotations

from collections.abc import Iterable

from htpy import Element, Node, a, details, div, h1, h2, p, span, summary
from htpy import svg as _svg
from markupsafe import Markup

from assay.frameworks.coverage import Coverage, Row
from assay.report.html.parts import grid, mono, page

PAGE = "frameworks.html"
_STAGES = (("mapped", "info"), ("reviewed", "info"), ("assessed", "warn"), ("effective", "good"))
_WIDE, _BAR = 420, 14


def render(organisation: str, coverages: tuple[Coverage, ...], styles: str) -> str:
    """The page."""
    title = f"{organisation}: published frameworks"
    content: Node = [
        p(".brand")[a(href="index.html")["Assay · API security report"]],
        h1[title],
        p(".lead")[
            "Mapped is not reviewed, assessed is not effective. An item counts in a column only when every objective "
            "that is mapped to it does. Nothing here says that an organisation complies with anything: it says what "
            "was shown about items that somebody connects with objectives."
        ],
        overview(coverages),
        [_framework(coverage) for coverage in coverages],
    ]
    return page(title, content, styles=styles)


def overview(coverages: Iterable[Coverage], *, link: str = "") -> Element:
    """A line for every framework: counts, each beside what it is a share of."""
    rows: list[tuple[Node, ...]] = []
    for coverage in coverages:
        counts = coverage.counts
        name = a(href=f"{link}#{coverage.framework.id}")[coverage.framework.title]
        rows.append(
            (name, str(counts.catalogued) if coverage.whole else "–", *(_share(coverage, s) for s, _ in _STAGES))
        )
    headings = ("framework", "catalogued#", *(f"{stage}#" for stage, _ in _STAGES))
    return div[
        div(".wide")[grid(headings, rows)],
        p(".small")[
            "Shares are of what is catalogued. –: the whole list is not carried here; shares are of what is mapped."
        ],
    ]


def _share(coverage: Coverage, stage: str) -> Node:
    count: int = getattr(coverage.counts, stage)
    whole = coverage.counts.catalogued
    if not whole or (stage == "mapped" and not coverage.whole):
        return str(count)
    return [str(count), " ", span(".small")[f"{100 * count / whole:.0f} %"]]


def _framework(coverage: Coverage) -> Node:
    mapped = [row for row in coverage.rows if row.mapped]
    rest = len(coverage.rows) - len(mapped)
    return [
        h2(id=coverage.framework.id)[coverage.framework.title],
        p(".small")[f"Counted: {coverage.population}."],
        _bars(coverage),
        details[
            summary[f"The {len(mapped)} items that an objective is mapped to"],
            div(".wide")[grid(("item", "", "objectives", "shown"), map(_item, mapped))],
        ]
        if mapped
        else None,
        details[
            summary[f"The {rest} items that nothing is mapped to"],
            p(".small")[", ".join(row.item.id for row in coverage.rows if not row.mapped)],
        ]
        if rest
        else None,
    ]


def _item(row: Row) -> tuple[Node, ...]:
    shown = [
        [mono(name), f" {_came(row, name)}", "; " if number + 1 < len(row.mapped) else ""]
        for number, name in enumerate(row.mapped)
    ]
    whole = row.counts_as(row.effective)
    tone, sign = ("good", "✓ effective") if whole else ("warn", "! assessed") if row.assessed else ("none", "– nothing")
    review = "reviewed" if row.counts_as(row.reviewed) else "mapping proposed"
    return mono(row.item.id), row.item.title, shown, [span(class_=f"chip {tone}")[sign], div(".small")[review]]


def _came(row: Row, objective: str) -> str:
    return "effective" if objective in row.effective else "assessed" if objective in row.assessed else "not assessed"


def _bars(coverage: Coverage) -> Element:
    """A bar for each step, over the same whole."""
    counts = coverage.counts
    drawn = []
    stages = _STAGES if coverage.whole else _STAGES[1:]
    for number, (stage, tone) in enumerate(stages):
        count: int = getattr(counts, stage)
        wide = _WIDE * count / counts.catalogued if counts.catalogued else 0
        top = number * (_BAR + 6)
        drawn.append(
            f'<text x="0" y="{top + 12}">{stage}</text>'
            f'<rect class="f-none" x="80" y="{top}" width="{_WIDE}" height="{_BAR}" rx="2"/>'
            f'<rect class="f-{tone}" x="80" y="{top}" width="{wide:.1f}" height="{_BAR}" rx="2"/>'
            f'<text class="soft" x="{80 + _WIDE + 10}" y="{top + 12}">{count} of {counts.catalogued}</text>'
        )
    label = f"{coverage.framework.title}: " + ", ".join(f"{getattr(counts, s)} {s}" for s, _ in stages)
    height = len(stages) * (_BAR + 6)
    # Nothing in it but numbers and words of this file.
    return _svg(".bars", viewBox=f"0 0 640 {height}", role="img", aria_label=label)[Markup("".join(drawn))]  # noqa: S704
