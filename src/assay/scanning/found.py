"""What a scan finds: where, of which category, how sure; never the value itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.domain import Confidence

_SHOWN = 32


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One value that a detector recognised.

    Attributes:
        path: JSON pointer (RFC 6901) of the value that holds it; empty for the whole input. Names of members that are
            themselves personal data stand in it by their shape.
        start, end: the span in characters within that value.
        detector: what recognised it, such as ``payment-card`` or ``nl-bsn``.
        category: the fideslang data category.
        confidence: how sure it is that this is what it looks like.
        validated: it passed a test that chance rarely passes: check digits, or the whole grammar of its standard.
        shape: the value with letters as ``x`` and ``X`` and digits as ``9``: enough to recognise its kind, not more.
        within: whether it is a member's value or its name.
    """

    path: str
    start: int
    end: int
    detector: str
    category: str
    confidence: Confidence
    validated: bool
    shape: str
    within: Literal["value", "name"] = "value"

    @property
    def certain(self) -> bool:
        """Whether a verdict may rest on it alone."""
        return self.validated and self.confidence is Confidence.HIGH

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "path": self.path,
            "start": self.start,
            "end": self.end,
            "detector": self.detector,
            "category": self.category,
            "confidence": str(self.confidence),
            "validated": self.validated,
            "shape": self.shape,
            "within": self.within,
        }


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in one input, and how much of it was read.

    Attributes:
        values: how many texts and numbers were looked at.
        unread: why not all of it was read, in words; empty: all of it was.
        kind: what the input was read as.
    """

    found: tuple[Found, ...]
    values: int
    unread: str = ""
    kind: Literal["json", "text", "binary"] = "json"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read at most. What lies beyond is said in :attr:`Scan.unread`, never silently left out.

    Attributes:
        size: bytes of an input.
        text: characters of one value.
        values: texts and numbers in one input.
        depth: how deep objects and lists are entered.
        found: findings in one input.
    """

    size: int = 8 * 1024 * 1024
    text: int = 1024 * 1024
    values: int = 500_000
    depth: int = 100
    found: int = 20_000


def shape_of(text: str) -> str:
    """A text with its letters and digits made unreadable: ``Jo.Day@x.org`` to ``Xx.Xxx@x.xxx``. Cut at 32."""
    made = "".join("9" if c.isdigit() else ("X" if c.isupper() else "x") if c.isalpha() else c for c in text[:_SHOWN])
    return "".join(c if c.isprintable() else "·" for c in made) + ("…" if len(text) > _SHOWN else "")
