"""Sizes and costs: a body one byte too large, endless headers, and input whose cost grows faster than its length."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assay.controls._lib.attempts import Ready, attempt, good, known_good, ready, tester
from assay.controls._lib.inputs import Place, admits, changed, json_body, speaks_json
from assay.controls.input_validation.proofs.planned import case, texts
from assay.controls.input_validation.proofs.siblings import ALONE, Lot
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, broken, held, unclear
from assay.prove.surface import Surface, Target

TRIED = 2 * 1024 * 1024
"""How large a body is sent where nothing says what is too large."""
_HEADER_BYTES = 80 * 1024
SLOW = 1.5
"""Seconds after which a growth curve ends."""
_AGAIN = 1.2
"""Seconds that the same text takes at least when it is slow again."""
_PAUSES = 2
"""How many answers of a curve may be slow once and quick the next time: then the machine is too busy to tell."""
_SHAPES = (("a", "!"), (" ", "x"))
_SIZES = (24, 30, 1_000, 4_000, 16_000, 60_000)


def plan(surface: Surface, target: Target, lot: Lot = ALONE) -> Iterator[Case]:
    """Growth for every operation with long text in it; sizes once for an API are planned by :func:`plan_api`."""
    found = _long(surface, target)
    if found is not None:
        yield case(
            surface,
            target,
            "superlinear-input",
            _growth(surface, target, found, lot.pick(_SHAPES)),
            requests=5 + 2 * len(_SIZES),
            family=Family.EXHAUSTION,
            seconds=2 * SLOW,
        )


def plan_api(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """The sizes of bodies and headers, on one operation of an API."""
    writing = [t for t in targets if json_body(t) is not None and t.operation.method.upper() != "DELETE"]
    body = min(writing, key=lambda t: ("{" in t.operation.path, not t.writes, t.id), default=None)
    if body is not None:
        run = _body(surface, body)
        yield case(surface, body, "body-size-unbounded", run, requests=4, family=Family.EXHAUSTION)
    reading = [t for t in targets if t.operation.method.upper() == "GET"]
    head = min(reading, key=lambda t: ("{" in t.operation.path, t.id), default=None)
    if head is not None:
        run = _headers(surface, head)
        yield case(surface, head, "header-size-unbounded", run, requests=3, family=Family.EXHAUSTION)


def limit_of(surface: Surface, target: Target) -> int | None:
    """The largest body that is declared; None where nobody declared one."""
    declared = surface.api(target).limits
    return declared.body if surface.fronted or "body" in declared.model_fields_set else None


def padded(body: Any, size: int) -> bytes:
    """A JSON body of exactly so many bytes, as valid as it was: white space between its parts counts for nothing."""
    text = json.dumps(body).encode()
    return text[:1] + b" " * (size - len(text)) + text[1:]


def _body(surface: Surface, target: Target) -> Any:
    persona, declared = tester(surface, target), limit_of(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=True)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        await good(lab, able)
        size = (declared or TRIED) + 1

        def sized(count: int, purpose: str) -> Call:
            call = able.call(lab, able.draft, purpose)
            return replace(call, body=padded(able.draft.body, count), content_type="application/json")

        over = await lab.call(sized(size, f"{size} bytes"))
        after = await lab.call(able.call(lab, able.draft, "a valid request afterwards"))
        if not after.ok:
            return broken(f"after a body of {size} bytes, the service answers {after.status} to a valid request", after)
        if over.status == 413 or over.status == 0:
            how = "413" if over.status else "the connection ended"
            return held(f"a body of {size} bytes was refused ({how}), and the service works on", over, bytes=size)
        if over.refused and declared is not None:
            under = await lab.call(sized(max(declared - 64, 64), "a body just within the limit"))
            if under.ok:
                return held(f"a body of {size} bytes was refused ({over.status}), one within the limit was taken", over)
            return unclear(f"bodies within the limit and beyond it were both refused ({over.status})", over)
        if over.refused:
            return unclear(f"a body of {size} bytes was refused ({over.status}), perhaps not for its size", over)
        if over.status >= 500:
            return broken(f"the service answers {over.status} to a body of {size} bytes", over, bytes=size)
        what = f"the limit of {declared} bytes" if declared else "nothing was declared; no limit was seen there"
        return broken(f"a body of {size} bytes was taken; {what}", over, bytes=size, declared=declared)

    return run


def _headers(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        await good(lab, able)
        padding = tuple((f"x-assay-{n}", "a" * 8_000) for n in range(_HEADER_BYTES // 8_000))
        over = await lab.call(able.call(lab, able.draft, f"{_HEADER_BYTES} bytes of headers", padding))
        after = await lab.call(able.call(lab, able.draft, "a valid request afterwards"))
        if not after.ok:
            return broken(f"after {_HEADER_BYTES} bytes of headers, a valid request was answered {after.status}", after)
        if over.refused or over.status == 0:
            how = str(over.status or "the connection ended")
            return held(f"{_HEADER_BYTES} bytes of headers were refused ({how}), and the service works on", over)
        if over.status >= 500:
            return broken(f"the service answers {over.status} to {_HEADER_BYTES} bytes of headers", over)
        return broken(f"{_HEADER_BYTES} bytes of headers were taken", over)

    return run


def _long(surface: Surface, target: Target) -> Place | None:
    """The text that may be longest, where it may be long at all."""
    found = []
    for place in texts(surface, target):
        longest = place.schema.get("maxLength")
        room = longest if isinstance(longest, int) else 100_000
        if room >= 256 and place.kind in ("query", "body") and "format" not in place.schema:
            found.append((-room, place.kind, place))
    return min(found, key=lambda f: f[:2])[2] if found else None


def _growth(surface: Surface, target: Target, place: Place, shapes: tuple[tuple[str, str], ...]) -> Any:
    persona = tester(surface, target)
    longest = place.schema.get("maxLength")
    most = min(longest if isinstance(longest, int) else 100_000, 100_000 if place.kind == "body" else 6_000)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        if place.kind == "body" and not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        await known_good(lab, able)
        curves: dict[str, list[tuple[int, float]]] = {}
        seen, slow = None, 0
        for letter, end in shapes:
            curve = curves.setdefault(letter, [])
            for size in dict.fromkeys(min(s, most) for s in _SIZES):
                text = f"a{letter * (size - 2)}{end}"
                if admits(place, text, able.draft.body) is False and surface.fronted:
                    break
                one = await attempt(lab, able.call(lab, changed(able.draft, place, text), f"{size} characters"))
                seen = one.seen
                curve.append((size, one.seen.seconds))
                if one.seen.seconds > SLOW:
                    found, again = await _confirmed(lab, able, place, text, curve)
                    if found is not None:
                        return found
                    slow += 1
                    if again > _AGAIN or slow > _PAUSES:
                        sentence = f"slow, but not only with costly text ({_points(curve)})"
                        raise NotReached(f"{sentence}; the machine may have been busy")
                    curve[-1] = (size, again)
                if one.policy or one.seen.status == 413:
                    break
        if seen is None:
            return held(f"the contract admits none of the texts that cost much in {place.words}")
        worst = max(t for c in curves.values() for _, t in c)
        return held(f"no text up to {most} characters in {place.words} took longer than {worst:.2f} s", seen)

    return run


async def _confirmed(
    lab: Lab, able: Ready, place: Place, text: str, curve: list[tuple[int, float]]
) -> tuple[Judged | None, float]:
    """A slow answer counts when it is slow again, and plain text of the same length is not. The machine may pause at
    any of them, so what is slow again is compared twice.

    Returns:
        The judgement if it counts, and the seconds that the last answer to the costly text took.
    """
    plain = ("Lorem ipsum dolor sit amet 123. " * (len(text) // 32 + 1))[: len(text)]
    seconds = 0.0
    for _ in range(2):
        again = await attempt(lab, able.call(lab, changed(able.draft, place, text), "the costly text again"))
        seconds = again.seen.seconds
        if seconds <= _AGAIN:
            break
        base = statistics.median([(await good(lab, able)).seconds for _ in range(2)])
        linear = await attempt(lab, able.call(lab, changed(able.draft, place, plain), "plain text of the same length"))
        if seconds > max(4 * linear.seen.seconds, 10 * base):
            words = f"the cost of {place.words} grows faster than its length ({_points(curve)})"
            sentence = f"{words}; plain text: {linear.seen.seconds:.2f} s"
            return broken(sentence, again.seen, curve=curve), seconds
    return None, seconds


def _points(curve: list[tuple[int, float]]) -> str:
    return ", ".join(f"{n}: {t:.2f} s" for n, t in curve)
