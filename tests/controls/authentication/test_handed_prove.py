"""Proof of tokens that an API hands out itself, of fewer scopes, of signed messages and of headers that name a path."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from tests.controls.proving.shop import CUSTOMER, named, surface_in
from tests.prove.scripted import AUDIENCE, ISSUER, KEY, NOW, PUBLIC, Asked, Said, ScriptedLab, judge

from assay.controls.authentication.prove import prove
from assay.controls.authorisation.prove import prove as prove_authorisation
from assay.prove.case import Call, Case, Identity, Judged, Seen, Thing
from assay.prove.surface import Persona, Surface, Target

STAFF = Persona("office", "office", ("admin",), ("token",), ("orders", "pay"))
CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {password: {tokenUrl: https://x.example/t, scopes: {orders: o, pay: p}}}}
  schemas:
    Sign:
      type: object
      properties:
        user: {type: string}
        password: {type: string}
        seconds: {type: integer}
        scopes: {type: array, items: {type: string}}
    Token: {type: object, properties: {token: {type: string}, id_token: {type: string}}}
    Payment: {type: object, properties: {event: {type: string}, order_id: {type: string}}}
security: [{oauth: []}]
paths:
  /login:
    post:
      operationId: login
      security: []
      requestBody: &sign {content: {application/json: {schema: {$ref: "#/components/schemas/Sign"}}}}
      responses:
        "200": &token
          description: ok
          content: {application/json: {schema: {$ref: "#/components/schemas/Token"}}}
  /users: {post: {operationId: register, security: [], requestBody: *sign, responses: {"201": {description: ok}}}}
  /me: {get: {operationId: getMe, responses: {"200": {description: ok}}}}
  /products: {get: {operationId: listProducts, security: [], responses: {"200": {description: ok}}}}
  /exports: {get: {operationId: exportAll, security: [{oauth: [pay]}], responses: {"200": {description: ok}}}}
  /orders: {get: {operationId: listOrders, security: [{oauth: [orders]}], responses: {"200": {description: ok}}}}
  /orders/{orderId}:
    get:
      operationId: getOrder
      security: [{oauth: [orders]}]
      parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
  /partner-tokens: {post: {operationId: partnerToken, responses: {"200": *token}}}
  /payments:
    post:
      operationId: paid
      security: []
      parameters: [{name: X-Signature, in: header, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Payment"}}}}
      responses: {"202": {description: ok}}
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
      - {roles: [customer, admin], operations: [getMe, listOrders, getOrder, partnerToken]}
      - {roles: [admin], operations: [exportAll]}
      - {anonymous: true, operations: [login, register, listProducts, paid]}
consumers:
  app: {kind: application, roles: [customer], authenticate: {oauth2: {client: app, scopes: [orders, pay]}}}
  office: {kind: service, roles: [admin], authenticate: {oauth2: {client: office, scopes: [orders, pay]}}}
"""


def token(**claims: Any) -> str:
    said = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(NOW) + 900, "scope": "orders pay", **claims}
    return jwt.encode({"alg": "ES256", "kid": "k1"}, said, KEY)


@dataclass
class Service:
    """Signs people in, gives tokens to others, takes messages; sound but for the flaws that are switched on."""

    flaws: frozenset[str] = frozenset()
    people: dict[str, str] = field(default_factory=dict)
    order: dict[str, str] = field(default_factory=lambda: {"id": "o-1", "status": "open"})
    reads: int = 0
    lab: ScriptedLab | None = None

    def things(self, target: Target, who: Identity) -> Thing:
        return Thing({"orderId": "o-1"}, who, made=True)

    def __call__(self, asked: Asked) -> Said:
        body = json.loads(asked.body) if asked.body else {}
        path = asked.headers.get("x-rewrite-url", asked.path) if "rewrites" in self.flaws else asked.path
        if path == "/users":
            self.people[body["user"]] = body["password"]
            return Said(201, {"id": body["user"]})
        if path == "/login":
            return self._login(body)
        if asked.path == "/products" and path == asked.path:
            return Said(200, {"items": ["spoon", "ladle"]})
        if path == "/payments":
            if "any-signature" in self.flaws:
                self.order["status"] = "paid"
            return Said(202 if self.flaws & {"any-signature", "later"} else 401)
        claims = self._claims(asked)
        if path == "/exports" and (path != asked.path or (claims and "pay" in claims["scope"])):
            return Said(200, {"turnover": "everything that was sold"})
        if claims is None:
            return Said(401, {"title": "Unauthorized"})
        if path == "/partner-tokens":
            return Said(200, {"token": token(aud="parcels")})
        if path.startswith("/orders") and "orders" not in claims["scope"] and "scopes" not in self.flaws:
            return Said(403, {"title": "scope"})
        self.reads += 1
        restless = {"read": f"{self.reads} times"} if "restless" in self.flaws else {}
        return Said(200, {**self.order, **restless} if path == "/orders/o-1" else {"user": "somebody", "here": "yes"})

    def _login(self, body: dict[str, Any]) -> Said:
        if self.people.get(body["user"]) != body["password"]:
            return Said(401)
        seconds = 900 if "long-lived" in self.flaws else body.get("seconds", 900)
        scope = " ".join(body.get("scopes", ["orders", "pay"]))
        given = token(exp=int(NOW) + seconds, scope=scope)
        return Said(200, {"token": given, "id_token": token(aud="shop-web", sub=body["user"])})

    def _claims(self, asked: Asked) -> dict[str, Any] | None:
        try:
            claims = dict(jwt.decode(asked.bearer, PUBLIC, algorithms=["ES256"]).claims)
        except Exception:  # noqa: BLE001 - any way of being no good token
            return {"scope": ""} if "anything" in self.flaws and asked.bearer else None
        waited = self.lab.waited if self.lab else 0
        late = claims["exp"] < NOW + waited and "no-end" not in self.flaws
        foreign = claims["aud"] != AUDIENCE and "any-audience" not in self.flaws
        return None if late or foreign else claims


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop", head=HEAD, contract=CONTRACT, personas=(CUSTOMER_, STAFF))


CUSTOMER_ = Persona(CUSTOMER.name, CUSTOMER.consumer, CUSTOMER.roles, CUSTOMER.ways, ("orders", "pay"), people=True)


def conclude(surface: Surface, case: Case, *flaws: str) -> Judged:
    service = Service(frozenset(flaws))
    service.lab = ScriptedLab(surface, service, service.things)
    judged = judge(case, service.lab)
    assert len(service.lab.asked) <= case.requests
    return judged


@pytest.mark.parametrize(("flaws", "expected"), [((), "pass"), (("no-end",), "fail")])
def test_a_token_that_ended_while_the_machine_paused_is_asked_for_again(
    surface: Surface, flaws: tuple[str, ...], expected: str
) -> None:
    class Pausing(ScriptedLab):
        def now(self) -> float:
            return NOW + self.waited

        async def call(self, call: Call) -> Seen:
            self.waited = self.waited or (4.0 if "valid" in call.purpose else 0.0)
            return await super().call(call)

    service = Service(frozenset(flaws))
    service.lab = Pausing(surface, service, service.things)
    judged = judge(chosen(surface, "expired-token-accepted", "short-lived"), service.lab)
    assert judged.outcome == expected, judged.sentence


def cases(surface: Surface) -> list[Case]:
    return [*prove(surface), *prove_authorisation(surface)]


def chosen(surface: Surface, test: str, variant: str) -> Case:
    (case,) = (c for c in named(cases(surface), test) if c.variant == variant)
    return case


ATTACKS = [
    ("expired-token-accepted", "short-lived", "no-end"),
    ("foreign-token-accepted", "login", "any-audience"),
    ("foreign-token-accepted", "partnerToken", "any-audience"),
    ("scope-not-enforced", "own-account", "scopes"),
    ("unsigned-message-accepted", "", "any-signature"),
    ("path-header-trusted", "", "rewrites"),
]


@pytest.mark.parametrize(("test", "variant", "flaw"), ATTACKS)
class TestEachAttack:
    def test_finds_its_flaw(self, surface: Surface, test: str, variant: str, flaw: str) -> None:
        assert conclude(surface, chosen(surface, test, variant), flaw).outcome == "fail"

    def test_finds_nothing_in_a_sound_service(self, surface: Surface, test: str, variant: str, flaw: str) -> None:
        judged = conclude(surface, chosen(surface, test, variant))
        assert judged.outcome == "pass", judged.sentence


@pytest.mark.parametrize(
    ("test", "variant", "flaw", "said"),
    [
        ("expired-token-accepted", "short-lived", "long-lived", "one for 900 s was given"),
        ("expired-token-accepted", "short-lived", "anything", "made-up token works as well"),
        ("unsigned-message-accepted", "", "later", "no effect of it was seen"),
    ],
)
def test_what_cannot_be_told_is_left_open(surface: Surface, test: str, variant: str, flaw: str, said: str) -> None:
    judged = conclude(surface, chosen(surface, test, variant), flaw)
    assert judged.outcome == "inconclusive"
    assert said in judged.sentence


def test_what_changes_by_itself_is_no_effect_of_a_message(surface: Surface) -> None:
    judged = conclude(surface, chosen(surface, "unsigned-message-accepted", ""), "later", "restless")
    assert judged.outcome == "inconclusive", judged.sentence


def test_nothing_is_made_where_writing_is_not_allowed(tmp_path: Path) -> None:
    surface = surface_in(
        tmp_path / "shop", head=HEAD, contract=CONTRACT, personas=(CUSTOMER_, STAFF), allow_writes=False
    )
    planned = {(c.test.id, c.variant) for c in cases(surface)}
    assert planned & {(test, variant) for test, variant, _ in ATTACKS} == {("path-header-trusted", "")}
