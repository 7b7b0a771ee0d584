"""Accounts: identities that integrations use in systems, what they may do there, and what they need."""

from __future__ import annotations

from assay.declare.model.values import Day, Id, Mapped
from assay.declare.quantities import Duration


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
