"""What the controls write is what the inspector and the processor compile, and together they do what is declared."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from assay.controls.base import Site
from assay.controls.registry import compile_policy
from assay.declare.loader import load
from assay.gateway import ir, keysets
from assay.gateway.assemble import Policy
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.injection import Engine
from assay.gateway.inspector.operation import compile_operation
from assay.gateway.inspector.schemas import Library
from assay.gateway.processor.bundle import build, keyset_names
from assay.gateway.processor.callers import Identity
from assay.gateway.processor.engine import compile_engine
from assay.gateway.processor.masking import mask, prune

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "customer-data"
SITE = Site(certificate="s.crt", private_key="s.key", client_ca="ca.crt", development_issuer="http://127.0.0.1:9400")
CASES = sorted(p for p in HERE.glob("*/*.in.yaml") if p.parent.name != "network_ranges")


def _compiled(path: Path) -> Policy:
    return compile_policy(load(path, environ={}), SITE)


@pytest.mark.parametrize("case", [*CASES, EXAMPLE], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_declaration_compiles_to_parts_that_are_accepted(case: Path, tmp_path: Path) -> None:
    policy, engine = _compiled(case), Engine()
    libraries = {library.api: Library(library.definitions) for library in policy.libraries}
    for operation in policy.operations:
        if operation.inspection and not operation.inspection.crs:
            compile_operation(operation.inspection, libraries[operation.route.api], engine, None)
    bundle = build(policy)
    names = keyset_names(bundle)
    for name in names:
        keysets.ensure(tmp_path, name)
    found = compile_engine(bundle, {name: keysets.load(tmp_path, name) for name in names})
    assert found.operations.keys() == {o.id for o in policy.operations}


def _seen(operation: ir.Masking, roles: set[str], clearance: int, answer: object) -> object:
    from assay.gateway.processor.masking import Known, compile_masks

    counts: Counter[str] = Counter()
    value = json.loads(json.dumps(answer))
    if operation.closed:
        value = prune(value, Known.of(operation.known), counts)
    masks = compile_masks(operation, Identity(frozenset(roles), clearance).roles, clearance, None)
    return value if masks is None else mask(value, masks, counts)


class TestExample:
    """The Customer Data API, as each of its callers meets it."""

    policy = _compiled(EXAMPLE)
    record = {  # noqa: RUF012
        "customerId": "c-1001",
        "name": "Alice Martin",
        "email": "alice@example.test",
        "iban": "FR1420041010050500013M02606",
        "national_id": "285057800608441",
        "role": "admin",
        "title": "not a property of customers",
    }

    def _masking(self, operation: str) -> ir.Masking:
        found = next(o.masking for o in self.policy.operations if o.route.operation == operation)
        assert found is not None
        return found

    def test_a_property_that_the_service_stored_unasked_does_not_come_out(self) -> None:
        for roles, clearance in (({"admin"}, 3), ({"agent"}, 2), (set[str](), 0)):
            seen = _seen(self._masking("getCustomer"), roles, clearance, self.record)
            assert isinstance(seen, dict)
            assert "role" not in seen
            assert "title" not in seen

    def test_an_agent_sees_contacts_and_the_end_of_an_account_number(self) -> None:
        assert _seen(self._masking("getCustomer"), {"agent"}, 2, self.record) == {
            "customerId": "c-1001",
            "name": "Alice Martin",
            "email": "alice@example.test",
            "iban": "************2606",
            "national_id": "***",
        }

    def test_nobody_known_sees_nothing_personal_also_in_lists(self) -> None:
        page = {"items": [self.record], "next_cursor": "c-1002"}
        seen = json.dumps(_seen(self._masking("listCustomers"), set(), 0, page))
        assert "c-1002" in seen
        for secret in ("Alice", "alice@", "2606", "285057800608441"):
            assert secret not in seen

    def test_a_customer_sees_their_own_record_in_clear(self) -> None:
        seen = _seen(self._masking("getCustomer"), {"customer"}, 3, self.record)
        assert seen == {k: v for k, v in self.record.items() if k not in ("role", "title")}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"name": "Fiona O'Brien", "email": "fiona@example.test", "notes": "I'd like 1 or 2, if that's OK."}, 200),
            ({"name": "x", "email": "f@example.test", "role": "admin"}, 400),
            ({"name": "x", "email": "f@example.test", "notes": "x' OR 1=1 --"}, 403),
            ({"name": "x"}, 400),
            ({"name": "x" * 121, "email": "f@example.test"}, 400),
        ],
        ids=["an honest body", "mass assignment", "an injection", "a missing property", "a long string"],
    )
    def test_a_body_is_held_to_the_contract(self, body: dict[str, str], status: int) -> None:
        found = next(o for o in self.policy.operations if o.route.operation == "createCustomer")
        assert found.inspection
        library = Library(next(x.definitions for x in self.policy.libraries if x.api == "customer-data"))
        compiled = compile_operation(found.inspection, library, Engine(), None)
        headers = [(b"content-type", b"application/json")]
        decision = inspect(compiled, "POST", "/customers", b"", headers, json.dumps(body).encode())
        assert decision.status == status

    def test_what_only_reads_asks_the_inspector_for_queries_alone(self) -> None:
        asked = {o.route.operation: o.inspection for o in self.policy.operations}
        assert all(i.query_only for name, i in asked.items() if i and name.startswith(("get", "list", "health")))
        assert not any(i.query_only for name, i in asked.items() if i and name.startswith(("create", "update")))


@pytest.mark.parametrize(
    ("number", "status"), [(2**31 - 1, 200), (-(2**31), 200), (2**31, 400), (-(2**31) - 1, 400), (10**30, 400)]
)
def test_a_number_wider_than_the_contract_says_reaches_no_service(number: int, status: int) -> None:
    policy = _compiled(HERE / "input_validation" / "loose.in.yaml")
    libraries = {library.api: Library(library.definitions) for library in policy.libraries}
    found = next(o.inspection for o in policy.operations if o.route.operation == "search")
    assert found is not None
    enforced = msgspec.structs.replace(found, mode=ir.Mode.ENFORCE)
    operation = compile_operation(enforced, libraries["shop"], Engine(), None)
    assert inspect(operation, "GET", "/search/x", f"ids={number}".encode(), [], b"").status == status
