"""A plan tells when an API is opened or closed to consumers."""

from __future__ import annotations

from typing import Any

import pytest

from assay.gateway import ir
from assay.gateway.assemble import Policy, assemble
from assay.gateway.compare import compare
from assay.gateway.decision import decide

BASE = {"control": "layered_architecture", "source": "assay.yaml:3:5"}


def policy(*pieces: ir.AnyPiece) -> Policy:
    standing: tuple[ir.AnyPiece, ...] = (
        ir.Listener(**BASE, address="127.0.0.1", port=8443),
        ir.AccessLog(**BASE),
        ir.Upstream(**BASE, api="crm", host="127.0.0.1", port=9001),
        ir.Route(**BASE, api="crm", operation="get", method="GET", hosts=("*",), public_base="", template="/get"),
    )
    return assemble([*standing, *pieces])


def admission(**more: Any) -> Policy:
    return policy(ir.Admission(**BASE, api="crm", name="layers", **more))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (policy(), admission(only=("orders",)), [("tightening", True)] * 2),
        (admission(only=("orders",)), policy(), [("loosening", True)] * 2),
        (admission(only=("orders",)), admission(only=("orders", "shop")), [("loosening", True)]),
        (admission(never=("orders",)), admission(never=("orders", "shop")), [("tightening", True)]),
        (admission(never=("shop",)), admission(only=("shop",), anonymous=True), [("loosening", False)]),
        (admission(only=("shop",)), admission(only=("shop",), anonymous=True), [("loosening", True)]),
        (admission(only=("a", "b")), admission(only=("b", "a")), [("neutral", True)]),
        (policy(), admission(never=("staging-tester",)), [("tightening", True)]),
    ],
)
def test_opening_and_closing_an_api_to_consumers_is_weighed(old: Policy, new: Policy, expected: list[Any]) -> None:
    assert [(c.effect, c.certain) for c in compare(old, new).changes] == expected


def test_what_an_observing_rule_would_have_refused_is_read_from_the_log() -> None:
    line = {
        "details": "via_upstream",
        "admission_shadow_result": "denied",
        "admission_shadow_policy": "layered_architecture/crm/layers",
    }
    assert decide(line).observed == ("layered_architecture/crm/layers",)
