"""Who can reach what, who did, and in which form."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.declaration import Declaration
from assay.declare.loader import load
from assay.declare.model import LEVELS, Api, DataField
from assay.gateway import ir
from assay.gateway.processor.masking import choose
from assay.sensitivity import blend, closure, observed_reach, reach, read_calls
from assay.sensitivity.forms import form_seen
from assay.sensitivity.levels import level_of, rank
from assay.sensitivity.reveals import DEFAULT, Reveals

EXAMPLE = Path(__file__).parents[2] / "examples" / "customer-data"


@pytest.fixture(scope="module")
def example() -> Declaration:
    return load(EXAMPLE, environ={})


def _line(operation: str, **more: object) -> str:
    return json.dumps({"operation": f"customer-data/{operation}", "details": "via_upstream", **more})


def test_an_agent_is_seen_to_reach_what_the_gateway_shows_them(example: Declaration) -> None:
    closed = closure(example)
    found = next(r for r in reach(example, closed) if r.principal.id == "agent-desk")
    forms = next(o.forms for o in found.objects if o.data == "customer")
    assert (forms["name"], forms["iban"], forms["national_id"]) == ("clear", "last4", "fixed")
    whole = blend(found, closed.rules)[0]
    assert "customer.name" in whole.claimed.direct and "customer.national_id" not in whole.claimed.pieces
    assert whole.on == ("customer",) and {o.data for o in whole.objects} == {"customer", "order"}


def test_calls_show_who_did_reach_what(example: Declaration) -> None:
    lines = [
        _line("getOrder", key_consumer="partner-acme"),
        _line("getOrder", key_consumer="partner-acme"),
        _line("getCustomer", client="agent-desk"),
        _line("exportCustomers", certificate="back-office.internal"),
        _line("getCustomer", client="agent-desk", details="rbac_access_denied_matched_policy[none]"),
        _line("gone", client="agent-desk"),
        "",
        "no line",
        "[1]",
        _line("health"),
    ]
    found = read_calls(example, lines)
    assert found.calls["partner-acme"] == {("customer-data", "getOrder"): 2}
    assert set(found.calls) == {"partner-acme", "agent-desk", "back-office", ""}
    assert found.unread == 2 and found.unknown == {("customer-data", "gone")}
    closed = closure(example)
    by = {r.principal.id: r for r in observed_reach(example, closed, found.calls)}
    assert all(r.observed for r in by.values())
    assert [o.data for o in by["partner-acme"].objects] == ["order"]
    assert by["partner-acme"].objects[0].grants[0].text.endswith("called 2 times")
    assert blend(by["partner-acme"], closed.rules)[0].observed
    assert by[""].objects == ()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=30), st.dictionaries(st.text(max_size=8), st.integers()).map(json.dumps))))
def test_any_text_is_read_as_a_log(example: Declaration, lines: list[str]) -> None:
    assert read_calls(example, lines).calls.keys() <= {""}


API = Api.model_validate(
    {
        "owner": "x",
        "exposure": "internal",
        "environment": "e",
        "contract": "c",
        "upstream": "http://x",
        "reveal": [
            {"roles": ["a"], "classes": ["user"], "form": "last4"},
            {"roles": ["a", "b"], "classes": ["user.contact"], "form": "clear"},
            {"roles": ["c"], "classes": ["user.contact.email"], "form": "token"},
        ],
    }
)


@pytest.mark.parametrize("clearance", range(5))
def test_the_form_is_the_one_that_the_gateway_chooses(clearance: int) -> None:
    reveals = Reveals(API)
    fields = [
        DataField(category=c, level=level)
        for c, level in product(("user.contact.email", "user.financial", "user.name"), (None, *LEVELS[2:]))
    ]
    for field, roles, own in product(fields, [(), ("a",), ("b",), ("c",), ("a", "c"), ("d",)], [(), ("d",), ("c",)]):
        forms = tuple(sorted((dict.fromkeys(own, "clear") | reveals.forms(field.category or "")).items()))
        masked = ir.MaskedField(
            path=("x",), name="x", category="", level=rank(level_of(field)), default=DEFAULT, forms=forms
        )
        assert form_seen(field, reveals, roles, clearance, own) == choose(masked, roles, clearance)


def test_who_reads_the_store_itself_sees_ciphertext_where_the_gateway_encrypts(example: Declaration) -> None:
    closed = closure(example)
    found = next(r for r in reach(example, closed) if r.principal.id == "svc-crm-sync")
    customer = next(o for o in found.objects if o.data == "customer")
    assert "customer.iban" in customer.verified and "customer.iban" not in customer.claimed
    assert not customer.claimed["customer.email"].direct and customer.claimed["customer.email"].keys
    open_ = example.model.model_copy(
        update={"apis": {n: a.model_copy(update={"backed_by": ()}) for n, a in example.model.apis.items()}}
    )
    bare = replace(example, model=open_)
    found = next(r for r in reach(bare, closure(bare)) if r.principal.id == "svc-crm-sync")
    assert "customer.iban" in next(o for o in found.objects if o.data == "customer").claimed
