"""The page about maturity: what people say, what is measured, and what would raise it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from htpy import Element, Node, a, details, div, figcaption, figure, h1, h2, h3, img, li, ol, p, span, strong, summary

from assay.domain import Outcome
from assay.maturity.answers import FILE
from assay.maturity.words import TOP, Graded, Result, Source, Step
from assay.report.html.parts import chip, facts, grid, mono, page
from assay.report.judgement import Judgement, Unread
from assay.report.radar import radar

PAGE, RADAR = "maturity.html", "maturity.svg"
_SOURCES = {Source.MEASURED: "good", Source.PART: "info", Source.ANSWERED: "warn"}


def pages(organisation: str, found: Judgement, styles: str) -> Mapping[str, str]:
    """The page and its picture, by name; nothing without a survey."""
    result = found.maturity
    if result is None:
        return {}
    title = f"{organisation}: maturity"
    content: Node = [
        p(".brand")[a(href="index.html")["Assay · API security report"]],
        h1[title],
        p(".lead")[in_a_sentence(found)],
        unread(found.unread),
        figure[
            div(".wide")[a(href=RADAR)[img(src=RADAR, alt="Perceived and measured level of every dimension")]],
            figcaption["People answered before they saw what was measured. Where both speak, measurement decides."],
        ],
        _overall(result, found),
        h2["Dimensions"],
        _dimensions(result),
        h2["What would raise it most"],
        _steps(result.steps),
        h2["Question by question"],
        [_dimension(result, d.number, d.name) for d in result.score.dimensions],
    ]
    return {PAGE: page(title, content, styles=styles), RADAR: radar(result)}


def in_a_sentence(found: Judgement) -> str:
    """The overall level, how much of it is measured, and the gap to what people think; nothing without a survey."""
    if found.maturity is None:
        return ""
    score = found.maturity.score
    words = f"Level {score.overall:.1f} of {TOP}, {score.assurance:.0%} of it measured"
    if any(each.file == FILE for each in found.unread):
        return f"{words}; what people answered could not be read, and counts for nothing here."
    if score.gap is None:
        return f"{words}; nobody has answered the survey yet."
    how = "higher than" if score.gap > 0 else "lower than"
    same = (
        "people see it as it is measured" if abs(score.gap) < 0.05 else f"people see it {abs(score.gap):.1f} {how} it"
    )
    return f"{words}; {same}{'' if abs(score.gap) < 0.05 else ' is measured'}."


def unread(files: Sequence[Unread]) -> Node:
    """What this chapter goes without, and how to mend that."""
    return [p[chip(Outcome.ERROR), " ", mono(f.where), f": {f.sentence}. To mend it: {f.fix}."] for f in files]


def _overall(result: Result, found: Judgement) -> Element:
    return div[
        facts(
            ("survey", f"version {result.survey.version}"),
            ("if nothing but measurement counted", f"{result.score.floor:.1f}"),
            ("before", ", ".join(f"{day.isoformat()}: {level:.1f}" for day, level in found.earlier)),
        ),
        details[summary["How the level is computed"], ol[(li[step] for step in result.score.derivation)]],
    ]


def _dimensions(result: Result) -> Element:
    rows: list[tuple[Node, ...]] = [
        (
            [str(d.number), ". ", d.name],
            strong[_level(d.level)],
            _level(d.perceived),
            _level(d.measured),
            f"{d.assurance:.0%}",
            [f"capped by {', '.join(d.capped_by)}"] if d.capped_by else "",
        )
        for d in result.score.dimensions
    ]
    return div(".wide")[grid(("dimension", "level#", "people say#", "measured#", "assured#", ""), rows)]


def _level(level: float | None) -> str:
    return "–" if level is None else f"{level:.1f}"


def _steps(steps: Sequence[Step]) -> Node:
    if not steps:
        return p["Nothing: every question is at its top."]
    return ol[
        (
            li[
                step.sentence,
                f" (+{step.gain:.2f})",
                [div(".small")[mono(step.command)]] if step.command else None,
            ]
            for step in steps
        )
    ]


def _dimension(result: Result, number: int, name: str) -> Node:
    return [h3[f"{number}. {name}"], [_question(g) for g in result.graded if g.question.dimension == number]]


def _question(graded: Graded) -> Element:
    question = graded.question
    tone = _SOURCES.get(graded.source, "none")
    return div(".card")[
        div[
            strong[question.id],
            " ",
            span(class_=f"chip {tone}")[f"{_level(graded.level)} {graded.source}"],
            span(".small")[" gate" if question.gate else ""],
        ],
        p[question.text],
        p(".small")[
            f"people say {_level(graded.perceived)}, measured {_level(graded.measured)} · {graded.found.sentence}"
        ],
        details[summary["Why"], ol[(li[step] for step in graded.steps)]] if graded.steps else None,
    ]
