"""What a filter file offers, and the view of the policy that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy, Policy
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import Json
from assay.gateway.runtime import Runtime

T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """The policy and the run-time facts, with what several filters derive from them computed once."""

    policy: Policy
    runtime: Runtime

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """What ``compute`` gives, computed the first time only: operations are many, and most are alike."""
        if key not in self._once:
            self._once[key] = compute()
        return cast(T, self._once[key])

    @cached_property
    def _once(self) -> dict[object, object]:
        return {}

    @cached_property
    def issuers(self) -> dict[str, ir.TokenIssuer]:
        """Token issuers by id."""
        return {i.issuer: i for i in self.policy.issuers}

    @cached_property
    def admissions(self) -> dict[str, tuple[ir.Admission, ...]]:
        """Who is admitted at all, by API."""
        found: dict[str, tuple[ir.Admission, ...]] = {}
        for piece in self.policy.admissions:
            found[piece.api] = (*found.get(piece.api, ()), piece)
        return found

    @cached_property
    def key_headers(self) -> tuple[str, ...]:
        """Every header that carries an API key somewhere, in lower case."""
        found = {
            proof.header.lower()
            for operation in self.policy.operations
            for alternative in (operation.authentication.alternatives if operation.authentication else ())
            for proof in alternative
            if proof.kind == "key" and proof.header
        }
        return tuple(sorted(found))


@dataclass(frozen=True)
class Filter:
    """One filter of the chain.

    Attributes:
        name: unique in the chain; also the key of its per-route configuration.
        listener: its configuration in the chain, or None to leave it out of the gateway altogether.
        everywhere: configuration for every route, or None.
        route: configuration for one operation (with ``queried`` telling whether the route is the one for requests that
            carry a query string), or None.
        off_by_default: the filter runs only on routes that configure it.
    """

    name: str
    slot: Slot
    listener: Callable[[View], Json | None]
    everywhere: Callable[[View], Json | None] = lambda _: None
    route: Callable[[View, OperationPolicy, bool], Json | None] = lambda _v, _o, _q: None
    off_by_default: bool = True
