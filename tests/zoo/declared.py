"""Declarations for the services of the zoo: what is promised about them, and who to test them as."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from tests.zoo.kit.accounts import Person
from tests.zoo.kit.model import Operation
from tests.zoo.kit.service import BODY_BYTES, Definition
from tests.zoo.kit.tokens import SigningKey
from tests.zoo.services import DEFINITIONS, PEOPLE, Store, audience_of, issuer_of
from tests.zoo.shop.trade import WEBHOOK_SECRET

CLIENT = "first-party"
# The code lets more roles into these operations than may use them, and refuses inside.
_INNER_ROLES: Mapping[str, tuple[str, ...]] = {"setPrice": ("admin",)}
_ROLES = ("customer", "agent", "admin")
# Objects that exist from the start, by the user who owns them.
OWNED: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = {
    "shop": {
        "alice": {"customerId": ["u-1"], "orderId": ["o-1", "o-2"]},
        "bob": {"customerId": ["u-2"], "orderId": ["o-3", "o-4"]},
        "carol": {"customerId": ["u-3"], "orderId": ["o-5", "o-6"]},
    },
    "clinic": {
        "nora": {"patientId": ["v-1"], "documentId": ["d-1", "d-2"], "number": ["1"], "visitId": ["s-1"]},
        "nils": {"patientId": ["v-2"], "documentId": ["d-3", "d-4"], "number": ["2"], "visitId": ["s-2"]},
        "sara": {"patientId": ["v-51"], "documentId": ["d-5", "d-6"], "number": ["3"], "visitId": ["s-3"]},
        "sven": {"patientId": ["v-52"], "documentId": ["d-7", "d-8"], "number": ["4"], "visitId": ["s-4"]},
    },
    "files": {"frida": {"fileId": ["f-2"]}, "felix": {"fileId": ["f-3"]}, "fiona": {"fileId": ["f-4"]}},
}
_PERSONAL: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "Account": {
        "email": {"category": "user.contact.email", "identifies": "direct"},
        "name": {"category": "user.name", "identifies": "direct"},
        "phone": {"category": "user.contact.phone_number", "identifies": "direct"},
    },
    "Order": {
        "address": {"category": "user.contact.address"},
        "note": {"category": "user.content", "free_text": True},
        "discount_percent": {"set_by": ["agent", "admin"]},
    },
    "Colleague": {
        "mail": {"category": "user.contact.email", "identifies": "direct"},
        "name": {"category": "user.name", "identifies": "direct"},
    },
    "Patient": {"name": {"category": "user.name", "identifies": "direct"}},
    "Document": {"text": {"category": "user.health_and_medical", "free_text": True}},
}
_WRITTEN_AS: Mapping[str, tuple[str, ...]] = {"Order": ("OrderCreate",)}
"""Further schemas that a record appears as."""
INBOX = "mail"
"""The folder beside a declaration where a service puts the mail that it sends."""
_FOLDER, _FILE = 0o700, 0o600


def roles_of(operation: Operation) -> tuple[str, ...]:
    """Who may use an operation; nobody in particular: anybody."""
    return _INNER_ROLES.get(operation.id, operation.roles)


def write(
    name: str, folder: Path, *, upstream: str, store: Store = "sqlite", dsn: str = "", key: SigningKey | None = None
) -> Path:
    """Writes a declaration of a service, with its contract, identities and their passwords (test data, mode 0600).

    Args:
        folder: made if it is not there.
        upstream: where the service is, such as ``http://127.0.0.1:9001``.
        dsn: where its database is, if tests are to look into it.
        key: what it signs its tokens with, if tests are to have it.

    Returns:
        the path of ``assay.yaml``. Beside it: ``openapi.json``, ``identities.yaml``, ``secrets/``.
    """
    folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    (folder / "secrets").mkdir(mode=_FOLDER, exist_ok=True)
    definition, people = DEFINITIONS[name], PEOPLE[name]
    for person in people:
        _secret(folder, person.user, person.password)
    _secret(folder, "seed-admin", "admin")
    _secret(folder, "webhook", WEBHOOK_SECRET.decode())
    (folder / INBOX).mkdir(mode=_FOLDER, exist_ok=True)
    if key is not None:
        _secret(folder, "issuer-key", json.dumps(key.private.as_dict(private=True)))
    if dsn:
        _secret(folder, "dsn", dsn)
    (folder / "openapi.json").write_text(json.dumps(definition.contract(), indent=1) + "\n", encoding="utf-8")
    declaration = _declaration(definition, people, upstream, store if dsn else "")
    declaration["prove"] |= _confided(definition, key)
    path = folder / "assay.yaml"
    path.write_text(yaml.safe_dump(declaration, sort_keys=False, width=110), encoding="utf-8")
    (folder / "identities.yaml").write_text(yaml.safe_dump(identities(name), sort_keys=False), encoding="utf-8")
    return path


def identities(name: str) -> dict[str, Any]:
    """Who to test a service as: name, roles, tenant, what is theirs, and how they log in."""
    return {
        "service": name,
        "login": {
            "method": "POST",
            "path": "/login",
            "body": {"user": "{user}", "password": "{password}"},
            "extract": "/token",
            "send": {"header": "Authorization", "value": "Bearer {token}"},
            "optional": {"seconds": "how long the token is to live, 1 to 900", "scopes": "a list, to have fewer"},
        },
        "disposable": {
            "as": [person.user for person in PEOPLE[name] if "admin" in person.roles],
            "request": "POST /users",
            "body": {"user": "{new}", "password": "{password}", "roles": ["customer"]},
            "extract": "/id",
            "disable": "POST /users/{id}/disable",
            "change_roles": "PUT /users/{id}/roles",
        },
        "identities": [
            {
                "name": person.user,
                "subject": person.id,
                "roles": list(person.roles),
                "tenant": person.tenant,
                "password": person.password,
                "owns": dict(OWNED[name].get(person.user, {})),
            }
            for person in PEOPLE[name]
        ],
    }


def _declaration(definition: Definition, people: Iterable[Person], upstream: str, store: str) -> dict[str, Any]:
    name = definition.name
    tier: dict[str, Any] = {"tier": "non-production"}
    if not definition.opaque:
        tier["issuer"] = {
            "url": issuer_of(name),
            "jwks": f"{upstream}/.well-known/jwks.json",
            "audience": audience_of(name),
        }
    rates = {op.id: f"{op.rate[0]}/{op.rate[1]:.0f}s" for op in definition.operations if op.rate}
    api: dict[str, Any] = {
        "title": definition.title,
        "owner": "zoo",
        "exposure": "internal",
        "environment": "zoo",
        "contract": "openapi.json",
        "upstream": upstream,
        "backed_by": ["store"],
        "access": _access(definition),
        "reveal": [{"roles": list(_ROLES), "classes": ["user"], "form": "clear"}],
        "limits": {"default": "6000/minute", "operations": rates, "body": f"{BODY_BYTES // 1024}KiB"},
    }
    held = {schema.lower(): schema for schema in _PERSONAL if schema in definition.schemas}
    system: dict[str, Any] = {"kind": "database", "environment": "zoo", "owner": "zoo", "location": "eu"}
    system["holds"] = list(held)
    if store:
        system["connection"] = {"kind": store, "dsn": {"secret": "file:secrets/dsn"}}
    made: dict[str, Any] = {
        "assay": 1,
        "organisation": {"name": "Zoo"},
        "environments": {"zoo": tier},
        "systems": {"store": system},
        "data": {
            data: {
                "from": [f"openapi.json#/components/schemas/{s}" for s in (schema, *_WRITTEN_AS.get(schema, ()))],
                "fields": dict(_PERSONAL[schema]),
            }
            for data, schema in held.items()
        },
        "apis": {name: api},
    }
    if not definition.opaque:
        made["consumers"] = {
            CLIENT: {
                "kind": "application",
                "authenticate": {"oauth2": {"client": CLIENT, "scopes": list(definition.scopes)}},
                "roles": list(_ROLES),
                "clearance": "special",
                "owner": "zoo",
            }
        }
    made["prove"] = {
        "identities": {person.user: _identity(name, person) for person in people},
        "public": [f"{name}.{op.id}" for op in definition.operations if op.public and not op.only_with],
        "seeds": {"admin": {"secret": "file:secrets/seed-admin"}},
    }
    return made


def _confided(definition: Definition, key: SigningKey | None) -> dict[str, Any]:
    """What only whoever runs the service knows: its issuer's key, how webhooks are signed, where its mail arrives."""
    told: dict[str, Any] = {}
    if key is not None:
        told["issuer_keys"] = {"zoo": {"secret": "file:secrets/issuer-key"}}
    known = {operation.id for operation in definition.operations}
    if "paymentWebhook" in known:
        told["messages"] = {
            f"{definition.name}.paymentWebhook": {
                "secret": {"secret": "file:secrets/webhook"},
                "over": "{timestamp}.{body}",
                "signature": "x-signature",
                "timestamp": "x-timestamp",
                "id": "/event",
            }
        }
    if "confirmReset" in known:
        told["inbox"] = {"folder": INBOX, "code": "code is ([0-9]{6})"}
    return told


def _access(definition: Definition) -> list[dict[str, Any]]:
    """One rule for each combination of role, ownership and scope; customers are the ones who own."""
    rules: dict[tuple[str, str, str], list[str]] = {}
    anonymous = []
    for operation in definition.operations:
        if operation.only_with:
            continue
        if operation.public:
            anonymous.append(operation.id)
        for role in roles_of(operation):
            owns = operation.owns if role == "customer" else ""
            rules.setdefault((role, owns, operation.scope), []).append(operation.id)
    written: list[dict[str, Any]] = [{"anonymous": True, "operations": anonymous}]
    for (role, owns, scope), operations in rules.items():
        rule: dict[str, Any] = {"roles": [role], "operations": operations}
        if owns:
            rule["owns"] = owns
        if scope:
            rule["scopes"] = [scope]
        written.append(rule)
    return written


def _identity(name: str, person: Person) -> dict[str, Any]:
    made: dict[str, Any] = {"roles": list(person.roles), "subject": person.id, "tenant": person.tenant}
    made["login"] = {
        "path": "/login",
        "body": {"user": person.user, "password": {"secret": f"file:secrets/{person.user}"}},
        "extract": "/token",
        "renew": "10m",
    }
    owned = OWNED[name].get(person.user)
    return {**made, "owns": dict(owned)} if owned else made


def _secret(folder: Path, name: str, value: str) -> None:
    path = folder / "secrets" / name
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE), "w", encoding="utf-8") as file:
        file.write(value)
