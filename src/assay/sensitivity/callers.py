"""What the callers of APIs can reach: through access rules, and in the forms that the gateway shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.observe import observes
from assay.declare.rules import Numbered, rules_by_operation
from assay.sensitivity.closure import Closure, stores_behind
from assay.sensitivity.forms import form_seen
from assay.sensitivity.levels import rank
from assay.sensitivity.pieces import FieldName, Piece, merge
from assay.sensitivity.principals import Grant, Principal, PrincipalReach, Reached
from assay.sensitivity.reductions import shown
from assay.sensitivity.reveals import MOST_REVEALING_FIRST, Reveals, owners

_CONFIDENTIAL = rank("confidential")


@dataclass(frozen=True, slots=True)
class Readable:
    """A field that somebody can read through an API, in the most revealing form, and the operations that answer it."""

    form: str
    operations: tuple[str, ...]


class Callers:
    """What each caller of the served APIs can reach."""

    def __init__(self, declaration: Declaration, closure: Closure) -> None:
        self._declaration, self._closure = declaration, closure
        self._apis = {n: a for n, a in declaration.model.apis.items() if a.product.lifecycle != "retired"}
        self._known: dict[tuple[str, frozenset[str], int], tuple[Reached, ...]] = {}
        self._rules: dict[str, Mapping[str, tuple[Numbered, ...]]] = {}
        self._reveals = {name: Reveals(api) for name, api in self._apis.items()}
        self._owners: dict[tuple[str, tuple[int, ...], bool], tuple[str, ...]] = {}
        self._by_role: dict[str, dict[str, None]] = {}
        self._open: dict[str, None] = {}
        for name, api in self._apis.items():
            for rule in api.access:
                for role in rule.roles:
                    self._by_role.setdefault(role, {})[name] = None
                if rule.anonymous:
                    self._open[name] = None

    def everybody(self) -> Iterator[PrincipalReach]:
        """Every consumer, every role, and anybody."""
        for name, consumer in self._declaration.model.consumers.items():
            principal = Principal("consumer", name, consumer.clearance, ("consumers", name))
            yield PrincipalReach(principal, self.reached(consumer.roles, rank(consumer.clearance)))
        held: dict[str, int] = {}
        for consumer in self._declaration.model.consumers.values():
            for role in consumer.roles:
                held[role] = max(held.get(role, 0), rank(consumer.clearance))
        for role in self._by_role:
            yield PrincipalReach(Principal("role", role), self.reached((role,), held.get(role, 0)))
        if self._open:
            yield PrincipalReach(Principal("anonymous", "", "public"), self.reached((), 0))

    def reached(self, roles: Iterable[str], clearance: int) -> tuple[Reached, ...]:
        """What somebody with these roles and this clearance can reach."""
        held = frozenset(roles)
        apis = dict.fromkeys([*(a for role in sorted(held) for a in self._by_role.get(role, ())), *self._open])
        return tuple(r for api in apis for r in self._through(api, held, clearance))

    def _through(self, api: str, roles: frozenset[str], clearance: int) -> tuple[Reached, ...]:
        key = (api, roles & self._words(api), clearance)
        if key not in self._known:
            allowed = [o for o in self._declaration.operations(api) if self._allowed(api, o, roles)]
            self._known[key] = self.seen(api, allowed, roles, clearance)
        return self._known[key]

    def serves(self, api: str) -> bool:
        """Whether the gateway serves an API: all but the retired ones."""
        return api in self._apis

    def seen(
        self, api: str, operations: Iterable[Operation], roles: Collection[str], clearance: int
    ) -> tuple[Reached, ...]:
        """What a caller sees in the answers of some operations."""
        readable: dict[FieldName, Readable] = {}
        for operation in operations:
            fields = self._closure.answers.fields(api, operation)
            if not fields:
                continue
            owning = self._owning(api, operation)
            masked = not observes(self._apis[api], "data_exposure", operation.id)
            for name, is_json in fields:
                field = self._declaration.model.data[name[0]].fields[name[1]]
                form = form_seen(field, self._reveals[api], roles, clearance, owning) if masked and is_json else "clear"
                before = readable.get(name)
                if before is None:
                    readable[name] = Readable(form, (operation.id,))
                else:
                    most = min(before.form, form, key=MOST_REVEALING_FIRST.index)
                    readable[name] = Readable(most, (*before.operations, operation.id))
        return self._objects(api, readable)

    def _objects(self, api: str, readable: Mapping[FieldName, Readable]) -> tuple[Reached, ...]:
        behind = stores_behind(self._declaration.model, api)
        found: dict[str, tuple[dict[str, Piece], dict[str, Piece], dict[str, str], dict[str, None]]] = {}
        for (data, key), one in readable.items():
            seen, certain, forms, operations = found.setdefault(data, ({}, {}, {}, {}))
            forms[key] = one.form
            operations.update(dict.fromkeys(one.operations))
            for pieces, stored in ((seen, self._closure.claimed), (certain, self._closure.verified)):
                for piece in self._closure.answers.standing((data, key), behind, stored):
                    left = shown(piece, one.form)
                    if left is not None:
                        known = pieces.get(left.attribute)
                        pieces[left.attribute] = left if known is None else merge(known, left)
        return tuple(
            Reached(
                data,
                f"apis.{api}",
                seen,
                certain,
                tuple(Grant(("apis", api, "access"), f"operation {o} of API {api}", (api, o)) for o in operations),
                forms,
            )
            for data, (seen, certain, forms, operations) in found.items()
        )

    def _owning(self, api: str, operation: Operation) -> tuple[str, ...]:
        rules = self._covering(api)[operation.id]
        observed = observes(self._apis[api], "authorisation", operation.id)
        key = (api, tuple(index for index, _ in rules), observed)
        if key not in self._owners:
            self._owners[key] = owners(self._declaration, self._apis[api], operation.id, rules)
        return self._owners[key]

    def _allowed(self, api: str, operation: Operation, roles: frozenset[str]) -> bool:
        if observes(self._apis[api], "authorisation", operation.id):
            return True
        return any(rule.anonymous or not roles.isdisjoint(rule.roles) for _, rule in self._covering(api)[operation.id])

    def _covering(self, api: str) -> Mapping[str, tuple[Numbered, ...]]:
        if api not in self._rules:
            self._rules[api] = rules_by_operation(self._apis[api], self._declaration.operations(api))
        return self._rules[api]

    def _words(self, api: str) -> frozenset[str]:
        declared = self._apis[api]
        given = frozenset(role for entry in declared.reveal for role in entry.roles)
        return given | {role for rule in declared.access for role in rule.roles}
