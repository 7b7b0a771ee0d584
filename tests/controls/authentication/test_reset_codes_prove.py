"""A reset code that works twice is found by what it opens; where nobody can read one, nothing is concluded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.controls.proving.shop import CUSTOMER, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said

from assay.controls.authentication.prove import prove
from assay.domain import Outcome
from assay.prove.case import Judged, NotReached

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes: {session: {type: http, scheme: bearer}}
  requestBodies:
    sign: &sign
      content:
        application/json:
          schema: {type: object, properties: {email: {type: string}, password: {type: string}}}
    ask: &ask {content: {application/json: {schema: {type: object, properties: {email: {type: string}}}}}}
    confirm: &confirm
      content:
        application/json:
          schema:
            {type: object, properties: {email: {type: string}, code: {type: string}, password: {type: string}}}
security: [{session: []}]
paths:
  /login: {post: {operationId: login, security: [], requestBody: *sign, responses: {"200": {description: ok}}}}
  /users: {post: {operationId: register, security: [], requestBody: *sign, responses: {"201": {description: ok}}}}
  /resets: {post: {operationId: askReset, security: [], requestBody: *ask, responses: {"202": {description: ok}}}}
  /resets/confirm:
    post: {operationId: confirmReset, security: [], requestBody: *confirm, responses: {"204": {description: ok}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: test
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    access: [{anonymous: true, operations: ["*"]}]
"""
INBOX = 'prove: {inbox: {folder: mail, code: "([0-9]{6})"}}\n'


@dataclass
class Resets:
    """Passwords that are reset by a code; ``again``: what a code that was used does."""

    again: str = "refused"
    people: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def __call__(self, asked: Asked) -> Said:
        body = json.loads(asked.body)
        email = body["email"]
        if asked.path == "/users":
            self.people[email] = body["password"]
            return Said(201, {"id": email})
        if asked.path == "/login":
            good = self.people.get(email) == body["password"]
            return Said(200, {"token": "t"}) if good else Said(401)
        if asked.path == "/resets":
            self.codes[email] = f"{len(self.codes):06d}"
            return Said(202)
        if self.codes.get(email) != body["code"]:
            return Said(400)
        if body["code"] in self.used and self.again != "accepted":
            return Said({"refused": 400, "limited": 429, "ignored": 204}[self.again])
        self.used.add(body["code"])
        self.people[email] = body["password"]
        return Said(204)


def judged(folder: Path, resets: Resets, *, wrong: bool = False) -> Judged:
    surface = surface_in(folder / "shop", head=HEAD + INBOX, contract=CONTRACT, personas=(CUSTOMER,))
    (case,) = named(list(prove(surface)), "reset-code-weak", variant="reusable")
    shop = Shop(wants=resets)

    def sent(address: str) -> str:
        if address not in resets.codes:
            raise NotReached("nothing arrived")
        return "999999" if wrong else resets.codes[address]

    found = run(case, shop, surface, codes=sent)
    assert shop.lab is not None
    assert len(shop.lab.asked) <= case.requests
    return found


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ("accepted", Outcome.FAIL),
        ("refused", Outcome.PASS),
        ("ignored", Outcome.INCONCLUSIVE),
        ("limited", Outcome.INCONCLUSIVE),
    ],
)
def test_what_a_used_code_opens_decides(tmp_path: Path, again: str, expected: Outcome) -> None:
    found = judged(tmp_path, Resets(again))
    assert found.outcome is expected, found.sentence


def test_nothing_is_concluded_from_something_else_in_the_mail(tmp_path: Path) -> None:
    found = judged(tmp_path, Resets("accepted"), wrong=True)
    assert found.outcome is Outcome.INCONCLUSIVE, found.sentence


def test_nothing_is_planned_where_no_inbox_is_declared(tmp_path: Path) -> None:
    surface = surface_in(tmp_path / "shop", head=HEAD, contract=CONTRACT, personas=(CUSTOMER,))
    assert not named(list(prove(surface)), "reset-code-weak", variant="reusable")
