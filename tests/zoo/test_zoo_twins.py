"""The safe twins do what their contracts say: for legitimate callers, and for whatever else comes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.zoo.declared import OWNED, identities, roles_of, write
from tests.zoo.kit.model import Operation
from tests.zoo.services import DEFINITIONS, PEOPLE
from tests.zoo.visiting import Visit, visiting

from assay.controls import CONTROL_IDS
from assay.declare import load

NAMES = sorted(DEFINITIONS)
JSON = {"content-type": "application/json"}
# A valid call of each operation, by somebody who may: (who, path, query, headers, body).
CALLS: dict[str, dict[str, tuple[str, str, dict[str, Any]]]] = {
    "shop": {
        "listProducts": ("", "/products?limit=5&after=3", {}),
        "searchProducts": ("", "/products/search?q=lamp", {}),
        "getProduct": ("", "/products/p-1", {}),
        "setPrice": ("ada", "/products/p-1/price", {"json": {"price": 7}}),
        "deleteProduct": ("ada", "/products/p-7", {}),
        "listOrders": ("alice", "/orders", {}),
        "createOrder": ("alice", "/orders", {"json": {"product_id": "p-3", "quantity": 2, "note": "a"}}),
        "getOrder": ("alice", "/orders/o-1", {}),
        "updateOrder": ("alice", "/orders/o-1", {"json": {"note": "b"}}),
        "cancelOrder": ("bob", "/orders/o-4", {}),
        "listItems": ("alice", "/orders/o-1/items", {}),
        "getItem": ("alice", "/orders/o-1/items/i-1", {}),
        "batchOrders": ("alice", "/orders/batch", {"json": {"ids": ["o-1", "o-2"]}}),
        "createReturn": ("alice", "/returns", {"json": {"order_id": "o-2", "reason": "broken"}}),
        "refundOrder": ("amir", "/orders/o-2/refund", {}),
        "exportOrders": ("ada", "/exports/orders", {}),
        "listInvoices": ("alice", "/invoices?customer=u-1", {}),
        "listCustomers": ("amir", "/customers", {}),
        "getCustomer": ("alice", "/customers/u-1", {}),
        "listAddresses": ("alice", "/customers/u-1/addresses", {}),
        "getPreferences": ("alice", "/customers/u-1/preferences", {}),
        "updatePreferences": ("alice", "/customers/u-1/preferences", {"json": {"newsletter": "never"}}),
        "recommendations": ("alice", "/recommendations", {}),
        "deliveryEstimate": ("", "/delivery-estimate?postcode=SW1", {}),
        "stockReport": ("amir", "/stock-report", {}),
        "createQuote": ("alice", "/quotes", {"json": {"product_id": "p-1", "quantity": 2}}),
        "checkAddress": ("alice", "/addresses/check", {"json": {"address": "5 Elm Street  "}}),
        "getWallet": ("alice", "/wallet", {}),
        "createVoucher": ("ada", "/vouchers", {"json": {"value": 25, "uses": 1}}),
        "redeemVoucher": (
            "alice",
            "/vouchers/redeem",
            {"json": {"code": "WELCOME10"}, "headers": {"idempotency-key": "key-12345"}},
        ),
        "partnerToken": ("alice", "/partner-tokens", {}),
    },
    "clinic": {
        "listDocuments": ("dora", "/documents", {}),
        "createDocument": (
            "dora",
            "/documents",
            {"json": {"kind": "note", "title": "a", "text": "b", "owner": "v-1"}},
        ),
        "searchDocuments": ("dora", "/documents/search?q=letter", {}),
        "queryDocuments": ("dora", "/documents/query", {"json": {"filter": {"kind": "letter"}}}),
        "getDocument": ("nora", "/documents/d-1", {}),
        "updateDocument": ("nora", "/documents/d-1", {"json": {"title": "new"}}),
        "deleteDocument": ("nora", "/documents/d-2", {}),
        "checkPickup": ("nora", "/pickups/check", {"json": {"patient": "v-1", "code": "1731"}}),
        "listPatients": ("dora", "/patients?sort=id", {"headers": {"x-department": "cardiology"}}),
        "getPatient": ("nora", "/patients/v-1", {}),
        "listVisits": ("nora", "/patients/v-1/visits", {}),
        "getVisit": ("nora", "/patients/v-1/visits/s-1", {}),
        "listAppointments": ("nora", "/appointments", {}),
        "getAppointment": ("nora", "/appointments/1", {}),
        "hasReferral": ("nora", "/referrals/REF-1001", {}),
        "findColleague": ("dora", "/directory?name=dora", {}),
        "exportPatients": ("nadia", "/exports/patients", {}),
    },
    "files": {
        "listFiles": ("frida", "/files", {}),
        "getFile": ("frida", "/files/f-2", {}),
        "renameFile": ("frida", "/files/f-2", {"json": {"name": "new.png"}}),
        "downloadFile": ("frida", "/files/f-2/content", {}),
        "getTheme": ("", "/themes/plain.css", {}),
        "getHelp": ("", "/help?page=intro.txt", {}),
    },
}
_ACCOUNTS: dict[str, tuple[str, dict[str, Any]]] = {
    "getMe": ("/me", {}),
    "updateMe": ("/me", {"json": {"name": "New Name", "phone": "1"}}),
    "getContract": ("/openapi.json", {}),
    "health": ("/health", {}),
}


@pytest.mark.parametrize("name", NAMES)
def test_legitimate_calls_are_answered_as_the_contract_says(name: str) -> None:
    async def walk() -> None:
        async with visiting(name) as zoo:
            operations = {operation.id: operation for operation in zoo.service.definition.operations}
            somebody = PEOPLE[name][0].user
            calls = {**CALLS[name], **{op: (somebody, path, more) for op, (path, more) in _ACCOUNTS.items()}}
            for operation_id, (who, path, more) in calls.items():
                operation = operations[operation_id]
                answer = await zoo.call(operation.method, path, who, **more)
                assert answer.status_code == operation.status, (operation_id, answer.text)

    asyncio.run(walk())


@pytest.mark.parametrize("name", NAMES)
def test_roles_that_may_not_are_refused_and_so_is_nobody(name: str) -> None:
    async def walk() -> None:
        async with visiting(name) as zoo:
            operations = {operation.id: operation for operation in zoo.service.definition.operations}
            for operation_id, (_, path, more) in CALLS[name].items():
                operation = operations[operation_id]
                if operation.public:
                    continue
                assert (await zoo.call(operation.method, path, **more)).status_code == 401, operation_id
                assert (await zoo.call(operation.method, path, token="a.b.c", **more)).status_code == 401
                for role in {"customer", "agent", "admin"} - set(roles_of(operation)):
                    user = next(p.user for p in PEOPLE[name] if role in p.roles)
                    assert (await zoo.call(operation.method, path, user, **more)).status_code == 403, operation_id

    asyncio.run(walk())


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_is_valid_and_names_every_operation_once(name: str) -> None:
    definition = DEFINITIONS[name]
    contract = definition.contract()
    OpenAPIV31SpecValidator(contract).validate()
    named = [o["operationId"] for path in contract["paths"].values() for o in path.values()]
    assert len(named) == len(set(named)) == len([o for o in definition.operations if not o.only_with])
    assert "x-required" not in json.dumps(contract)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_SEGMENTS = st.sampled_from(
    ["o-1", "u-1", "p-1", "d-1", "f-2", "v-1", "REF-1001", "0", "1", "..", "%00", "%27", "a" * 300]
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_nothing_that_is_sent_breaks_a_twin(name: str, data: st.DataObject) -> None:
    left_out = ("stockReport", "login", "disableUser", "changePassword")  # slow, or the end of who calls
    operations = [o for o in DEFINITIONS[name].operations if not o.only_with and o.id not in left_out]

    async def send() -> None:
        async with visiting(name) as zoo:
            for _ in range(3):
                operation = data.draw(st.sampled_from(operations))
                path = data.draw(_paths(operation))
                fields = list(_properties(zoo, operation))
                body = data.draw(_VALUES | st.fixed_dictionaries(dict.fromkeys(fields, _VALUES)))
                content = json.dumps(body).encode() if operation.body is not None else b""
                headers = {
                    **JSON,
                    **{header: data.draw(st.sampled_from(["1", "a" * 64, "'"])) for header in operation.header},
                }
                who = PEOPLE[name][data.draw(st.sampled_from([0, 1, -1]))].user
                answer = await zoo.call(operation.method, path, who, content=content, headers=headers)
                assert answer.status_code < 500, (operation.id, path, content, answer.text)
                zoo._tokens.clear()

    asyncio.run(send())


@pytest.mark.parametrize(
    "body",
    [
        b'{"product_id": "p-3", "quantity": 1, "note": "\\ud800"}',
        b'{"product_id": "p-3", "quantity": 1, "note": "a\\u0000b"}',
        b'{"product_id": "p-3", "quantity": 1, "note": "\xff"}',
        b'{"product_id": "p-3", "quantity": NaN}',
        b'{"product_id": "p-3", "quantity": 1e400}',
        b'{"product_id": "p-3", "quantity": ' + b"9" * 5000 + b"}",
        b'{"product_id": "p-3", "quantity": 1, "quantity": 2}',
        b"[" * 900 + b"]" * 900,
        b"[" * 30_000,
        b"",
    ],
    ids=["half a character", "NUL", "no UTF-8", "NaN", "infinite", "huge", "twice", "deep", "deeper", "empty"],
)
def test_strange_bodies_are_refused(body: bytes) -> None:
    async def send() -> None:
        async with visiting("shop") as zoo:
            answer = await zoo.call("POST", "/orders", "alice", content=body, headers=JSON)
            assert answer.status_code == 400, answer.text

    asyncio.run(send())


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=utf-16", "application/xml", ""])
def test_other_types_of_content_are_refused(kind: str) -> None:
    async def send() -> None:
        async with visiting("shop") as zoo:
            body = json.dumps({"product_id": "p-3", "quantity": 1}).encode()
            refused = await zoo.call("POST", "/orders", "alice", content=body, headers={"content-type": kind})
            assert refused.status_code == 415
            right = {"content-type": "application/json; charset=UTF-8"}
            assert (await zoo.call("POST", "/orders", "alice", content=body, headers=right)).status_code == 201
            wide = body.decode().encode("utf-16")
            assert (await zoo.call("POST", "/orders", "alice", content=wide, headers=JSON)).status_code == 400

    asyncio.run(send())


def test_a_key_has_one_effect_however_often_it_comes() -> None:
    async def send() -> None:
        async with visiting("shop") as zoo:

            async def redeem(code: str, key: str) -> tuple[int, Any]:
                answer = await zoo.call(
                    "POST", "/vouchers/redeem", "alice", json={"code": code}, headers={"idempotency-key": key}
                )
                return answer.status_code, answer.json().get("credit")

            await zoo.token("alice")
            together = await asyncio.gather(*(redeem("WELCOME10", "key-000001") for _ in range(5)))
            assert sorted(together, key=str) == [(200, 110), *[(409, None)] * 4]
            assert await redeem("WELCOME10", "key-000001") == (200, 110)
            assert await redeem("ONCE-ONLY", "key-000001") == (422, None)
            assert await redeem("ONCE-ONLY", "key-000002") == (200, 135)
            assert [await redeem("ONCE-ONLY", "key-000003") for _ in range(2)] == [(409, None)] * 2
            assert (await zoo.call("GET", "/wallet", "alice")).json() == {"credit": 135}

    asyncio.run(send())


def test_whole_numbers_may_be_written_with_a_point() -> None:
    async def send() -> None:
        async with visiting("shop") as zoo:
            order = {"product_id": "p-3", "quantity": 2.0, "discount_percent": 10.0}
            assert (await zoo.call("POST", "/orders", "amir", json=order)).json()["quantity"] == 2
            quote = {"product_id": "p-3", "quantity": 2.0}
            assert (await zoo.call("POST", "/quotes", "amir", json=quote)).is_success
            assert (await zoo.call("PUT", "/products/p-3/price", "ada", json={"price": 5.0})).json()["price"] == 5

    asyncio.run(send())


def _paths(operation: Operation) -> st.SearchStrategy[str]:
    parts = [_SEGMENTS if part.startswith("{") else st.just(part) for part in operation.path.split("/")]
    query = st.sampled_from(
        ["", "?", *(f"?{name}={value}" for name in operation.query for value in ("1", "-1", "%27", "a"))]
    )
    return st.tuples(st.tuples(*parts).map("/".join), query).map("".join)


def _properties(zoo: Visit, operation: Operation) -> dict[str, Any]:
    schema = dict(operation.body or {})
    if "$ref" in schema:
        schema = dict(zoo.service.definition.schemas[schema["$ref"].rpartition("/")[2]])
    return dict(schema.get("properties", {}))


@pytest.mark.parametrize("name", NAMES)
def test_the_declaration_can_be_read_and_says_who_may_what(name: str, tmp_path: Path) -> None:
    path = write(name, tmp_path / name, upstream="http://127.0.0.1:9")
    declaration = load(path, controls=CONTROL_IDS)
    api = declaration.model.apis[name]
    assert {o.id for o in declaration.contracts[name].operations} == {
        o.id for o in DEFINITIONS[name].operations if not o.only_with
    }
    for person in PEOPLE[name]:
        assert declaration.model.prove.identities[person.user].subject == person.id
        secret = tmp_path / name / "secrets" / person.user
        assert secret.stat().st_mode & 0o777 == 0o600
    for operation in DEFINITIONS[name].operations:
        rules = [rule for rule in api.access if operation.id in rule.operations]
        assert {role for rule in rules for role in rule.roles} == (
            set() if operation.only_with else set(roles_of(operation))
        )
    assert {who["name"] for who in identities(name)["identities"]} == {person.user for person in PEOPLE[name]}


@pytest.mark.parametrize("name", NAMES)
def test_known_objects_belong_to_whom_the_declaration_says(name: str) -> None:
    paths = {"orderId": "/orders/", "customerId": "/customers/", "fileId": "/files/", "documentId": "/documents/"}
    paths |= {"patientId": "/patients/", "number": "/appointments/"}

    async def walk() -> None:
        async with visiting(name) as zoo:
            for user, owned in OWNED[name].items():
                other = next(each for each in OWNED[name] if each != user)
                for parameter, ids in owned.items():
                    for known in ids if parameter in paths else ():
                        assert (await zoo.call("GET", paths[parameter] + known, user)).status_code == 200
                        assert (await zoo.call("GET", paths[parameter] + known, other)).status_code == 404

    asyncio.run(walk())
