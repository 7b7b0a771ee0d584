"""Systems: what holds or processes data, where it runs, and how it keeps what it holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.declare.model.values import Encryption, Id, Level, Mapped, SecretRef


class AtRest(Mapped):
    """How a store keeps what it holds."""

    encryption: Encryption
    by: Literal["gateway", "store", "disk"]
    keys: Id | None = Field(None, description="Name of the keyset, for `by: gateway`.")


class Connection(Mapped):
    """How to look into a store, to read rights and find canaries for real."""

    kind: Literal["postgresql", "sqlite", "mysql", "other"]
    dsn: SecretRef


class Transfer(Mapped):
    """Why personal data may leave the jurisdictions of the organisation (GDPR Chapter V)."""

    safeguard: Literal[
        "adequacy", "standard-clauses", "binding-rules", "code-of-conduct", "certification", "derogation"
    ] = Field(description="What allows it: an adequacy decision, contracts, binding rules, or an exception.")
    reference: str | None = Field(None, description="The decision, contract or rules, as an auditor finds them.")


class System(Mapped):
    """Something that holds or processes data."""

    kind: Literal["database", "service", "saas", "queue", "file-store", "third-party"]
    environment: Id
    owner: str
    location: str | None = Field(None, description="Where it runs: a jurisdiction or country, such as eu, de or us.")
    operator: str | None = Field(None, description="Who runs it, where that is not the organisation itself.")
    transfer: Transfer | None = Field(
        None, description="Why personal data may be there, outside the organisation's jurisdictions."
    )
    clearance: Level | None = Field(None, description="The highest level of data that it may hold.")
    holds: tuple[Id, ...] = ()
    at_rest: AtRest | None = None
    connection: Connection | None = None
    record: bool | None = Field(
        None, description="Whether it is a system of record: where data is first true. Nothing is concluded without it."
    )
    hosts: tuple[str, ...] = Field((), description="Where it answers: host names or addresses, with `:PORT` or not.")
