"""A property that is left to some roles: who else sets it is found by what is read back, and nobody else is accused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said

from assay.controls.data_exposure.prove import prove
from assay.domain import Outcome
from assay.prove.case import Judged
from assay.prove.surface import Persona

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes: {oauth: {type: http, scheme: bearer}}
  schemas:
    Order:
      type: object
      additionalProperties: false
      properties: {id: {type: string}, note: {type: string}, discount: {type: integer, minimum: 0, maximum: 90}}
security: [{oauth: []}]
paths:
  /orders:
    post:
      operationId: createOrder
      requestBody: &order {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: &one
        "201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: *one}
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
    access: [{roles: [customer, admin], operations: ["*"]}]
data:
  order:
    from: contract.yaml#/components/schemas/Order
    fields: {discount: {level: internal, set_by: [admin]}}
"""


@dataclass
class Orders:
    """Orders with a discount, which is for admins: refused, ignored or hidden for others, or taken."""

    others: str = "refused"
    status: int = 403
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Said:
        assert asked.who is not None
        admin = "admin" in asked.who.roles
        if asked.method == "GET":
            shown = dict(self.kept[asked.path.rpartition("/")[2]])
            if self.others == "hidden":
                shown.pop("discount")
            return Said(200, shown)
        body = asked.json()
        wanted = int(body.get("discount", 0))
        if self.others == "nobody" or (wanted and not admin and self.others == "refused"):
            return Said(self.status) if wanted else self._made(body, 0)
        return self._made(body, 0 if self.others == "ignored" and not admin else wanted)

    def _made(self, body: dict[str, Any], discount: int) -> Said:
        number = f"o{len(self.kept)}"
        self.kept[number] = {"id": number, "note": body.get("note", ""), "discount": discount}
        return Said(201, {"id": number})


def judged(folder: Path, orders: Orders, people: tuple[Persona, ...] = (CUSTOMER, ADMIN)) -> Judged:
    folder.mkdir(exist_ok=True)
    surface = surface_in(folder / "shop", head=HEAD, contract=CONTRACT, personas=people)
    (case,) = named(list(prove(surface)), "reserved-property-set", "createOrder")
    assert (case.identity, case.variant) == ("app", "discount")
    shop = Shop(wants=orders)
    found = run(case, shop, surface)
    assert shop.lab is not None
    assert len(shop.lab.asked) <= case.requests
    return found


def test_a_property_that_anybody_sets_is_found_by_what_is_read_back(tmp_path: Path) -> None:
    found = judged(tmp_path, Orders("taken"))
    assert found.outcome is Outcome.FAIL
    assert found.sentence == "`app` set `discount` in the body, which only `admin` may"


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_passes_where_somebody_else_was_seen_to_set_it(tmp_path: Path, status: int) -> None:
    assert judged(tmp_path, Orders(status=status)).outcome is Outcome.PASS


def test_a_property_that_is_ignored_passes_where_somebody_else_was_seen_to_set_it(tmp_path: Path) -> None:
    assert judged(tmp_path, Orders("ignored")).outcome is Outcome.PASS


def test_a_property_that_cannot_be_read_back_shows_nothing(tmp_path: Path) -> None:
    assert judged(tmp_path, Orders("hidden")).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("status", "expected"), [(403, Outcome.PASS), (422, Outcome.INCONCLUSIVE)])
def test_where_nobody_can_set_it_only_a_refusal_of_the_caller_counts(
    tmp_path: Path, status: int, expected: Outcome
) -> None:
    assert judged(tmp_path, Orders("nobody", status)).outcome is expected
    assert judged(tmp_path / "alone", Orders(status=status), (CUSTOMER,)).outcome is expected


def test_nothing_is_planned_where_all_who_may_write_may_set_it(tmp_path: Path) -> None:
    surface = surface_in(tmp_path / "shop", head=HEAD, contract=CONTRACT, personas=(ADMIN,))
    assert not named(list(prove(surface)), "reserved-property-set")
