"""The steps of a conclusion about sensitivity, and what it is drawn with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.declare.model import Level
from assay.sensitivity.pieces import Piece, Pieces


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a conclusion.

    Attributes:
        rule: J0, E1 … E9.
        sentence: what was concluded, and from what.
        level: the level from here on.
        parts: the attributes it was concluded from.
    """

    rule: str
    sentence: str
    level: Level
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """An owner's rule (E8), ready to be looked up: every member of ``when`` is a data set, a field or a category."""

    id: str
    when: tuple[str, ...]
    becomes: int
    association: str


@dataclass(frozen=True)
class Rulebook:
    """What labels are concluded with, beside the attributes themselves.

    Attributes:
        compilations: the owner's rules.
        purposes: of each data set.
        remembered: conclusions by the identity of what they were drawn from; a cache.
    """

    compilations: tuple[Compiled, ...] = ()
    purposes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    remembered: dict[int, tuple[Pieces, Concluded]] = field(default_factory=dict, compare=False, repr=False)


NO_RULES = Rulebook()


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the rules make of the attributes of a label. Why they do is in its steps."""

    rank: int
    k: float | None = None
    identifying: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def named(pieces: Iterable[Piece], most: int = 4) -> str:
    """Some attributes in words, for a sentence."""
    names = sorted(dict.fromkeys(p.name for p in pieces))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
