"""What is protected: systems, the data they hold, the accounts that reach them, the flows between them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from assay.declare.model.values import Day, Encryption, Id, Level, Mapped, OneOrMore, SecretRef
from assay.declare.quantities import Duration


class AtRest(Mapped):
    """How a store keeps what it holds."""

    encryption: Encryption
    by: Literal["gateway", "store", "disk"]
    keys: Id | None = Field(None, description="Name of the keyset, for `by: gateway`.")


class Connection(Mapped):
    """How to look into a store, to read rights and find canaries for real."""

    kind: Literal["postgresql", "sqlite", "mysql", "other"]
    dsn: SecretRef


class System(Mapped):
    """Something that holds or processes data."""

    kind: Literal["database", "service", "saas", "queue", "file-store", "third-party"]
    environment: Id
    owner: str
    location: str | None = None
    holds: tuple[Id, ...] = ()
    at_rest: AtRest | None = None
    connection: Connection | None = None


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


class Right(Mapped):
    """What an account may do, by hand."""

    select: tuple[str, ...] = ()


class RightsFrom(Mapped):
    """Where an account's rights are read from."""

    read_from: str


class Credential(Mapped):
    """An account's credential, and how old it may grow."""

    issued: Day
    rotate: Duration


class Account(Mapped):
    """An identity that an integration uses in a system."""

    platform: str
    system: Id
    environment: Id
    owner: str
    rights: RightsFrom | tuple[dict[str, str] | str, ...] = ()
    needs: tuple[dict[str, str] | str, ...] = ()
    credential: Credential | None = None


class Flow(Mapped):
    """Data that goes from one system to another."""

    from_: Id = Field(alias="from")
    to: Id
    account: Id | None = None
    data: tuple[Id, ...] = ()
    into: Id | None = None
    transforms: dict[str, str | dict[str, Any]] = {}
    purpose: str | None = None
