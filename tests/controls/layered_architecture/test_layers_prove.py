"""The proof of layers passes only when the layer's own policy refused, after the call worked for who may make it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.prove.scripted import Asked, Said, ScriptedLab, allowed, judge, refused

from assay.controls.layered_architecture.prove import prove
from assay.declare.loader import load
from assay.domain import Outcome
from assay.prove.personas import personas_of
from assay.prove.surface import Surface, targets_of

CONTRACT = """\
openapi: 3.1.0
info: {title: x, version: "1"}
servers: [{url: https://x.example}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-API-Key}}}
security: [{key: []}]
paths: {/records: {get: {operationId: list, responses: {"200": {description: ok}}}}}
"""
HEAD = """\
assay: 1
organisation: {name: x}
environments: {test: {tier: non-production}}
apis:
  front: {owner: o, exposure: public, environment: test, layer: experience, contract: c.yaml, path: /front,
          upstream: "https://front", access: [{roles: [any], operations: ["*"]}]}
  back: {owner: o, exposure: internal, environment: test, layer: process, contract: c.yaml, path: /back,
         upstream: "https://back", access: [{roles: [any], operations: ["*"]}]}
consumers:
  app: {kind: application, roles: [any], authenticate: {api_key: {}}}
  front-service: {kind: service, acts_for: front, roles: [any], authenticate: {api_key: {}}}
  back-service: {kind: service, acts_for: back, roles: [any], authenticate: {api_key: {}}}
"""


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "assay.yaml").write_text(HEAD)
    declaration = load(tmp_path / "assay.yaml", environ={})
    return Surface(
        declaration=declaration,
        targets=targets_of(declaration, base_of={"front": "/front", "back": "/back"}),
        personas=personas_of(declaration, "test"),
        barred=frozenset({("back", "app"), ("front", "back-service")}),
    )


def gateway(skip: Said, good: Said) -> Any:
    def answer(asked: Asked) -> Said:
        proper = {"/front/records": ("app", "front-service"), "/back/records": ("front-service", "back-service")}
        return good if asked.who and asked.who.persona in proper[asked.path] else skip

    return answer


LAYER = refused("layered_architecture/back/layers")
GOOD = allowed([{"id": "c-1", "name": "Ada Byron"}])


@pytest.mark.parametrize(
    ("skip", "good", "outcome", "words"),
    [
        (LAYER, GOOD, Outcome.PASS, "refused with 403 by policy `layered_architecture/back/layers`"),
        (GOOD, GOOD, Outcome.FAIL, "with what the right caller gets"),
        (allowed([], 200, "rule", "layered_architecture/back/layers"), GOOD, Outcome.FAIL, "only observes"),
        (refused("authorisation/no-rule-allows"), GOOD, Outcome.INCONCLUSIVE, "not because of its layer"),
        (refused("authentication/token", 401), GOOD, Outcome.INCONCLUSIVE, "not because of its layer"),
        (Said(403, b""), GOOD, Outcome.INCONCLUSIVE, "does not say who decided"),
        (LAYER, refused("layered_architecture/back/layers"), Outcome.INCONCLUSIVE, "positive control"),
        (LAYER, Said(0), Outcome.INCONCLUSIVE, "got no answer"),
        (refused("rate_limiting/limit", 429), GOOD, Outcome.INCONCLUSIVE, "rate limit"),
    ],
)
def test_what_counts_is_who_refused(surface: Surface, skip: Said, good: Said, outcome: Outcome, words: str) -> None:
    cases = {case.id: case for case in prove(surface)}
    case = cases["layered_architecture/layer-skip-answered/back.list/app/outside"]
    found = judge(case, ScriptedLab(surface, gateway(skip, good)))
    assert found.outcome is outcome, found.sentence
    assert words in found.sentence


def test_each_inner_api_is_tried_from_outside_and_the_outer_one_from_inside(surface: Surface) -> None:
    assert {case.id.partition("/layer-skip-answered/")[2] for case in prove(surface)} == {
        "back.list/app/outside",
        "front.list/back-service/process",
    }


def test_callers_that_are_not_admitted_are_nobody_s_positive_control(surface: Surface) -> None:
    back = next(t for t in surface.targets if t.api == "back")
    assert {p.name for p in surface.permitted(back)} == {"front-service", "back-service"}
    assert not surface.forbidden(back)
