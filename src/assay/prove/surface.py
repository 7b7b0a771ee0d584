"""What is tested and what is claimed about it: the operations, and the kinds of callers (personas)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from assay.declare.contract import Contract, Operation, SecurityScheme
from assay.declare.declaration import Declaration
from assay.declare.model import Access, Api
from assay.declare.rules import rules_by_operation
from assay.domain import Location

Way = Literal["token", "key", "certificate", "session"]
"""How a caller proves who it is. ``session``: whatever a login recipe brought."""
Via = Literal["gateway", "direct"]

_WAY_OF: Mapping[str, Way] = {
    "oauth2": "token",
    "openIdConnect": "token",
    "http-bearer": "token",
    "apiKey": "key",
    "mutualTLS": "certificate",
}
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of caller: a declared consumer with the ways it proves itself, or an identity given by hand.

    Attributes:
        name: the consumer's id, or the name of the declared or given identity; ``CONSUMER+WAY`` when one consumer has
            several ways, each of which is a persona of its own, and the one with all of them has the plain name.
        roles: what its calls may carry.
        ways: presented together.
        scopes: what its tokens carry.
        people: many subjects act through it, so two different owners can be made.
        sources: networks it must call from (CIDR), empty: any.
    """

    name: str
    consumer: str | None
    roles: tuple[str, ...]
    ways: tuple[Way, ...]
    scopes: tuple[str, ...] = ()
    clearance: str = "internal"
    people: bool = False
    tenant: str | None = None
    sources: tuple[str, ...] = ()
    given: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One operation that can be called.

    Attributes:
        base: what stands before the contract's path in a URL (no trailing slash), on the side that is tested.
        rules: the access rules that cover it, with their index.
    """

    api: str
    operation: Operation
    base: str
    subject: str
    at: Location
    rules: tuple[tuple[int, Access], ...] = ()

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.operation.id

    @property
    def writes(self) -> bool:
        """Whether its method is one that changes things."""
        return self.operation.method.upper() in WRITING

    @property
    def path(self) -> str:
        """The whole path template."""
        return self.base + self.operation.path


@dataclass(frozen=True)
class Surface:
    """Everything a run may test.

    Attributes:
        via: through the gateway, or straight at the upstream.
        fronted: our own gateway stands in front (and, with ``via`` gateway, is what answers).
        declared_access: whether access rules say who may do what; without them only the contract does.
        allow_writes: whether methods that change things may be sent to objects this run did not make.
        barred: (API, consumer) pairs that the gateway does not admit, whatever access rules say.
        others: other environments that APIs are served in, and the ways in which their own consumers prove themselves.
    """

    declaration: Declaration
    targets: tuple[Target, ...]
    personas: tuple[Persona, ...]
    via: Via = "gateway"
    fronted: bool = True
    declared_access: bool = True
    allow_writes: bool = True
    tls: bool = True
    upstreams: Mapping[str, str] = field(default_factory=dict)
    barred: frozenset[tuple[str, str]] = frozenset()
    others: Mapping[str, frozenset[Way]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[tuple[str, str], Target]:
        """Targets by (API, operation)."""
        return {(t.api, t.id): t for t in self.targets}

    @cached_property
    def _items(self) -> frozenset[tuple[str, str]]:
        """Paths of collections: those below which an item has a path of its own, by API."""
        paths = ((t.api, t.operation.path.rstrip("/").rpartition("/")) for t in self.targets)
        return frozenset((api, path) for api, (path, _, last) in paths if last.startswith("{") and last.endswith("}"))

    def adds(self, target: Target) -> bool:
        """Whether it puts something into a collection, so that what its path names stays as it is."""
        path = target.operation.path.rstrip("/")
        return target.operation.method.upper() == "POST" and (target.api, path) in self._items

    def api(self, target: Target) -> Api:
        """The declared API that a target belongs to."""
        return self.declaration.model.apis[target.api]

    def contract(self, target: Target) -> Contract:
        """The contract that a target belongs to."""
        return self.declaration.contracts[target.api]

    def is_open(self, target: Target) -> bool | None:
        """Whether anybody may call it without credentials. None: neither rules nor contract say."""
        if self.declared_access:
            return any(rule.anonymous for _, rule in target.rules)
        if target.operation.security:
            return any(not requirement for requirement in target.operation.security)
        return None if not self.contract(target).security_schemes else True

    def proves(self, target: Target, persona: Persona) -> bool:
        """Whether the persona's ways and scopes satisfy what the contract asks of its callers."""
        schemes = self.contract(target).security_schemes
        requirements = target.operation.security
        if not requirements or (self.fronted and self.api(target).security == "any"):
            return True
        for requirement in requirements:
            ways = {
                _WAY_OF.get(schemes[r.scheme].kind, "session") if r.scheme in schemes else None for r in requirement
            }
            scopes = {scope for r in requirement for scope in r.scopes}
            if persona.given and "session" in persona.ways:
                return True
            if (
                None not in ways
                and ways <= set(persona.ways)
                and ("token" not in ways or scopes <= set(persona.scopes))
            ):
                return True
        return False

    def rule_for(self, target: Target, persona: Persona) -> tuple[int, Access] | None:
        """The widest rule that gives the persona this operation: one without ownership before one with."""
        found = [
            (index, rule) for index, rule in target.rules if rule.anonymous or set(rule.roles) & set(persona.roles)
        ]
        found = [(i, r) for i, r in found if not r.scopes or set(r.scopes) <= set(persona.scopes)]
        return min(found, key=lambda numbered: (len(numbered[1].owns), numbered[0]), default=None)

    def allows(self, target: Target, persona: Persona) -> bool | None:
        """Whether the persona may call it at all (on objects of its own). None: nothing says so."""
        if self.declared_access:
            return self.rule_for(target, persona) is not None and self.proves(target, persona)
        return True if self.is_open(target) else None

    def owns(self, target: Target, persona: Persona) -> tuple[str, ...]:
        """The ownership conditions that bind the persona on this target; empty: it may use any object."""
        rule = self.rule_for(target, persona)
        return tuple(rule[1].owns) if rule else ()

    def is_barred(self, target: Target, persona: Persona) -> bool:
        """Whether the gateway does not even admit the persona to the API, whatever access rules say."""
        return persona.consumer is not None and (target.api, persona.consumer) in self.barred

    def permitted(self, target: Target) -> tuple[Persona, ...]:
        """The personas that may call it, those bound by ownership first (they own what they call)."""
        allowed = [p for p in self.personas if self.allows(target, p) and not self.is_barred(target, p)]
        return tuple(sorted(allowed, key=lambda p: (not self.owns(target, p), p.name)))

    def forbidden(self, target: Target) -> tuple[Persona, ...]:
        """The personas that a rule would have to name, and none does; those that are not even admitted left out."""
        return tuple(p for p in self.personas if self.allows(target, p) is False and not self.is_barred(target, p))


def _way(scheme: SecurityScheme | None) -> Way | None:
    return _WAY_OF.get(scheme.kind, "session") if scheme else None


def targets_of(declaration: Declaration, *, base_of: Mapping[str, str]) -> tuple[Target, ...]:
    """Every operation of every API in ``base_of`` (API id to the path its URLs begin with)."""
    found = []
    for api_id, base in base_of.items():
        api, contract = declaration.model.apis[api_id], declaration.contracts[api_id]
        rules = rules_by_operation(api, contract.operations)
        for operation in contract.operations:
            at = contract.locate(operation.pointer)
            subject = f"apis.{api_id}.operations.{operation.id}"
            found.append(Target(api_id, operation, base, subject, at, rules[operation.id]))
    return tuple(found)
