"""What is at stake in a scenario: categories and people it reaches, for appetite and for money; and whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.risk.risks_made import BOLA, assessment, factors

from assay.declare import load
from assay.risk.reached import Reaches
from assay.risk.register import Reach
from assay.risk.words import Assessment, Threat
from assay.sensitivity import closure, reach

SHOP = """\
assay: 1
organisation: {name: Shop, subjects: 5000}
environments: {test: {tier: non-production}}
data:
  customer:
    subjects: customers
    count: 700
    from: api.yaml#/components/schemas/Customer
    fields: {email: {category: user.contact.email, identifies: direct}}
  patient: {fields: {name: {category: user.name, identifies: direct}, illness: {category: user.health_and_medical}}}
  product: {fields: {price: {level: internal}}}
systems:
  crm: {kind: database, environment: test, owner: sales, holds: [customer]}
  clinic: {kind: database, environment: test, owner: care, holds: [patient]}
  shelf: {kind: database, environment: test, owner: stock, holds: [product]}
flows: {out: {from: crm, to: shelf, data: [customer]}}
apis:
  shop:
    owner: digital
    exposure: public
    environment: test
    contract: api.yaml
    upstream: http://127.0.0.1:9
    backed_by: [crm]
    access: [{roles: [clerk], operations: ["*"]}]
    reveal: [{roles: [clerk], classes: [user], form: clear}]
consumers:
  desk: {kind: application, authenticate: {api_key: {}}, roles: [clerk], owner: helpdesk, clearance: restricted}
"""
API = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /customers:
    get:
      operationId: get
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Customer"}}}}
  /ping: {get: {operationId: ping, responses: {"204": {description: ok}}}}
components: {schemas: {Customer: {type: object, properties: {email: {type: string}}}}}
"""


@pytest.fixture(scope="module")
def reaches(tmp_path_factory: pytest.TempPathFactory) -> Reaches:
    place: Path = tmp_path_factory.mktemp("shop")
    (place / "assay.yaml").write_text(SHOP, encoding="utf-8")
    (place / "api.yaml").write_text(API, encoding="utf-8")
    declaration = load(place, environ={})
    closed = closure(declaration)
    return Reaches(declaration, closed, reach(declaration, closed))


def at(subject: str, places: list[str], *, confidentiality: float = 5, threat: Threat = BOLA) -> Assessment:
    one = assessment(
        replace(threat, id=f"t{confidentiality}{places}"), subject, factors(5, 5, 5, 5), [(places, [], ())]
    )
    given = replace(one.scenario.factors, technical=_with(one, "technical", confidentiality))
    given = replace(given, business=_with(one, "business", confidentiality))
    return replace(one, scenario=replace(one.scenario, factors=given))


def _with(one: Assessment, group: str, value: float) -> tuple[object, ...]:
    names = ("loss_of_confidentiality", "privacy_violation")
    found = getattr(one.scenario.factors, group)
    return tuple(replace(f, value=value) if f.name in names else f for f in found)


@pytest.mark.parametrize(
    ("subject", "places", "expected"),
    [
        ("apis.shop", ["apis.shop.operations.get"], Reach(frozenset({"user.contact.email"}), False, 700, "digital")),
        ("apis.shop", ["apis.shop.operations.ping"], Reach(owner="digital")),
        ("apis.shop", ["apis.shop"], Reach(frozenset({"user.contact.email"}), False, 700, "digital")),
        ("systems.crm", ["systems.crm"], Reach(frozenset({"user.contact.email"}), False, 700, "sales")),
        ("flows.out", ["flows.out"], Reach(frozenset({"user.contact.email"}), False, 700, "")),
        ("consumers.desk", ["consumers.desk"], Reach(frozenset({"user.contact.email"}), False, 700, "helpdesk")),
        ("consumers.gone", ["consumers.gone"], Reach()),
    ],
)
def test_a_scenario_reaches_what_its_places_show(
    reaches: Reaches, subject: str, places: list[str], expected: Reach
) -> None:
    assert reaches.of(at(subject, places)) == expected


def test_special_categories_are_known_and_people_default_to_the_organisations(reaches: Reaches) -> None:
    found = reaches.of(at("systems.clinic", ["systems.clinic"]))
    assert (found.special, found.subjects, found.owner) == (True, 5000, "care")


def test_data_about_nobody_is_of_no_people(reaches: Reaches) -> None:
    declared = reaches.of(at("systems.shelf", ["systems.shelf"]))
    assert declared.subjects == 700  # a flow brings customers there
    assert not declared.special


def test_who_only_stops_a_service_reaches_nobodys_data(reaches: Reaches) -> None:
    assert reaches.of(at("systems.clinic", ["systems.clinic"], confidentiality=0)) == Reach(owner="care")
