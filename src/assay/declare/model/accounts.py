"""Accounts: identities that integrations use in systems, what they may do there, and what they need."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from assay.declare.model.values import Day, Id, Level, Mapped, OneOrMore, SecretReference
from assay.declare.quantities import Duration


class Right(Mapped):
    """What an account may do, by hand: one or more operations, each with the objects it may be done to.

    An object is named as its platform names it; `*` stands for any text.
    """

    select: OneOrMore = Field((), description="Objects it may read.")
    read: OneOrMore = Field((), description="Objects it may read; the same as `select`.")
    insert: OneOrMore = Field((), description="Objects it may add to.")
    update: OneOrMore = Field((), description="Objects it may change.")
    write: OneOrMore = Field((), description="Objects it may add to and change.")
    delete: OneOrMore = Field((), description="Objects it may delete or empty.")
    execute: OneOrMore = Field((), description="Functions or actions it may run with more rights than its own.")
    admin: OneOrMore = Field((), description="Objects it may alter, drop or own.")
    grant: OneOrMore = Field((), description="Objects whose rights it may give to others.")
    impersonate: OneOrMore = Field((), description="Identities it may act as.")
    since: Day | None = Field(None, description="Since when; younger rights are not called unused yet.")

    @model_validator(mode="after")
    def _something(self) -> Right:
        if not any(getattr(self, name) for name in RIGHT_WORDS):
            raise ValueError(f"a right is one of {', '.join(f'`{w}`' for w in RIGHT_WORDS)}, with its objects")
        return self


RIGHT_WORDS = ("select", "read", "insert", "update", "write", "delete", "execute", "admin", "grant", "impersonate")


class RightsFrom(Mapped):
    """Where an account's rights are read from."""

    read_from: str = Field(description="`connection` reads them from the system itself; else a file.")
    format: Literal["aws-iam", "keycloak", "salesforce", "entra", "csv"] | None = Field(
        None, description="What wrote the file. May be left out for .csv."
    )
    name: str | None = Field(None, description="What the account is called there; default: its `login`.")


class Credential(Mapped):
    """An account's credential, and how old it may grow."""

    issued: Day
    rotate: Duration
    expires: Day | None = Field(None, description="The day after which it is refused.")
    secret: SecretReference | None = Field(
        None, description="Where the credential is kept, by reference; two accounts with one reference share it."
    )


class Narrowed(Mapped):
    """The API that lets an account's holders do less than the account could."""

    api: Id = Field(description="The API in front, which the account's consumers call.")
    operations: tuple[str, ...] = Field(min_length=1, description="The only operations its consumers may call.")


class Account(Mapped):
    """An identity that an integration uses in a system."""

    platform: str
    system: Id
    environment: Id
    owner: str
    kind: Literal["service", "person", "shared"] = Field(
        "service", description="Who uses it: one integration, one person, or several."
    )
    login: str | None = Field(None, description="What it is called in its system; default: its id.")
    rights: RightsFrom | tuple[Right, ...] = Field((), description="What it may do: read from somewhere, or by hand.")
    needs: tuple[Right, ...] = Field((), description="What it has to do; every other right is too much.")
    credential: Credential | None = None
    used_by: tuple[Id, ...] = Field((), description="The consumers, systems and APIs that act through it.")
    clearance: Level | None = Field(None, description="The highest level of data that it may reach.")
    justification: str | None = Field(None, description="Why it holds rights over others or over restricted data.")
    seasonal: Duration | None = Field(
        None, description="Within which time every right is used once, if that is longer than 90 days."
    )
    last_used: Day | None = Field(None, description="When it was last used, where nothing measures that.")
    records: int | dict[str, int] | None = Field(
        None, description="How many records its objects hold: one number for each of them, or by object."
    )
    objects: dict[str, Id] = Field(
        {}, description="Which data set an object holds, where its name does not say; `*` for any text."
    )
    narrowed_by: Narrowed | None = Field(
        None, description="Where its rights cannot shrink: the API that lets its consumers do less."
    )
    duties: tuple[Id, ...] = Field((), description="Duties it performs, as named under `duties:`.")


class Duty(Mapped):
    """Duties that no account may hold together."""

    never_together: tuple[Right | Id, ...] = Field(
        min_length=2, description="Names of duties, or rights that amount to one."
    )
    why: str = Field(description="What could be done by whoever holds both.")
