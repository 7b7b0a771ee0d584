"""The retailer is no paper: its test environment runs and is attacked, and its flawed twin compiles as far as Envoy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml

from assay.app.planning import make_plan
from assay.app.project import open_project
from assay.gateway.ports import free_ports

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MENDED = EXAMPLES / "retailer-fixed"
AS_SHOPPER = ("authentication", "authorisation", "network_ranges", "data_exposure", "activity_logging")
"""Controls that are proven here: every call of a shopper is judged by them, and none of them waits for a window."""


def _copied(example: Path, place: Path) -> Path:
    leave = shutil.ignore_patterns(".assay*", "__pycache__", "data")
    return Path(shutil.copytree(example, place / example.name, ignore=leave))


@contextmanager
def _service(data: Path) -> Iterator[httpx.Client]:
    """The service of the test environment in a process of its own; ends with a clean exit."""
    command = [sys.executable, str(MENDED / "service.py"), "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            word, _, url = process.stdout.readline().strip().partition(" ")
            assert word == "listening", process.stderr.read()
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield client
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert process.stdout.read() == ""
        finally:
            if process.poll() is None:
                process.kill()


@dataclass
class Shop:
    """A copy of the mended retailer, with its service and the gateway of its test environment running."""

    directory: Path
    url: str
    direct: httpx.Client
    environment: dict[str, str]

    def assay(self, *arguments: str) -> str:
        """Runs a command as a user would, which must end well; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "assay", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def caller(self, user: str | None = None) -> httpx.Client:
        """Somebody who shops: signed in as a test user, or not at all."""
        trust = ssl.create_default_context(cafile=str(self.directory / ".assay-test" / "pki" / "ca.crt"))
        said = {"authorization": f"Bearer {self.assay('token', 'test-shop', '--user', user).strip()}"} if user else {}
        return httpx.Client(base_url=f"{self.url}/shop", verify=trust, timeout=30, trust_env=False, headers=said)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("retailer")
    directory = _copied(MENDED, place)
    with _service(place / "data") as direct:
        port = free_ports(2)
        environment = {
            **os.environ,
            "RETAILER_TEST_LISTEN": f"127.0.0.1:{port}",
            "RETAILER_TEST_UPSTREAM": str(direct.base_url).rstrip("/"),
            "NO_COLOR": "1",
        }
        found = Shop(directory, f"https://127.0.0.1:{port}", direct, environment)
        found.assay("up", "--environment", "test", "--detach")
        try:
            yield found
        finally:
            found.assay("down", "--environment", "test")


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The service alone."""
    with _service(tmp_path_factory.mktemp("service") / "data") as client:
        yield client


def _valid(name: str, value: object) -> bool:
    contract = yaml.safe_load((MENDED / "openapi" / "storefront.yaml").read_text())
    schema = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


def test_what_is_sold_and_ordered_is_as_the_contract_says(direct: httpx.Client) -> None:
    assert _valid("ProductPage", direct.get("/products").json())
    assert [p["sku"] for p in direct.get("/products", params={"search": "LINEN"}).json()["items"]] == ["linen-duvet"]
    assert _valid("Product", direct.get("/products/p-2001").json())
    assert _valid("OrderPage", direct.get("/customers/c-1001/orders").json())
    placed = direct.post(
        "/customers/c-1001/orders", json={"sku": "tea-pot", "quantity": 3, "note": "Fiona's ‘old’ one"}
    )
    assert placed.status_code == 201 and _valid("Order", placed.json())
    assert placed.json()["total"] == 3 * 4450
    assert direct.get(placed.headers["location"]).json() == placed.json()
    for nothing in ("/products/p-1", "/customers/c-1", "/customers/c-1/orders", "/customers/c-1002/orders/o-5001"):
        answer = direct.get(nothing)
        assert answer.status_code == 404 and _valid("Problem", answer.json())
    assert direct.post("/customers/c-1/orders", json={"sku": "tea-pot", "quantity": 3}).status_code == 404


def test_the_flaws_of_the_service_are_there_to_be_shown(direct: httpx.Client) -> None:
    cheap = direct.post("/customers/c-1002/orders", json={"sku": "oak-stool", "quantity": 4, "total": 1})
    assert cheap.json()["total"] == 1
    assert direct.patch("/customers/c-1002", json={"credit_limit": 1_000_000}).json()["credit_limit"] == 1_000_000
    assert "Traceback" in direct.get("/products?limit=x").text
    assert {o["customerId"] for o in direct.get("/internal/orders").json()["items"]} >= {"c-1001", "c-1002"}


def test_only_its_owner_reads_the_store_and_a_taken_port_is_said(direct: httpx.Client, tmp_path: Path) -> None:
    port = str(direct.base_url.port)
    command = [sys.executable, str(MENDED / "service.py"), "--data", str(tmp_path / "data"), "--port"]
    done = subprocess.run([*command, port], capture_output=True, text=True, timeout=90)
    assert done.returncode == 3
    assert f"port {port}" in done.stderr and "Traceback" not in done.stderr
    with _service(tmp_path / "data"):
        kept = {p.name: p.stat().st_mode & 0o077 for p in (tmp_path / "data").iterdir()}
    assert kept == {"dsn": 0, "shop.sqlite3": 0}


@pytest.mark.integration
def test_a_shopper_reads_their_own_order_and_nobody_elses(shop: Shop) -> None:
    with shop.caller("alice") as alice:
        own = alice.get("/customers/c-1001/orders/o-5001")
        assert own.status_code == 200 and own.json()["customerId"] == "c-1001"
        assert alice.get("/customers/c-1002/orders/o-5003").status_code == 403
        assert alice.get("/customers/c-1002").status_code == 403
        # Its own record, without what the contract does not name.
        assert "credit_limit" in shop.direct.get("/customers/c-1001").json()
        assert set(alice.get("/customers/c-1001").json()) >= {"customerId", "name", "email"}
        assert "credit_limit" not in alice.get("/customers/c-1001").json()
        cheap = alice.post("/customers/c-1001/orders", json={"sku": "oak-stool", "quantity": 4, "total": 1})
        assert cheap.status_code == 400


@pytest.mark.integration
def test_everybody_sees_what_is_sold_and_nothing_more(shop: Shop) -> None:
    with shop.caller() as nobody:
        assert len(nobody.get("/products").json()["items"]) == 5
        assert nobody.get("/customers/c-1001/orders").status_code == 401
        assert nobody.get("/internal/orders").status_code == 404


@pytest.mark.integration
def test_what_was_mended_holds_when_it_is_attacked(shop: Shop) -> None:
    chosen = [word for control in AS_SHOPPER for word in ("--control", control)]
    bounds = ["--requests", "1500", "--seconds", "300s", "--wait", "2s"]
    found: Any = json.loads(shop.assay("prove", "--environment", "test", "--format", "json", *chosen, *bounds))
    bad = [f"{v['case']}: {v['sentence']}" for v in found["verdicts"] if v["outcome"] in ("fail", "error")]
    assert bad == []
    held = {v["check"] for v in found["verdicts"] if v["outcome"] == "pass" and v["identity"] in ("alice", "bob")}
    assert {"foreign-object-read", "foreign-object-changed", "property-set-by-caller"} <= held
    evidence: Any = json.loads(shop.assay("verify", "--environment", "test", "--format", "json"))
    assert evidence["ok"], "the evidence of an environment's own gateway verifies by its name"


@pytest.mark.integration
def test_two_declared_users_are_two_owners_without_a_word_about_how_to_prove(shop: Shop) -> None:
    named = shop.directory / "assay.d" / "proving.yaml"
    text = named.read_text(encoding="utf-8")
    named.unlink()
    try:
        words = ("--control", "authorisation", "--requests", "600", "--seconds", "300s")
        found: Any = json.loads(shop.assay("prove", "--environment", "test", "--format", "json", *words))
    finally:
        named.write_text(text, encoding="utf-8")
    held = {v["check"] for v in found["verdicts"] if v["outcome"] == "pass"}
    assert {"foreign-object-read", "foreign-object-changed"} <= held
    assert not [v["sentence"] for v in found["verdicts"] if "a second `test-shop` is needed" in v["sentence"]]


@pytest.mark.integration
def test_the_one_deviation_is_found_and_is_the_one_that_was_accepted(shop: Shop) -> None:
    case = "api_gateway/upstream-reachable/storefront-test/anonymous"
    found: Any = json.loads(shop.assay("prove", "--environment", "test", "--format", "json", "--replay", case))
    assert [(v["outcome"], v["severity"]) for v in found["verdicts"]] == [("fail", "low")]
    assert found["verdicts"][0]["excepted_by"]


@pytest.mark.integration
def test_the_flawed_retailer_compiles_and_envoy_accepts_it(tmp_path: Path) -> None:
    directory = _copied(EXAMPLES / "retailer", tmp_path)
    # An issuer that does not answer: its tokens are refused, and the configuration is valid all the same.
    environ = {"RETAILER_LISTEN": "127.0.0.1:8543", "RETAILER_ISSUER": "https://127.0.0.1:9"}
    project = open_project(directory, environ=environ)
    reachable = {change.subject for change in make_plan(project).plan.changes}
    declared = {f"{name}/{operation.id}" for name, _, operation in project.declaration.each_operation()}
    # What is retired is not served, whoever still calls it.
    assert {subject.partition("/")[0] for subject in declared - reachable} == {"loyalty-v0"}
    done = subprocess.run(
        [sys.executable, "-m", "assay", "apply", "--format", "json"],
        cwd=directory,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=400,
    )
    # What Envoy's own validation refuses ends with 3; what is stored passed it, and waits for a gateway to run it.
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["applied"]["number"] == 1
    assert said["verdict"]["outcome"] == "inconclusive"
