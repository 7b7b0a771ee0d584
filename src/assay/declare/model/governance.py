"""What must hold: objectives, accepted deviations, appetite for risk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.declare.model.values import Day, Id, Mapped
from assay.declare.quantities import Duration
from assay.domain import Category


class Scope(Mapped):
    """What an objective speaks about."""

    apis: tuple[Id, ...] = ()
    operations: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    systems: tuple[Id, ...] = ()


class Target(Mapped):
    """When an objective counts as met."""

    coverage: Annotated[str, Field(pattern=r"^(100|[1-9]?[0-9])%$")] = "100%"
    evidence_age: Duration = 7 * 86400


class Objective(Mapped):
    """A measurable statement of what must hold."""

    category: Category
    statement: str
    scope: Scope = Scope()
    controls: tuple[Id, ...] = Field(min_length=1)
    target: Target = Target()


class Exception_(Mapped):
    """An accepted deviation; stays visible everywhere, and ends."""

    id: Id | None = Field(None, description="How decisions name it; without one, the first digits of its digest do.")
    control: Id
    check: Id | None = None
    on: str
    reason: str = Field(min_length=8)
    owner: str
    approved_by: str
    compensating: tuple[Id, ...] = ()
    expires: Day


class Appetite(Mapped):
    """How much residual risk is accepted."""

    residual: Literal["note", "low", "medium", "high"] = "medium"
    for_: dict[str, Literal["note", "low", "medium", "high"]] = Field({}, alias="for")
