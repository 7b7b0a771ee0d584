"""The values that travel through a service: operations, calls, callers, replies and problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from tests.zoo.flaws import Switches
    from tests.zoo.kit.database import Database
    from tests.zoo.kit.service import Service

Schema = Mapping[str, Any]


class Problem(Exception):
    """A refusal, answered as problem details (RFC 9457)."""

    def __init__(self, status: int, title: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.headers = status, title, dict(headers or {})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an account, with what it may do now, and the session it came with."""

    id: str
    user: str
    roles: tuple[str, ...]
    tenant: str
    scopes: tuple[str, ...]
    session: str

    def has(self, *roles: str) -> bool:
        """Whether it has any of these roles."""
        return bool(set(roles) & set(self.roles))


@dataclass(slots=True, kw_only=True)
class Call:
    """One request, checked so far as the switches let it be checked.

    ``first_body``: the body with the first of repeated keys, where ``body`` has the last.
    """

    service: Service
    request: Request
    operation: Operation
    params: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    first_body: Any = None
    raw: bytes = b""
    who: Caller | None = None

    @property
    def caller(self) -> Caller:
        """Who calls.

        Raises:
            Problem: 401, nobody has proven who they are.
        """
        if self.who is None:
            raise Problem(401, "Unauthorized", {"www-authenticate": "Bearer"})
        return self.who

    @property
    def db(self) -> Database:
        """The service's store."""
        return self.service.database

    @property
    def flaws(self) -> Switches:
        """What is wrong on purpose."""
        return self.service.flaws


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``body``: a JSON value, or bytes with their ``media`` type; None: no body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: routing, rights, validation and contract are all made from this.

    Attributes:
        roles: who may call it; empty: anybody, without credentials.
        optional: credentials are looked at if they are there, and not asked for.
        scope: what a token must carry.
        query, header: parameters by name; ``required`` in the schema's own ``x-required``.
        body: schema of the JSON body; with another ``media``, there is no schema.
        answer: schema of the answer's body; None: no body.
        rate: (calls, seconds) for one caller.
        limit: most bytes of a body.
        loose: flaw → schema of a parameter or body (``body``) that it replaces; None drops it.
        only_with: this flaw makes the operation exist; it is in no contract.
    """

    id: str
    method: str
    path: str
    handler: Handler
    summary: str
    roles: tuple[str, ...] = ()
    optional: bool = False
    scope: str = ""
    query: Mapping[str, Schema] = field(default_factory=dict)
    header: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    media: str = "application/json"
    answer: Schema | None = None
    status: int = 200
    answer_media: str = "application/json"
    rate: tuple[int, float] | None = None
    limit: int | None = None
    loose: Mapping[str, Mapping[str, Schema | None]] = field(default_factory=dict)
    only_with: str = ""
    owns: str = ""

    @property
    def public(self) -> bool:
        """Whether it asks nobody who they are."""
        return not self.roles


def text(most: int = 100, least: int = 1, **more: Any) -> Schema:
    """A string of ``least`` to ``most`` characters, which no store stumbles over: PostgreSQL keeps no NUL."""
    return {"type": "string", "minLength": least, "maxLength": most, "pattern": r"^[^\x00]*$", **more}


def whole(least: int, most: int, **more: Any) -> Schema:
    """A whole number between two bounds."""
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def thing(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def listing(item: Schema, most: int = 200, **more: Schema) -> Schema:
    """A page of things."""
    return thing({"items": {"type": "array", "items": item, "maxItems": most}}, dict(more))


def ref(name: str) -> Schema:
    """A reference to a named schema of the service."""
    return {"$ref": f"#/components/schemas/{name}"}
