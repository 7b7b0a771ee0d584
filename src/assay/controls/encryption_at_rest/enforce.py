"""The fields that the gateway encrypts before a service sees them, and decrypts on the way back."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.encryption_at_rest.protected import Flows, fields_of, protected, stores
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import Api, System
from assay.gateway import ir
from assay.sensitivity.bodies import labels

_CONTROL = "encryption_at_rest"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """The protected fields of every operation, for each keyset of a store right behind its API.

    An API that reaches the store through another API gets nothing: the value is encrypted once, next to the store.
    """
    for api_id, api in served_apis(declaration):
        by_keyset: dict[str, list[tuple[str, System]]] = {}
        for name, system in stores(declaration, api):
            if system.at_rest and system.at_rest.keys:
                by_keyset.setdefault(system.at_rest.keys, []).append((name, system))
        taken: set[str] = set()
        for keyset, systems in by_keyset.items():
            # A data set that several stores behind the API hold is encrypted under the keyset of the first.
            fields = {f.name: f for _, system in systems for f in fields_of(declaration, system) if f.name not in taken}
            taken.update(fields)
            source = str(declaration.locate("systems", systems[0][0], "at_rest"))
            flows = Flows(labels(declaration, api_id), tuple(fields.values()))
            yield from _pieces(declaration, api_id, api, keyset, flows, source)


def _pieces(
    declaration: Declaration, api_id: str, api: Api, keyset: str, flows: Flows, source: str
) -> Iterator[ir.FieldEncryption]:
    if not flows.fields or not flows.labels.data:
        return
    whole = mode(api, _CONTROL)
    for operation in declaration.operations(api_id):
        flow = flows.of(operation)
        if not (flow.request or flow.response or flow.lookups):
            continue
        yield ir.FieldEncryption(
            control=_CONTROL,
            source=source,
            mode=mode(api, _CONTROL, operation.id) if api.observe else whole,
            api=api_id,
            operation=operation.id,
            keyset=keyset,
            request=tuple(protected(i) for i in flow.request),
            response=tuple(protected(i) for i in flow.response),
            query=tuple((p.name, f.name) for p, f in flow.lookups),
        )
