"""A shop in a function: safe as it is, and with every flaw that a test switches on. Played to a scripted lab."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import JWKRegistry
from tests.prove.scripted import AUDIENCE, ISSUER, NOW, PUBLIC, Asked, Said, ScriptedLab, judge

from assay.controls.authentication.proofs import forge
from assay.declare.loader import load
from assay.gateway.decision import Decision
from assay.prove.case import Case, Identity, Judged, Thing
from assay.prove.surface import Persona, Surface, Target, targets_of

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: https://shop.example}]
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: https://login.example/token, scopes: {read: r, write: w}}}
  schemas:
    Note: {type: object, properties: {note: {type: string}}}
    Sign: {type: object, properties: {user: {type: string}, password: {type: string}}}
security: [{oauth: [read]}]
paths:
  /health:
    get: {operationId: health, security: [], responses: {"200": {description: ok}}}
  /orders:
    get: {operationId: listOrders, responses: {"200": {description: ok}}}
    post: &write
      operationId: createOrder
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
      responses: {"201": {description: ok}}
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
    patch: {<<: *write, operationId: updateOrder}
    delete: {operationId: deleteOrder, responses: {"204": {description: ok}}}
  /orders/{orderId}/lines/{lineId}:
    parameters:
      - {name: orderId, in: path, required: true, schema: {type: string}}
      - {name: lineId, in: path, required: true, schema: {type: string}}
    get: {operationId: getLine, responses: {"200": {description: ok}}}
  /report:
    get: {operationId: report, responses: {"200": {description: ok}}}
  /report/reset:
    post: {operationId: resetReport, responses: {"204": {description: ok}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: production
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    access:
      - {roles: [customer], operations: [getOrder, updateOrder, deleteOrder, getLine], owns: path.orderId == token.sub}
      - {roles: [customer], operations: [listOrders, createOrder]}
      - {roles: [admin], operations: ["*"]}
      - {anonymous: true, operations: [health]}
consumers:
  app: {kind: application, roles: [customer], authenticate: {oauth2: {client: app, scopes: [read, write]}}}
  back: {kind: service, roles: [admin], authenticate: {oauth2: {client: back, scopes: [read]}}}
"""
CUSTOMER = Persona("app", "app", ("customer",), ("token",), ("read", "write"), people=True)
ADMIN = Persona("back", "back", ("admin",), ("token",), ("read",))


def surface_in(
    folder: Path,
    *,
    head: str = HEAD,
    contract: str = CONTRACT,
    personas: tuple[Persona, ...] = (CUSTOMER, ADMIN),
    **more: Any,
) -> Surface:
    """The shop as a surface, by default behind nobody's gateway."""
    folder.mkdir(exist_ok=True)
    (folder / "contract.yaml").write_text(contract)
    (folder / "assay.yaml").write_text(head)
    declaration = load(folder / "assay.yaml", environ={})
    settings: dict[str, Any] = {"via": "direct", "fronted": False, "declared_access": True, "tls": True, **more}
    return Surface(
        declaration=declaration,
        targets=targets_of(declaration, base_of={"shop": ""}),
        personas=personas,
        **settings,
    )


@dataclass
class Shop:
    """See the module. With ``gateway``, decisions are those of a gateway that refuses what the shop refuses."""

    flaws: frozenset[str] = frozenset()
    gateway: bool = False
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    lab: ScriptedLab | None = None
    wants: Callable[[Asked], Said | None] = lambda asked: None

    def things(self, target: Target, who: Identity) -> Thing:
        """An order of this identity with a line in it, the subject being its number: that is what the rule compares."""
        nonce = f"planted{len(self.orders)}{who.name}".replace("#", "")
        number = who.subject or who.name
        order = {"id": number, "owner": who.subject, "note": nonce, "line": f"l-{number}", "engraved": nonce}
        self.orders[number] = order
        params = {"orderId": number}
        if "{lineId}" in target.operation.path:
            params["lineId"] = str(order["line"])
        return Thing(params, who, nonce, made=True)

    def __call__(self, asked: Asked) -> Said:
        special = self.wants(asked)
        if special is not None:
            return special
        said = self._answer(asked)
        if not self.gateway:
            return said
        control = {401: "authentication/no-accepted-credential", 404: "api_gateway/no-such-operation"}
        if said.status in (401, 403, 404, 405):
            policy = control.get(said.status, "authorisation/no-rule-allows")
            return Said(said.status, said.body, said.headers, Decision("refused", policy))
        return Said(said.status, said.body, said.headers, Decision("allowed", "shop/0-customer"))

    def _answer(self, asked: Asked) -> Said:
        path = asked.path.rstrip("/") if "slash" in self.flaws else asked.path
        if path == "/health":
            return Said(200, {"status": "ok"})
        claims = self._claims(asked)
        unguarded = "slash" in self.flaws and asked.path.endswith("/")
        if claims is None and not unguarded and "no-authentication" not in self.flaws:
            return Said(401, {"title": "Unauthorized"})
        claims = claims or {"sub": "", "roles": ["admin"], "scope": "read write"}
        if "read" not in str(claims.get("scope", "")).split() and "scope" not in self.flaws:
            return Said(403, {"title": "scope"})
        if "header-identity" in self.flaws and "x-user-id" in asked.headers:
            claims["sub"] = asked.headers["x-user-id"]
        admin = "admin" in claims.get("roles", ())
        parts = path.strip("/").split("/")
        if parts[0] == "report":
            return self._report(asked, parts, admin=admin)
        if parts[0] != "orders":
            return Said(404, {"title": "Not found"})
        if len(parts) == 1:
            return self._collection(asked, claims, admin=admin)
        return self._order(asked, parts, claims, admin=admin)

    def _report(self, asked: Asked, parts: list[str], *, admin: bool) -> Said:
        if not admin and "role" not in self.flaws:
            return Said(403, {"title": "Forbidden"})
        return Said(204) if len(parts) > 1 else Said(200, {"turnover": "123456", "customers": "98765"})

    def _collection(self, asked: Asked, claims: dict[str, Any], *, admin: bool) -> Said:
        if asked.method == "GET":
            mine = [o for o in self.orders.values() if admin or o["owner"] == claims["sub"]]
            return Said(200, {"items": mine})
        if asked.method == "POST":
            number = f"new-{len(self.orders)}"
            self.orders[number] = {"id": number, "owner": claims["sub"], "note": (asked.json() or {}).get("note", "")}
            return Said(201, self.orders[number], {"location": f"/orders/{number}"})
        return Said(405, {"title": "Method not allowed"})

    def _order(self, asked: Asked, parts: list[str], claims: dict[str, Any], *, admin: bool) -> Said:
        order = self.orders.get(parts[1])
        method = asked.method
        if "override" in self.flaws:
            method = asked.headers.get("x-http-method-override", method)
        own = order is not None and (admin or order["owner"] == claims["sub"])
        if len(parts) == 4:
            return self._line(parts, claims, own=own)
        if order is None:
            return Said(404, {"title": "Not found"})
        if method == "GET":
            return Said(200, order) if own or "bola-read" in self.flaws else Said(404, {"title": "Not found"})
        if method == "PATCH" or (method == "PUT" and "undeclared" in self.flaws):
            if own or "bola-write" in self.flaws:
                order["note"] = (asked.json() or {}).get("note", "")
                return Said(200, order)
            if "own-copy" in self.flaws:
                return Said(204)
            if "refused-but-done" in self.flaws:
                order["note"] = (asked.json() or {}).get("note", "")
            return Said(403, {"title": "Forbidden"})
        if method == "DELETE":
            if own or "bola-delete" in self.flaws:
                del self.orders[parts[1]]
                return Said(204)
            if "refused-but-gone" in self.flaws:
                del self.orders[parts[1]]
            return Said(404, {"title": "Not found"})
        return Said(405, {"title": "Method not allowed"})

    def _line(self, parts: list[str], claims: dict[str, Any], *, own: bool) -> Said:
        if not own:
            return Said(404, {"title": "Not found"})
        among = self.orders.values() if "child" in self.flaws else [self.orders[parts[1]]]
        found = next((o for o in among if o.get("line") == parts[3]), None)
        return Said(200, {"line": found["line"], "engraved": found["engraved"]}) if found else Said(404, {})

    def _claims(self, asked: Asked) -> dict[str, Any] | None:
        text = asked.bearer
        if "token-in-query" in self.flaws and "access_token" in asked.query:
            return self._verified(asked.query["access_token"])
        return self._verified(text)

    def _verified(self, text: str) -> dict[str, Any] | None:
        read = forge.parts(text)
        if read is None:
            return None
        header, claims, signature = read
        if not self._signed(text, header, signature):
            return None
        if claims.get("exp", 0) < NOW and "no-expiry" not in self.flaws:
            return None
        if claims.get("nbf", 0) > NOW and "no-nbf" not in self.flaws:
            return None
        foreign = claims.get("aud") != AUDIENCE or claims.get("iss") != ISSUER
        return None if foreign and "no-audience" not in self.flaws else claims

    def _signed(self, text: str, header: dict[str, Any], signature: str) -> bool:
        algorithm = str(header.get("alg"))
        if "no-signature" in self.flaws:
            return True
        if "alg-none" in self.flaws and algorithm.lower() == "none":
            return True
        signing = text.rpartition(".")[0].encode()
        if algorithm == "HS256" and "confusion" in self.flaws:
            pem = JWKRegistry.import_key(PUBLIC.as_dict(private=False)["keys"][0]).as_bytes(
                encoding="PEM", private=False
            )
            return forge.encode(hmac.new(pem, signing, hashlib.sha256).digest()) == signature
        if algorithm == "HS256" and "weak-secret" in self.flaws:
            return forge.encode(hmac.new(b"secret", signing, hashlib.sha256).digest()) == signature
        if "jku" in header and "jku" in self.flaws and self.lab is not None:
            self.lab.fetched.add(header["jku"])
            return False
        if "jwk" in header and "jwk" in self.flaws:
            return True
        asked = Asked("GET", "/", {"authorization": f"Bearer {text}"}, b"", None, None)
        return algorithm == "ES256" and asked.signed()


def run(case: Case, shop: Shop, surface: Surface, **more: Any) -> Judged:
    """The judgement of a case on the shop."""
    lab = ScriptedLab(surface, shop, shop.things, **more)
    shop.lab = lab
    return judge(case, lab)


def outcome(cases: list[Case], shop: Shop, surface: Surface, **more: Any) -> str:
    """What some cases come to together: the worst of them."""
    assert cases, "nothing was planned"
    found = {
        str(run(case, Shop(shop.flaws, shop.gateway, wants=shop.wants), surface, **more).outcome) for case in cases
    }
    return next(o for o in ("error", "fail", "inconclusive", "pass", "not_applicable") if o in found)


def named(cases: list[Case], test: str, operation: str = "", identity: str = "", variant: str = "") -> list[Case]:
    """The cases of a test, of an operation and an identity if they are given."""
    return [
        c
        for c in cases
        if c.test.id == test
        and (not operation or c.operation == operation)
        and (not identity or c.identity == identity)
        and (not variant or c.variant == variant)
    ]


def body(value: Any) -> bytes:
    return json.dumps(value).encode()
