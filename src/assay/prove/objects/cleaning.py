"""Takes away what a run made: with declared delete operations, by somebody who may, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing

from assay.declare.contract import placeholders
from assay.domain import listed
from assay.prove.case import Draft, NotReached
from assay.prove.objects.encoding import encode
from assay.prove.objects.graph import template
from assay.prove.objects.making import Made, Maker, Wanted
from assay.prove.objects.noticing import Nameless
from assay.prove.seams import Send
from assay.prove.surface import Surface, Target

_GONE = (404, 410)
_UNDELETABLE = "no declared operation deletes it"


async def clean_up(
    surface: Surface, maker: Maker, made: Iterable[Made], send: Send, *, nameless: Iterable[Nameless] = ()
) -> tuple[str, ...]:
    """Deletes things, the youngest first, and says what had to stay, ``nameless`` things among it.

    A thing that no operation deletes counts as gone when the thing it belongs to was deleted and it can no longer be
    read.
    """
    wanted = Wanted(send, random.Random(0))  # noqa: S311 - nothing here is a secret
    stay: dict[str, list[str]] = {}
    undeletable: list[Made] = []
    deleted: list[Made] = []
    for thing in dict.fromkeys(_Once(t) for t in reversed(list(made))):
        operation = _operation(surface, thing.made, "DELETE")
        if operation is None:
            undeletable.append(thing.made)
            continue
        reason = await _delete(maker, operation, thing.made, wanted)
        if reason:
            stay.setdefault(reason, []).append(_shown(thing.made))
        else:
            deleted.append(thing.made)
    for left in undeletable:
        reason = await _went_along(surface, maker, left, deleted, wanted)
        if reason:
            stay.setdefault(reason, []).append(_shown(left))
    counted = Counter(nameless)
    return (
        *(_sentence(reason, shown) for reason, shown in stay.items()),
        *(f"what `{n.operation}` made ({count} in all) had to stay: {n.why}" for n, count in counted.items()),
    )


class _Once:
    """One made thing once, whoever noted it."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self._key = (made.api, template(made.path), tuple(made.params.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


async def _delete(maker: Maker, operation: Target, made: Made, wanted: Wanted) -> str:
    """Deletes one thing; returns why it had to stay, or nothing."""
    params = dict(zip(placeholders(operation.operation.path), made.params.values(), strict=False))
    asker = Wanted(wanted.send, wanted.rng, made.by)
    said = "nobody who may delete it can be acted as"
    try:
        async with aclosing(maker.callers(operation, params, asker)) as callers:
            async for caller in callers:
                seen = await wanted.send(encode(operation, Draft(params), caller, purpose="cleans up"))
                if seen.ok or seen.status in _GONE:
                    return ""
                said = f"`{operation.id}` answered with {seen.status or seen.error}"
    except NotReached as error:
        return str(error)
    return said


async def _went_along(surface: Surface, maker: Maker, made: Made, deleted: Sequence[Made], wanted: Wanted) -> str:
    """Looks whether a thing is gone with the one it belonged to; returns why it is not, or nothing."""
    if not any(made.api == d.api and made.path.startswith(d.path + "/") and _within(d.params, made) for d in deleted):
        return _UNDELETABLE
    reading = _operation(surface, made, "GET")
    if reading is None:
        return _UNDELETABLE
    params = dict(zip(placeholders(reading.operation.path), made.params.values(), strict=False))
    try:
        async with aclosing(maker.callers(reading, params, Wanted(wanted.send, wanted.rng))) as callers:
            async for caller in callers:
                seen = await wanted.send(encode(reading, Draft(params), caller, purpose="is it gone?"))
                if seen.status not in (401, 403):
                    return "" if seen.status in _GONE else _UNDELETABLE
    except NotReached as error:
        return f"{_UNDELETABLE}, and whether it is gone with what it belonged to was not seen ({error})"
    return _UNDELETABLE


def _within(params: Mapping[str, str], made: Made) -> bool:
    return all(made.params.get(name) == value for name, value in params.items())


def _operation(surface: Surface, made: Made, method: str) -> Target | None:
    here = template(made.path)
    return next(
        (
            t
            for t in surface.targets
            if t.api == made.api and t.operation.method == method and template(t.operation.path) == here
        ),
        None,
    )


def _shown(made: Made) -> str:
    path = made.path
    for name, value in made.params.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _sentence(reason: str, shown: Sequence[str]) -> str:
    return f"{listed(shown, 3)} had to stay: {reason}"
