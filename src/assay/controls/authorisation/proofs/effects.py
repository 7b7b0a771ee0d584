"""What a call did, seen through the eyes of the owner: before and after, never by its status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay.controls._lib.answers import works
from assay.prove.case import Lab, NotReached, Seen, Thing
from assay.prove.surface import Target


@dataclass(frozen=True, slots=True)
class Before:
    """How an object looked, twice: what differs between the two changes by itself (times, request ids)."""

    target: Target
    thing: Thing
    first: Seen
    restless: frozenset[str]


async def before(lab: Lab, reader: Target, thing: Thing) -> Before:
    """The owner looks twice.

    Raises:
        NotReached: the owner cannot read it.
    """
    draft = lab.draft(reader, thing)
    first = await works(lab, lab.request(reader, draft, thing.owner, purpose="the owner reads it"))
    second = await works(lab, lab.request(reader, draft, thing.owner, purpose="the owner reads it again"))
    one, other = flat(first), flat(second)
    return Before(reader, thing, first, frozenset(p for p in one.keys() | other.keys() if one.get(p) != other.get(p)))


async def changed(lab: Lab, was: Before, nonce: str) -> tuple[str, Seen]:
    """What the owner sees to have happened, in words; empty: nothing did.

    Raises:
        NotReached: the owner's own look got no usable answer.
    """
    call = lab.request(was.target, lab.draft(was.target, was.thing), was.thing.owner, purpose="the owner looks again")
    now = await lab.call(call)
    if now.status in (404, 410):
        return "it is gone", now
    if not now.ok:
        raise NotReached(f"the owner's look afterwards was answered {now.status or now.error}")
    if nonce and nonce in now.text and nonce not in was.first.text:
        return "it holds what the attacker sent", now
    one, other = flat(was.first), flat(now)
    moved = [p for p in one.keys() | other.keys() if p not in was.restless and one.get(p) != other.get(p)]
    return (f"`{min(moved)}` changed", now) if moved else ("", now)


def flat(seen: Seen) -> dict[str, str]:
    """Every leaf of a JSON answer by its path; for other answers, the body as one."""
    value = seen.json()
    return dict(_leaves("", value)) if isinstance(value, dict | list) else {"body": seen.text}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    stack = [(path, value)]
    while stack:
        where, found = stack.pop()
        if isinstance(found, dict):
            stack.extend((f"{where}.{k}" if where else str(k), v) for k, v in found.items())
        elif isinstance(found, list):
            stack.extend((f"{where}[{i}]", v) for i, v in enumerate(found))
        else:
            yield where, repr(found)
