"""Which fields the gateway keeps encrypted in a store, and where they pass through an API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.declare.contract import Body, Operation, Parameter
from assay.declare.declaration import Declaration
from assay.declare.media import is_patch, may_be_json
from assay.declare.model import Api, DataField, System
from assay.gateway.ir import ProtectedField
from assay.sensitivity.bodies import FieldLabel, Labelled, Labels, View
from assay.sensitivity.levels import level_of, rank

RESTRICTED = rank("restricted")


def by_gateway(system: System) -> bool:
    """Whether the gateway encrypts what a system holds."""
    return system.at_rest is not None and system.at_rest.by == "gateway" and system.at_rest.encryption != "none"


def encrypted(declared: DataField) -> bool:
    """Whether a field is to be kept encrypted: it says so, or says nothing and is restricted or above."""
    return rank(level_of(declared)) >= RESTRICTED if declared.encrypt is None else declared.encrypt


def stores(declaration: Declaration, api: Api) -> Iterator[tuple[str, System]]:
    """The systems right behind an API whose data the gateway encrypts under a named keyset."""
    for name in dict.fromkeys(api.backed_by):
        system = declaration.model.systems.get(name)
        if system and by_gateway(system) and system.at_rest and system.at_rest.keys:
            yield name, system


def fields_of(declaration: Declaration, system: System) -> tuple[FieldLabel, ...]:
    """The fields that a system is to hold encrypted."""
    return tuple(
        FieldLabel(name, key, declared)
        for name in dict.fromkeys(system.holds)
        for key, declared in declaration.model.data[name].fields.items()
        if encrypted(declared)
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """Where protected fields pass through an operation.

    ``lookups`` are query parameters that look one up. ``searches`` are parameters of the same names that cannot.
    """

    request: tuple[Labelled, ...]
    response: tuple[Labelled, ...]
    lookups: tuple[tuple[Parameter, FieldLabel], ...]
    searches: tuple[tuple[Parameter, FieldLabel], ...]
    too_deep: bool
    forms: tuple[Body, ...]
    patches: tuple[Body, ...]

    @property
    def any(self) -> bool:
        """Whether the operation touches a protected field at all."""
        return bool(self.request or self.response or self.lookups or self.searches)


@dataclass(frozen=True)
class Flows:
    """The flows of one API for the fields of one store."""

    labels: Labels
    fields: tuple[FieldLabel, ...]
    _known: dict[str, Flow] = field(default_factory=dict, compare=False)

    def of(self, operation: Operation) -> Flow:
        """Where the fields pass through ``operation``; worked out once."""
        if operation.id not in self._known:
            self._known[operation.id] = self._of(operation)
        return self._known[operation.id]

    def _of(self, operation: Operation) -> Flow:
        # Bodies that are no JSON are looked at too: the gateway refuses them where they carry a protected field, rather
        # than let it be stored in clear.
        names = {f.name for f in self.fields}
        request: dict[tuple[str, ...], Labelled] = {}
        response: dict[tuple[str, ...], Labelled] = {}
        forms: list[Body] = []
        deep = False
        for body in operation.body:
            view = self.labels.of(body.schema, "request")
            mine = [i for i in view.labelled if i.label.name in names]
            deep |= self._deep(view, names)
            request.update((i.path, i) for i in mine if i.path not in request)
            if mine and not may_be_json(body.media_type):
                forms.append(body)
        for answer in operation.responses:
            if may_be_json(answer.media_type):
                view = self.labels.of(answer.schema, "response")
                deep |= self._deep(view, names)
                response.update((i.path, i) for i in view.labelled if i.label.name in names and i.path not in response)
        touched = {i.label.data for i in (*request.values(), *response.values())}
        named = {f.key: f for f in self.fields if f.data in touched}
        asked = [
            (p, named[p.name]) for p in operation.parameters if p.name in named and p.location in ("query", "path")
        ]
        patches = tuple(b for b in operation.body if b.schema is None or is_patch(b.media_type)) if response else ()
        return Flow(
            request=tuple(request.values()),
            response=tuple(response.values()),
            lookups=tuple((p, f) for p, f in asked if p.location == "query" and f.field.lookup),
            searches=tuple((p, f) for p, f in asked if p.location != "query" or not f.field.lookup),
            too_deep=deep,
            forms=tuple(forms),
            patches=patches,
        )

    @staticmethod
    def _deep(view: View, names: set[str]) -> bool:
        return bool(view.hidden) and any(i.label.name in names for i in view.labelled)


def protected(item: Labelled) -> ProtectedField:
    """A field at a place as the gateway's policy writes it."""
    return ProtectedField(
        path=item.path, name=item.label.name, form="deterministic" if item.label.field.lookup else "aead"
    )
