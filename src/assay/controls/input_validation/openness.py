"""What request schemas leave open, each definition looked at once for the whole contract."""

from __future__ import annotations

from assay.controls.input_validation.analysis import Openness, analyse
from assay.controls.input_validation.schemas import Schemas, plain_reference, references
from assay.declare.contract import SchemaRef


def openness(schemas: Schemas, ref: SchemaRef) -> Openness:
    """What the request schema at ``ref`` leaves open, remembered with the contract.

    Nothing is open in a schema without meaning: it refuses everything.
    """

    def compute() -> Openness:
        made = schemas.schema(ref)
        if made is None:
            return Openness()
        known = schemas.contract.documents.once(("openness of definitions", schemas.closed), dict[str, Openness])
        for name in references(made):
            _define(name, schemas, known)
        whole = plain_reference(made)
        if whole is not None and whole in known:
            return known[whole]
        return analyse(made, schemas.definitions, known)

    return schemas.contract.documents.once(("openness", ref, schemas.closed), compute)


def _define(name: str, schemas: Schemas, known: dict[str, Openness]) -> None:
    """Analyses a definition after those that it refers to. Of a circle, one member is analysed before the others."""
    stack = [(name, False)]
    begun: set[str] = set()
    while stack:
        current, ready = stack.pop()
        if current in known or current not in schemas.definitions:
            continue
        if ready:
            known[current] = analyse(schemas.definitions[current], schemas.definitions, known)
        elif current not in begun:
            begun.add(current)
            stack.append((current, True))
            stack.extend((below, False) for below in references(schemas.definitions[current]))
