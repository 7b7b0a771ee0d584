"""The example's declaration says what the gateway needs to know about the example's service."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.model import Model

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer-data"


@pytest.fixture(scope="module")
def model() -> Model:
    return load(EXAMPLE, environ={}, controls=CONTROL_IDS).model


def operations(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for item in contract["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


def test_it_is_valid_and_starts_where_the_readme_says(model: Model) -> None:
    assert model.gateway.listen == "127.0.0.1:8443"
    assert model.apis["customer-data"].upstream == "http://127.0.0.1:9001"


def test_every_operation_it_names_is_in_the_contract(model: Model, contract: dict[str, Any]) -> None:
    known = {*operations(contract), "*"}
    api = model.apis["customer-data"]
    named = {o for rule in api.access for o in rule.operations} | set(api.limits.operations)
    named |= {o for objective in model.objectives.values() for o in objective.scope.operations}
    assert named <= known


def test_every_property_of_a_customer_and_an_order_is_classified(model: Model, contract: dict[str, Any]) -> None:
    for data in model.data.values():
        for reference in data.from_:
            file, _, pointer = reference.partition("#")
            assert (EXAMPLE / file).is_file()
            node: Any = contract
            for step in pointer.strip("/").split("/"):
                node = node[step]
            assert set(node["properties"]) <= set(data.fields), reference


def test_only_customers_are_bound_to_their_own_record(model: Model) -> None:
    rules = model.apis["customer-data"].access
    assert [bool(rule.owns) for rule in rules] == [rule.roles == ("customer",) for rule in rules]


def test_each_consumer_can_satisfy_what_the_contract_asks_of_its_operations(
    model: Model, contract: dict[str, Any]
) -> None:
    """An access rule nobody can use would be a lie in a file that people learn from."""
    api, known = model.apis["customer-data"], operations(contract)
    for name, consumer in model.consumers.items():
        has = {"apiKey"} if consumer.authenticate.api_key else set()
        has |= {"mutualTLS"} if consumer.authenticate.mtls else set()
        scopes = set(consumer.authenticate.oauth2.scopes) if consumer.authenticate.oauth2 else None
        for rule in api.access:
            if not set(rule.roles) & set(consumer.roles):
                continue
            for operation in known if "*" in rule.operations else rule.operations:
                asked = known[operation].get("security", contract["security"])
                assert asked == [] or any(
                    all(
                        scheme in has or (scheme == "oauth2" and scopes is not None and set(wanted) <= scopes)
                        for scheme, wanted in way.items()
                    )
                    for way in asked
                ), f"{name} cannot call {operation}"


def test_references_between_its_parts_lead_somewhere(model: Model) -> None:
    environments = set(model.environments)
    used = [s.environment for s in model.systems.values()]
    used += [a.environment for a in model.apis.values()]
    used += [a.environment for a in model.accounts.values()]
    assert set(used) <= environments
    for system in model.systems.values():
        assert set(system.holds) <= set(model.data)
    for api in model.apis.values():
        assert set(api.backed_by) <= {*model.systems, *model.apis}
    for flow in model.flows.values():
        assert {flow.from_, flow.to} <= set(model.systems)
        assert flow.account in model.accounts
        assert {*flow.data, flow.into} <= set(model.data)
        assert {*flow.transforms} == {f for data in flow.data for f in model.data[data].fields}


def test_the_blocklist_holds_networks_that_belong_to_nobody() -> None:
    lines = (EXAMPLE / "blocklists" / "known-bad.netset").read_text().splitlines()
    networks = [ipaddress.ip_network(line) for line in lines if line and not line.startswith("#")]
    # Ranges kept for documentation (RFC 5737, RFC 3849), and one of this machine's own that the demo calls from.
    nobodys = ("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32", "127.66.6.0/24")
    documentation = [ipaddress.ip_network(n) for n in nobodys]
    assert networks
    for network in networks:
        assert any(network.version == d.version and network.subnet_of(d) for d in documentation)  # type: ignore[arg-type]


def test_encrypted_fields_are_the_ones_that_would_hurt_most(model: Model) -> None:
    fields = model.data["customer"].fields
    assert {name for name, field in fields.items() if field.encrypt} == {"email", "iban", "national_id"}
    assert {name for name, field in fields.items() if field.lookup} == {"email"}


def test_no_secret_is_written_down() -> None:
    for file in (EXAMPLE / "assay.yaml", *(EXAMPLE / "assay.d").glob("*.yaml")):
        for match in re.findall(r"secret:\s*(\S+)", re.sub(r"#.*", "", file.read_text())):
            assert re.match(r"\"?(env|file):", match), f"{file.name}: {match}"
