"""One line of the walk: what was tried, what happened without Assay and what with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["attack", "legitimate"]


@dataclass(frozen=True, slots=True)
class Side:
    """What happened on one side. ``expected``: as the walk says it should."""

    text: str
    expected: bool

    def as_json(self) -> dict[str, object]:
        """The published shape."""
        return {"text": self.text, "expected": self.expected}


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt. ``direct`` is None where the bare service has nothing to compare with."""

    topic: str
    kind: Kind
    attempt: str
    direct: Side | None
    through: Side
    policy: str = ""

    @property
    def holds(self) -> bool:
        """Both sides did what the walk says: the bare service is as weak, and the gateway as strong, as claimed."""
        return self.through.expected and (self.direct is None or self.direct.expected)

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "topic": self.topic,
            "kind": self.kind,
            "attempt": self.attempt,
            "direct": self.direct.as_json() if self.direct else None,
            "through": self.through.as_json(),
            "policy": self.policy,
            "holds": self.holds,
        }
