"""The example's service does what its contract says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
from openapi_spec_validator import validate

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"
UNDECLARED = {("GET", "/debug/config"), ("GET", "/internal/metrics")}
NewCustomer = Callable[..., dict[str, Any]]
Schema = Callable[[str], jsonschema_rs.Draft202012Validator]
Running = Callable[..., AbstractContextManager[Any]]


def iban_is_valid(iban: str) -> bool:
    """ISO 13616: letters become 10 to 35, the first four characters go last, and the number is 1 modulo 97."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def test_the_contract_is_valid_openapi(contract: dict[str, Any]) -> None:
    validate(contract)


def test_everything_a_caller_can_send_has_a_bound(contract: dict[str, Any]) -> None:
    unbounded = []
    for where, node in _schemas(contract["components"], "components"):
        bounds = {
            "string": {"maxLength", "enum"},
            "integer": {"maximum"},
            "array": {"maxItems"},
            "object": {"additionalProperties"},
        }[node["type"]]
        if not bounds & set(node) or node.get("additionalProperties", False) is not False:
            unbounded.append(where)
        if node["type"] == "integer" and "minimum" not in node:
            unbounded.append(where)
    for path, item in contract["paths"].items():
        for node in _parameters(item):
            if "$ref" not in node["schema"] and not {"maxLength", "maximum"} & set(node["schema"]):
                unbounded.append(f"{path} {node['name']}")
    assert unbounded == []


def _schemas(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), str) and node["type"] in {"string", "integer", "array", "object"}:
            yield where, node
        for key, value in node.items():
            if key not in {"securitySchemes", "examples"}:
                yield from _schemas(value, f"{where}.{key}")


def _parameters(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in (item, *(v for v in item.values() if isinstance(v, dict))):
        yield from (p for p in holder.get("parameters", []) if "$ref" not in p)


def test_the_service_has_what_the_contract_names_and_two_endpoints_that_it_does_not(
    client: httpx.Client, contract: dict[str, Any]
) -> None:
    declared = {
        (method.upper(), path)
        for path, item in contract["paths"].items()
        for method in item
        if method in {"get", "post", "patch", "delete", "put"}
    }
    source = (EXAMPLE / "service.py").read_text()
    served = set()
    for line in source.splitlines():
        if line.strip().startswith('Route("'):
            path, method = line.split('"')[1], line.split('methods=["')[1].split('"')[0]
            served.add((method, path))
    assert served == declared | UNDECLARED


def test_customers_can_be_created_read_changed_and_deleted(
    client: httpx.Client, schema: Schema, greta: dict[str, str]
) -> None:
    created = client.post("/customers", json=greta)
    assert created.status_code == 201
    customer = created.json()
    location = created.headers["location"]
    assert location == f"/customers/{customer['customerId']}"
    assert {**customer, **greta} == customer
    schema("Customer").validate(customer)

    assert client.get(location).json() == customer
    changed = client.patch(location, json={"notes": "Moved.", "postcode": "9000"})
    assert changed.status_code == 200
    assert changed.json() == {**customer, "notes": "Moved.", "postcode": "9000"}
    assert client.get(location).json() == changed.json()

    client.post(f"{location}/orders", json={"product": "desk-lamp", "quantity": 1})
    assert client.delete(location).status_code == 204
    for path in (location, f"{location}/orders"):
        gone = client.get(path)
        assert gone.status_code == 404
        assert gone.headers["content-type"] == "application/problem+json"
        schema("Problem").validate(gone.json())
    assert client.delete(location).status_code == 404
    assert client.patch(location, json={"notes": ""}).status_code == 404


def test_orders_belong_to_their_customer(client: httpx.Client, schema: Schema, new_customer: NewCustomer) -> None:
    customer, other = new_customer(client), new_customer(client)
    orders = f"/customers/{customer['customerId']}/orders"
    created = client.post(orders, json={"product": "desk-lamp", "quantity": 3, "note": "Ring twice."})
    assert created.status_code == 201
    order = created.json()
    schema("Order").validate(order)
    assert (order["product"], order["quantity"], order["note"]) == ("desk-lamp", 3, "Ring twice.")
    assert created.headers["location"] == f"{orders}/{order['orderId']}"

    assert client.get(f"{orders}/{order['orderId']}").json() == order
    listed = client.get(orders).json()
    schema("OrderList").validate(listed)
    assert listed == {"items": [order]}
    assert client.get(f"/customers/{other['customerId']}/orders/{order['orderId']}").status_code == 404
    assert client.post("/customers/c-1/orders", json={"product": "desk-lamp", "quantity": 1}).status_code == 404


def test_a_list_comes_in_pages(client: httpx.Client, schema: Schema) -> None:
    seen, cursor = [], None
    while True:
        page = client.get("/customers", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        schema("CustomerPage").validate(page)
        assert 0 < len(page["items"]) <= 2
        seen += [c["customerId"] for c in page["items"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    everybody = client.get("/exports/customers").json()
    schema("CustomerExport").validate(everybody)
    assert seen == [c["customerId"] for c in everybody["items"]]
    assert len(seen) == len(set(seen))


def test_a_customer_is_found_by_the_exact_address_only(client: httpx.Client, new_customer: NewCustomer) -> None:
    customer = new_customer(client, email="one+tag/=@example.test")
    assert client.get("/customers", params={"email": "one+tag/=@example.test"}).json() == {"items": [customer]}
    assert client.get("/customers", params={"email": "one"}).json() == {"items": []}
    assert client.get("/customers", params={"email": "' OR '1'='1"}).json() == {"items": []}


def test_words_in_name_and_notes_are_found(client: httpx.Client, schema: Schema, new_customer: NewCustomer) -> None:
    customer = new_customer(client, name="Zoë Quux", notes="likes zebras")
    for words in ("quux", "zebra"):
        found = client.get("/customers", params={"search": words}).json()
        schema("CustomerPage").validate(found)
        assert customer in found["items"]
    assert client.get("/customers", params={"search": "nothing like this"}).json() == {"items": []}


def test_a_search_comes_in_pages_too(client: httpx.Client, new_customer: NewCustomer) -> None:
    customers = [new_customer(client, notes="paged search") for _ in range(3)]
    first = client.get("/customers", params={"search": "paged search", "limit": 2}).json()
    assert first["items"] == customers[:2]
    rest = client.get(
        "/customers", params={"search": "paged search", "limit": 2, "cursor": first["next_cursor"]}
    ).json()
    assert rest == {"items": customers[2:]}


def test_health_answers(client: httpx.Client, schema: Schema) -> None:
    health = client.get("/health")
    assert health.status_code == 200
    schema("Health").validate(health.json())


def test_what_the_service_accepts_in_the_happy_case_the_contract_accepts(schema: Schema, greta: dict[str, str]) -> None:
    schema("CustomerCreate").validate(greta)
    schema("CustomerUpdate").validate({"notes": "Moved."})
    schema("OrderCreate").validate({"product": "desk-lamp", "quantity": 3, "note": "Ring twice."})


def test_the_first_customers_satisfy_the_contract_and_have_valid_account_numbers(
    folder: Path, schema: Schema, running: Running
) -> None:
    with running(folder / "seeded") as service:
        everybody = service.client.get("/exports/customers").json()["items"]
    assert [c["customerId"] for c in everybody] == [f"c-{n}" for n in range(1001, 1007)]
    for customer in everybody:
        schema("CustomerCreate").validate({k: v for k, v in customer.items() if k not in {"customerId", "created_at"}})
        assert iban_is_valid(customer["iban"])
        assert customer["email"].endswith("@example.test")


def test_an_unknown_path_is_a_problem_like_any_other(client: httpx.Client, schema: Schema) -> None:
    for response, status in ((client.get("/nothing"), 404), (client.put("/customers"), 405)):
        assert response.status_code == status
        schema("Problem").validate(response.json())
