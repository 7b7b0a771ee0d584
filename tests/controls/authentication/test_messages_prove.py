"""Messages of others (webhooks): what is old, repeated or signed by nobody is told from what is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, Shop, named, run, surface_in
from tests.prove.scripted import NOW, Asked, Said

from assay.controls.authentication.prove import prove
from assay.declare.model import MessageRecipe
from assay.domain import Outcome
from assay.prove.case import Identity, Judged, NotReached, Thing
from assay.prove.surface import Surface, Target

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes: {oauth: {type: http, scheme: bearer}}
security: [{oauth: []}]
paths:
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
  /payments:
    post:
      operationId: paid
      security: []
      parameters:
        - {name: x-signature, in: header, required: true, schema: {type: string}}
        - {name: x-timestamp, in: header, required: true, schema: {type: string}}
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {event: {type: string}, order_id: {type: string}}}
      responses: {"202": {description: ok}}
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
    access:
      - {roles: [customer], operations: [getOrder], owns: path.orderId == token.sub}
      - {roles: [admin], operations: [getOrder]}
      - {anonymous: true, operations: [paid]}
consumers: {app: {kind: application, roles: [customer], authenticate: {oauth2: {client: app}}}}
prove:
  messages:
    shop.paid: &recipe
      secret: {secret: "env:WEBHOOK"}
      over: "{timestamp}.{body}"
      signature: x-signature
      timestamp: x-timestamp
      id: /event
"""
SECRET = b"shared-by-two"


@dataclass
class Payments:
    """Orders that get paid by message: signed, of now, and once, but for the flaws that are switched on."""

    flaws: frozenset[str] = frozenset()
    form: str = "{signature}"
    times: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    answers: Callable[[Asked], Said] | None = None

    def things(self, target: Target, who: Identity) -> Thing:
        number = f"o-{len(self.times)}"
        self.times[number] = 0
        return Thing({"orderId": number}, who, made=True)

    def __call__(self, asked: Asked) -> Said:
        if self.answers is not None:
            return self.answers(asked)
        if asked.method == "GET":
            count = self.times.get(asked.path.rpartition("/")[2], 0)
            state: dict[str, Any] = {"status": "paid" if count else "open"}
            return Said(200, state | ({"count": count} if "counted" in self.flaws else {}))
        self.asked.append(asked)
        moment, body = asked.headers["x-timestamp"], json.loads(asked.body)
        code = hmac.digest(SECRET, moment.encode() + b"." + asked.body, hashlib.sha256).hex()
        if asked.headers["x-signature"] != self.form.replace("{signature}", code) and "unsigned" not in self.flaws:
            return Said(401)
        if abs(NOW - int(moment)) > 300 and "old" not in self.flaws:
            return Said(202 if "quiet" in self.flaws else 401)
        if body["event"] in self.seen and not self.flaws & {"repeated", "counted"}:
            return Said(202 if "quiet" in self.flaws else 409)
        self.seen.add(body["event"])
        self.times[body["order_id"]] += 1
        return Said(202)


def judged(folder: Path, test: str, payments: Payments, head: str = HEAD, *, secret: bytes | None = SECRET) -> Judged:
    surface = surface_of(folder, head)
    (case,) = named(list(prove(surface)), test)

    def mac(recipe: MessageRecipe, content: bytes) -> bytes:
        if secret is None:
            raise NotReached("there is no environment variable `WEBHOOK`")
        return hmac.digest(secret, content, recipe.algorithm)

    shop = Shop(wants=payments)
    shop.things = payments.things  # type: ignore[method-assign]
    found = run(case, shop, surface, mac_of=mac, body={"event": "e", "order_id": "o"})
    assert shop.lab is not None
    assert len(shop.lab.asked) <= case.requests
    return found


def surface_of(folder: Path, head: str) -> Surface:
    return surface_in(folder / "shop", head=head, contract=CONTRACT, personas=(CUSTOMER, ADMIN))


TESTS = {"unsigned-message-accepted": "unsigned", "old-message-accepted": "old", "repeated-message-accepted": "counted"}


@pytest.mark.parametrize("test", TESTS)
class TestEach:
    def test_flaw_is_found_by_its_effect(self, tmp_path: Path, test: str) -> None:
        found = judged(tmp_path, test, Payments(frozenset({TESTS[test]})))
        assert found.outcome is Outcome.FAIL, found.sentence

    def test_refusal_passes(self, tmp_path: Path, test: str) -> None:
        found = judged(tmp_path, test, Payments())
        assert found.outcome is Outcome.PASS, found.sentence

    def test_nothing_is_concluded_where_even_good_messages_are_refused(self, tmp_path: Path, test: str) -> None:
        found = judged(tmp_path, test, Payments(), secret=b"another")
        expected = Outcome.PASS if test.startswith("unsigned") else Outcome.INCONCLUSIVE
        assert found.outcome is expected, found.sentence

    def test_nothing_is_concluded_without_the_secret(self, tmp_path: Path, test: str) -> None:
        found = judged(tmp_path, test, Payments(frozenset({TESTS[test]})), secret=None)
        expected = Outcome.FAIL if test.startswith("unsigned") else Outcome.INCONCLUSIVE
        assert found.outcome is expected, found.sentence


def test_an_old_message_that_is_acknowledged_and_ignored_passes(tmp_path: Path) -> None:
    assert judged(tmp_path, "old-message-accepted", Payments(frozenset({"quiet"}))).outcome is Outcome.PASS


@pytest.mark.parametrize("flaw", ["quiet", "repeated"])
def test_a_repeated_message_that_is_acknowledged_and_changes_nothing_shows_nothing(tmp_path: Path, flaw: str) -> None:
    found = judged(tmp_path, "repeated-message-accepted", Payments(frozenset({flaw})))
    assert found.outcome is Outcome.INCONCLUSIVE, found.sentence


def test_signatures_are_written_as_the_recipe_says(tmp_path: Path) -> None:
    head = HEAD.replace("      id: /event", '      id: /event\n      form: "sha256={signature}"\n      key: text')
    payments = Payments(form="sha256={signature}")
    assert judged(tmp_path, "old-message-accepted", payments, head).outcome is Outcome.PASS
    events = [json.loads(asked.body)["event"] for asked in payments.asked]
    assert len(set(events)) == len(events), "each message has an id of its own"


def test_signatures_may_be_base64_over_an_id_in_a_header(tmp_path: Path) -> None:
    head = HEAD.replace("      id: /event", '      id: "header:webhook-id"\n      encoding: base64').replace(
        '"{timestamp}.{body}"', '"{id}.{timestamp}.{body}"'
    )
    seen: list[Asked] = []

    def service(asked: Asked) -> Said:
        if asked.method == "GET":
            return Said(200, {"status": "open"})
        seen.append(asked)
        signed = f"{asked.headers['webhook-id']}.{asked.headers['x-timestamp']}.".encode() + asked.body
        good = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
        fresh = abs(NOW - int(asked.headers["x-timestamp"])) < 300
        return Said(202 if fresh and asked.headers["x-signature"] == good else 401)

    assert judged(tmp_path, "old-message-accepted", Payments(answers=service), head).outcome is Outcome.PASS
    assert len(seen) == 2


def test_without_a_recipe_only_made_up_signatures_are_tried(tmp_path: Path) -> None:
    surface = surface_of(tmp_path, HEAD.partition("prove:")[0])
    assert {c.test.id for c in prove(surface) if c.operation == "paid"} & set(TESTS) == {"unsigned-message-accepted"}


def test_messages_without_a_time_are_not_tried_as_old_ones(tmp_path: Path) -> None:
    head = HEAD.replace("      timestamp: x-timestamp\n", "").replace('"{timestamp}.{body}"', '"{body}"')
    assert not named(list(prove(surface_of(tmp_path, head))), "old-message-accepted")
