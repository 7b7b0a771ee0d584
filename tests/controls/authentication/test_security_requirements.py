"""What an operation accepts never asks for less than its contract does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.controls.authentication import enforce
from assay.controls.authentication.schemes import Accepted, Resolver
from assay.controls.base import Site
from assay.declare.contract import parse_contract
from assay.declare.declaration import Declaration
from assay.declare.model import Model
from assay.declare.places import Places
from assay.declare.rules import rules_by_operation
from assay.gateway import ir

SITE = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:9400")
SCHEMES: dict[str, Any] = {
    "oauth": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://login.example/t", "scopes": {"r": "r", "w": "w"}}},
    },
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "hoba": {"type": "http", "scheme": "hoba"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "other": {"type": "apiKey", "in": "header", "name": "X-Other"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "key"},
    "mtls": {"type": "mutualTLS"},
}
SAFE = {"oauth", "bearer", "key", "other", "mtls"}
ALTERNATIVE = st.dictionaries(st.sampled_from(sorted(SCHEMES)), st.lists(st.sampled_from(["r", "w"])), max_size=4)


def _accepted(
    security: list[dict[str, list[str]]] | None, *, anonymous: bool = False, mode: str = "contract", issuer: bool = True
) -> Accepted:
    operation: dict[str, Any] = {"operationId": "call", "responses": {"200": {"description": "ok"}}}
    if security is not None:
        operation["security"] = security
    contract = parse_contract(
        json.dumps(
            {
                "openapi": "3.1.0",
                "info": {"title": "t", "version": "1"},
                "components": {"securitySchemes": SCHEMES},
                "paths": {"/call": {"get": operation}},
            }
        ).encode(),
        name="t.json",
    )
    rules = [{"anonymous": True, "operations": ["call"]}] if anonymous else [{"roles": ["r"], "operations": ["call"]}]
    model = Model.model_validate(
        {
            "assay": 1,
            "organisation": {"name": "t"},
            "environments": {"e": {"tier": "production", **({"issuer": "https://login.example"} if issuer else {})}},
            "apis": {
                "t": {
                    "owner": "t",
                    "exposure": "public",
                    "environment": "e",
                    "contract": "t.json",
                    "upstream": "http://127.0.0.1:1",
                    "access": rules,
                    "security": mode,
                }
            },
            "consumers": {
                "a": {"kind": "service", "authenticate": {"oauth2": {"client": "a"}, "api_key": {}}, "roles": ["r"]}
            },
        }
    )
    declaration = _declaration(model, contract)
    api = model.apis["t"]
    covered = rules_by_operation(api, contract.operations)["call"]
    return Resolver(declaration, api, contract).accepted(contract.operations[0], covered)


def _declaration(model: Model, contract: Any) -> Declaration:
    return Declaration(
        root=Path(),
        model=model,
        contracts={"t": contract},
        places=Places(),
        sources={},
        digest="",
    )


def _satisfies(proofs: tuple[ir.Proof, ...], requirement: dict[str, list[str]]) -> bool:
    """Whether a call with exactly these proofs meets a requirement of the contract."""
    kinds = {p.kind: p for p in proofs}
    headers = {p.header for p in proofs if p.kind == "key"}
    for name, scopes in requirement.items():
        if name in ("oauth", "bearer"):
            if "token" not in kinds or (name == "oauth" and not set(scopes) <= set(kinds["token"].scopes)):
                return False
        elif name in ("key", "other"):
            if SCHEMES[name]["name"].lower() not in headers:
                return False
        elif name == "mtls":
            if "certificate" not in kinds:
                return False
        else:
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(security=st.lists(ALTERNATIVE, max_size=4), anonymous=st.booleans(), issuer=st.booleans())
def test_every_accepted_call_meets_the_contract(
    security: list[dict[str, list[str]]], anonymous: bool, issuer: bool
) -> None:
    accepted = _accepted(security, anonymous=anonymous, issuer=issuer)
    contract = security or [{}]  # an explicit empty list means that anonymous calls are fine
    for alternative in accepted.alternatives:
        assert any(_satisfies(alternative, requirement) for requirement in contract)
    if () in accepted.alternatives:
        assert anonymous and {} in contract


@settings(max_examples=100, deadline=None)
@given(security=st.lists(ALTERNATIVE, min_size=1, max_size=4))
def test_nothing_verifiable_is_lost(security: list[dict[str, list[str]]]) -> None:
    accepted = _accepted(security)
    for requirement in security:
        both_keys = {"key", "other"} <= set(requirement)
        if requirement and set(requirement) <= SAFE and not both_keys:
            assert any(_satisfies(a, requirement) for a in accepted.alternatives)


@pytest.mark.parametrize(
    ("security", "mode", "anonymous", "expected"),
    [
        (None, "contract", False, []),
        (None, "contract", True, []),
        (None, "any", False, ["token", "key"]),
        (None, "any", True, ["token", "key", ""]),
        ([], "contract", True, [""]),
        ([], "contract", False, []),
        ([], "any", False, ["token", "key"]),
        ([{"key": []}], "any", True, ["key"]),
        ([{}, {"key": []}], "contract", True, ["key", ""]),
        ([{}, {"key": []}], "contract", False, ["key"]),
    ],
)
def test_who_may_call_when_contract_and_declaration_say_different_things(
    security: list[dict[str, list[str]]] | None, mode: str, anonymous: bool, expected: list[str]
) -> None:
    accepted = _accepted(security, mode=mode, anonymous=anonymous)
    assert ["+".join(p.kind for p in a) for a in accepted.alternatives] == expected


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ([{"query": []}], ["token", "key"]),
        ([{"basic": []}, {"cookie": [], "query": []}], ["token", "key"]),
        ([{"query": []}, {"oauth": ["r"]}], ["token"]),
        ([{"query": [], "oauth": ["r"]}], []),
    ],
)
def test_credentials_of_the_gateway_stand_in_only_for_what_no_gateway_could_check(
    security: list[dict[str, list[str]]], expected: list[str]
) -> None:
    accepted = _accepted(security, mode="any")
    assert ["+".join(p.kind for p in a) for a in accepted.alternatives] == expected
    assert accepted.dropped, "what the contract asks for and the gateway does not is still told"
    if expected == ["token"]:
        assert accepted.alternatives[0][0].scopes == ("r",)
    assert _accepted(security).alternatives == (accepted.alternatives if expected == ["token"] else ())


def test_without_an_issuer_no_token_is_accepted() -> None:
    accepted = _accepted([{"oauth": ["r"]}, {"key": []}], issuer=False)
    assert [[p.kind for p in a] for a in accepted.alternatives] == [["key"]]
    assert [d.reason for d in accepted.dropped] == ["environment-without-issuer"]


def test_a_claim_that_is_a_url_is_one_key() -> None:
    assert enforce.claim_path("realm.roles") == ("realm", "roles")
    assert enforce.claim_path("https://shop.example/roles") == ("https://shop.example/roles",)


def test_a_consumer_of_an_unknown_environment_is_known_by_no_token(declared: Callable[..., Declaration]) -> None:
    text = """\
assay: 1
organisation: {name: Shop}
environments:
  production: {tier: production, issuer: {url: https://login.example, audience: a}}
  test: {tier: non-production, issuer: {url: https://test.example, audience: b}}
apis:
  shop: {owner: s, exposure: public, environment: production, contract: shop.yaml, upstream: "http://127.0.0.1:1"}
  try: {owner: s, exposure: public, environment: test, contract: shop.yaml, path: /try, upstream: "http://127.0.0.1:2"}
consumers:
  app: {kind: service, authenticate: {oauth2: {client: app, opaque: true}}, roles: [clerk]}
  known: {kind: service, environment: test, authenticate: {oauth2: {client: known}}, roles: [clerk]}
"""
    callers = {p.consumer: p for p in enforce.enforce(declared(text), SITE) if isinstance(p, ir.Caller)}
    assert (callers["app"].client, callers["app"].issuer, callers["app"].opaque) == (None, None, False)
    assert (callers["known"].client, callers["known"].issuer) == ("known", "test")
