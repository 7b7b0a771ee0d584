"""Decisions as values: those that count, and what is wrong with the others. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assay.domain import Verdict

FOLDER = "decisions"
"""Where they lie, beside the declaration."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that counts.

    Attributes:
        kind, subject, digest, person, reason: as signed; ``digest`` is SHA-256 of the content, in hexadecimal.
        time: when it was signed (UTC), by the signer's word; the log says when it was kept.
        keyid: the key, as ``ssh-keygen -l`` names it. file: where it lies, relative to the declaration.
        id: the first 12 hexadecimal digits of SHA-256 over what was signed.
    """

    kind: str
    subject: str
    digest: str
    person: str
    time: datetime
    reason: str
    keyid: str
    file: str
    id: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every decision beside a declaration: those that count, oldest first, and what is wrong with the others."""

    counted: tuple[Decision, ...] = ()
    problems: tuple[Verdict, ...] = ()
    _by_subject: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict, compare=False, repr=False)

    def decided(self, kind: str, subject: str, digest: str | None = None) -> tuple[Decision, ...]:
        """The decisions of a kind on a subject that hold, oldest first: none of them was withdrawn since.

        Args:
            digest: SHA-256 of the content as it is now, so that decisions on another content do not count; None: on
                whatever content.
        """
        here = self._by_subject.get(subject, ())
        ended = self.withdrawn(subject)
        return tuple(
            d for d in here if d.kind == kind and digest in (None, d.digest) and (ended is None or d.time > ended.time)
        )

    def withdrawn(self, subject: str) -> Decision | None:
        """The last withdrawal on a subject. It takes back what was decided up to that moment, on whatever content."""
        return max(
            (d for d in self._by_subject.get(subject, ()) if d.kind == "withdrawal"), key=lambda d: d.time, default=None
        )

    def about(self, subject: str) -> tuple[Decision, ...]:
        """Everything that was decided on a subject, withdrawn or not, oldest first."""
        return self._by_subject.get(subject, ())
