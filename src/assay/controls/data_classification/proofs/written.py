"""Marked values, written through the API into labelled fields: valid by the contract, and found nowhere else."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assay.controls._lib.answers import works
from assay.controls._lib.attempts import Ready, ready
from assay.controls._lib.inputs import changed, made, places, speaks_json, value_of
from assay.controls.encryption_at_rest.canary import canary
from assay.declare.shapes import Path
from assay.prove.case import Draft, Lab, NotReached, Seen
from assay.prove.surface import Persona, Target
from assay.sensitivity.bodies import Labelled

_LONGER = "a" * 12
"""Put to a value that is too short to be looked for."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        values: the marked texts, by the name of their field (``DATA.FIELD``).
        others: marked texts of properties that have no label.
    """

    able: Ready
    draft: Draft
    seen: Seen
    values: Mapping[str, str]
    others: tuple[str, ...] = ()


async def write(
    lab: Lab, target: Target, persona: Persona, fields: Mapping[Path, Labelled], wanted: Collection[str]
) -> Written:
    """Writes marked values into the wanted fields, and into up to two properties without a label.

    Raises:
        NotReached: none of the wanted fields takes a text that could be looked for, or the request was not taken.
    """
    able = await ready(lab, target, persona, own=True)
    draft = able.draft
    if not speaks_json(draft):
        raise NotReached("the contract's example of this body is no JSON object")
    # By the nonce, which no other run has: the same value written by an earlier run would be found, too.
    chance = random.Random(lab.nonce)  # noqa: S311 - a marker, not a secret
    values: dict[str, str] = {}
    others: list[str] = []
    for place in places(lab.surface.contract(target), target):
        if place.kind != "body" or not place.is_text:
            continue
        item = fields.get(place.path)
        unlabelled = item is None and len(place.path) == 1 and "format" not in place.schema and len(others) < 2
        if not unlabelled and (item is None or item.label.name not in wanted):
            continue
        now = value_of(draft, place) or made(place, lab.random)
        tried = (now, f"{now or ''}{_LONGER}", _LONGER)
        text = next((t for one in tried if (t := canary(place, one, draft.body, chance))), None)
        if text is None:
            continue
        draft = changed(draft, place, text)
        if item is not None:
            values[item.label.name] = text
        else:
            others.append(text)
    if not values:
        raise NotReached("no field in question takes a text that could be looked for")
    seen = await works(lab, able.call(lab, draft, "marked values are written"))
    return Written(able, draft, seen, values, tuple(others))


def digests(text: str) -> tuple[bytes, ...]:
    """Digests of a text without a key, which anybody finds by trying: they hide nothing."""
    data = text.encode()
    return tuple(
        hashlib.new(name, data, usedforsecurity=False).digest() for name in ("md5", "sha1", "sha256", "sha512")
    )
