"""What bounds a caller where no limit was declared: whatever is seen, in so many calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from assay.controls._lib.attempts import good, ready, tester
from assay.prove.case import Judged, Lab, held, unclear
from assay.prove.surface import Surface, Target

TRIED = 100
"""Calls of one caller to an API without a declared limit."""
_HEADERS = ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit", "ratelimit", "ratelimit-policy")


def observed(surface: Surface, target: Target) -> Callable[[Lab], Awaitable[Judged]]:
    """The case for one API, on an operation that reads."""
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        first = await good(lab, able)
        said = next((f"{n}: {first.headers[n]}" for n in _HEADERS if n in first.headers), "")
        for number in range(2, TRIED + 1):
            seen = await lab.call(able.call(lab, able.draft, f"call {number}"))
            if seen.status == 429:
                when = seen.headers.get("retry-after")
                words = f"after {number - 1} calls one caller was refused" + (f" for {when} s" if when else "")
                return held(words, seen, passed=number - 1)
        note = f"; answers announce `{said}`" if said else ""
        return unclear(
            f"no limit was declared, and none was seen in {TRIED} calls of one caller{note}", seen, calls=TRIED
        )

    return run
