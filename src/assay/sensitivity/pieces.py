"""What a label is made of: attributes of people, each with what it gives away, wherever it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

FieldName = tuple[str, str]
"""A data set and the name of a field of it. Both may hold dots."""


class Applied(msgspec.Struct, frozen=True, order=True, gc=False):
    """A transformation that was applied on the way. ``text`` is how it was declared: `generalise 3`."""

    flow: str
    field: str
    text: str
    verified: bool


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One attribute, as it stands in one place.

    Joining two pieces takes of everything the more telling, so joins never lower anything. Applied is what was applied
    to both.

    Attributes:
        attribute: the same for the same attribute of the same people, wherever it stands (`customer.email`).
        level: 0 (public) to 4 (special).
        direct: it identifies somebody by itself.
        bits: how far it narrows a population down, as a quasi-identifier; 0 when it does not.
        whole: its bits before a part of a date was left of it; 0 when nothing was taken. So being made as coarse
            twice takes away no more than once.
        unmeasured: it is a quasi-identifier of which nobody knows the bits.
        sensitive: sensitive data categories that it says, or lets conclude, about somebody.
        inferred: those of them that are only concluded (rule E5).
        keys: names under which records can be linked by its values.
        population: the number of people among whom it is looked at; None when unknown.
        place: it says where somebody was; ``points`` so many times for one person.
        free_text: what is in it is not known.
        guessed: its classification is a guess.
        fields: where it was declared.
        via: the flows it came through.
        applied: the transformations that were applied to all of it, on every way that it came.
    """

    attribute: str
    level: int
    category: str = ""
    direct: bool = False
    bits: float = 0.0
    whole: float = 0.0
    unmeasured: bool = False
    sensitive: frozenset[str] = frozenset()
    inferred: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    population: int | None = None
    secret: bool = False
    free_text: bool = False
    place: bool = False
    points: int | None = None
    guessed: bool = False
    fields: frozenset[FieldName] = frozenset()
    via: frozenset[str] = frozenset()
    applied: frozenset[Applied] = frozenset()

    @property
    def linking(self) -> frozenset[str]:
        """Everything by which its record can be joined with others; a direct identifier is a key too."""
        return self.keys | {self.attribute} if self.direct else self.keys

    @property
    def name(self) -> str:
        """What it is called: the first place where it was declared, else its attribute."""
        return ".".join(min(self.fields)) if self.fields else self.attribute


Pieces = Mapping[str, Piece]
"""By attribute."""

EMPTY: Pieces = {}


def linking(pieces: Pieces) -> frozenset[str]:
    """Everything by which records made of these attributes can be joined with others."""
    keys: set[str] = set()
    for piece in pieces.values():
        keys |= piece.keys
        if piece.direct:
            keys.add(piece.attribute)
    return frozenset(keys)


def merge(one: Piece, other: Piece) -> Piece:
    """Both at once: of everything the more telling. Commutative, associative, idempotent."""
    if one is other or (one.via == other.via and one == other):
        return one
    # A union makes a set of its own even of two that are the same; most often they are.
    return Piece(
        attribute=one.attribute,
        level=one.level if one.level >= other.level else other.level,
        category=one.category if one.category >= other.category else other.category,
        direct=one.direct or other.direct,
        bits=one.bits if one.bits >= other.bits else other.bits,
        whole=_whole(one, other),
        unmeasured=one.unmeasured or other.unmeasured,
        sensitive=one.sensitive if one.sensitive is other.sensitive else one.sensitive | other.sensitive,
        inferred=one.inferred if one.inferred is other.inferred else one.inferred | other.inferred,
        keys=one.keys if one.keys is other.keys else one.keys | other.keys,
        population=smaller(one.population, other.population),
        secret=one.secret or other.secret,
        free_text=one.free_text or other.free_text,
        place=one.place or other.place,
        points=larger(one.points, other.points),
        guessed=one.guessed or other.guessed,
        fields=one.fields if one.fields is other.fields else one.fields | other.fields,
        via=one.via | other.via if one.via and other.via else one.via or other.via,
        applied=one.applied if one.applied is other.applied else one.applied & other.applied,
    )


def _whole(one: Piece, other: Piece) -> float:
    """What the more telling bits were before; 0 when they are whole."""
    most = one.whole if one.whole >= other.whole else other.whole
    return most if most > one.bits and most > other.bits else 0.0


def smaller(one: int | None, other: int | None) -> int | None:
    """The smaller of two numbers; an unknown one does not count."""
    if one is None or other is None:
        return other if one is None else one
    return one if one <= other else other


def larger(one: int | None, other: int | None) -> int | None:
    """The larger of two numbers; an unknown one does not count."""
    if one is None or other is None:
        return other if one is None else one
    return one if one >= other else other


def joined(*parts: Pieces) -> dict[str, Piece]:
    """Rule J0: the union of all parts, attribute by attribute."""
    whole: dict[str, Piece] = {}
    for part in parts:
        for attribute, piece in part.items():
            known = whole.get(attribute)
            whole[attribute] = piece if known is None else merge(known, piece)
    return whole


def absorb(whole: Pieces, part: Pieces) -> Pieces | None:
    """Both joined, or None when the whole already says all that the part does."""
    grown: dict[str, Piece] | None = None
    for attribute, piece in part.items():
        known = whole.get(attribute)
        if known is piece:
            continue
        more = piece if known is None else merge(known, piece)
        if more != known:
            grown = dict(whole) if grown is None else grown
            grown[attribute] = more
    return grown


def inner(parts: Iterable[Pieces], population: int | None = None) -> dict[str, Piece]:
    """Rule J0 for an inner join: only the people of the smallest part are left, so everybody is among those few.

    ``population`` is a bound that is known besides.
    """
    parts = tuple(parts)
    for part in parts:
        population = smaller(population, total(part.values()))
    return {a: narrowed(p, population) for a, p in joined(*parts).items()}


def narrowed(piece: Piece, population: int | None) -> Piece:
    """The piece, seen among at most so many people."""
    least = smaller(piece.population, population)
    return piece if least == piece.population else replace(piece, population=least)


def total(pieces: Iterable[Piece]) -> int | None:
    """How many people a union of pieces is about: the largest number among them."""
    most: int | None = None
    for piece in pieces:
        most = larger(most, piece.population)
    return most
