"""What those see of a store who read it without the gateway, where the gateway encrypts fields in it."""

from __future__ import annotations

from msgspec.structs import replace

from assay.declare.model import DataField, Model
from assay.declare.observe import observes
from assay.sensitivity.levels import level_of, rank
from assay.sensitivity.pieces import FieldName, Pieces

_RESTRICTED = rank("restricted")


def sealing(model: Model) -> frozenset[str]:
    """The systems in which the gateway encrypts fields: it is declared to, has keys, and an API stands right before
    the system that does not merely observe."""
    before: dict[str, list[str]] = {}
    for name, api in model.apis.items():
        for target in api.backed_by:
            before.setdefault(target, []).append(name)
    return frozenset(
        name
        for name, system in model.systems.items()
        if system.at_rest
        and system.at_rest.by == "gateway"
        and system.at_rest.keys
        and system.at_rest.encryption not in ("none", "unknown")
        and before.get(name)
        and not any(observes(model.apis[api], "encryption_at_rest") for api in before[name])
    )


def is_sealed(field: DataField) -> bool:
    """Whether the gateway encrypts a field: it is marked so, or is restricted and not marked otherwise."""
    return field.encrypt if field.encrypt is not None else rank(level_of(field)) >= _RESTRICTED


def sealed(model: Model, system: str, pieces: Pieces) -> Pieces:
    """What is left of the data in a store where fields are ciphertext.

    A lookup field has the same ciphertext for the same value, so it still links records.
    """
    found = {}
    for attribute, piece in pieces.items():
        declared = [_field(model, name) for name in piece.fields]
        if not declared or not all(field is not None and is_sealed(field) for field in declared) or piece.via:
            found[attribute] = piece  # what a flow brings did not come through the gateway
        elif any(field is not None and field.lookup for field in declared):
            keys = frozenset(f"{key} (ciphertext in {system})" for key in piece.linking)
            found[attribute] = replace(
                piece,
                direct=False,
                bits=0.0,
                unmeasured=False,
                sensitive=frozenset(),
                inferred=frozenset(),
                free_text=False,
                place=False,
                secret=False,
                keys=keys,
                level=min(piece.level, rank("confidential")),
            )
    return found


def _field(model: Model, name: FieldName) -> DataField | None:
    data = model.data.get(name[0])
    return data.fields.get(name[1]) if data else None
