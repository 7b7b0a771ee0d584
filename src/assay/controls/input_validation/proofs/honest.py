"""Honest texts that look a little like attacks pass: a filter that refuses O'Brien is switched off within a week."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.controls._lib.attempts import attempt, known_good, ready, tester
from assay.controls._lib.inputs import Place, admits, changed, speaks_json
from assay.controls.input_validation.proofs.planned import case, texts
from assay.controls.input_validation.proofs.siblings import ALONE, Lot
from assay.prove.case import Case, Draft, Judged, Lab, broken, held, unclear
from assay.prove.surface import Surface, Target

HONEST = (
    "Conor O'Brien",
    "select a date from the list, or drop by",
    "Zoë Müller-Łukasz",
    "It's 50% off; and the 2nd one = free (if that's OK)",
    "Re: C++ & C# -- what's new?",
)
MOST = 3


def plan(surface: Surface, target: Target, lot: Lot = ALONE) -> Iterator[Case]:
    """One case for every operation with free text in its query or body."""
    if any(_room(p) for p in texts(surface, target)):
        yield case(surface, target, "honest-text-refused", _run(surface, target, lot), requests=MOST + 1)


def _room(place: Place) -> bool:
    longest = place.schema.get("maxLength")
    narrow = "format" in place.schema or place.kind in ("path", "header")
    return not narrow and (not isinstance(longest, int) or longest >= len(HONEST[0]))


def filled(surface: Surface, target: Target, draft: Draft) -> Iterator[tuple[str, Draft]]:
    """Honest texts, each in every place whose schema admits it; texts that no place admits are left out."""
    room = [p for p in texts(surface, target) if _room(p) and (p.kind != "body" or speaks_json(draft))]
    for text in HONEST:
        made, used = draft, False
        for place in room:
            if admits(place, text, made.body):
                made, used = changed(made, place, text), True
        if used:
            yield text, made


def _run(surface: Surface, target: Target, lot: Lot) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        chosen = lot.pick(tuple(filled(surface, target, able.draft)), most=MOST)
        if not chosen:
            return held("no place of this operation takes free text, by its contract")
        await known_good(lab, able)
        passed, unsaid = [], None
        for text, draft in chosen:
            met = await attempt(lab, able.call(lab, draft, f"an honest text: {text}"))
            if met.policy:
                return broken(f"the honest text “{text}” was refused by {met.by}", met.seen, text=text)
            if met.crashed:
                return broken(f"the service answers {met.seen.status} to the honest text “{text}”", met.seen, text=text)
            if met.stopped:
                unsaid = unsaid or (text, met)
            else:
                passed.append(met)
        if unsaid is not None:
            text, met = unsaid
            return unclear(
                f"the service refused the honest text “{text}” ({met.seen.status}), perhaps for a reason", met.seen
            )
        return held(f"{len(passed)} honest texts with quotes, commands and accents passed", passed[-1].seen)

    return run
