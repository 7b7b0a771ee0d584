"""The same request twice has one effect, where the contract promises that by an idempotency key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from assay.controls._lib.attempts import Ready, ready, tester
from assay.declare.contract import Operation
from assay.prove.case import Call, Judged, Lab, NotReached, Seen, broken, held
from assay.prove.surface import Surface, Target

_NAMES = ("idempotency-key", "x-idempotency-key", "x-request-token")
AT_ONCE = 5
_CHANGING = frozenset({"at", "time", "timestamp", "date", "updated_at", "updatedAt", "request_id", "requestId"})


def key_of(operation: Operation) -> str | None:
    """The header parameter that carries an idempotency key."""
    found = (p.name for p in operation.parameters if p.location == "header" and p.name.lower() in _NAMES)
    return next(found, None)


def replayed(surface: Surface, target: Target) -> Callable[[Lab], Awaitable[Judged]]:
    """The case for one operation: once more with the same key, then several at once with a new one.

    A new effect shows in the answer: another id, another balance. The same key must bring the same answer again, or a
    refusal.
    """
    persona, header = tester(surface, target), key_of(target.operation) or ""

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=True)
        first = await lab.call(_call(lab, able, header, f"{lab.nonce}-1", "the first time"))
        if not first.ok:
            raise NotReached(f"the valid request was answered {first.status}")
        other = await lab.call(_call(lab, able, header, f"{lab.nonce}-2", "under another key"))
        again = await lab.call(_call(lab, able, header, f"{lab.nonce}-1", "the same once more"))
        if again.status >= 500:
            return broken(f"the same request once more was answered {again.status}", again)
        shown = _facts(other) if other.ok else _facts(first)
        if again.ok and _facts(again) not in (_facts(first), shown):
            return broken("the same request under the same key had an effect once more", again)
        calls = [_call(lab, able, header, f"{lab.nonce}-3", f"{AT_ONCE} at once") for _ in range(AT_ONCE)]
        taken = [s for s in await lab.together(calls) if s.ok]
        after = await lab.call(_call(lab, able, header, f"{lab.nonce}-4", "what it came to, with one effect more"))
        moved = _moved(first, other, after, 2) or any(_moved(first, other, one, 1) for one in taken)
        if len({_id(s) for s in taken} - {None}) > 1 or moved:
            return broken(f"of {AT_ONCE} equal requests at once under one key, several had an effect", taken[-1])
        return held(f"the same request again, and {AT_ONCE} at once, had one effect for each key", again)

    return run


def _id(seen: Seen) -> Any:
    """The id of what was made; None: the answer names none."""
    value = seen.json()
    return str(value["id"]) if isinstance(value, dict) and "id" in value else None


def _moved(first: Seen, other: Seen, after: Seen, effects: int) -> bool:
    """Whether a figure moved by more than so many effects move it since ``other``. How much one effect moves it, the
    answers under the first two keys have shown."""
    if not (first.ok and other.ok and after.ok):
        return False
    steps, moved = _figures(first, other), _figures(other, after)
    most = effects + 0.5
    return any(step and abs(moved.get(name, 0)) > most * abs(step) for name, step in steps.items() if name != "id")


def _figures(one: Seen, two: Seen) -> dict[str, float]:
    """By how much each number of an answer differs between two answers."""
    a, b = _facts(one), _facts(two)
    if not isinstance(a, dict) or not isinstance(b, dict):
        return {}
    return {n: b[n] - v for n, v in a.items() if _number(v) and _number(b.get(n))}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _call(lab: Lab, able: Ready, header: str, key: str, purpose: str) -> Call:
    kept = tuple(h for h in able.draft.headers if h[0].lower() != header.lower())
    return able.call(lab, replace(able.draft, headers=(*kept, (header, key))), purpose)


def _facts(seen: Seen) -> Any:
    """An answer without what changes each time anyway."""
    value = seen.json()
    return {k: v for k, v in value.items() if k not in _CHANGING} if isinstance(value, dict) else seen.text
