"""A gateway for each environment: what it serves, where its state is, and whom it does not even know."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.app.addresses import issuer_address
from assay.app.planning import make_plan
from assay.app.project import Project, at_home, in_environment, open_project
from assay.app.stack import url_of
from assay.domain import UsageError
from assay.gateway import ir

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: https://shop.example}]
paths: {/orders: {get: {operationId: listOrders, responses: {"200": {description: ok}}}}}
"""
DECLARATION = """\
assay: 1
organisation: {name: Northwind}
gateway: {listen: "127.0.0.1:8443", headers: 32}
environments:
  production: {tier: production, issuer: {url: https://login.example/prod, audience: shop}}
  staging:
    tier: non-production
    issuer: {development: true, audience: shop-staging}
    gateway: {listen: "127.0.0.1:8543"}
apis:
  shop:
    {owner: web, exposure: public, environment: production, contract: shop.yaml, upstream: "https://shop.internal",
     security: any, access: [{roles: [shopper], operations: ["*"]}]}
  shop-staging:
    {owner: web, exposure: internal, environment: staging, contract: shop.yaml, upstream: "https://shop.staging",
     security: any, access: [{roles: [shopper], operations: ["*"]}]}
consumers:
  app: {kind: application, environment: production, authenticate: {api_key: {}}, roles: [shopper]}
  tester: {kind: application, environment: staging, authenticate: {api_key: {}}, roles: [shopper]}
prove: {identities: {somebody: {consumer: app, bearer: {secret: "env:TOKEN"}}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("ASSAY_STATE", raising=False)
    (tmp_path / "shop.yaml").write_text(CONTRACT)
    (tmp_path / "assay.yaml").write_text(DECLARATION)
    return open_project(tmp_path, environ={})


def test_an_environment_with_a_gateway_has_its_own_address_state_and_issuer(project: Project) -> None:
    staging = in_environment(project, "staging")
    assert url_of(staging) == "https://127.0.0.1:8543"
    assert staging.state == project.state.with_name(".assay-staging")
    assert issuer_address(staging.declaration) == "127.0.0.1:8544"
    assert staging.declaration.model.gateway.headers == 32, "what it does not say is as for all"
    assert staging.everything is project.declaration


@pytest.mark.parametrize(
    ("environment", "apis", "callers", "issuers"),
    [
        (None, {"shop"}, {"app"}, {"production"}),
        ("production", {"shop"}, {"app"}, {"production"}),
        ("staging", {"shop-staging"}, {"tester"}, {"staging"}),
    ],
)
def test_each_gateway_knows_the_apis_callers_and_issuers_of_its_own_environments_alone(
    project: Project, environment: str | None, apis: set[str], callers: set[str], issuers: set[str]
) -> None:
    policy = make_plan(in_environment(project, environment)).policy
    assert {u.api for u in policy.upstreams} == apis
    assert {c.consumer for c in policy.callers} == callers
    assert {i.issuer for i in policy.issuers} == issuers
    assert not any(isinstance(p, ir.Admission) for p in policy.pieces)


def test_a_consumer_is_at_home_at_the_gateway_of_its_environment(project: Project) -> None:
    assert at_home(project, "tester").state.name == ".assay-staging"
    assert at_home(project, "app").state.name == ".assay"


def test_where_every_environment_has_a_gateway_one_must_be_chosen(project: Project) -> None:
    file = project.declaration.root / "assay.yaml"
    text = file.read_text().replace("tier: production,", 'tier: production, gateway: {listen: "127.0.0.1:9443"},')
    file.write_text(text)
    both = open_project(file.parent, environ={})
    with pytest.raises(UsageError) as error:
        in_environment(both, None)
    assert "production or staging" in error.value.fix
    assert url_of(in_environment(both, "production")) == "https://127.0.0.1:9443"


def test_an_unknown_environment_is_refused_with_the_closest_name(project: Project) -> None:
    with pytest.raises(UsageError) as error:
        in_environment(project, "stagin")
    assert "staging" in error.value.fix


def test_without_gateways_of_their_own_nothing_changes(project: Project) -> None:
    file = project.declaration.root / "assay.yaml"
    file.write_text(file.read_text().replace('    gateway: {listen: "127.0.0.1:8543"}\n', ""))
    plain = open_project(file.parent, environ={})
    assert in_environment(plain, None) is plain
    assert in_environment(plain, "staging") is plain
