"""Where an account's rights cannot shrink: what an API in front can keep from those who act through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.declare.declaration import Declaration
from assay.declare.model import Account, Narrowed
from assay.declare.observe import observes
from assay.declare.rules import rules_by_operation
from assay.declare.selectors import selects
from assay.privilege.declared import needs_of
from assay.privilege.rights import Operation
from assay.sensitivity.closure import stores_behind

_METHODS: Final[Mapping[str, Operation]] = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "write",
    "PUT": "write",
    "PATCH": "write",
    "DELETE": "delete",
}


@dataclass(frozen=True, slots=True)
class Holding:
    """What a consumer that acts through a narrowed account could call beside what it may."""

    consumer: str
    beyond: tuple[str, ...]
    unlimited: bool
    anywhere: bool


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A proposal: the account's consumers may call these operations of an API, and no others.

    Attributes:
        holders: what each of them could do beside, today.
    """

    api: str
    operations: tuple[str, ...]
    holders: tuple[Holding, ...]


def narrowings(declaration: Declaration, name: str) -> tuple[Narrowing, ...]:
    """For each API that consumers of an account call, the operations that do what the account needs, by their method.

    Which of the data an operation is about is not in its method, so this is to be looked through. Empty: no consumer is
    declared to act through the account, or none may call anything of that kind.
    """
    model = declaration.model
    account = model.accounts[name]
    wanted = {need.operation for need in needs_of(declaration, name)}
    found: list[Narrowing] = []
    for api_id, api in model.apis.items():
        if api_id not in declaration.contracts or account.system not in stores_behind(model, api_id):
            continue
        everything = Narrowed(api=api_id, operations=("",))
        holders = holding(declaration, account, everything)
        callable_ = {operation for holder in holders for operation in holder.beyond}
        operations = tuple(
            o.id
            for o in declaration.operations(api_id)
            if o.id in callable_ and _METHODS.get(o.method.upper()) in wanted
        )
        if operations and api.product.lifecycle != "retired":
            by = Narrowed(api=api_id, operations=operations)
            found.append(Narrowing(api_id, operations, holding(declaration, account, by)))
    return tuple(found)


def as_yaml(name: str, proposals: Iterable[Narrowing]) -> str:
    """The proposals as what to write into the declaration."""
    lines: list[str] = []
    for proposal in proposals:
        operations = ", ".join(proposal.operations)
        lines += [
            f"# If these rights cannot shrink, let the API `{proposal.api}` keep its callers to what is needed:",
            "accounts:",
            f"  {name}:",
            f"    narrowed_by: {{api: {proposal.api}, operations: [{operations}]}}",
        ]
        for holder in proposal.holders:
            if holder.beyond:
                lines.append(
                    f"# `{holder.consumer}` may also call {', '.join(holder.beyond)}; give it a role of its own:"
                )
                lines.append(f"#   - {{roles: [{holder.consumer}], operations: [{operations}]}}")
            if holder.unlimited:
                lines.append(f"# `{holder.consumer}` has no `limit:`.")
            if holder.anywhere:
                lines.append(f"# `{holder.consumer}` may call from anywhere: `networks: {{allow: [...]}}`.")
    return "".join(f"{line}\n" for line in lines)


def holding(declaration: Declaration, account: Account, by: Narrowed) -> tuple[Holding, ...]:
    """The consumers that act through a narrowed account, and what they could do beside."""
    model = declaration.model
    api = model.apis.get(by.api)
    if api is None or by.api not in declaration.contracts:
        return ()
    operations = declaration.operations(by.api)
    covering = rules_by_operation(api, operations)
    found: list[Holding] = []
    for name in account.used_by:
        consumer = model.consumers.get(name)
        if consumer is None:
            continue
        roles = set(consumer.roles)
        beyond = tuple(
            operation.id
            for operation in operations
            if not any(selects(pattern, operation.id) for pattern in by.operations)
            and (
                observes(api, "authorisation", operation.id)
                or any(rule.anonymous or set(rule.roles) & roles for _, rule in covering[operation.id])
            )
        )
        limited = consumer.limit is not None or api.limits.default is not None
        kept = any(n is not None and n.allow for n in (consumer.networks, api.networks, model.networks))
        # A control that only watches refuses nobody.
        inside = [o.id for o in operations if any(selects(pattern, o.id) for pattern in by.operations)]
        limited = limited and not any(observes(api, "rate_limiting", o) for o in inside)
        kept = kept and not any(observes(api, "network_ranges", o) for o in inside)
        found.append(Holding(name, beyond, not limited, not kept))
    return tuple(found)
