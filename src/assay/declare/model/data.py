"""Data: kinds of records, what their fields are, and how they go from one system to another."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from assay.declare.model.values import Id, Level, Mapped, OneOrMore
from assay.declare.quantities import Duration


class DataField(Mapped):
    """One field of a data set, and how sensitive it is."""

    category: str | None = Field(None, description="A fideslang data category, such as user.contact.email.")
    level: Level | None = None
    identifies: Literal["direct", "quasi"] | None = None
    bits: float | None = Field(None, ge=0, le=64)
    links: Id | None = None
    encrypt: bool | None = Field(
        None, description="Encrypt this field in the gateway; default: level restricted and up."
    )
    lookup: bool = Field(False, description="Encrypt deterministically, so that exact search still works.")
    free_text: bool = False
    guessed: Literal["low", "medium", "high"] | None = Field(
        None,
        description="This classification is a guess, held with this confidence; remove the key once it is confirmed.",
    )


class Data(Mapped):
    """A data set: a kind of record about somebody or something."""

    subjects: str | None = None
    from_: OneOrMore = Field(
        (), alias="from", description="Schemas of contracts this data appears as: FILE#/json/pointer."
    )
    purpose: tuple[str, ...] = ()
    legal_basis: (
        Literal["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"]
        | None
    ) = None
    retention: Duration | None = None
    fields: dict[str, DataField] = {}


class Flow(Mapped):
    """Data that goes from one system to another."""

    from_: Id = Field(alias="from")
    to: Id
    account: Id | None = None
    data: tuple[Id, ...] = ()
    into: Id | None = None
    transforms: dict[str, str | dict[str, Any]] = {}
    purpose: str | None = None
