"""Templates, expressions, commands and format strings, shown by arithmetic that only an interpreter would do.

The numbers are random and large: their product is in no answer by accident, and an answer that repeats what was sent
holds the factors and not the product.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from assay.controls._lib.attempts import Met, Ready, attempt, known_good, ready, tester, without
from assay.controls._lib.inputs import Place, admits, changed, speaks_json
from assay.controls.input_validation.proofs.planned import case, guarded, last, summary, texts
from assay.controls.input_validation.proofs.siblings import ALONE, Lot
from assay.prove.case import Case, Draft, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface, Target

PLACES = 3
_KINDS: Mapping[str, tuple[str, ...]] = {
    "a template": ("{{{{{a}*{b}}}}}", "${{{c}*{d}}}", "#{{{e}*{f}}}"),
    "a shell command": ("$(({a}*{b}))", "'$(({c}*{d}))'"),
}


def plan(surface: Surface, target: Target, lot: Lot = ALONE) -> Iterator[Case]:
    """One case for every operation with text in its query, path or body."""
    found = lot.pick(_places(surface, target))
    if found:
        yield case(surface, target, "code-injection", _run(surface, target, found), requests=3 + 4 * len(found))


def _places(surface: Surface, target: Target) -> tuple[Place, ...]:
    # Where the gateway holds the contract, a place that admits no such text is covered by that (contract-not-enforced).
    found = [p for p in texts(surface, target) if not guarded(surface) or _admits(p)]
    return tuple(found[:PLACES])


def _admits(place: Place) -> bool:
    return admits(place, "{{1234*1234}}") is not False if place.kind != "body" else "pattern" not in place.schema


def _run(surface: Surface, target: Target, found: tuple[Place, ...]) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        first = await _first(lab, able)
        met: list[Met] = []
        for place in found:
            if place.kind == "body" and not speaks_json(able.draft):
                continue
            for kind, parts in _KINDS.items():
                judged = await _computed(lab, able, place, kind, parts, met)
                if judged is not None:
                    return judged
            judged = await _formatted(lab, able, place, met)
            if judged is not None:
                return judged
        if not met:
            return unclear("no input of this operation could be tried")
        if not first.ok and not all(m.policy for m in met):
            return unclear(f"the valid request was answered {first.status}, so the input may not have been used")
        shown = last(met)
        return held(f"nothing computed what was asked of it: {summary(met)}", shown.seen if shown else None)

    return run


async def _first(lab: Lab, able: Ready) -> Seen:
    """What a valid request is answered; behind our gateway, it must have succeeded for somebody of the kind."""
    if guarded(lab.surface):
        with suppress(NotReached):
            return await known_good(lab, able)
    return (await attempt(lab, able.call(lab, able.draft, "a valid request"))).seen


async def _computed(
    lab: Lab, able: Ready, place: Place, kind: str, parts: tuple[str, ...], met: list[Met]
) -> Judged | None:
    factors = {name: lab.random.randint(2_000, 9_999) for name in "abcdef"}
    value = "".join(part.format(**factors) for part in parts)
    products = [str(factors[x] * factors[y]) for x, y in ("ab", "cd", "ef")][: len(parts)]
    one = await attempt(
        lab, able.call(lab, changed(able.draft, place, value), f"arithmetic for {kind} in {place.words}")
    )
    met.append(one)
    found = next((p for p in products if p in one.seen.text or p in str(one.seen.headers)), None)
    if found is None:
        return None
    sentence = f"{place.words} is taken for {kind}: the answer holds {found}, which was computed from `{value}`"
    return broken(sentence, one.seen, place=place.words)


async def _formatted(lab: Lab, able: Ready, place: Place, met: list[Met]) -> Judged | None:
    """Format strings turn doubled braces into single ones, and fall over a brace that is not closed."""
    a, b = ("".join(lab.random.choices(string.ascii_lowercase, k=6)) for _ in range(2))
    one = await _sent(lab, able.draft, able, place, f"{a}{{{{{b}}}}}{a}", "doubled braces", met)
    if f"{a}{{{b}}}{a}" not in without(one.seen.text, f"{a}{{{{{b}}}}}{a}"):
        return None
    opened = await _sent(lab, able.draft, able, place, f"{a}{{{b}", "an open brace", met)
    round_ = await _sent(lab, able.draft, able, place, f"{a}({b}", "an open bracket, for comparison", met)
    if opened.seen.status != round_.seen.status and round_.seen.ok:
        sentence = f"{place.words} is taken for a format string: doubled braces come back single, an open one fails"
        return broken(sentence, one.seen, place=place.words)
    return None


async def _sent(lab: Lab, draft: Draft, able: Ready, place: Place, value: str, words: str, met: list[Met]) -> Met:
    one = await attempt(lab, able.call(lab, changed(draft, place, value), f"{words} in {place.words}"))
    met.append(one)
    return one
