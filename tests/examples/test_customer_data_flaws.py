"""The example's service has every flaw that its README promises: one that were missing would make a demo lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"
READS_ANOTHER_TABLE = f"zz' UNION SELECT name, value{', NULL' * 10} FROM internal_settings --"  # noqa: S608 - an attack
NewCustomer = Callable[..., dict[str, Any]]
Schema = Callable[[str], jsonschema_rs.Draft202012Validator]


def test_flaw_nobody_is_asked_who_they_are(client: httpx.Client) -> None:
    assert client.get("/exports/customers").status_code == 200
    assert client.get("/customers", headers={"authorization": "Bearer nonsense"}).status_code == 200


def test_flaw_any_customer_is_read_and_changed_by_anybody(
    client: httpx.Client, new_customer: NewCustomer, greta: dict[str, str]
) -> None:
    customer = new_customer(client)
    path = f"/customers/{customer['customerId']}"
    assert client.get(path).json()["iban"] == greta["iban"]
    assert client.patch(path, json={"iban": "XX00"}).json()["iban"] == "XX00"


def test_flaw_search_is_sql(client: httpx.Client) -> None:
    everybody = client.get("/exports/customers").json()["items"]
    limit = {"limit": 1000}
    assert client.get("/customers", params={**limit, "search": "zz' OR 1=1 --"}).json()["items"] == everybody
    assert client.get("/customers", params={**limit, "search": "zz' OR 1=2 --"}).json()["items"] == []


def test_flaw_search_reads_other_tables(client: httpx.Client) -> None:
    assert "swordfish-of-the-demo" in client.get("/customers", params={"search": READS_ANOTHER_TABLE}).text


def test_flaw_a_legitimate_apostrophe_breaks_the_search(client: httpx.Client) -> None:
    assert client.get("/customers", params={"search": "O'Brien"}).status_code == 200
    assert client.get("/customers", params={"search": "the 'old' address"}).status_code == 500


def test_flaw_properties_outside_the_contract_are_stored(
    client: httpx.Client, schema: Schema, new_customer: NewCustomer
) -> None:
    customer = new_customer(client)
    assert "role" not in customer
    path = f"/customers/{customer['customerId']}"
    client.patch(path, json={"role": "admin", "credit_limit": 1000000})
    stored = client.get(path).json()
    assert (stored["role"], stored["credit_limit"]) == ("admin", 1000000)
    assert not schema("Customer").is_valid(stored)
    assert new_customer(client, role="admin")["role"] == "admin"


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/customers?limit=x", b""),
        ("GET", "/customers?search='x", b""),
        ("POST", "/customers", b"{"),
        ("POST", "/customers", b"[]"),
        ("PATCH", "/customers/c-1001", b"\xff\xfe"),
    ],
)
def test_flaw_errors_show_a_stack_trace(
    client: httpx.Client, method: str, path: str, content: bytes, schema: Schema
) -> None:
    response = client.request(method, path, content=content)
    assert response.status_code == 500
    assert "Traceback" in response.text
    assert "service.py" in response.text
    assert not schema("Problem").is_valid(response.json())


def test_flaw_there_are_no_limits(client: httpx.Client, new_customer: NewCustomer) -> None:
    customer = new_customer(client, notes="x" * 2_000_000)
    assert len(customer["notes"]) == 2_000_000
    assert client.delete(f"/customers/{customer['customerId']}").status_code == 204
    assert client.get("/customers", params={"limit": 1_000_000}).status_code == 200
    assert {client.get("/health").status_code for _ in range(200)} == {200}


def test_flaw_values_are_not_checked(client: httpx.Client, new_customer: NewCustomer) -> None:
    odd = new_customer(client, iban="not one", date_of_birth="yesterday", postcode=12)
    assert (odd["iban"], odd["date_of_birth"], odd["postcode"]) == ("not one", "yesterday", "12")


def test_flaw_forgotten_endpoints_give_the_insides_away(client: httpx.Client) -> None:
    assert client.get("/debug/config").json()["settings"]["ledger_password"] == "swordfish-of-the-demo"
    assert "customers_total" in client.get("/internal/metrics").text


def test_the_readme_lists_flaws_that_its_commands_show(client: httpx.Client) -> None:
    readme = (EXAMPLE / "README.md").read_text()
    for said in ("UNION SELECT", "mass assignment", "stack traces", "/debug/config", "never expose", "no limits"):
        assert said.lower() in readme.lower()
    assert json.dumps(READS_ANOTHER_TABLE)[1:-1] in readme
