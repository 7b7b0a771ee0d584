"""Systems: what holds or processes data, where it runs, and how it keeps what it holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.declare.model.values import Encryption, Id, Mapped, SecretRef


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
