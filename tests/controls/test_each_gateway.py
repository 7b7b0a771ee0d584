"""Where environments have gateways of their own, what is said of a gateway is said of each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from assay.controls.registry import check_design
from assay.declare.declaration import Declaration
from assay.declare.gateways import part, parts
from assay.domain import Outcome

TWO = """\
assay: 1
organisation: {name: Northwind}
gateway: {listen: "127.0.0.1:8443", trusted_hops: 1}
environments:
  production:
    tier: production
    issuer: {url: https://login.example/prod, audience: shop}
    gateway: {listen: "127.0.0.1:9443", plaintext: true}
  staging: {tier: non-production, issuer: {url: https://login.example/staging, audience: shop-staging}}
apis:
  shop:
    {owner: web, exposure: public, environment: production, contract: shop.yaml, upstream: "https://shop.internal",
     access: [{roles: [shopper], operations: ["*"]}]}
  shop-staging:
    {owner: web, exposure: internal, environment: staging, contract: shop.yaml, upstream: "https://shop.staging",
     access: [{roles: [shopper], operations: ["*"]}]}
consumers:
  app: {kind: application, environment: production, roles: [shopper], authenticate: {mtls: {san: app.internal}}}
  tester: {kind: application, environment: staging, roles: [shopper], authenticate: {mtls: {san: app.staging}}}
"""


def test_each_gateway_is_judged_by_what_it_says_and_serves_itself(declared: Callable[..., Declaration]) -> None:
    declaration = declared(TWO)
    found = {(v.check, v.subject): v for v in check_design(declaration, date(2026, 7, 1))}
    own = found["plaintext-listener", "environments.production.gateway"]
    assert own.outcome is Outcome.FAIL
    assert own.location == declaration.locate("environments", "production", "gateway", "plaintext")
    assert found["plaintext-listener", "gateway"].outcome is Outcome.PASS
    assert found["development-certificate-in-production", "gateway"].outcome is Outcome.PASS
    assert found["routes-collide", "apis.shop"].outcome is Outcome.PASS
    assert found["consumer-across-environments", "consumers.tester"].outcome is Outcome.PASS


def test_a_gateway_of_its_own_takes_what_it_does_not_say_from_the_shared_one(
    declared: Callable[..., Declaration],
) -> None:
    production = part(declared(TWO), "production").model
    assert (production.gateway.listen, production.gateway.trusted_hops) == ("127.0.0.1:9443", 1)
    assert set(production.apis) == {"shop"}
    assert set(production.consumers) == {"app"}
    assert production.environments["staging"].issuer is None


def test_with_one_gateway_nothing_is_divided(declared: Callable[..., Declaration]) -> None:
    one = declared(TWO.replace('    gateway: {listen: "127.0.0.1:9443", plaintext: true}\n', ""))
    assert parts(one) == {None: one}
