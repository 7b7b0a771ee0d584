"""The declaration and the contract that are measured, compiled by the same code as any other."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from assay.app.addresses import keys_file
from assay.app.project import open_project
from assay.app.stack import Prepared, prepare_project
from assay.domain import Secret
from assay.identity import api_keys

ISSUER = "https://issuer.example"
AUDIENCE = "bench"
CALLERS = 32
"""Distinct people whose tokens are used in turn."""

_DECLARATION = """\
assay: 1
organisation: {{name: Benchmark}}
gateway: {{listen: "127.0.0.1:{port}", plaintext: true}}
environments:
  bench: {{tier: non-production, issuer: {{url: {issuer}, jwks: jwks.json, audience: {audience}, max_lifetime: 24h}}}}
apis:
  shop:
    title: Benchmark API
    owner: benchmarks
    exposure: public
    environment: bench
    contract: openapi.json
    upstream: http://127.0.0.1:{upstream}
    access:
      - {{roles: [agent], operations: ["*"]}}
    reveal:
      - {{roles: [agent], classes: [user.name], form: clear}}
      - {{roles: [agent], classes: [user.financial], form: last4}}
      - {{roles: [agent], classes: [user.contact.email], form: email}}
    limits: {{default: 100000000/minute, write: 100000000/minute, body: 64KiB}}
consumers:
  desk:
    kind: application
    authenticate: {{oauth2: {{client: desk, scopes: ["shop:read", "shop:write"]}}}}
    roles: [agent]
    clearance: confidential
    owner: benchmarks
  partner:
    kind: partner
    authenticate: {{api_key: {{max_age: 90d}}}}
    roles: [agent]
    clearance: confidential
    limit: 100000000/minute
    networks: {{allow: [127.0.0.0/8]}}
    owner: benchmarks
networks: {{deny: [203.0.113.0/24]}}
data:
  customer:
    subjects: customers
    from: [openapi.json#/components/schemas/Customer]
    purpose: [benchmark]
    legal_basis: contract
    retention: 1y
    fields:
      id: {{level: internal}}
      name: {{category: user.name, identifies: direct}}
      email: {{category: user.contact.email, identifies: direct}}
      iban: {{category: user.financial.bank_account, level: restricted}}
      date_of_birth: {{category: user.demographic.date_of_birth, identifies: quasi}}
"""


def _text(longest: int, **more: object) -> dict[str, object]:
    return {"type": "string", "maxLength": longest, **more}


def _object(properties: dict[str, object], *required: str) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _answer(schema: str) -> dict[str, object]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"200": {"description": "Found.", "content": content}}


def contract() -> dict[str, object]:
    """Reads, a masked read and a write, with the schemas that such APIs have."""
    identifier = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 999999999},
    }
    schemas = {
        "Item": _object({"id": {"type": "integer"}, "title": _text(100), "price": {"type": "number"}}, "id"),
        "Customer": _object(
            {
                "id": {"type": "integer"},
                "name": _text(100),
                "email": _text(200),
                "iban": _text(34),
                "date_of_birth": _text(10),
            },
            "id",
        ),
        "ItemCreate": _object(
            {
                "title": _text(100, minLength=1),
                "price": {"type": "number", "minimum": 0},
                "stock": {"type": "integer", "minimum": 0, "maximum": 100000},
                "supplier": _text(60, pattern="^[a-z0-9-]+$"),
                "contact": _text(200, format="email"),
                "description": _text(2000),
            },
            "title",
            "price",
        ),
    }
    write = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ItemCreate"}}}, "required": True}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Benchmark", "version": "1"},
        "security": [{"oauth2": ["shop:read"]}, {"apiKey": []}],
        "paths": {
            "/items/{id}": {
                "get": {"operationId": "getItem", "parameters": [identifier], "responses": _answer("Item")}
            },
            "/customers/{id}": {
                "get": {"operationId": "getCustomer", "parameters": [identifier], "responses": _answer("Customer")}
            },
            "/items": {
                "post": {
                    "operationId": "createItem",
                    "security": [{"oauth2": ["shop:write"]}],
                    "requestBody": write,
                    "responses": _answer("Item"),
                }
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{ISSUER}/token",
                            "scopes": {"shop:read": "Read.", "shop:write": "Write."},
                        }
                    },
                },
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


ITEM = json.dumps({"id": 4711, "title": "A walnut desk, one drawer, oiled", "price": 349.5}).encode()
CUSTOMER = json.dumps(
    {
        "id": 4711,
        "name": "Alice Example",
        "email": "alice@example.com",
        "iban": "DE89370400440532013000",
        "date_of_birth": "1984-05-01",
    }
).encode()
WRITE = json.dumps(
    {
        "title": "Walnut desk",
        "price": 349.5,
        "stock": 12,
        "supplier": "north-wood-42",
        "contact": "orders@example.com",
        "description": "Oiled, one drawer; delivered flat, ready in half an hour.",
    }
).encode()


@dataclass(frozen=True, slots=True)
class Made:
    """A compiled project and the credentials of those who call."""

    prepared: Prepared
    port: int
    tokens: tuple[str, ...]
    api_key: str


def _tokens(key: ECKey) -> tuple[str, ...]:
    now = int(time.time())
    common = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "azp": "desk",
        "roles": ["agent"],
        "scope": "shop:read shop:write",
        "iat": now,
        "nbf": now,
        "exp": now + 7200,
    }
    header = {"alg": "ES256", "kid": "bench"}
    people = ({**common, "sub": f"person-{n}", "jti": f"t-{n:08}"} for n in range(CALLERS))
    return tuple(jwt.encode(header, claims, key) for claims in people)


def make(directory: Path, *, port: int, upstream: int) -> Made:
    """Writes declaration, contract and keys to ``directory``, and compiles them."""
    key = ECKey.generate_key("P-256", {"kid": "bench", "alg": "ES256", "use": "sig"})
    (directory / "jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    (directory / "openapi.json").write_text(json.dumps(contract()))
    text = dedent(_DECLARATION).format(port=port, upstream=upstream, issuer=ISSUER, audience=AUDIENCE)
    (directory / "assay.yaml").write_text(text)
    prepared = prepare_project(open_project(directory))

    def issue(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, Secret]:
        return store.issue("partner", timedelta(days=1), datetime.now(UTC), note="benchmark", created_by="benchmark")

    issued = api_keys.edit(keys_file(prepared.paths.root), issue)
    return Made(prepared, port, _tokens(key), issued.reveal())
