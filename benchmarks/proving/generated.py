"""The generated API: customers and what they have, with four kinds of callers and what is promised to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

RESOURCES = ("orders", "invoices", "tickets", "parcels", "visits", "claims", "letters")
ITEMS = 50
"""Longest page."""
READ, WRITE = "records:read", "records:write"
API = "records"


def contract() -> dict[str, Any]:
    """An OpenAPI 3.1 document of 40 operations: list, create, read, change and delete of each resource."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    customer = _id("customerId", "^c-[A-Za-z0-9-]{1,36}$")
    _add(paths, schemas, "Customer", "/customers", [], customer)
    for resource in RESOURCES:
        own = _id(f"{resource}Id", f"^{resource}-[0-9]{{1,9}}$")
        _add(paths, schemas, _name(resource), f"/customers/{{customerId}}/{resource}", [customer], own)
    scheme = {
        "type": "oauth2",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "https://issuer.example/token",
                "scopes": {READ: "Read.", WRITE: "Write."},
            }
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Records", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "oauth2": scheme,
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def declaration(*, port: int, upstream: int) -> dict[str, Any]:
    """The declaration of that API: customers on their own records, agents on all, partners read, admins do anything."""

    def oauth2(client: str, *grants: str) -> dict[str, Any]:
        return {"oauth2": {"client": client, "scopes": [READ, WRITE], **({"grants": list(grants)} if grants else {})}}

    def consumer(authenticate: dict[str, Any], role: str, **more: Any) -> dict[str, Any]:
        return {
            "kind": "application",
            "authenticate": authenticate,
            "roles": [role],
            "clearance": "restricted",
            "owner": "benchmarks",
            **more,
        }

    return {
        "assay": 1,
        "organisation": {"name": "Benchmark"},
        "gateway": {"listen": f"127.0.0.1:{port}"},
        "environments": {
            "bench": {
                "tier": "non-production",
                "issuer": {
                    "development": True,
                    "audience": API,
                    "users": {who: {"subject": f"c-{who}", "roles": ["customer"]} for who in ("alice", "bob")},
                },
            }
        },
        "apis": {
            API: {
                "title": "Records",
                "owner": "benchmarks",
                "exposure": "public",
                "environment": "bench",
                "contract": "openapi.json",
                "upstream": f"http://127.0.0.1:{upstream}",
                "security": "any",
                "access": [
                    {"roles": ["customer"], "operations": _own(), "owns": "path.customerId == token.sub"},
                    {"roles": ["agent"], "operations": ["list*", "get*", "create*", "update*"]},
                    {"roles": ["partner"], "operations": ["list*", "get*"]},
                    {"roles": ["admin"], "operations": ["*"]},
                ],
                "reveal": [{"roles": ["customer", "agent", "partner", "admin"], "classes": ["user"], "form": "clear"}],
                "limits": {"default": "6000/minute", "write": "3000/minute", "body": "64KiB"},
            }
        },
        "data": {
            resource: {
                "subjects": "customers",
                "from": [f"openapi.json#/components/schemas/{_name(resource)}"],
                "purpose": ["benchmark"],
                "legal_basis": "contract",
                "retention": "1y",
                "fields": {"title": {"category": "user.content"}, "note": {"category": "user.content"}},
            }
            for resource in ("customers", *RESOURCES)
        },
        "consumers": {
            "app": consumer(oauth2("app", "password"), "customer"),
            "desk": consumer(oauth2("desk"), "agent"),
            "partner": consumer({"api_key": {"max_age": "90d"}}, "partner", kind="partner", limit="6000/minute"),
            "office": consumer(oauth2("office"), "admin"),
        },
    }


def write(directory: Path, *, port: int, upstream: int) -> None:
    """Writes both into a directory."""
    (directory / "openapi.json").write_text(json.dumps(contract(), indent=1), encoding="utf-8")
    text = yaml.safe_dump(declaration(port=port, upstream=upstream), sort_keys=False)
    (directory / "assay.yaml").write_text(text, encoding="utf-8")


def _own() -> list[str]:
    """What customers may do: anything but listing, making and removing customers."""
    verbs = ("list", "create", "get", "update", "delete")
    return ["getCustomer", "updateCustomer", *(f"{verb}{_name(r)}" for r in RESOURCES for verb in verbs)]


def _add(
    paths: dict[str, Any],
    schemas: dict[str, Any],
    name: str,
    above: str,
    parents: list[dict[str, Any]],
    own: dict[str, Any],
) -> None:
    """The five operations of a resource, and their schemas."""
    schemas |= _schemas(name, own["name"])
    paths[above] = {
        "parameters": parents,
        "get": _operation(f"list{name}", READ, f"{name}Page"),
        "post": _operation(f"create{name}", WRITE, name, body=f"{name}Create", status="201"),
    }
    paths[f"{above}/{{{own['name']}}}"] = {
        "parameters": [*parents, own],
        "get": _operation(f"get{name}", READ, name),
        "patch": _operation(f"update{name}", WRITE, name, body=f"{name}Update"),
        "delete": _operation(f"delete{name}", WRITE, None, status="204"),
    }


def _name(resource: str) -> str:
    return resource.removesuffix("s").capitalize()


def _schemas(name: str, own: str) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 100}
    note = {"type": "string", "maxLength": 400}
    amount = {"type": "integer", "minimum": 0, "maximum": 100_000}
    record = {
        **{key: {"type": "string", "maxLength": 40} for key in dict.fromkeys((own, "customerId"))},
        "title": text,
        "note": note,
        "amount": amount,
        "state": {"enum": ["open", "closed"]},
    }
    asked = {"title": text, "note": note, "amount": amount, "state": record["state"]}
    return {
        name: _object(record, *record),
        f"{name}Create": _object(asked, "title", "amount", "state"),
        f"{name}Update": _object(asked),
        f"{name}Page": _object(
            {"items": {"type": "array", "maxItems": ITEMS, "items": {"$ref": f"#/components/schemas/{name}"}}}, "items"
        ),
    }


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**made, "required": list(required)} if required else made


def _id(name: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern, "maxLength": 40}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _operation(name: str, scope: str, answer: str | None, *, body: str = "", status: str = "200") -> dict[str, Any]:
    def json_of(schema: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

    response: dict[str, Any] = {"description": "done"}
    if answer:
        response["content"] = json_of(answer)
    made: dict[str, Any] = {
        "operationId": name,
        "security": [{"oauth2": [scope]}, {"apiKey": []}],
        "responses": {status: response},
    }
    if body:
        made["requestBody"] = {"required": True, "content": json_of(body)}
    return made
