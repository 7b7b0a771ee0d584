"""Proof for operations that take GraphQL: what is asked for, and when an answer is a finding."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, HEAD, named, surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.controls.data_exposure.proofs.graphql import ALIASES, BATCH
from assay.controls.data_exposure.prove import prove
from assay.prove.case import Judged
from assay.prove.surface import Surface

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
components:
  securitySchemes: {oauth: {type: oauth2, flows: {password: {tokenUrl: https://x.example/t, scopes: {}}}}}
security: [{oauth: []}]
paths:
  /api/ask:
    post:
      operationId: ask
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {query: {type: string}, variables: {type: object}}}
      responses: {"200": {description: ok}}
  /search:
    post:
      operationId: search
      requestBody: {content: {application/json: {schema: {type: object, properties: {query: {type: string}}}}}}
      responses: {"200": {description: ok}}
"""
ACCESS = re.compile(r"    access:\n(?:      - .*\n)+")


def surface_for(folder: Path, exposure: str = "internal") -> Surface:
    head = ACCESS.sub("    access:\n      - {roles: [customer, admin], operations: ['*']}\n", HEAD)
    head = head.replace("exposure: internal", f"exposure: {exposure}")
    return surface_in(folder, head=head, contract=CONTRACT, personas=(CUSTOMER, ADMIN))


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_for(tmp_path / "shop")


def service(*flaws: str) -> Any:
    """Answers as GraphQL over HTTP does; sound but for the flaws."""

    def answer(asked: Asked) -> Said:
        if asked.claims() is None:
            return Said(401)
        if "broken" in flaws:
            return Said(200, {"html": "maintenance"})
        body = asked.json()
        if isinstance(body, list):
            return Said(200, [one(b["query"])[1] for b in body]) if "batch" in flaws else Said(400, {"errors": [{}]})
        status, said = one(body["query"])
        return Said(status, said)

    def one(query: str) -> tuple[int, dict[str, Any]]:
        if "__schema" in query:
            said = {"data": {"__schema": {"queryType": {"name": "Query"}}}}
            return (200, said) if "schema" in flaws else (200, {"errors": [{"message": "introspection is off"}]})
        names = re.findall(r"(\w+): __typename", query) or ["__typename"]
        if "some" in flaws and len(names) > 10:
            return 200, {"data": dict.fromkeys(names[:10], "Query")}
        if len(names) > 10 and "aliases" not in flaws:
            return 400, {"errors": [{"message": "too many aliases"}]}
        return 200, {"data": dict.fromkeys(names, "Query")}

    return answer


def concluded(surface: Surface, test: str, *flaws: str) -> Judged:
    (case,) = named(list(prove(surface)), test)
    lab = ScriptedLab(surface, service(*flaws))
    judged = judge(case, lab)
    assert len(lab.asked) <= case.requests
    assert case.operation == "ask"
    return judged


@pytest.mark.parametrize(
    ("test", "flaw"),
    [("graphql-schema-open", "schema"), ("graphql-without-bounds", "aliases"), ("graphql-without-bounds", "batch")],
)
def test_each_attack_finds_its_flaw_and_nothing_in_a_sound_service(surface: Surface, test: str, flaw: str) -> None:
    assert concluded(surface, test, flaw).outcome == "fail"
    assert concluded(surface, test).outcome == "pass"


@pytest.mark.parametrize("test", ["graphql-schema-open", "graphql-without-bounds"])
def test_what_does_not_answer_a_plain_query_shows_nothing(surface: Surface, test: str) -> None:
    assert concluded(surface, test, "broken").outcome == "inconclusive"


def test_half_an_answer_is_no_finding_and_no_pass(surface: Surface) -> None:
    assert concluded(surface, "graphql-without-bounds", "some").outcome == "inconclusive"


def test_the_public_may_know_a_public_schema(tmp_path: Path) -> None:
    public = surface_for(tmp_path / "shop", "public")
    assert concluded(public, "graphql-schema-open", "schema").outcome == "not_applicable"


def test_a_body_with_a_query_alone_is_a_search(surface: Surface) -> None:
    about = [c for c in prove(surface) if c.test.id.startswith("graphql")]
    assert {c.operation for c in about} == {"ask"}
    assert not any(c.writes for c in about)
    assert (ALIASES, BATCH) == (1000, 100)
