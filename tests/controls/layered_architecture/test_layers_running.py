"""Three layers that really run: the proper chain works, calls that skip a layer are refused because of it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.layers.gateways import applied, gateway, issued
from tests.layers.service import ROLES, Down, Layer, contract, running

from assay.app.aiming import at_project
from assay.app.project import Project, open_project
from assay.app.proving import Choice, proven
from assay.domain import Outcome
from assay.gateway.ports import free_ports
from assay.prove.bounds import Limits
from assay.prove.result import Proof

pytestmark = pytest.mark.integration
LIMITS = Limits(requests=200, per_second=200, seconds=180.0, wait=5.0)

DECLARATION = """\
assay: 1
organisation: {{name: Shop}}
gateway: {{listen: "127.0.0.1:{port}"}}
environments:
  test: {{tier: non-production, issuer: {{development: true, audience: shop}}}}
systems:
  crm: {{kind: database, environment: test, owner: sales, record: true}}
apis:
  shop:
    {{owner: web, exposure: public, environment: test, layer: experience, contract: experience.yaml, path: /shop,
     upstream: "{experience}", backed_by: [customers], {observe}
     access: [{{roles: [shopper], operations: ["*"]}}]}}
  customers:
    {{owner: sales, exposure: internal, environment: test, layer: process, contract: process.yaml, path: /customers-api,
     upstream: "{process}", backed_by: [crm-api], {observe}
     access: [{{roles: [shopper, service], operations: ["*"]}}]}}
  crm-api:
    {{owner: sales, exposure: internal, environment: test, layer: system, contract: system.yaml, path: /crm,
     upstream: "{system}", backed_by: [crm], {observe}
     access: [{{roles: [shopper, service], operations: ["*"]}}]}}
consumers:
  app: {{kind: application, authenticate: {{oauth2: {{client: app}}}}, roles: [shopper]}}
  shop-service: {{kind: service, acts_for: shop, authenticate: {{api_key: {{}}}}, roles: [service]}}
  customers-service: {{kind: service, acts_for: customers, authenticate: {{api_key: {{}}}}, roles: [service]}}
"""
"""Access rules let every caller in everywhere, so that nothing but layers stands between."""


def project(folder: Path, urls: dict[str, str], port: int, observe: str = "") -> Project:
    folder.mkdir(mode=0o700, exist_ok=True)
    for role in ROLES:
        (folder / f"{role}.yaml").write_text(contract(role))
    (folder / "assay.yaml").write_text(DECLARATION.format(port=port, observe=observe, **urls))
    return open_project(folder, environ={})


def proofs(good: Project) -> dict[str, Proof]:
    choice = Choice(controls=("layered_architecture",))
    result = asyncio.run(proven(at_project(good, environ={}), choice, LIMITS))
    return {p.case: p for p in result.proofs}


async def _proven(good: Project) -> dict[str, Proof]:
    return await asyncio.to_thread(proofs, good)


def test_a_call_that_skips_a_layer_is_refused_and_switching_layers_off_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    asyncio.run(_scene(tmp_path))


async def _scene(tmp_path: Path) -> None:
    port = free_ports(2)
    url, authority = f"https://127.0.0.1:{port}", tmp_path / "shop" / ".assay" / "pki" / "ca.crt"
    shop_key, customers_key = tmp_path / "shop.key", tmp_path / "customers.key"
    layers = {
        "experience": Layer("experience", Down(f"{url}/customers-api", shop_key, authority)),
        "process": Layer("process", Down(f"{url}/crm", customers_key, authority)),
        "system": Layer("system"),
    }
    with ExitStack() as held:
        urls = {role: held.enter_context(running(layer)) for role, layer in layers.items()}
        good = project(tmp_path / "shop", urls, port)
        async with gateway(good):
            shop_key.write_text(issued(good, "shop-service"))
            customers_key.write_text(issued(good, "customers-service"))
            await asyncio.to_thread(_calls, good, url, authority, shop_key.read_text(), customers_key.read_text())
            found = await _proven(good)
            assert {case.partition("/crm-api.")[2] for case in found if "/crm-api." in case} == {
                "list-records/app/outside",
                "list-records/shop-service/experience",
            }
            assert {p.verdict.outcome for p in found.values()} == {Outcome.PASS}, [
                (c, p.verdict.sentence) for c, p in found.items()
            ]
            assert all("`layered_architecture/" in p.verdict.sentence for p in found.values())

            weaker = project(tmp_path / "weaker", urls, port, observe="observe: [layered_architecture],")
            await applied(Project(weaker.declaration, good.state))
            flipped = await _proven(good)
            assert {p.verdict.outcome for p in flipped.values()} == {Outcome.FAIL}, [
                (c, p.verdict.sentence) for c, p in flipped.items()
            ]
            assert all("only observes (`layered_architecture/" in p.verdict.sentence for p in flipped.values())


def _calls(good: Project, url: str, authority: Path, shop_key: str, customers_key: str) -> None:
    from assay.cli.token import _development

    token = _development(good, "app", None, []).access_token.reveal()
    trust = ssl.create_default_context(cafile=str(authority))
    with httpx.Client(base_url=url, verify=trust, trust_env=False, timeout=10) as client:
        outside = {"authorization": f"Bearer {token}"}
        deadline, answer = 300, client.get("/shop/profiles", headers=outside)
        while answer.status_code != 200 and deadline:  # keys that were issued just now are taken up within a second
            deadline, answer = deadline - 1, client.get("/shop/profiles", headers=outside)
            asyncio.run(asyncio.sleep(0.1))
        assert answer.json() == [{"id": "c-1", "greeting": "Welcome, Ada"}]
        statuses = {
            (who, path): client.get(path, headers=headers).status_code
            for who, headers in (
                ("app", outside),
                ("shop", {"x-api-key": shop_key}),
                ("customers", {"x-api-key": customers_key}),
            )
            for path in ("/shop/profiles", "/customers-api/customers", "/crm/records")
        }
    assert {k for k, status in statuses.items() if status == 200} == {
        ("app", "/shop/profiles"),
        ("shop", "/customers-api/customers"),
        ("customers", "/customers-api/customers"),
        ("customers", "/crm/records"),
    }
