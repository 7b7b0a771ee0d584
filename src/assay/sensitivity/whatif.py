"""The smallest changes that bring what somebody can put together under their clearance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Literal

from assay.declare.model import Generalise, TransformOf
from assay.sensitivity.blend import Blend, groups, together
from assay.sensitivity.label import Label
from assay.sensitivity.levels import rank
from assay.sensitivity.pieces import Piece, Pieces
from assay.sensitivity.principals import Reached
from assay.sensitivity.reductions import reduced
from assay.sensitivity.rules import conclude
from assay.sensitivity.steps import NO_RULES

Kind = Literal["generalise", "tokenise", "drop", "remove"]
_ORDER: tuple[Kind, ...] = ("generalise", "tokenise", "drop", "remove")
"""From what costs the reader least to what costs most."""
BUDGET = 1_500
"""How many labels are tried for one blend; then the search ends with what it has found."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        attribute: what is changed, empty for ``remove``.
        place: where: the object that is changed, as `DATA (PLACE)`; empty for everywhere.
        cells: for ``generalise``, how many different values may be left at most.
        sentence: in words, such as `generalise profile.postcode to 681 values or fewer`.
    """

    kind: Kind
    sentence: str
    attribute: str = ""
    place: str = ""
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Changes that together suffice, and the label that is left. None of them can be left out."""

    changes: tuple[Change, ...]
    label: Label

    @property
    def sentence(self) -> str:
        """All changes in one sentence."""
        return " and ".join(change.sentence for change in self.changes)


_Apply = Callable[[tuple[Reached, ...]], tuple[Reached, ...]]


def what_ifs(found: Blend, *, most: int = 3) -> tuple[WhatIf, ...]:
    """The smallest changes to a blend that bring its claimed label under the principal's clearance, smallest first.

    Changes are tried one by one, then two together; what is above the clearance by itself is dropped in all of them.
    Empty when the blend is not above the clearance, or nothing was found within the bounds of the search.
    """
    if not found.above or found.principal.clearance is None:
        return ()
    return _Search(found, rank(found.principal.clearance)).run(most)


class _Search:
    def __init__(self, found: Blend, clearance: int) -> None:
        self._found, self._clearance = found, clearance
        self._left = BUDGET

    def run(self, most: int) -> tuple[WhatIf, ...]:
        objects = self._found.objects
        needed: list[tuple[Change, _Apply]] = []
        for attribute, piece in sorted(self._found.claimed.pieces.items()):
            if piece.level > self._clearance:
                needed.append(_drop(attribute, piece))
        for _, apply in needed:
            objects = apply(objects)
        must = tuple(change for change, _ in needed)
        found: list[WhatIf] = []
        if must and (label := self._label(objects)).rank <= self._clearance:
            found.append(WhatIf(must, label))
        else:
            singles = self._singles(objects)
            found += [WhatIf((*must, change), label) for change, _, label in singles if self._fits(label)]
            if not found:
                found += self._pairs(must, objects, [(change, apply) for change, apply, _ in singles])
        if len(self._found.objects) > 1:
            found += islice(self._removals(), max(0, most - len(found)))
        return tuple(found[:most])

    def _label(self, objects: tuple[Reached, ...]) -> Label:
        """The label of the most sensitive group that is left."""
        self._left -= 1
        rules = self._found.claimed.rules
        labels = [Label(together(group), rules) for group in groups(objects)]
        return max(labels, key=_rank, default=Label({}, rules))

    def _fits(self, label: Label) -> bool:
        return label.rank <= self._clearance

    def _singles(self, objects: tuple[Reached, ...]) -> list[tuple[Change, _Apply, Label]]:
        tried: list[tuple[Change, _Apply, Label]] = []
        whole = together(objects)
        telling = {a: p for a, p in sorted(whole.items()) if p.bits or p.direct or p.sensitive or p.secret or p.place}
        for attribute, piece in telling.items():
            if piece.bits and not piece.direct:
                tried += self._generalisations(attribute, piece, objects)
        for change, apply in (*_tokens(objects), *(_drop(a, p) for a, p in telling.items())):
            if self._left > 0:
                tried.append((change, apply, self._label(apply(objects))))
        return sorted(tried, key=_size)

    def _generalisations(
        self, attribute: str, piece: Piece, objects: tuple[Reached, ...]
    ) -> Iterator[tuple[Change, _Apply, Label]]:
        """The finest generalisation that suffices, if any does; the coarsest otherwise, for use with another."""
        low, high = 1, max(1, int(2**piece.bits))
        best = self._generalised(attribute, piece, objects, low)
        while self._fits(best[2]) and low < high and self._left > 0:
            middle = (low + high + 1) // 2
            tried = self._generalised(attribute, piece, objects, middle)
            if self._fits(tried[2]):
                low, best = middle, tried
            else:
                high = middle - 1
        if best[0].cells is not None and best[0].cells > 1:
            yield best

    def _generalised(
        self, attribute: str, piece: Piece, objects: tuple[Reached, ...], cells: int
    ) -> tuple[Change, _Apply, Label]:
        transform = TransformOf(generalise=Generalise(cells=cells))
        sentence = f"generalise {piece.name} to {cells:,} values or fewer"
        apply = _everywhere(attribute, lambda p: reduced(p, transform, ""))
        return Change("generalise", sentence, attribute, cells=cells), apply, self._label(apply(objects))

    def _pairs(
        self, must: tuple[Change, ...], objects: tuple[Reached, ...], singles: list[tuple[Change, _Apply]]
    ) -> list[WhatIf]:
        found: list[WhatIf] = []
        for (one, first), (other, second) in combinations(singles, 2):
            if self._left <= 0 or len(found) >= 3:
                break
            label = self._label(second(first(objects)))
            if self._fits(label):
                found.append(WhatIf((*must, one, other), label))
        return found

    def _removals(self) -> Iterator[WhatIf]:
        """Without one of the objects: the grants by which it is reached are taken away."""
        objects = self._found.objects
        # What is above the clearance alone is so with others, too: a join never lowers.
        too_much = [conclude(one.claimed, NO_RULES).rank > self._clearance for one in objects]
        for index, one in enumerate(objects):
            if self._left <= 0:
                return
            if any(too_much[:index]) or any(too_much[index + 1 :]):
                continue
            label = self._label(tuple(o for o in objects if o is not one))
            if self._fits(label):
                grants = one.grants[0].text if one.grants else one.place
                more = f" and {len(one.grants) - 1} more" if len(one.grants) > 1 else ""
                sentence = f"take {one.data} away ({grants}{more})"
                yield WhatIf((Change("remove", sentence, place=f"{one.data} ({one.place})"),), label)


def _rank(label: Label) -> int:
    return label.rank


def _size(tried: tuple[Change, _Apply, Label]) -> tuple[int, float, str]:
    change = tried[0]
    return _ORDER.index(change.kind), -float(change.cells or 0), change.sentence


def _drop(attribute: str, piece: Piece) -> tuple[Change, _Apply]:
    return Change("drop", f"drop {piece.name}", attribute), _everywhere(attribute, lambda _: None)


def _tokens(objects: tuple[Reached, ...]) -> Iterator[tuple[Change, _Apply]]:
    """A token of its own for each object, instead of a key that it shares with others."""
    shared: dict[str, int] = {}
    for one in objects:
        for key in {k for p in one.claimed.values() for k in p.linking}:
            shared[key] = shared.get(key, 0) + 1
    for one in objects:
        for attribute, piece in sorted(one.claimed.items()):
            if any(shared[key] > 1 for key in piece.linking):
                sentence = f"tokenise {piece.name} in {one.data} ({one.place}) for this recipient alone"
                place = f"{one.data} ({one.place})"
                yield Change("tokenise", sentence, attribute, place), _in(one, attribute)


def _in(where: Reached, attribute: str) -> _Apply:
    transform = TransformOf(tokenise="per-recipient")

    def apply(objects: tuple[Reached, ...]) -> tuple[Reached, ...]:
        def token(piece: Piece) -> Piece | None:
            return reduced(piece, transform, f"{where.data} at {where.place}")

        return tuple(
            replace(o, claimed=_changed(o.claimed, attribute, token))
            if (o.data, o.place) == (where.data, where.place)
            else o
            for o in objects
        )

    return apply


def _everywhere(attribute: str, change: Callable[[Piece], Piece | None]) -> _Apply:
    def apply(objects: tuple[Reached, ...]) -> tuple[Reached, ...]:
        return tuple(replace(o, claimed=_changed(o.claimed, attribute, change)) for o in objects)

    return apply


def _changed(pieces: Pieces, attribute: str, change: Callable[[Piece], Piece | None]) -> Pieces:
    if attribute not in pieces:
        return pieces
    left = change(pieces[attribute])
    rest = {a: p for a, p in pieces.items() if a != attribute}
    return rest if left is None else {**rest, attribute: left}
