"""A name that leads nowhere is told where it stands, with what it may have meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.declare.declaring import BASE, CONTRACT, read, told, write

from assay.declare.routes import advice_for_route
from assay.declare.selectors import is_pattern, selected, selects

FULL = (
    BASE
    + """\
accounts:
  sync: {platform: postgresql, system: store, environment: test, owner: team}
flows:
  out: {from: store, to: store, account: sync, data: [order], into: order}
objectives:
  safe:
    category: confidentiality
    statement: Safe
    scope: {apis: [orders], systems: [store], operations: [getOrder, "*"], classes: [user]}
    controls: [authentication]
exceptions:
  - {control: rate_limiting, on: apis.orders.operations.getOrder, reason: until release 5, owner: a,
     approved_by: b, compensating: [authentication], expires: 2030-01-01}
networks: {deny: [{list: bad.netset}, 203.0.113.0/24]}
"""
).replace(
    "    backed_by: [store]\n",
    "    backed_by: [store, orders]\n"
    "    limits: {default: 5/minute, operations: {getOrder: 1/minute, 'list*': 2/minute}}\n"
    "    observe: [rate_limiting, {control: authentication, operations: [getOrder]}]\n",
)
GOLDEN = YAML(typ="safe").load(Path(__file__).with_name("dangling.golden.yaml"))


def test_references_that_lead_somewhere_are_accepted(tmp_path: Path) -> None:
    read(write(tmp_path, {"assay.yaml": FULL, "bad.netset": "203.0.113.0/24\n"}))


@pytest.mark.parametrize("case", GOLDEN)
def test_each_dangling_reference_is_told_with_what_exists(case: str, tmp_path: Path) -> None:
    golden = GOLDEN[case]
    assert golden["old"] in FULL
    write(tmp_path, {"assay.yaml": FULL.replace(golden["old"], golden["new"]), "bad.netset": ""})
    assert told(tmp_path) == golden["told"]


def test_a_field_goes_by_its_name_or_its_dotted_path_at_any_depth(tmp_path: Path) -> None:
    for name in ("address.city", "city", "address"):
        read(write(tmp_path, {"assay.yaml": BASE.replace("address.city:", f"{name}:")}))
    listed = BASE.replace("schemas/Order\n", "schemas/Orders\n")
    read(write(tmp_path, {"assay.yaml": listed}))


def test_data_may_come_from_a_contract_that_no_api_serves(tmp_path: Path) -> None:
    write(tmp_path, {"assay.yaml": BASE.replace("from: api.yaml", "from: other.yaml"), "other.yaml": CONTRACT})
    read(tmp_path)


def test_a_contract_that_two_apis_share_is_read_once(tmp_path: Path) -> None:
    api = BASE[BASE.index("  orders:\n") : BASE.index("consumers:")]
    text = BASE.replace("consumers:", api.replace("  orders:", "  again:", 1) + "consumers:")
    declaration = read(write(tmp_path, {"assay.yaml": text}))
    assert declaration.contracts["orders"] is declaration.contracts["again"]


@pytest.mark.parametrize(
    "route",
    [
        *("apis.orders", "apis.orders.operations.getOrder", "apis.orders.access[0]", "apis.orders.access[0].roles"),
        *("accounts.svc.sync", "data.order.fields.email", "gateway"),
    ],
)
def test_routes_lead_to_what_is_declared(route: str) -> None:
    data = {
        "apis": {"orders": {"access": [{"roles": ["a"]}]}},
        "accounts": {"svc.sync": {}},
        "data": {"order": {"fields": {"email": {}}}},
        "gateway": None,
    }
    assert advice_for_route(route, data, {"orders": ["getOrder"]}) is None


@pytest.mark.parametrize(
    ("route", "advice"),
    [
        ("apis.ordrs", "did you mean `orders`?"),
        ("apis.orders.operations.getOrdr", "did you mean `getOrder`?"),
        ("apis.orders.access[3]", "`apis.orders.access` is a list of 1; write `apis.orders.access[0]`"),
        ("apis.orders.access.0", "`apis.orders.access` is a list of 1; write `apis.orders.access[0]`"),
        ("apis.orders.access[0].x", "use one of `roles`"),
        ("nothing", "use one of `apis`"),
    ],
)
def test_routes_that_lead_nowhere_say_what_exists(route: str, advice: str) -> None:
    data = {"apis": {"orders": {"access": [{"roles": ["a"]}]}}}
    assert advice_for_route(route, data, {"orders": ["getOrder"]}) == advice


@given(st.text(max_size=12), st.text(max_size=12))
def test_only_stars_and_question_marks_are_special_in_a_selector(selector: str, operation: str) -> None:
    assert selects("*", operation)
    assert selects(operation, operation)
    if not is_pattern(selector):
        assert selects(selector, operation) == (selector == operation)
    assert selected([selector], [operation]) == ((operation,) if selects(selector, operation) else ())
    assert selects(operation[:1] + "*", operation)
    assert selects("?" * len(operation), operation)
