"""Classified data in places where bodies' protection does not reach: the parameters of URLs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.declare.contract import Operation, Parameter
from assay.declare.declaration import Declaration
from assay.sensitivity.bodies import FieldLabel, labels
from assay.sensitivity.levels import level_of, rank

CONFIDENTIAL = rank("confidential")


def in_urls(declaration: Declaration, api_id: str) -> Iterator[tuple[Operation, Parameter, FieldLabel]]:
    """Path and query parameters that are called like a field that is confidential or above, in an API with that data.

    Names are compared without regard to case and separators: `birth-date` is `birthDate`.
    """
    known = _by_name(declaration, api_id)
    if not known:
        return
    for operation in declaration.operations(api_id):
        for parameter in operation.parameters:
            if parameter.location in ("path", "query") and (label := known.get(folded(parameter.name))):
                yield operation, parameter, label


def folded(name: str) -> str:
    """A name without what conventions differ in."""
    return name.replace("_", "").replace("-", "").casefold()


def _by_name(declaration: Declaration, api_id: str) -> Mapping[str, FieldLabel]:
    found: dict[str, FieldLabel] = {}
    for data in labels(declaration, api_id).data:
        for key, field in declaration.model.data[data].fields.items():
            if rank(level_of(field)) >= CONFIDENTIAL:
                found.setdefault(folded(key.rpartition(".")[2]), FieldLabel(data, key, field))
    return found
