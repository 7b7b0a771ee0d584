"""What transformations take away from an attribute. All are monotone: more goes in, not less comes out.

Nothing here asks whether a transformation really happens; the closure counts only verified ones in the verified label.
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from assay.declare.model import Aggregate, Generalise, Transform
from assay.sensitivity import kinds
from assay.sensitivity.levels import is_secret, rank, within
from assay.sensitivity.pieces import Piece

LAST4 = math.log2(10_000)
"""The last four digits leave 13.3 bits."""
FEWEST = 11
"""An aggregate says nothing about one person from this many people a cell on; below k = 11 people are linkable."""
_DATES = {"month": math.log2(365.25 / 12), "year": math.log2(365.25), "decade": math.log2(3652.5)}
_CONFIDENTIAL, _INTERNAL = rank("confidential"), rank("internal")
_MARK = " ("
"""Before what kind of token a key is; no id contains it."""


def words(transform: Transform) -> str:
    """A transformation as people say it: `generalise 3`, `tokenise per-recipient`, `drop`."""
    if isinstance(transform, str):
        return transform
    if transform.tokenise:
        return f"tokenise {transform.tokenise}"
    if transform.aggregate:
        return f"aggregate {transform.aggregate.cells}"
    to, cells = (transform.generalise.to, transform.generalise.cells) if transform.generalise else (None, None)
    shown = [str(to)] if to is not None else []
    return " ".join(["generalise", *shown, *([f"({cells} cells)"] if cells else [])])


def takes_nothing(transform: Transform, category: str | None = None) -> bool:
    """Whether a transformation of a field of a category leaves its recipient all that was in it.

    Only rotation takes anything away from a secret. A hash without a key of an e-mail address or a phone number is
    found by trying them all. Encryption lowers what is seen on the way, not at the recipient with the key.
    """
    if transform == "drop":
        return False
    if transform in ("hash", "encrypt") or is_secret(category or ""):
        return True
    aggregate = None if isinstance(transform, str) else transform.aggregate
    return aggregate is not None and aggregate.cells < FEWEST


def reduced(piece: Piece, transform: Transform, recipient: str) -> Piece | None:
    """What is left of an attribute at the recipient of a flow; None when nothing is.

    ``recipient`` is the system it arrives at: random tokens are the recipient's own.
    """
    if transform == "drop":
        return None
    if piece.secret or takes_nothing(transform):
        return piece
    if transform == "last4":
        return _shortened(piece, LAST4)
    if transform == "hmac":
        return _pseudonym(piece, "token")
    if not isinstance(transform, str):
        if transform.generalise:
            return _generalised(piece, transform.generalise)
        if transform.aggregate:
            return _aggregated(piece, transform.aggregate)
        return _pseudonym(piece, f"of {recipient}" if transform.tokenise == "per-recipient" else "token")
    return piece


def on_the_way(piece: Piece, transform: Transform, recipient: str) -> Piece | None:
    """What those see of an attribute who only carry it: ciphertext, if it is encrypted for the recipient."""
    return None if transform == "encrypt" else reduced(piece, transform, recipient)


def _pseudonym(piece: Piece, suffix: str) -> Piece:
    """Rule: a token takes the identifier's place. It no longer says who, but still which records belong together.

    A token of a token counts as a token of what the first one stands for. That may join more than can be joined, never
    less; and data that goes in circles through tokens has an end.
    """
    keys = frozenset(f"{key.partition(_MARK)[0]}{_MARK}{suffix})" for key in piece.linking)
    return replace(piece, direct=False, keys=keys, level=_capped(piece, _CONFIDENTIAL))


def _shortened(piece: Piece, bits: float) -> Piece:
    left = max(min(piece.bits, bits), bits if piece.direct or piece.unmeasured or piece.keys else 0.0)
    return replace(
        piece,
        direct=False,
        keys=frozenset(),
        bits=left,
        whole=piece.whole if piece.whole > left else 0.0,
        unmeasured=False,
        level=_capped(piece, _CONFIDENTIAL),
    )


def _generalised(piece: Piece, how: Generalise) -> Piece:
    bounds = [] if how.cells is None else [math.log2(how.cells)]
    if isinstance(how.to, int):
        digits = within(piece.category, "user.contact.address.postal_code")
        bounds.append(how.to * (kinds.DIGIT if digits else kinds.CHARACTER))
    if bounds:
        return _shortened(piece, min(bounds))
    if piece.direct or piece.keys or piece.unmeasured:
        return piece  # a part of a date says nothing about what else identifies
    whole = max(piece.whole, piece.bits)
    left = min(piece.bits, max(0.0, whole - _DATES[str(how.to)]))
    return replace(piece, bits=left, whole=whole if whole > left else 0.0, level=_capped(piece, _CONFIDENTIAL))


def _aggregated(piece: Piece, how: Aggregate) -> Piece:
    if how.cells < FEWEST:
        return piece
    return replace(
        piece,
        direct=False,
        keys=frozenset(),
        bits=0.0,
        unmeasured=False,
        sensitive=frozenset(),
        inferred=frozenset(),
        place=False,
        free_text=False,
        level=_capped(replace(piece, sensitive=frozenset()), _INTERNAL),
    )


def _capped(piece: Piece, most: int) -> int:
    """The level of what is left; what says something sensitive says it in every form that still can be read."""
    return piece.level if piece.sensitive else min(piece.level, most)


EMAIL = 2 * kinds.CHARACTER + 4.0
"""Of an e-mail address, its first letters and its top-level domain stay."""
LEADING = 3
"""So many leading characters of a value stay that the gateway generalises (two of four)."""
_DATE_WORDS = frozenset({"date", "birth", "dob", "birthday", "birthdate", "year", "timestamp"})


def shown(piece: Piece, form: str) -> Piece | None:
    """What is left of an attribute in an answer that the gateway masks; None when nothing is.

    ``form`` is one of :data:`assay.declare.model.MaskForm`. Keyed forms give the same pseudonym to the same value of a
    data category, in every field of it.
    """
    if form == "clear":
        return piece
    if form in ("drop", "fixed", "encrypt"):
        return None
    if piece.secret:
        return piece
    if form in ("token", "hash"):
        pseudonym = _pseudonym(piece, form)
        return replace(pseudonym, keys=frozenset({f"{piece.category} ({form})"}) if piece.category else pseudonym.keys)
    if form == "last4":
        return _shortened(piece, LAST4)
    if form == "email":
        return _shortened(piece, EMAIL)
    if form == "generalise":
        dates = _DATE_WORDS & set(piece.category.replace("_", ".").split("."))
        return _generalised(piece, Generalise(to="year" if dates else LEADING))
    return piece
