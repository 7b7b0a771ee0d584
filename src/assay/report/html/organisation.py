"""The page about the organisation: where data is, what can be put together, who holds too much, the layers."""

from __future__ import annotations

from collections.abc import Mapping

from htpy import Node, a, details, div, figcaption, figure, h1, h2, img, li, ol, p, span, summary

from assay.report.datamap import render as render_map
from assay.report.dossier import Dossier
from assay.report.html.parts import grid, mono, page
from assay.report.layers import render as render_layers
from assay.report.organisation import AccountNote, BlendNote, Organisation

PAGE, MAP, LAYERS = "organisation.html", "data-map.svg", "layers.svg"


def pages(dossier: Dossier, styles: str) -> Mapping[str, str]:
    """The page and its pictures, by name; nothing where there is nothing to tell."""
    found = dossier.organisation_note
    if found is None or found.empty:
        return {}
    made = {PAGE: page(f"{dossier.organisation}: data, privilege, layers", _content(dossier, found), styles=styles)}
    if found.data:
        made[MAP] = render_map(found.data)
    if found.layers:
        made[LAYERS] = render_layers(found.layers)
    return made


def _content(dossier: Dossier, found: Organisation) -> Node:
    return [
        p(".brand")[a(href="index.html")["Assay · API security report"]],
        h1[f"{dossier.organisation}: data, privilege, layers"],
        p(".lead")["Computed from the declaration. What is only claimed says so until a proof has seen it."],
        [_map(found) if found.data else None],
        [_blends(found.blends, found.observed) if found.blends else None],
        [_accounts(found.accounts) if found.accounts else None],
        [_layers(found) if found.layers else None],
    ]


def _map(found: Organisation) -> Node:
    return [
        h2["Where data is, and how sensitive it becomes there"],
        figure[
            div(".wide")[a(href=MAP)[img(src=MAP, alt=found.data.title if found.data else "")]],
            figcaption[
                "Systems, flows, APIs and who calls them. Filled is the level that was verified on payloads; in a ring "
                "stands the level that is claimed, if every declared transformation works."
            ],
        ],
    ]


def _blends(blends: tuple[BlendNote, ...], observed: str) -> Node:
    above = [n for n in blends if n.above]
    lead = (
        f"{len(above)} of {len(blends)} principals can put together more than they are cleared for."
        if above
        else "Nobody can put together more than they are cleared for."
    )
    return [
        h2["What can be put together"],
        p[lead],
        [p[f"Observed: the level of what callers did reach, by the access log ({observed})."] if observed else None],
        grid(
            [
                "principal",
                "cleared for",
                "can put together",
                "claimed",
                "verified",
                *(["observed"] if observed else []),
                "",
            ],
            [
                [
                    mono(n.principal),
                    _level(n.clearance) if n.clearance else "–",
                    ", ".join(n.objects),
                    _level(n.claimed),
                    _level(n.verified),
                    *([_observed(n)] if observed else []),
                    _judged(n),
                ]
                for n in blends
            ],
        ),
        [_derivation(n) for n in above],
    ]


def _observed(note: BlendNote) -> Node:
    if note.observed == "":
        return "–"
    level = _level(note.observed) if note.observed else span(class_="chip none")["nothing"]
    return [level, div(".small")[note.unused] if note.unused else None]


def _judged(note: BlendNote) -> Node:
    if note.above:
        return span(class_="chip bad")["✗ above its clearance"]
    if note.above_until_verified:
        return span(class_="chip warn")["! until transformations are verified"]
    return span(class_="chip good")["✓"] if note.clearance else span(class_="chip none")["– no clearance declared"]


def _derivation(note: BlendNote) -> Node:
    return details[
        summary[f"Why {note.principal}: {note.claimed}, and what would help"],
        ol[(li[step] for step in note.why)],
        [p["The smallest changes that bring it under the clearance:"] if note.changes else None],
        [ol[(li[change] for change in note.changes)] if note.changes else None],
    ]


def _level(level: str) -> Node:
    tone = {"special": "bad", "restricted": "warn", "confidential": "info"}.get(level, "none")
    return span(class_=f"chip {tone}")[level]


def _accounts(accounts: tuple[AccountNote, ...]) -> Node:
    return [
        h2["What integration accounts may do"],
        p[
            "The excess index weighs each right that nothing needs by what it reaches and what it may do there: 0 is "
            "nothing too much, 1 is everything."
        ],
        grid(
            ["account", "system", "rights#", "excess#", "reaches", "level", "needs somebody"],
            [
                [
                    mono(n.id),
                    n.system,
                    "not read" if n.rights is None else str(n.rights),
                    "–" if n.excess is None else f"{n.excess:.2f}",
                    ", ".join(n.reaches) or "–",
                    _level(n.level) if n.level else "–",
                    [span(class_="chip bad")[f"✗ {flag}"] for flag in n.flags] or span(class_="chip good")["✓"],
                ]
                for n in accounts
            ],
        ),
    ]


def _layers(found: Organisation) -> Node:
    wrong = [c.wrong for c in found.layers.calls if c.wrong] if found.layers else []
    return [
        h2["Layers"],
        figure[
            div(".wide")[a(href=LAYERS)[img(src=LAYERS, alt="Calls between the layers")]],
            figcaption["From the outside in. Dashed: calls that the architecture has no place for."],
        ],
        [ol[(li[sentence] for sentence in wrong)] if wrong else p["Every call goes inwards, one layer at a time."]],
    ]
