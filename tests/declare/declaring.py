"""Small declarations for tests: files in, verdicts out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assay.declare import Declaration, load
from assay.domain import DeclarationError

CONTROLS = ("authentication", "authorisation", "rate_limiting", "transport_encryption")
CONTRACT = """\
openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /orders:
    get:
      operationId: listOrders
      security: [{key: []}]
      responses: {"200": {description: ok, content: {text/json: {schema: {$ref: "#/components/schemas/Orders"}}}}}
    post:
      operationId: createOrder
      security: [{key: []}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"201": {description: made}}
  /orders/{orderId}:
    get:
      operationId: getOrder
      security: [{key: []}]
      parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  schemas:
    Orders: {type: array, items: {$ref: "#/components/schemas/Order"}}
    Order:
      type: object
      properties:
        email: {type: string}
        total: {type: number}
        address: {type: object, properties: {city: {type: string}}}
"""
BASE = """\
assay: 1
organisation: {name: Northwind}
environments:
  test: {tier: non-production, issuer: {development: true, audience: orders}}
systems:
  store: {kind: database, environment: test, owner: team, holds: [order]}
data:
  order:
    from: api.yaml#/components/schemas/Order
    fields:
      email: {category: user.contact.email}
      address.city: {category: user.contact.address.city}
apis:
  orders:
    owner: team
    exposure: internal
    environment: test
    contract: api.yaml
    upstream: http://127.0.0.1:9000
    backed_by: [store]
    access:
      - {roles: [user], operations: [getOrder, "list*"], owns: "path.orderId == token.sub"}
    reveal:
      - {roles: [user], classes: [user.contact]}
consumers:
  app: {kind: application, authenticate: {api_key: {}}, roles: [user]}
"""


def write(directory: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files in ``directory``, beside the contract."""
    for name, content in {"api.yaml": CONTRACT, **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def read(directory: Path, environ: Mapping[str, str] | None = None) -> Declaration:
    """The declaration in ``directory``, whose files are shown without it."""
    return load(directory, environ=environ or {}, controls=CONTROLS, shown_as="")


def told(directory: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """What reading the declaration says, one line a verdict: place, check, sentence and fix."""
    try:
        read(directory, environ)
    except DeclarationError as error:
        return [
            f"{v.location} {v.check}: {v.sentence}" + (f" → {v.fix.sentence}" if v.fix else "") for v in error.verdicts
        ]
    return []
