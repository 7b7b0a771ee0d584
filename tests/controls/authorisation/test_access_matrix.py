"""The access matrix: what nobody allowed stays closed, and what an owner rule withholds no other rule gives away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

import pytest

from assay.controls.authorisation import design, enforce
from assay.controls.authorisation.objects import object_parameters
from assay.controls.authorisation.roles import administrative
from assay.controls.base import Context, Site
from assay.declare.contract import parse_contract
from assay.declare.declaration import Declaration
from assay.domain import Verdict
from assay.gateway import ir

SITE = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:9400")
Declared = Callable[..., Declaration]


def _shop(access: str, consumers: str = "", issuer: str = "{development: true, audience: shop}") -> str:
    return f"""\
assay: 1
organisation: {{name: Shop}}
environments: {{demo: {{tier: non-production, issuer: {issuer}}}}}
apis:
  shop:
    owner: shop
    exposure: public
    environment: demo
    contract: shop.yaml
    upstream: http://127.0.0.1:9001
    access:
{access}
consumers:
  app: {{kind: application, authenticate: {{oauth2: {{client: app}}}}, roles: [customer]}}
  desk: {{kind: service, authenticate: {{oauth2: {{client: desk}}}}, roles: [partner-sync, admin]}}
{consumers}"""


def _design(declaration: Declaration) -> list[Verdict]:
    return list(design.design(Context(declaration, date(2026, 7, 1), frozenset())))


def _rules(declaration: Declaration) -> list[ir.AccessRule]:
    return [p for p in enforce.enforce(declaration, SITE) if isinstance(p, ir.AccessRule)]


def _failures(verdicts: Iterable[Verdict], check: str) -> list[str]:
    return [v.subject for v in verdicts if v.check == check and v.outcome == "fail"]


def test_an_operation_that_no_rule_names_is_closed_and_reported(declared: Declared) -> None:
    declaration = declared(_shop("      - {roles: [customer], operations: [listOrders]}"))
    assert {r.operation for r in _rules(declaration)} == {"listOrders"}
    assert _failures(_design(declaration), "operation-without-access-rule") == [
        "apis.shop.operations.getOrder",
        "apis.shop.operations.deleteOrder",
    ]


def test_an_ownership_rule_for_all_orders_is_caught_when_another_rule_gives_them_away(declared: Declared) -> None:
    access = """\
      - {roles: [customer], operations: [getOrder], owns: path.orderId == token.sub}
      - {roles: [customer], operations: ["get*"]}"""
    assert _failures(_design(declared(_shop(access))), "owner-rule-bypassed") == ["apis.shop.operations.getOrder"]


def test_anonymous_callers_bypass_an_ownership_rule_too(declared: Declared) -> None:
    access = """\
      - {roles: [customer], operations: [getOrder], owns: path.orderId == token.sub}
      - {anonymous: true, operations: [getOrder]}"""
    assert _failures(_design(declared(_shop(access))), "owner-rule-bypassed") == ["apis.shop.operations.getOrder"]


@pytest.mark.parametrize(
    ("access", "confidence"),
    [
        (
            "      - {roles: [customer], operations: [getOrder], owns: path.orderId == token.sub}\n"
            "      - {roles: [customer], operations: [deleteOrder]}",
            "high",
        ),
        ("      - {roles: [customer], operations: [deleteOrder]}", "low"),
        ("      - {roles: [partner-sync], operations: [deleteOrder]}", None),
        ("      - {roles: [admin], operations: [deleteOrder]}", None),
    ],
    ids=["owns the same elsewhere", "looks like end users", "acts for itself", "administers"],
)
def test_missing_ownership_is_as_sure_as_its_signs(declared: Declared, access: str, confidence: str | None) -> None:
    (verdict,) = [
        v
        for v in _design(declared(_shop(access)))
        if v.check == "operation-without-owner-rule" and v.subject.endswith("deleteOrder")
    ]
    assert (str(verdict.confidence) if verdict.outcome == "fail" else None) == confidence


def test_a_rule_that_cannot_be_compared_is_left_out_rather_than_weakened(declared: Declared) -> None:
    contract = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /files/{owner}.{kind}:
    parameters:
      - {name: owner, in: path, required: true, schema: {type: string}}
      - {name: kind, in: path, required: true, schema: {type: string}}
    get: {operationId: getFile, responses: {"200": {description: ok}}}
  /notes/{owner}:
    parameters: [{name: owner, in: path, required: true, schema: {type: string}}]
    get: {operationId: getNote, responses: {"200": {description: ok}}}
"""
    access = '      - {roles: [customer], operations: ["get*"], owns: path.owner == token.sub}'
    declaration = declared(_shop(access), contract)
    assert [(r.operation, r.owns) for r in _rules(declaration)] == [
        ("getNote", (ir.Ownership(parameter="owner", claim=("sub",)),))
    ]
    assert _failures(_design(declaration), "owner-parameter-missing") == ["apis.shop.access.0"]


def test_rules_keep_their_names_across_operations(declared: Declared) -> None:
    access = (
        '      - {roles: [customer, admin], operations: ["*"]}\n      - {anonymous: true, operations: [listOrders]}'
    )
    assert {r.name for r in _rules(declared(_shop(access)))} == {"shop/0-customer+admin", "shop/1-anonymous"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", True),
        ("customerId", True),
        ("customer_id", True),
        ("orderNumber", True),
        ("username", True),
        ("year", False),
        ("format", False),
        ("valid", False),
        ("grid", False),
        ("paid", False),
    ],
)
def test_ids_of_objects_are_known_by_their_names(name: str, expected: bool) -> None:
    contract = parse_contract(
        f"""{{"openapi": "3.0.3", "info": {{"title": "t", "version": "1"}}, "paths": {{"/x/{{{name}}}": {{"get":
        {{"parameters": [{{"name": "{name}", "in": "path", "required": true, "schema": {{"type": "string"}}}}],
        "responses": {{"200": {{"description": "ok"}}}}}}}}}}}}""".encode(),
        name="t.json",
    )
    assert bool(object_parameters(contract.operations[0])) is expected


@pytest.mark.parametrize(
    ("role", "expected"), [("admin", True), ("shop-admin", True), ("ShopAdmin", True), ("badminton", False)]
)
def test_administrators_are_known_by_a_whole_word(role: str, expected: bool) -> None:
    assert administrative(role) is expected
