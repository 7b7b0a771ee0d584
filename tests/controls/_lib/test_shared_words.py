"""Levels, addresses and coverage mean the same to every control."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls._lib.urls import address, reach
from assay.declare.contract import Operation
from assay.declare.model import Api, DataField
from assay.declare.rules import rules_by_operation
from assay.sensitivity.levels import level_of, within


@pytest.mark.parametrize(
    ("field", "level"),
    [
        ({}, "internal"),
        ({"level": "public", "category": "user.health_and_medical"}, "public"),
        ({"category": "user.contact.email"}, "confidential"),
        ({"category": "user.financial.bank_account"}, "restricted"),
        ({"category": "user.government_id.passport_number"}, "restricted"),
        ({"category": "user.authorization.password"}, "special"),
        ({"category": "user.authorization.biometric"}, "special"),
        ({"category": "user.health_and_medical.genetic"}, "special"),
        ({"category": "user.demographic.religious_belief"}, "special"),
        ({"category": "user.demographic.gender"}, "confidential"),
        ({"category": "system.operations"}, "internal"),
        ({"links": "customer"}, "confidential"),
    ],
)
def test_a_field_without_a_level_gets_the_one_its_category_implies(field: dict[str, str], level: str) -> None:
    assert level_of(DataField.model_validate(field)) == level


def test_a_class_covers_what_lies_below_it_and_no_namesake() -> None:
    assert within("user.contact.email", "user.contact")
    assert not within("user.contacts", "user.contact")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("localhost", "loopback"),
        ("shop.localhost.", "loopback"),
        ("0.0.0.0", "any"),
        ("::", "any"),
        ("10.1.2.3", "private"),
        ("fd00::1", "private"),
        ("169.254.169.254", "private"),
        ("orders", "private"),
        ("orders.prod.svc.cluster.local", "private"),
        ("8.8.8.8", "public"),
        ("::ffff:8.8.8.8", "public"),
        ("shop.example", "public"),
        ("internal.shop.example", "public"),
        ("127.0.0.1.shop.example", "public"),
    ],
)
def test_hosts_are_as_far_away_as_they_can_be(host: str, expected: str) -> None:
    assert reach(host) == expected


@given(st.text(max_size=60).map(lambda t: f"http://{t}"))
def test_no_url_breaks_the_reader_of_addresses(url: str) -> None:
    found = address(url)
    assert found is None or (found.host and 0 < found.port < 65536)


def test_a_rule_covers_an_operation_once_by_name_or_by_pattern() -> None:
    api = Api.model_validate(
        {
            "owner": "s",
            "exposure": "public",
            "environment": "e",
            "contract": "c.yaml",
            "upstream": "http://127.0.0.1:1",
            "access": [
                {"roles": ["a"], "operations": ["get*", "getOrder", "*"]},
                {"roles": ["b"], "operations": ["getOrder"]},
                {"roles": ["c"], "operations": ["get?rder"]},
            ],
        }
    )
    operations = [
        Operation(id=i, declared_id=True, method="GET", path="/", pointer="#") for i in ("getOrder", "put", "get?rder")
    ]
    covered = {o: [i for i, _ in rules] for o, rules in rules_by_operation(api, operations).items()}
    assert covered == {"getOrder": [0, 1, 2], "put": [0], "get?rder": [0, 2]}
