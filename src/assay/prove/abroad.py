"""Other environments of the declaration, at their own gateways: where a credential is at home that is foreign here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.prove.case import Call, Identity, NotReached, Seen
from assay.prove.scope import Origin, Scope, origin_of
from assay.prove.seams import Cast, Objects
from assay.prove.transport import Transport

if TYPE_CHECKING:
    import random

    from assay.prove.surface import Persona, Surface, Target

SEPARATOR = ":"
"""Between an environment and the name of a persona of it: ``staging:tester``. No id holds one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """What a run knows of another environment.

    Attributes:
        surface: what can be called there; its personas have the environment before their names.
        target: URL of its gateway.
        production: it is not called without authority to do so.
    """

    environment: str
    surface: Surface
    target: str
    cast: Cast
    objects: Objects
    authority: Path | None = None
    production: bool = False

    def knows(self, name: str) -> bool:
        """Whether a persona or an identity is of this environment."""
        return name.startswith(f"{self.environment}{SEPARATOR}")


@dataclass(frozen=True, slots=True)
class Side:
    """Where a call goes instead of the target of the run."""

    origin: Origin
    transport: Transport


def side_of(neighbour: Neighbour, *, seconds: float, body_bytes: int) -> Side:
    """The way to a neighbour's gateway, and to nothing else."""
    origin = origin_of(neighbour.target)
    scope = Scope(frozenset({origin}))
    return Side(origin, Transport(scope, authority=neighbour.authority, seconds=seconds, body_bytes=body_bytes))


@dataclass(frozen=True, slots=True)
class Visit:
    """Implements :class:`assay.prove.foreign.Abroad` for one attempt. ``send`` sends to the neighbour's gateway."""

    neighbour: Neighbour
    send: Callable[[Call], Awaitable[Seen]]
    chance: random.Random

    @property
    def surface(self) -> Surface:
        """See Abroad."""
        return self.neighbour.surface

    async def act(self, persona: Persona) -> Identity:
        """See Abroad."""
        return await self.neighbour.cast.act(persona, send=self._send)

    async def works(self, target: Target, who: Identity, purpose: str) -> Seen:
        """See Abroad."""
        objects = self.neighbour.objects
        draft = objects.draft(target, None, random=self.chance)
        seen = await self._send(objects.encode(target, draft, who, purpose=purpose))
        if not seen.status:
            raise NotReached(
                f"the gateway of environment `{self.neighbour.environment}` does not answer ({seen.error}): start it "
                f"with `assay up --environment {self.neighbour.environment}`"
            )
        if not seen.ok:
            raise NotReached(f"the positive control ({purpose}) was answered {seen.status} at its own gateway")
        return seen

    async def _send(self, call: Call) -> Seen:
        declared = self.surface.declaration.model.apis.get(call.api)
        hosts = declared.hosts if declared else ("*",)
        if "*" not in hosts:
            name = f"assay{hosts[0][1:]}" if hosts[0].startswith("*.") else hosts[0]
            call = replace(call, headers=(*call.headers, ("host", name)))
        return await self.send(call)
