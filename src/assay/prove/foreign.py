"""Another environment as a case sees it: where a credential is at home that is foreign to what is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from assay.prove.case import Identity, Seen
    from assay.prove.surface import Persona, Surface, Target


class Abroad(Protocol):
    """See ``Lab.abroad``."""

    @property
    def surface(self) -> Surface:
        """What can be called there."""

    async def act(self, persona: Persona) -> Identity:
        """Somebody of that environment; calls of the lab may be made with its credential.

        Raises:
            NotReached: there is nobody, or the gateway there does not answer.
        """

    async def works(self, target: Target, who: Identity, purpose: str) -> Seen:
        """Somebody's call at home, where it must succeed.

        Raises:
            NotReached: it does not.
        """
