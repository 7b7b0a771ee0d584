"""Proof of tenants where answers show no marker: objects are known by their ids, and what all may read is no leak."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.controls.proving.shop import named, surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.controls.authorisation.prove import prove
from assay.prove.case import Identity, Thing
from assay.prove.surface import Persona, Surface, Target

CONTRACT = """\
openapi: 3.0.3
info: {title: Ward, version: "1"}
components:
  securitySchemes: {oauth: {type: oauth2, flows: {password: {tokenUrl: https://x.example/t, scopes: {}}}}}
security: [{oauth: []}]
paths:
  /exports/patients: {get: {operationId: exportPatients, responses: {"200": {description: ok}}}}
  /patients/{patientId}:
    get:
      operationId: getPatient
      parameters: [{name: patientId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}}
"""
HEAD = """\
assay: 1
organisation: {name: Ward}
environments: {production: {tier: production, issuer: {url: https://issuer.test, audience: shop}}}
apis:
  shop:
    owner: ward
    exposure: internal
    environment: production
    contract: contract.yaml
    upstream: http://10.0.0.1:8000
    access: [{roles: [staff], operations: ["*"]}]
consumers: {app: {kind: application, roles: [staff], authenticate: {oauth2: {client: app}}}}
"""
NORTH = Persona("north", "app", ("staff",), ("token",), tenant="north")
SOUTH = Persona("south", "app", ("staff",), ("token",), tenant="south")


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "ward", head=HEAD, contract=CONTRACT, personas=(NORTH, SOUTH))


def things(target: Target, who: Identity) -> Thing:
    return Thing({"patientId": "v-1"}, who)


@pytest.mark.parametrize(
    ("exported", "readable", "outcome"),
    [
        (["v-1", "v-9"], False, "fail"),
        (["v-1", "v-9"], True, "inconclusive"),
        (["v-9"], False, "pass"),
        (["v-11", "v-9"], False, "pass"),
    ],
    ids=["what-only-its-tenant-may-read", "what-every-tenant-may-read", "its-own-alone", "an-id-that-begins-alike"],
)
def test_an_export_is_judged_by_ids_that_the_other_tenant_may_not_read(
    surface: Surface, exported: list[str], readable: bool, outcome: str
) -> None:
    def service(asked: Asked) -> Said:
        at_home = asked.who is not None and asked.who.persona == "north"
        if asked.path == "/exports/patients":
            return Said(200, {"items": [{"id": n} for n in (["v-1"] if at_home else exported)], "first": "v-1"})
        return Said(200, {"id": "v-1", "name": "Ada"}) if at_home or readable else Said(404, {"title": "Not Found"})

    found = [c for c in named(list(prove(surface)), "tenants-not-apart", "exportPatients") if c.identity == "south"]
    (case,) = found
    lab = ScriptedLab(surface, service, things)
    judged = judge(case, lab)
    assert judged.outcome == outcome, judged.sentence
    assert len(lab.asked) <= case.requests
