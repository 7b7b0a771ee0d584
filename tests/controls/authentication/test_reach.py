"""Whoever has the role must also have the credentials, all of one alternative at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from assay.controls.authentication.design import design
from assay.controls.base import Context
from assay.declare.declaration import Declaration

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://login.example/t, scopes: {read: r, write: w}}}}
    key: {type: apiKey, in: header, name: X-Key}
    mtls: {type: mutualTLS}
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      security: %s
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
"""
TEXT = """\
assay: 1
organisation: {name: Shop}
environments: {e: {tier: production, issuer: {url: https://login.example, audience: a}}, other: {tier: production}}
apis:
  shop:
    owner: s
    exposure: public
    environment: e
    contract: shop.yaml
    upstream: http://127.0.0.1:1
    access: [{operations: [getOrder], %s}]
consumers:
  app: {kind: service, roles: [clerk], authenticate: {%s}}
"""
CLERK = "roles: [clerk]"


@pytest.mark.parametrize(
    ("security", "access", "credentials", "outcome"),
    [
        ("[{oauth: [read]}]", CLERK, "oauth2: {client: app}", "pass"),
        ("[{oauth: [read]}]", CLERK, "oauth2: {client: app, scopes: [read]}", "pass"),
        ("[{oauth: [write]}]", CLERK, "oauth2: {client: app, scopes: [read]}", "fail"),
        ("[{oauth: [read]}]", CLERK + ", scopes: [write]", "oauth2: {client: app, scopes: [read]}", "fail"),
        ("[{oauth: [read]}]", "roles: [boss]", "oauth2: {client: app}", "fail"),
        ("[{oauth: [read], mtls: []}]", CLERK, "oauth2: {client: app}", "fail"),
        ("[{oauth: [read], mtls: []}]", CLERK, "oauth2: {client: app}, mtls: {san: app.internal}", "pass"),
        ("[{oauth: [read], mtls: []}, {key: []}]", CLERK, "api_key: {}", "pass"),
        ("[{key: []}]", CLERK + ", owns: path.id == token.sub", "api_key: {}", "fail"),
        ("[{key: []}]", CLERK + ", scopes: [read]", "api_key: {}", "fail"),
        ("[{oauth: []}]", CLERK + ", owns: path.id == token.sub", "oauth2: {client: app, opaque: true}", "fail"),
        ("[{oauth: []}]", CLERK + ", owns: path.id == token.sub", "oauth2: {client: app}", "pass"),
        ("[{}]", "anonymous: true", "api_key: {}", "pass"),
        ("[{key: []}]", "anonymous: true", "api_key: {}", "pass"),
        ("[]", CLERK, "api_key: {}", None),
    ],
)
def test_an_operation_is_in_reach_of_whoever_can_really_call_it(
    declared: Callable[..., Declaration], security: str, access: str, credentials: str, outcome: str | None
) -> None:
    declaration = declared(TEXT % (access, credentials), CONTRACT % security)
    verdicts = design(Context(declaration, date(2026, 7, 1), frozenset()))
    found = [str(v.outcome) for v in verdicts if v.check == "operation-out-of-reach"]
    assert found == ([outcome] if outcome else [])
