"""Proof of sessions and passwords, for APIs that sign callers in themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.controls.authentication.prove import prove
from assay.prove.case import Call, Seen
from assay.prove.surface import Surface

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes: {session: {type: http, scheme: bearer}}
  requestBodies:
    sign: &sign
      content:
        application/json:
          schema: {type: object, properties: {user: {type: string}, password: {type: string}}}
security: [{session: []}]
paths:
  /login: {post: {operationId: login, security: [], requestBody: *sign, responses: {"200": {description: ok}}}}
  /users: {post: {operationId: register, security: [], requestBody: *sign, responses: {"201": {description: ok}}}}
  /logout: {post: {operationId: logout, responses: {"204": {description: ok}}}}
  /me: {get: {operationId: getMe, responses: {"200": {description: ok}}}}
  /me/password:
    post:
      operationId: changePassword
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {current: {type: string}, password: {type: string}}}
      responses: {"204": {description: ok}}
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
      - {roles: [customer, admin], operations: [logout, getMe, changePassword]}
      - {anonymous: true, operations: [login, register]}
consumers: {app: {kind: application, roles: [customer], authenticate: {oauth2: {client: app}}}}
"""


@dataclass
class Accounts:
    """Accounts and sessions, sound but for the flaws that are switched on."""

    flaws: frozenset[str] = frozenset()
    people: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Said | None:
        body = json.loads(asked.body) if asked.body else {}
        if asked.path == "/users":
            self.people[body["user"]] = body["password"]
            return Said(201, {"id": body["user"]})
        if asked.path == "/login":
            return self._login(body)
        who = self.sessions.get(asked.bearer)
        if who is None:
            return Said(401, {"title": "Unauthorized"})
        if asked.path == "/logout":
            if "logout" not in self.flaws:
                del self.sessions[asked.bearer]
            return Said(204)
        if asked.path == "/me/password":
            if body["current"] != self.people[who]:
                return Said(403, {"title": "Wrong password"})
            self.people[who] = body["password"]
            if "password" not in self.flaws:
                self.sessions = {t: w for t, w in self.sessions.items() if w != who}
            return Said(204)
        return Said(200, {"user": who})

    def _login(self, body: dict[str, str]) -> Said:
        user, password = body["user"], body["password"]
        if "default" in self.flaws and user == password == "admin":
            return Said(200, {"token": "admin-session"})
        if self.failed.get(user, 0) >= 5 and "unbounded" not in self.flaws:
            return Said(429, {"title": "Too many attempts"})
        if self.people.get(user) != password:
            self.failed[user] = self.failed.get(user, 0) + 1
            told = "enumerable" in self.flaws and user not in self.people
            return Said(401, {"title": "no such user" if told else "unknown user or wrong password"})
        token = f"session-{len(self.sessions)}-{user}"
        self.sessions[token] = user
        return Said(200, {"token": token})


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop", head=HEAD, contract=CONTRACT, personas=(CUSTOMER, ADMIN))


@pytest.mark.parametrize(
    ("test", "flaw"),
    [
        ("logout-without-effect", "logout"),
        ("password-change-keeps-sessions", "password"),
        ("password-guessing-unbounded", "unbounded"),
        ("accounts-enumerable", "enumerable"),
        ("default-credentials-accepted", "default"),
    ],
)
class TestEachAttack:
    def test_finds_its_flaw(self, surface: Surface, test: str, flaw: str) -> None:
        (case,) = named(list(prove(surface)), test)
        assert run(case, Shop(wants=Accounts(frozenset({flaw}))), surface).outcome == "fail"

    def test_finds_nothing_in_a_sound_service(self, surface: Surface, test: str, flaw: str) -> None:
        (case,) = named(list(prove(surface)), test)
        assert run(case, Shop(wants=Accounts()), surface).outcome == "pass"

    def test_concludes_nothing_where_no_account_can_be_made(self, surface: Surface, test: str, flaw: str) -> None:
        (case,) = named(list(prove(surface)), test)
        shut = Shop(wants=lambda asked: Said(503, {}))
        assert run(case, shut, surface).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("slow", "expected"), [({3}, "fail"), ({3, 4, 9}, "fail"), (set(range(6, 30)), "pass")], ids=["once", "twice", "on"]
)
def test_only_a_service_that_stays_slow_resists_guessing(surface: Surface, slow: set[int], expected: str) -> None:
    """A machine that pauses for seconds, and a service that makes whoever guesses wait."""

    class Paced(ScriptedLab):
        async def call(self, call: Call) -> Seen:
            return replace(await super().call(call), seconds=2.0 if len(self.asked) in slow else 0.01)

    (case,) = named(list(prove(surface)), "password-guessing-unbounded")
    shop = Shop(wants=Accounts(frozenset({"unbounded"})))
    shop.lab = Paced(surface, shop, shop.things)
    assert judge(case, shop.lab).outcome == expected


def test_nothing_that_makes_accounts_is_planned_where_writing_is_not_allowed(tmp_path: Path) -> None:
    surface = surface_in(tmp_path / "shop", head=HEAD, contract=CONTRACT, allow_writes=False)
    assert {c.test.id for c in prove(surface)} & {"logout-without-effect", "password-guessing-unbounded"} == set()
