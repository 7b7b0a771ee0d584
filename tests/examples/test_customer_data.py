"""The example's service does what its contract says, and has every flaw that its README promises."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import psycopg
import pytest
import yaml
from openapi_spec_validator import validate

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"
CONTRACT: dict[str, Any] = yaml.safe_load((EXAMPLE / "openapi" / "customer-data.yaml").read_text())
UNDECLARED = {("GET", "/debug/config"), ("GET", "/internal/metrics")}
READS_ANOTHER_TABLE = f"zz' UNION SELECT name, value{', NULL' * 10} FROM internal_settings --"  # noqa: S608 - an attack, on purpose
GRETA = {
    "name": "Greta d'Hondt",
    "email": "greta@example.test",
    "phone": "+32 2 000 11 22",
    "date_of_birth": "1988-02-29",
    "postcode": "1000",
    "iban": "BE68539007547034",
    "national_id": "88022900176",
    "notes": "Says “thank you” — in 3 languages; 100% satisfied?",
}


class Service:
    """A running service, and how to talk to it."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client, data: Path) -> None:
        self.process = process
        self.client = client
        self.data = data

    @property
    def dsn(self) -> str:
        return (self.data / "dsn").read_text().strip()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout=30)
        finally:
            self.client.close()


def command(data: Path, *options: str) -> list[str]:
    return [sys.executable, str(EXAMPLE / "service.py"), "--port", "0", "--data", str(data), *options]


@contextmanager
def running(data: Path, *options: str) -> Iterator[Service]:
    with subprocess.Popen(
        command(data, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline().strip()
            assert line.startswith("listening "), process.stderr.read()
            address = line.removeprefix("listening ")
            uds = address.removeprefix("unix:") if address.startswith("unix:") else None
            transport = httpx.HTTPTransport(uds=uds)
            client = httpx.Client(transport=transport, base_url="http://service" if uds else address, timeout=30)
            service = Service(process, client, data)
            try:
                yield service
            finally:
                service.stop()
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that another account may pass through: PostgreSQL does not run as root, where tests may."""
    with tempfile.TemporaryDirectory(prefix="cd-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def service(request: pytest.FixtureRequest, folder: Path) -> Iterator[Service]:
    with running(folder / request.param, "--store", request.param) as service:
        yield service


@pytest.fixture
def client(service: Service) -> httpx.Client:
    return service.client


def schema(name: str) -> jsonschema_rs.Draft202012Validator:
    document = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    return jsonschema_rs.Draft202012Validator(document, validate_formats=True)


def new_customer(client: httpx.Client, **properties: object) -> dict[str, Any]:
    response = client.post("/customers", json={**GRETA, **properties})
    assert response.status_code == 201
    customer: dict[str, Any] = response.json()
    return customer


def iban_is_valid(iban: str) -> bool:
    """ISO 13616: letters become 10 to 35, the first four characters go last, and the number is 1 modulo 97."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


# --- what the contract promises -------------------------------------------------------------------------------------


def test_the_contract_is_valid_openapi() -> None:
    validate(CONTRACT)


def test_everything_a_caller_can_send_has_a_bound() -> None:
    unbounded = []
    for where, node in _schemas(CONTRACT["components"], "components"):
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
    for path, item in CONTRACT["paths"].items():
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


def test_the_service_has_what_the_contract_names_and_two_endpoints_that_it_does_not(client: httpx.Client) -> None:
    declared = {
        (method.upper(), path)
        for path, item in CONTRACT["paths"].items()
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


def test_customers_can_be_created_read_changed_and_deleted(client: httpx.Client) -> None:
    created = client.post("/customers", json=GRETA)
    assert created.status_code == 201
    customer = created.json()
    location = created.headers["location"]
    assert location == f"/customers/{customer['customerId']}"
    assert {**customer, **GRETA} == customer
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


def test_orders_belong_to_their_customer(client: httpx.Client) -> None:
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


def test_a_list_comes_in_pages(client: httpx.Client) -> None:
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


def test_a_customer_is_found_by_the_exact_address_only(client: httpx.Client) -> None:
    customer = new_customer(client, email="one+tag/=@example.test")
    assert client.get("/customers", params={"email": "one+tag/=@example.test"}).json() == {"items": [customer]}
    assert client.get("/customers", params={"email": "one"}).json() == {"items": []}
    assert client.get("/customers", params={"email": "' OR '1'='1"}).json() == {"items": []}


def test_words_in_name_and_notes_are_found(client: httpx.Client) -> None:
    customer = new_customer(client, name="Zoë Quux", notes="likes zebras")
    for words in ("quux", "zebra"):
        found = client.get("/customers", params={"search": words}).json()
        schema("CustomerPage").validate(found)
        assert customer in found["items"]
    assert client.get("/customers", params={"search": "nothing like this"}).json() == {"items": []}


def test_a_search_comes_in_pages_too(client: httpx.Client) -> None:
    customers = [new_customer(client, notes="paged search") for _ in range(3)]
    first = client.get("/customers", params={"search": "paged search", "limit": 2}).json()
    assert first["items"] == customers[:2]
    rest = client.get(
        "/customers", params={"search": "paged search", "limit": 2, "cursor": first["next_cursor"]}
    ).json()
    assert rest == {"items": customers[2:]}


def test_health_answers(client: httpx.Client) -> None:
    health = client.get("/health")
    assert health.status_code == 200
    schema("Health").validate(health.json())


def test_what_the_service_accepts_in_the_happy_case_the_contract_accepts() -> None:
    schema("CustomerCreate").validate(GRETA)
    schema("CustomerUpdate").validate({"notes": "Moved."})
    schema("OrderCreate").validate({"product": "desk-lamp", "quantity": 3, "note": "Ring twice."})


def test_the_first_customers_satisfy_the_contract_and_have_valid_account_numbers(folder: Path) -> None:
    with running(folder / "seeded") as service:
        everybody = service.client.get("/exports/customers").json()["items"]
    assert [c["customerId"] for c in everybody] == [f"c-{n}" for n in range(1001, 1007)]
    for customer in everybody:
        schema("CustomerCreate").validate({k: v for k, v in customer.items() if k not in {"customerId", "created_at"}})
        assert iban_is_valid(customer["iban"])
        assert customer["email"].endswith("@example.test")


def test_an_unknown_path_is_a_problem_like_any_other(client: httpx.Client) -> None:
    for response, status in ((client.get("/nothing"), 404), (client.put("/customers"), 405)):
        assert response.status_code == status
        schema("Problem").validate(response.json())


# --- the flaws, which a demonstration relies on ---------------------------------------------------------------------


def test_flaw_nobody_is_asked_who_they_are(client: httpx.Client) -> None:
    assert client.get("/exports/customers").status_code == 200
    assert client.get("/customers", headers={"authorization": "Bearer nonsense"}).status_code == 200


def test_flaw_any_customer_is_read_and_changed_by_anybody(client: httpx.Client) -> None:
    customer = new_customer(client)
    path = f"/customers/{customer['customerId']}"
    assert client.get(path).json()["iban"] == GRETA["iban"]
    assert client.patch(path, json={"iban": "XX00"}).json()["iban"] == "XX00"


def test_flaw_search_is_sql(client: httpx.Client) -> None:
    everybody = client.get("/exports/customers").json()["items"]
    limit = {"limit": 1000}
    assert client.get("/customers", params={**limit, "search": "zz' OR 1=1 --"}).json()["items"] == everybody
    assert client.get("/customers", params={**limit, "search": "zz' OR 1=2 --"}).json()["items"] == []


def test_flaw_search_reads_other_tables(client: httpx.Client) -> None:
    assert "swordfish-of-the-demo" in client.get("/customers", params={"search": READS_ANOTHER_TABLE}).text


def test_flaw_a_legitimate_apostrophe_breaks_the_search(client: httpx.Client) -> None:
    assert client.get("/customers", params={"search": "O'Brien"}).status_code == 500


def test_flaw_properties_outside_the_contract_are_stored(client: httpx.Client) -> None:
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
        ("GET", "/customers?search=x'y", b""),
        ("POST", "/customers", b"{"),
        ("POST", "/customers", b"[]"),
        ("PATCH", "/customers/c-1001", b"\xff\xfe"),
    ],
)
def test_flaw_errors_show_a_stack_trace(client: httpx.Client, method: str, path: str, content: bytes) -> None:
    response = client.request(method, path, content=content)
    assert response.status_code == 500
    assert "Traceback" in response.text
    assert "service.py" in response.text
    assert not schema("Problem").is_valid(response.json())


def test_flaw_there_are_no_limits(client: httpx.Client) -> None:
    customer = new_customer(client, notes="x" * 2_000_000)
    assert len(customer["notes"]) == 2_000_000
    assert client.delete(f"/customers/{customer['customerId']}").status_code == 204
    assert client.get("/customers", params={"limit": 1_000_000}).status_code == 200
    assert {client.get("/health").status_code for _ in range(200)} == {200}


def test_flaw_values_are_not_checked(client: httpx.Client) -> None:
    odd = new_customer(client, iban="not one", date_of_birth="yesterday", postcode=12)
    assert (odd["iban"], odd["date_of_birth"], odd["postcode"]) == ("not one", "yesterday", "12")


def test_flaw_forgotten_endpoints_give_the_insides_away(client: httpx.Client) -> None:
    assert client.get("/debug/config").json()["settings"]["ledger_password"] == "swordfish-of-the-demo"
    assert "customers_total" in client.get("/internal/metrics").text


# --- the store ------------------------------------------------------------------------------------------------------


def test_values_are_kept_exactly_as_they_came_so_ciphertext_survives(service: Service) -> None:
    ciphertext = "assay:1:" + "Zm9v+/=" * 600
    email = "det:AAEC/+==%20'\"\\ é 日本"
    customer = new_customer(service.client, iban=ciphertext, national_id=ciphertext, email=email, notes="a\r\n\tb ")
    read = service.client.get(f"/customers/{customer['customerId']}").json()
    assert (read["iban"], read["national_id"], read["email"], read["notes"]) == (
        ciphertext,
        ciphertext,
        email,
        "a\r\n\tb ",
    )
    assert service.client.get("/customers", params={"email": email}).json()["items"] == [read]

    row = _stored(service.dsn, customer["customerId"])
    assert row == (ciphertext, email)


def _stored(dsn: str, customer_id: str) -> tuple[Any, ...] | None:
    """The bytes in the store itself, read around the service."""
    statement = "SELECT iban, email FROM customers WHERE customer_id = "
    row: tuple[Any, ...] | None
    if dsn.startswith("sqlite:///"):
        sqlite = sqlite3.connect(dsn.removeprefix("sqlite:///"))
        try:
            row = sqlite.execute(f"{statement} ?", [customer_id]).fetchone()
        finally:
            sqlite.close()
        return row
    with psycopg.connect(dsn) as postgresql:
        row = postgresql.execute(f"{statement} %s".encode(), [customer_id]).fetchone()
    return row


def test_what_is_written_lies_in_the_sqlite_file(folder: Path) -> None:
    with running(folder / "bytes", "--no-seed") as service:
        new_customer(service.client, notes="canary-5f2c")
        assert b"canary-5f2c" in (service.data / "customers.sqlite3").read_bytes()


def test_only_the_owner_reads_the_store(service: Service) -> None:
    others = stat.S_IRWXG | stat.S_IRWXO
    assert not (service.data / "dsn").stat().st_mode & others
    entries = [e for e in service.data.iterdir() if e.name in {"customers.sqlite3", "postgresql"}]
    assert len(entries) == 1
    assert not entries[0].stat().st_mode & others


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def test_customers_survive_a_restart_and_an_empty_store_can_stay_empty(folder: Path, store: str) -> None:
    data = folder / f"restart-{store}"
    with running(data, "--store", store, "--no-seed") as service:
        assert service.client.get("/customers").json() == {"items": []}
        first = new_customer(service.client)
        assert first["customerId"] == "c-1001"
        assert service.stop(signal.SIGINT) == 0
    with running(data, "--store", store) as service:
        assert service.client.get("/exports/customers").json() == {"items": [first]}
        assert new_customer(service.client)["customerId"] == "c-1002"


@pytest.mark.integration
def test_postgresql_stops_with_the_service_and_recovers_when_that_was_killed(folder: Path) -> None:
    data = folder / "pg-stop"
    lock = data / "postgresql" / "postmaster.pid"
    with running(data, "--store", "postgresql") as service:
        assert lock.exists()
        kept = new_customer(service.client)
        service.process.kill()
        service.process.wait()
    with running(data, "--store", "postgresql") as service:
        assert service.client.get(f"/customers/{kept['customerId']}").json() == kept
        assert service.stop() == 0
        assert not lock.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand PostgreSQL to another account")
def test_root_is_told_when_postgresql_cannot_reach_its_data(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = subprocess.run(command(closed / "data", "--store", "postgresql"), capture_output=True, text=True, timeout=30)
    assert done.returncode == 3
    assert "does not run as root" in done.stderr
    assert "Traceback" not in done.stderr
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


# --- the process ----------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_said_and_not_shared(folder: Path, service: Service) -> None:
    port = str(service.client.base_url.port)
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "service.py"), "--port", port, "--data", str(folder / "second")],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 3
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_listens_on_a_unix_socket(folder: Path) -> None:
    socket = folder / "s.sock"
    with running(folder / "uds", "--uds", str(socket)) as service:
        assert service.client.get("/health").json() == {"status": "ok"}
        assert service.stop() == 0
    assert not socket.exists()


def test_standard_output_has_one_line_and_no_noise_after_errors(folder: Path) -> None:
    with running(folder / "quiet") as service:
        assert service.client.get("/customers?limit=x").status_code == 500
        service.process.send_signal(signal.SIGTERM)
        rest, errors = service.process.communicate(timeout=30)
        assert service.process.returncode == 0
    assert (rest, errors) == ("", "")


def test_the_readme_lists_flaws_that_its_commands_show(client: httpx.Client) -> None:
    readme = (EXAMPLE / "README.md").read_text()
    for said in ("UNION SELECT", "mass assignment", "stack traces", "/debug/config", "never expose", "no limits"):
        assert said.lower() in readme.lower()
    assert json.dumps(READS_ANOTHER_TABLE)[1:-1] in readme
