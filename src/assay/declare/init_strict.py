"""What strict validation would refuse although the contract allows it."""

from __future__ import annotations

from assay.declare.contract import Contract, SchemaRef
from assay.declare.schema_walk import end_of, properties


def forced_relaxations(contract: Contract) -> dict[str, str]:
    """Keys of `strict` that have to be off for this contract, each with the reason in words."""
    relaxed: dict[str, str] = {}
    for operation in contract.operations:
        if "query" not in relaxed and any(
            parameter.location == "query"
            and parameter.explode
            and parameter.style == "form"
            and parameter.media_type is None
            and _takes_any_name(contract, parameter.schema)
            for parameter in operation.parameters
        ):
            relaxed["query"] = f"{operation.id} takes query parameters of any name"
        if "body" not in relaxed and any(
            body.schema is not None and _asks_for_undeclared(contract, body.schema) for body in operation.body
        ):
            relaxed["body"] = f"{operation.id} requires a property that its schema does not declare"
    return relaxed


def _takes_any_name(contract: Contract, ref: SchemaRef) -> bool:
    found = end_of(contract.documents, ref)
    schema = found[1] if found else None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return False
    return schema.get("additionalProperties", "properties" not in schema) is not False


def _asks_for_undeclared(contract: Contract, ref: SchemaRef) -> bool:
    """Whether an object requires a property that it does not declare, and says nothing about undeclared ones."""
    found = end_of(contract.documents, ref)
    schema = found[1] if found else None
    if not isinstance(schema, dict):
        return False
    required = schema.get("required")
    declared = {item.name for item in properties(contract.documents, ref)}
    says = "additionalProperties" in schema or "unevaluatedProperties" in schema
    return isinstance(required, list) and bool(declared) and not says and any(name not in declared for name in required)
