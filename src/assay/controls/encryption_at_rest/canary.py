"""Values to look for in a store: valid by the contract, and found nowhere else."""

from __future__ import annotations

import random
import string
from typing import Any

from assay.controls._lib.inputs import Place, admits

SHORTEST = 8
"""Characters below which a value may be in a file by accident."""
_TRIES = 20
_KINDS = (string.digits, string.ascii_uppercase, string.ascii_lowercase)
_DRAWN = frozenset("".join(_KINDS))


def canary(place: Place, now: Any, body: Any, chance: random.Random) -> str | None:
    """A text like ``now``, every letter and digit of it drawn anew (of its own kind), that the contract admits.

    None: there is no such text of a useful length.
    """
    text = "" if now is None else str(now)
    # A letter or digit may be missing from what is drawn (a code such as `ABC-1234`), but not from the length.
    if len(text) < SHORTEST or sum(c in _DRAWN for c in text) < SHORTEST - 1:
        text += "a" * SHORTEST
    for keep in (0, 2, 4):
        for _ in range(_TRIES):
            made = text[:keep] + "".join(_like(c, chance) for c in text[keep:])
            if made != text and len(made) >= SHORTEST and admits(place, made, body):
                return made
    return None


def _like(character: str, chance: random.Random) -> str:
    for kind in _KINDS:
        if character in kind:
            return chance.choice(kind)
    return character
