"""What a foreign gateway's configuration says, in one shape for every platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from assay.domain import Location

Proof = Literal["api_key", "token", "certificate", "password", "elsewhere"]
"""How callers prove who they are: ``elsewhere`` is a decision that another service makes."""


@dataclass(frozen=True, slots=True)
class Use:
    """A feature of the platform, as it is configured for a route.

    Attributes:
        feature: the platform's own name for it, such as ``rate-limiting``.
        says: what it does there, in a few words: ``60 a minute for each consumer``.
        weakness: why that is less than it looks; empty when nothing is wrong with it.
    """

    feature: str
    at: Location
    says: str = ""
    weakness: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` calls in ``seconds``, for each of what ``per`` names."""

    count: int
    seconds: int
    per: Literal["caller", "address", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests that the gateway passes on.

    Attributes:
        path: a path; with ``prefix``, everything below it too.
        methods: upper case; empty: any.
        hosts: empty: any.
        upstream: URL of the service behind; empty when the configuration does not say.
        proofs: the ways to prove who calls, any of which is enough; empty: nobody is asked.
        groups: who may call, where the configuration says more than *known*.
        validated: whether bodies are held against a schema.
        body: most bytes of a body.
    """

    id: str
    api: str
    path: str
    at: Location
    prefix: bool = True
    methods: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    upstream: str = ""
    uses: tuple[Use, ...] = ()
    proofs: tuple[Proof, ...] = ()
    groups: tuple[str, ...] = ()
    limit: Limit | None = None
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    validated: bool = False
    body: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A consumer that the gateway knows. Secrets are not read."""

    id: str
    at: Location
    proofs: tuple[Proof, ...] = ()
    groups: tuple[str, ...] = ()
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Something in the configuration that is not understood, so nothing is concluded from it."""

    what: str
    at: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A gateway's whole configuration.

    Attributes:
        unsaid: controls that such a file cannot show, because the platform keeps them elsewhere.
    """

    platform: str
    routes: tuple[Route, ...]
    callers: tuple[Caller, ...] = ()
    unread: tuple[Unread, ...] = ()
    unsaid: frozenset[str] = frozenset()


def lax_networks(allow: Iterable[str], *, denied: bool = False) -> str:
    """Why a list of networks keeps nobody out; empty where it does.

    Args:
        allow: the networks that may call.
        denied: whether there is a list of those that may not, beside or instead.
    """
    allow = set(allow)
    if allow & {"0.0.0.0/0", "::/0"}:
        return "the list allows every network"
    return "a list of who may not lets everybody else in" if denied and not allow else ""
