"""Whether a service tells two inputs apart: what an answer says, and what several rounds of the same question show.

Services are asked while others use them. Lists grow and shrink between two questions, so two answers to the same
question need not be the same, and a difference between two answers need not be one between the questions. What counts
is what every answer to the one has and no answer to the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from assay.controls._lib.attempts import without
from assay.prove.case import Seen

ROUNDS = 5
"""How often both questions are asked at most."""
_UNLIKE = 0.5
_FEW = 3
_LEAVES = 5_000
_INDEX = re.compile(r"/\d+(?=[/#]|$)")


@dataclass(frozen=True, slots=True)
class Signature:
    """What an answer says, without what it merely repeats.

    Attributes:
        leaves: the leaves of the body with their places, without those that change by themselves.
        parts: all leaves, wherever in a list they stand; how long lists are is left out.
    """

    status: int
    leaves: frozenset[tuple[str, str]]
    parts: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False)


Round = tuple[Signature | None, Signature | None]
"""What was answered to something true and to something false; None: the gateway refused it."""


def signature(seen: Seen, payload: str = "", volatile: frozenset[str] = frozenset()) -> Signature:
    """What an answer says; ``volatile``: places that change by themselves."""
    value = seen.json()
    if value is None:
        text = without(seen.text, payload) if payload else seen.text
        return Signature(seen.status, frozenset({("", text)}), frozenset(("", line) for line in text.splitlines()))
    found = [(p, without(t, payload) if payload else t) for p, t in _leaves(value)]
    return Signature(
        seen.status,
        frozenset((p, t) for p, t in found if p not in volatile),
        frozenset((_INDEX.sub("/*", p), t) for p, t in found if not p.endswith("#")),
    )


def told(rounds: Sequence[Round]) -> bool | None:
    """Whether what is true and what is false are answered differently. None: that takes one more round.

    Two rounds are enough where nothing else changes and the answers have little in common. Otherwise they must be the
    same in a third; or most of what is answered is in every answer to the one and in none to the other, three times, or
    four times of five, since one round may be disturbed.

    The true one has to be asked first in one round, and the false one in the next: then nothing that comes, stays and
    goes while they are asked is in the answers to one of them only.
    """
    known = [(true, false) for true, false in rounds if true is not None and false is not None]
    if len(known) < len(rounds) or not known:
        return False
    true, false = known[0]
    if len(known) == 1:
        return None if true != false else False
    if len(known) < _FEW:
        return True if _exactly(known) and _overlap(true, false) < _UNLIKE else None
    if _exactly(known) or _mostly(known):
        return True
    if len(known) == _FEW and not any(_mostly(two) for two in combinations(known, 2)):
        return False
    if len(known) < ROUNDS:
        return None
    return any(_mostly(most) for most in combinations(known, len(known) - 1))


_Known = Sequence[tuple[Signature, Signature]]


def _exactly(rounds: _Known) -> bool:
    true, false = rounds[0]
    return true != false and all(each == (true, false) for each in rounds)


def _mostly(rounds: _Known) -> bool:
    trues, falses = [true for true, _ in rounds], [false for _, false in rounds]
    if len({s.status for s in trues}) > 1 or len({s.status for s in falses}) > 1:
        return False
    if trues[0].status != falses[0].status:
        # A firewall may well refuse the one spelling and not the other; something that is found, nobody made up.
        return trues[0].status < 400
    return _own(trues, falses) or _own(falses, trues)


def _own(ones: Sequence[Signature], others: Sequence[Signature]) -> bool:
    """Whether at least half of what ``ones`` say is in all of them, and in none of ``others``."""
    least = min(len(s.parts) for s in ones)
    shared = frozenset.intersection(*(s.parts for s in ones)).difference(*(s.parts for s in others))
    return len(shared) >= least * _UNLIKE > 0


def _overlap(one: Signature, other: Signature) -> float:
    """How much two answers have in common, from 0 to 1."""
    if one.status != other.status:
        return 0.0
    every = one.leaves | other.leaves
    return len(one.leaves & other.leaves) / len(every) if every else 1.0


def changing(first: Seen, second: Seen) -> frozenset[str]:
    """The places whose values differ between two answers to the same request. What is only in one of them is new, and
    changes no more by itself than anything else."""
    one, two = dict(_leaves(first.json())), dict(_leaves(second.json()))
    return frozenset(p for p in one.keys() & two.keys() if one[p] != two[p] and not p.endswith("#"))


def _leaves(value: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting and len(found) < _LEAVES:
        path, item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend((f"{path}/{k}", v) for k, v in item.items())
            if not item:
                found.append((path, "{}"))
        elif isinstance(item, list):
            waiting.extend((f"{path}/{i}", v) for i, v in enumerate(item))
            found.append((f"{path}#", str(len(item))))
        else:
            found.append((path, json.dumps(item, ensure_ascii=False)))
    return found
