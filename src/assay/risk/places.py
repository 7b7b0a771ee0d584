"""Where each threat may strike: which operations, APIs, systems, accounts and flows a scenario can stand on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assay.declare.contract import Contract, Operation, SchemaRef
from assay.declare.model import Access, Api, Flow, Model
from assay.domain import AssayError
from assay.sensitivity import Labels

_ADDRESS = re.compile(
    r"ur[il]|href|link|callback|webhook|redirect|endpoint|avatar|feed|proxy"
    r"|(?:^|_)(?:host|domain|site|image|img|source|src)(?:$|_)",
    re.IGNORECASE,
)
_FOREIGN = frozenset({"third-party", "saas"})
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operation that a threat may strike.

    Attributes:
        rules: the access rules that cover it.
        labels: of its answers; None: they hold nothing that is declared.
        people: roles whose holders are people, each with objects of their own.
    """

    api: Api
    operation: Operation
    rules: tuple[Access, ...]
    labels: Labels | None
    people: frozenset[str]
    contract: Contract
    addresses: Addresses

    def takes_address(self, ref: SchemaRef) -> bool:
        """Whether a body of this schema carries something that is called or formatted like an address."""
        return self.addresses.among(self.contract, ref)

    @property
    def open(self) -> bool:
        """Whether anybody may call it who proves nothing."""
        if self.api.access:
            return any(rule.anonymous for rule in self.rules)
        return any(not requirement for requirement in self.operation.security) or not self.operation.security


def _objects(c: Candidate) -> bool:
    """Its path names an object, and some of those who may call it are people with objects of their own."""
    if "{" not in c.operation.path:
        return False
    return not c.api.access or any(r.owns or r.anonymous or c.people & set(r.roles) for r in c.rules)


def _input(c: Candidate) -> bool:
    return bool(c.operation.parameters or c.operation.body)


def _bodies(c: Candidate) -> bool:
    return bool(c.operation.body) or _answers(c)


def _answers(c: Candidate) -> bool:
    return c.labels is not None and bool(c.labels.claimed.pieces)


def _addresses(c: Candidate) -> bool:
    return any(_ADDRESS.search(p.name) for p in c.operation.parameters) or any(
        b.schema is not None and c.takes_address(b.schema) for b in c.operation.body
    )


class Addresses:
    """Whether a body has properties that are called or formatted like addresses; each schema is looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, SchemaRef], bool] = {}

    def among(self, contract: Contract, ref: SchemaRef) -> bool:
        """Looks at the properties of the body itself, or of the items of the list that it is."""
        key = id(contract), ref
        if key not in self._known:
            try:
                found = contract.fields(ref, direction="request", nested=False)
            except AssayError:
                found = ()  # what cannot be read has a finding of its own
            self._known[key] = any(_ADDRESS.search(f.path[-1]) or f.format in ("uri", "url") for f in found if f.path)
        return self._known[key]


OPERATIONS: Mapping[str, Callable[[Candidate], bool]] = {
    "every": lambda _: True,
    "input": _input,
    "guarded": lambda c: not c.open,
    "objects": _objects,
    "bodies": _bodies,
    "answers": _answers,
    "addresses": _addresses,
    "writes": lambda c: c.operation.method.upper() in _WRITING,
}
"""By the word under ``where:`` of a threat, for those whose scope is operations."""


def roles_of_people(model: Model) -> frozenset[str]:
    """Roles that are held by people who sign in themselves, so that each has objects of their own."""
    found: set[str] = set()
    for consumer in model.consumers.values():
        oauth2 = consumer.authenticate.oauth2
        if consumer.kind == "person" or (oauth2 is not None and "password" in oauth2.grants):
            found.update(consumer.roles)
    return frozenset(found)


def from_outside(model: Model, flow: Flow) -> bool:
    """Whether what a flow brings comes from somebody else's system."""
    source = model.systems.get(flow.from_)
    return source is not None and (source.kind in _FOREIGN or source.operator is not None)


def callers_of(model: Model, rules: Iterable[Access]) -> tuple[str, ...]:
    """The consumers that some rules name by a role."""
    roles = {role for rule in rules for role in rule.roles}
    return tuple(name for name, consumer in model.consumers.items() if roles & set(consumer.roles))
