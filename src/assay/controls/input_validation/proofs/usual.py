"""The answer to a valid request: that there is one, and what of it changes by itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from assay.controls._lib.attempts import Met, Ready, attempt, known_good
from assay.controls._lib.telling import changing
from assay.controls.input_validation.proofs.planned import guarded
from assay.prove.case import Lab, NotReached, Seen


@dataclass
class Usual:
    """What a valid request is answered, against which others are held.

    Attributes:
        first: the answer of this case's own; None: it went by another case's, which succeeded.
    """

    lab: Lab
    able: Ready
    first: Met | None
    _volatile: frozenset[str] | None = None

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.first is None or self.first.seen.ok

    @property
    def shown(self) -> Seen | None:
        """The answer, if it is this case's own."""
        return self.first.seen if self.first else None

    async def volatile(self) -> frozenset[str]:
        """What differs between two answers to it. Asked only where something is to be compared."""
        if self._volatile is None:
            first = self.first or await attempt(self.lab, self.able.call(self.lab, self.able.draft, "a valid request"))
            again = await attempt(self.lab, self.able.call(self.lab, self.able.draft, "the same once more"))
            self._volatile = changing(first.seen, again.seen)
        return self._volatile


async def usual_of(lab: Lab, able: Ready) -> Usual:
    """The positive control; behind our gateway, somebody of the kind must have had it."""
    if guarded(lab.surface):
        with suppress(NotReached):
            await known_good(lab, able)
            return Usual(lab, able, None)
    return Usual(lab, able, await attempt(lab, able.call(lab, able.draft, "a valid request")))
