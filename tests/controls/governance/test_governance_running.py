"""A gateway that really runs: what is changed beside the tool is found and named, loosening needs approval."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.layers.gateways import applied, gateway

from assay.app.aiming import at_project
from assay.app.project import Project, open_project
from assay.app.proving import Choice, proven
from assay.domain import Outcome
from assay.gateway.apply.admin import Admin
from assay.gateway.ports import free_ports
from assay.gateway.state import LIVE_ORDER, Paths, prepare
from assay.prove.bounds import Limits
from assay.prove.result import Proof

pytestmark = pytest.mark.integration
LIMITS = Limits(requests=50, per_second=50, seconds=180.0, wait=5.0)
CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: https://shop.example}]
components: {securitySchemes: {key: {type: apiKey, in: header, name: x-api-key}}}
security: [{key: []}]
paths:
  /orders: {get: {operationId: listOrders, responses: {"200": {description: ok}}}}
"""
DECLARATION = """\
assay: 1
organisation: {{name: Shop}}
gateway: {{listen: "127.0.0.1:{port}"}}
environments: {{live: {{tier: production}}}}
apis:
  shop:
    {{owner: web, exposure: internal, environment: live, contract: shop.yaml, upstream: "http://127.0.0.1:9",
     limits: {{default: {limit}/minute}}, access: [{{roles: [clerk], operations: ["*"]}}]}}
consumers: {{till: {{kind: service, authenticate: {{api_key: {{}}}}, roles: [clerk]}}}}
governance: {{reviews: required}}
"""


def project(folder: Path, port: int, limit: int = 60) -> Project:
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "shop.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(DECLARATION.format(port=port, limit=limit))
    return open_project(folder, environ={})


async def _proven(good: Project, *checks: str) -> dict[str, Proof]:
    aim = at_project(good, environ={**os.environ, "GIT_CEILING_DIRECTORIES": str(good.declaration.root.parent)})
    choice = Choice(controls=("governance",), cases=[f"governance/{c}/shop/anonymous" for c in checks], authorised=True)
    result = await proven(aim, choice, LIMITS)
    return {p.verdict.check: p for p in result.proofs}


def said(proofs: dict[str, Proof]) -> dict[str, tuple[str, str]]:
    return {check: (str(p.verdict.outcome), p.verdict.sentence) for check, p in proofs.items()}


def failing(proofs: dict[str, Proof]) -> set[str]:
    return {check for check, p in proofs.items() if p.verdict.outcome is Outcome.FAIL}


def test_what_changes_beside_the_tool_is_found_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    asyncio.run(_scene(tmp_path, monkeypatch))


async def _scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_ports(2)
    good = project(tmp_path / "shop", port)
    async with gateway(good):
        paths = prepare(good.state, environ=os.environ)  # sockets lie elsewhere where their path would be too long
        before = said(await _proven(good))
        assert {check for check, (outcome, _) in before.items() if outcome == "pass"} == {
            "applied-files-changed",
            "other-configuration-running",
            "version-without-record",
            "loosened-without-approval",
            "loosening-not-refused",
        }, before
        assert before["version-without-review"][0] == "inconclusive"
        assert "until somebody approves it: this loosens a production environment" in before["loosening-not-refused"][1]

        live = {f: f.read_bytes() for f in sorted(paths.gateway.rglob("*")) if f.is_file()}
        with monkeypatch.context() as broken:
            broken.setattr("assay.gateway.apply.refuse_loosening", lambda *_, **__: ())
            applied_anyway = await _proven(good, "loosening-not-refused")
        assert failing(applied_anyway) == {"loosening-not-refused"}, said(applied_anyway)
        assert "is applied without an approval" in applied_anyway["loosening-not-refused"].verdict.sentence
        assert {f: f.read_bytes() for f in sorted(paths.gateway.rglob("*")) if f.is_file()} == live, "a copy was tried"

        await _another_limit(paths)
        changed = await _proven(good)
        assert failing(changed) == {"applied-files-changed", "other-configuration-running"}, said(changed)
        assert "`gateway/live/rds.json` is not what was applied" in changed["applied-files-changed"].verdict.sentence
        assert "version 1" in changed["other-configuration-running"].verdict.sentence

        monkeypatch.setattr("assay.app.governing._PATIENCE", 0.3)
        await applied(good)
        assert failing(await _proven(good)) == set()

        shutil.copytree(paths.versions / "0001", paths.versions / "0002")
        slipped = await _proven(good, "version-without-record", "applied-files-changed")
        assert failing(slipped) == {"version-without-record"}, said(slipped)
        assert "version 2" in slipped["version-without-record"].verdict.sentence
        shutil.rmtree(paths.versions / "0002")

        # Past the tool's own refusal: somebody called what applies, and said that nothing was production.
        weaker = project(tmp_path / "weaker", port, limit=600)
        await applied(Project(weaker.declaration, good.state))
        loosened = await _proven(good, "version-without-record", "loosened-without-approval")
        assert failing(loosened) == {"version-without-record", "loosened-without-approval"}, said(loosened)
        assert "60/minute" in loosened["loosened-without-approval"].verdict.sentence


async def _another_limit(paths: Paths) -> None:
    """Somebody edits what Envoy watches, as they would by hand, and Envoy takes it."""
    name = LIVE_ORDER[-1]
    live = json.loads((paths.live / name).read_text())
    host = live["resources"][0]["virtual_hosts"][0]
    host["routes"] = host["routes"][:-1]
    live["version_info"] = "by-hand"
    other = paths.gateway / "other.json"
    other.touch(mode=0o600)
    other.write_text(json.dumps(live))
    other.replace(paths.live / name)
    for _ in range(600):
        if (await Admin(paths.admin_socket).subscriptions()).of(name).version == "by-hand":
            return
        await asyncio.sleep(0.05)
    raise AssertionError("Envoy did not take the file")
