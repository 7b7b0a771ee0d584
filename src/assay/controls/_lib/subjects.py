"""Subjects: the routes into the declaration that verdicts are about."""

from __future__ import annotations

from collections.abc import Iterator

from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.model import Api


def api_subject(api: str) -> str:
    """The subject of a verdict about an API as a whole."""
    return f"apis.{api}"


def operation_subject(api: str, operation: str) -> str:
    """The subject of a verdict about one operation."""
    return f"apis.{api}.operations.{operation}"


def served_apis(declaration: Declaration) -> Iterator[tuple[str, Api]]:
    """The (id, API) pairs that the gateway serves: all but the retired ones."""
    return ((i, a) for i, a in declaration.model.apis.items() if a.product.lifecycle != "retired")


def served_operations(declaration: Declaration) -> Iterator[tuple[str, Api, Operation]]:
    """Every (API id, API, operation) of the APIs that the gateway serves."""
    for api_id, api in served_apis(declaration):
        for operation in declaration.operations(api_id):
            yield api_id, api, operation


def in_production(declaration: Declaration, environment: str | None) -> bool:
    """Whether an environment is declared as production."""
    found = declaration.model.environments.get(environment or "")
    return found is not None and found.tier == "production"
