"""A small declaration that has something for most threats to stand on."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from assay.app.project import Project, open_project


def _operation(id: str, *, path: bool = False, body: str = "", answer: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": id, "responses": {"200": {"description": "ok"}}, "security": [{"token": []}]}
    if path:
        made["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    if body:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}}
        made["requestBody"] = {"required": True, "content": content}
    if answer:
        schema = {"$ref": f"#/components/schemas/{answer}"}
        made["responses"]["200"]["content"] = {"application/json": {"schema": schema}}
    return made


def _schema(*names: str) -> dict[str, Any]:
    text = {"type": "string", "maxLength": 80}
    return {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(names, text)}


CONTRACT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders": {"get": _operation("listOrders", answer="Order"), "post": _operation("addOrder", body="Order")},
        "/orders/{id}": {
            "get": _operation("getOrder", path=True, answer="Order"),
            "patch": _operation("changeOrder", path=True, body="Order"),
            "delete": _operation("removeOrder", path=True),
        },
        "/hooks": {"post": _operation("addHook", body="Hook")},
        "/status": {"get": {"operationId": "status", "responses": {"200": {"description": "ok"}}, "security": []}},
    },
    "components": {
        "schemas": {"Order": _schema("id", "email", "iban"), "Hook": _schema("callbackUrl")},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
}
DECLARATION: dict[str, Any] = {
    "assay": 1,
    "organisation": {"name": "Northwind", "subjects": 5000},
    "environments": {
        "live": {"tier": "production", "issuer": {"url": "https://login.example", "audience": "shop"}},
    },
    "systems": {
        "store": {"kind": "database", "environment": "live", "owner": "team", "holds": ["order"]},
        "empty": {"kind": "database", "environment": "live", "owner": "team"},
        "supplier": {"kind": "third-party", "environment": "live", "owner": "team", "holds": ["order"]},
    },
    "data": {
        "order": {
            "subjects": "customers",
            "from": "openapi.json#/components/schemas/Order",
            "purpose": ["delivery"],
            "fields": {
                "id": {"level": "internal"},
                "email": {"category": "user.contact.email", "identifies": "direct"},
                "iban": {"category": "user.financial.bank_account"},
            },
        }
    },
    "apis": {
        "shop": {
            "title": "Shop",
            "owner": "team",
            "exposure": "public",
            "environment": "live",
            "contract": "openapi.json",
            "upstream": "http://127.0.0.1:9",
            "backed_by": ["store"],
            "access": [
                {
                    "roles": ["customer"],
                    "operations": ["getOrder", "changeOrder"],
                    "owns": "path.id == token.sub",
                },
                {"roles": ["clerk"], "operations": ["listOrders", "addOrder", "getOrder", "removeOrder", "addHook"]},
                {"anonymous": True, "operations": ["status"]},
            ],
            "limits": {"default": "60/minute", "network": "600/minute"},
        }
    },
    "consumers": {
        "app": {
            "kind": "person",
            "authenticate": {"oauth2": {"client": "app", "grants": ["password"]}},
            "roles": ["customer"],
            "clearance": "restricted",
        },
        "desk": {"kind": "application", "authenticate": {"oauth2": {"client": "desk"}}, "roles": ["clerk"]},
    },
    "accounts": {
        "sync": {
            "platform": "postgresql",
            "system": "store",
            "environment": "live",
            "owner": "team",
            "rights": [{"select": "order"}, {"update": "order"}, {"delete": "order"}],
            "needs": [{"select": "order"}, {"update": "order"}],
        }
    },
    "flows": {
        "in": {"from": "supplier", "to": "store", "data": ["order"], "account": "sync"},
        "out": {"from": "store", "to": "empty", "data": ["order"]},
    },
}


def shop(root: Path, changes: Mapping[str, Any] | None = None) -> Project:
    """The declaration in a folder, with some of its values replaced: a dotted path by each."""
    made = copy.deepcopy(DECLARATION)
    for path, value in (changes or {}).items():
        *above, last = path.split("/")
        at: Any = made
        for step in above:
            at = at.setdefault(step, {}) if isinstance(at, dict) else at[int(step)]
        at[last] = value
    root.mkdir(exist_ok=True)
    (root / "openapi.json").write_text(json.dumps(CONTRACT))
    (root / "assay.yaml").write_text(yaml.safe_dump(made))
    return open_project(root, environ={})
