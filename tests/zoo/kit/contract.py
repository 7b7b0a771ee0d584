"""The OpenAPI 3.1 contract of a service, made from its operations; and the checks of requests against it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs
from tests.zoo.flaws import Switches
from tests.zoo.kit.model import Operation, Problem, Schema, ref, text, whole

_PARAMETER = re.compile(r"\{(\w+)\}")
_NOTES = ("x-required",)
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": text(200),
        "title": text(200),
        "status": whole(400, 599),
        "request_id": text(36),
    },
    "additionalProperties": False,
}


def contract(
    *,
    title: str,
    operations: Iterable[Operation],
    ids: Mapping[str, Schema],
    schemas: Mapping[str, Schema],
    scopes: tuple[str, ...],
    opaque: bool,
) -> dict[str, Any]:
    """The contract as an OpenAPI 3.1 document. What only a flaw brings is not in it.

    Args:
        ids: schemas of path parameters by name.
        schemas: named schemas.
        scopes: every scope there is; none: tokens carry none.
        opaque: tokens are opaque strings and not JWTs.
    """
    paths: dict[str, Any] = {}
    for operation in operations:
        if not operation.only_with:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, ids)
    bearer = {"type": "http", "scheme": "bearer", **({} if opaque else {"bearerFormat": "JWT"})}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1.0.0",
            "description": f"Scopes: {', '.join(scopes)}." if scopes else "Sessions have no scopes.",
        },
        "servers": [{"url": "/"}],
        "security": [{"session": []}],
        "paths": paths,
        "components": {"securitySchemes": {"session": bearer}, "schemas": {"Problem": PROBLEM, **schemas}},
    }


def _operation(operation: Operation, ids: Mapping[str, Schema]) -> dict[str, Any]:
    names = _PARAMETER.findall(operation.path)
    parameters = [{"name": n, "in": "path", "required": True, "schema": ids[n]} for n in names]
    for place, given in (("query", operation.query), ("header", operation.header)):
        for name, schema in given.items():
            parameters.append({"name": name, "in": place, "required": _needed(schema), "schema": _plain(schema)})
    success: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        success["content"] = {operation.answer_media: {"schema": operation.answer}}
    problem = {"description": "Refused.", "content": {"application/problem+json": {"schema": ref("Problem")}}}
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {str(operation.status): success, "default": problem},
    }
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": {operation.media: {"schema": operation.body}}}
    if operation.optional:
        made["security"] = [{}, {"session": []}]
    elif operation.public:
        made["security"] = []
    else:
        made["security"] = [{"session": [operation.scope] if operation.scope else []}]
    return made


class Checks:
    """Checks parameters and bodies against the operations' own schemas, except where a flaw loosens one."""

    def __init__(self, ids: Mapping[str, Schema], schemas: Mapping[str, Schema], flaws: Switches) -> None:
        self._ids, self._flaws = ids, flaws
        self._components = {"schemas": {"Problem": PROBLEM, **schemas}}
        self._validators: dict[tuple[str, str], Any] = {}

    def params(self, operation: Operation, params: Mapping[str, str]) -> None:
        """Checks the path.

        Raises:
            Problem: 404, no such thing can exist.
        """
        for name, value in params.items():
            schema = self._schema(operation, name, self._ids[name])
            if not self._fits(operation, name, schema, _typed(value, schema)):
                raise Problem(404, "Not Found")

    def named(self, operation: Operation, place: str, declared: Mapping[str, Schema], given: dict[str, str]) -> None:
        """Checks query parameters or headers.

        Raises:
            Problem: 400 with the name of the first that does not fit.
        """
        if place == "query" and set(given) - set(declared):
            raise Problem(400, "Unknown query parameter")
        for name, original in declared.items():
            schema = self._schema(operation, name, original)
            if name not in given:
                if _needed(original):
                    raise Problem(400, f"{name} is missing")
            elif not self._fits(operation, name, schema, _typed(given[name], schema)):
                raise Problem(400, f"{name} is not valid")

    def body(self, operation: Operation, value: Any) -> None:
        """Checks a JSON body.

        Raises:
            Problem: 400, it does not fit its schema.
        """
        schema = self._schema(operation, "body", operation.body)
        if schema is not None and not self._fits(operation, "body", schema, value):
            raise Problem(400, "The body does not fit the contract")

    def answer_errors(self, operation: Operation, value: Any) -> list[str]:
        """What an answer has that the contract does not say."""
        if operation.answer is None:
            return ["a body where the contract has none"]
        validator = self._validator(operation, "answer", operation.answer)
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    def _schema(self, operation: Operation, name: str, declared: Schema | None) -> Schema | None:
        for flaw, replaced in operation.loose.items():
            if name in replaced and flaw in self._flaws:
                return replaced[name]
        return declared

    def _fits(self, operation: Operation, name: str, schema: Schema | None, value: Any) -> bool:
        return schema is None or bool(self._validator(operation, name, schema).is_valid(value))

    def _validator(self, operation: Operation, name: str, schema: Schema) -> Any:
        key = (operation.id, name)
        if key not in self._validators:
            whole_schema = {**_plain(schema), "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole_schema, validate_formats=True)
        return self._validators[key]


def _needed(schema: Schema) -> bool:
    return bool(schema.get("x-required", False))


def _plain(schema: Schema) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _NOTES}


def _typed(value: str, schema: Schema | None) -> Any:
    """A parameter's text as the type its schema asks for; as it is where it is not of that type."""
    if schema and schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value
