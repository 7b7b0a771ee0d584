"""What may be had again: objects that several cases use, and what stands above them, each with its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.declare.contract import placeholders
from assay.prove.case import Identity, Thing
from assay.prove.objects.graph import prefix
from assay.prove.objects.making import Got
from assay.prove.surface import Persona, Surface, Target

USES = 12
"""How many cases share one owner's object, so that the owner's limits are not used up by many."""
Place = tuple[str, ...]


@dataclass(slots=True)
class Shared:
    """An object for several cases. ``free``: for whoever may use any object, so it wears out nobody's limits."""

    thing: Thing
    free: bool = False
    uses: int = 0
    retired: bool = False

    def usable(self, other_than: Sequence[Identity]) -> bool:
        """Whether one more case may have it."""
        others = {identity.name for identity in other_than}
        return self.thing.owner.name not in others and not self.retired and (self.free or self.uses < USES)


@dataclass(slots=True)
class Parent:
    """What stands above an object: its identifier, and who owns it where a rule binds callers to it."""

    got: Got
    owner: Identity | None
    uses: int = 1

    @property
    def usable(self) -> bool:
        """Whether one more object may be made below it."""
        return self.owner is None or self.uses < USES


def is_free(surface: Surface, target: Target, persona: Persona) -> bool:
    """Whether any object will do for the persona: a rule lets it use all of them, and no tenant of its own stands in
    the way."""
    allowed = surface.declared_access and not persona.given and persona.tenant is None
    return allowed and surface.allows(target, persona) is True and not surface.owns(target, persona)


def use_of(target: Target, *, listing: bool) -> str:
    """Which objects may be shared: what is changed is not what others read their marker in."""
    names = placeholders(target.operation.path)
    place = target.base + (prefix(target.operation.path, names[-1]) if names else "")
    if listing:
        return f"list {target.path}"
    return f"change {place}" if target.operation.method in ("PUT", "PATCH", "DELETE") else place


def lists(target: Target) -> bool:
    """Whether the operation reads what lies below an object, such as ``/customers/{customerId}/orders``."""
    names = placeholders(target.operation.path)
    path = target.operation.path.rstrip("/")
    return target.operation.method == "GET" and bool(names) and prefix(path, names[-1]) != path
