"""What a report says of the organisation behind the APIs: its data, who can put what together, accounts, layers."""

from __future__ import annotations

from dataclasses import dataclass

from assay.report.datamap import Picture
from assay.report.layers import LayerPicture


@dataclass(frozen=True, slots=True)
class BlendNote:
    """What one principal can put together, at its most sensitive.

    Attributes:
        claimed, verified: levels; verified counts only transformations that were seen to work.
        observed: the level of what its calls did reach; None: its calls reached no data; empty: nothing observes it.
        unused: what of its grants no call needed, in words; empty: nothing, or nobody knows.
        why: how the level came about, step by step.
        changes: the smallest changes that would bring it under the clearance.
    """

    principal: str
    clearance: str
    objects: tuple[str, ...]
    claimed: str
    verified: str
    above: bool
    above_until_verified: bool
    why: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    observed: str | None = ""
    unused: str = ""


@dataclass(frozen=True, slots=True)
class AccountNote:
    """An integration account. ``excess``: the privilege excess index, 0 to 1; None: it cannot be judged."""

    id: str
    system: str
    rights: int | None
    excess: float | None
    flags: tuple[str, ...]
    reaches: tuple[str, ...]
    level: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """The pictures and tables of a report about the organisation; empty parts are left out of it.

    ``observed`` says what the logs cover that observed levels come from; empty: there is no log.
    """

    data: Picture | None = None
    blends: tuple[BlendNote, ...] = ()
    accounts: tuple[AccountNote, ...] = ()
    layers: LayerPicture | None = None
    observed: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.data or self.blends or self.accounts or self.layers)
