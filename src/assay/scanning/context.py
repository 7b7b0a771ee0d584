"""The words around a value: of the member's name it stands under, or before it in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

_WORD = re.compile(r"[A-Z]?[a-z\u00df-\u00ff]+|[A-Z]+(?![a-z])|[A-Z]")
_BEFORE = 48
_NAME = 200


def wordset(text: str) -> frozenset[str]:
    """The words of a text, by blanks."""
    return frozenset(text.split())


NOT_PERSONAL = wordset(
    """
    order invoice tracking shipment parcel sku ean gtin upc isbn issn asin serial version release build
    revision hash digest checksum etag sha md uuid guid timestamp epoch millis trace span correlation product
    part article barcode imei iccid batch lot ticket sequence offset cursor transaction reference ref commit
    asset device firmware oid size bytes count
    """
)
"""Words under which long numbers are something else than what a person is known by."""


@dataclass(frozen=True, slots=True)
class Context:
    """Words around a value, in lower case.

    Attributes:
        words: of the name the value stands under, taken apart at case, digits and signs.
        name: that name in one piece, letters only (``dateofbirth``).
        beside: words of the other names in the same object.
        above: words of the name that the object stands under, as `card` is above `number` in `card.number`.
    """

    words: frozenset[str] = frozenset()
    name: str = ""
    beside: frozenset[str] = field(default=frozenset(), repr=False)
    above: frozenset[str] = frozenset()

    def says(self, wanted: frozenset[str]) -> bool:
        """Whether one of the wanted words is there, or the whole name is one of them."""
        return not self.words.isdisjoint(wanted) or self.name in wanted

    def tells(self, wanted: frozenset[str]) -> bool:
        """As :meth:`says`, or one of the words stands above."""
        return self.says(wanted) or not self.above.isdisjoint(wanted)

    @property
    def not_personal(self) -> bool:
        """Whether the words say that it is a number of something else."""
        return not (self.words.isdisjoint(NOT_PERSONAL) and self.above.isdisjoint(NOT_PERSONAL))


NOWHERE = Context()


def words_of(name: str) -> frozenset[str]:
    """The words of a name: ``customerDOB_2`` to ``customer``, ``dob``."""
    return frozenset(w.lower() for w in _WORD.findall(name[:_NAME]))


def context_of(name: str, beside: frozenset[str] = frozenset(), above: frozenset[str] = frozenset()) -> Context:
    """The context of a member's value."""
    return Context(words_of(name), "".join(c for c in name[:_NAME].lower() if c.isalpha()), beside, above)


def before(text: str, start: int, around: Context) -> Context:
    """The context of a span in a text: the text's own, and the words before it in the same sentence."""
    if start == 0:
        return around
    near = text[max(0, start - _BEFORE) : start]
    cut = max(near.rfind("\n"), near.rfind(". "), near.rfind("; "))
    words = _WORD.findall(near[cut + 1 :])[-6:]
    if not words:
        return around
    lower = [w.lower() for w in words]
    pairs = (a + b for a, b in pairwise(lower))
    return Context(around.words.union(lower, pairs), around.name, around.beside, around.above)
