"""SQL in the name of a column to sort by: no text goes there that a condition could be added to, but a column does."""

from __future__ import annotations

from typing import Any

from assay.controls._lib.attempts import Met, Ready
from assay.controls._lib.inputs import Place
from assay.controls.input_validation.proofs.asking import said
from assay.controls.input_validation.proofs.usual import Usual
from assay.prove.case import Judged, Lab, broken

_SORTINGS, _SHOWN = 5, 2
"""How often a condition is tried in the place of a column at most, and how often it must decide."""
_ORDERS = ("sort", "order", "orderby", "sortby", "column", "by")


def orders(place: Place) -> bool:
    """Whether a place names the column to sort by: one of a few words, of which two make a difference."""
    words = place.schema.get("enum")
    named = place.name.lower().replace("_", "").replace("-", "") in _ORDERS
    return place.kind == "query" and named and isinstance(words, list) and len([w for w in words if _plain(w)]) > 1


def _plain(word: Any) -> bool:
    return isinstance(word, str) and word.isidentifier()


async def ordered(lab: Lab, able: Ready, place: Place, usual: Usual, met: list[Met]) -> Judged | None:
    """Whether a condition in the place of a column decides by which of two columns an answer is sorted.

    What is there may change meanwhile. So each condition is held against an answer to its column before and after it.
    """
    one, other = [w for w in place.schema["enum"] if _plain(w)][:2]
    before = {w: await said(lab, able, place, w, f"sorted by {w}", usual, []) for w in (one, other)}
    if None in before.values() or before[one] == before[other]:
        return None
    shown = 0
    for _ in range(_SORTINGS):
        a = lab.random.randint(1_000, 9_998)
        moved = False
        for wanted, b in ((one, a), (other, a + 1)):
            value = f"(CASE WHEN {a}={b} THEN {one} ELSE {other} END)"
            heard = await said(lab, able, place, value, f"an SQL condition in {place.words}", usual, met)
            if heard == before[wanted]:
                continue
            if heard is None or heard.status >= 400:
                return None
            # Either it does not sort, or what is sorted is no longer the same.
            now = await said(lab, able, place, wanted, f"sorted by {wanted}, once more", usual, [])
            if now == before[wanted]:
                return None
            before[wanted], moved = now, moved or heard != now
        shown += not moved and before[one] != before[other]
        if shown == _SHOWN:
            sentence = (
                f"{place.words} is part of an SQL statement: a condition in it decided by which column was sorted"
            )
            return broken(f"{sentence}, twice", met[-1].seen, place=place.words)
    return None
