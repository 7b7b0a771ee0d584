"""What a plan says about the end of an API: callers are told something else, and nobody gets in or out by it."""

from __future__ import annotations

import pytest

from assay.gateway import ir
from assay.gateway.assemble import assemble, decode, encode
from assay.gateway.compare import compare
from assay.gateway.plan import Plan

C = {"control": "api_inventory", "source": "assay.yaml:1:1"}
STANDING: tuple[ir.AnyPiece, ...] = (ir.Listener(**C, address="127.0.0.1", port=8443), ir.AccessLog(**C))
ENDS = ir.Lifecycle(**C, api="old", add=(("deprecation", "@1780272000"),))
LATER = ir.Lifecycle(**C, api="old", add=(("deprecation", "@1790272000"), ("link", '</v2>; rel="successor-version"')))
GONE = ir.Retired(**C, api="old", name="/things/{id}", hosts=("*",), public_base="/v0", pattern="^/v0/things/[^/]+$")


def plan(before: list[ir.AnyPiece], after: list[ir.AnyPiece]) -> Plan:
    return compare(assemble([*STANDING, *before]), assemble([*STANDING, *after]))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], [ENDS], "`deprecation`"),
        ([ENDS], [LATER], "`link`"),
        ([ENDS], [], "`deprecation`"),
        ([], [GONE], "410"),
        ([GONE], [], "404"),
        ([GONE], [ir.Retired(**C, api="old", name="/things/{id}", hosts=("a.test",), public_base="/v0")], "gone"),
    ],
    ids=["announced", "announced anew", "no longer announced", "retired", "forgotten", "elsewhere"],
)
def test_every_change_is_told_and_needs_nobodys_approval(
    before: list[ir.AnyPiece], after: list[ir.AnyPiece], words: str
) -> None:
    found = plan(before, after)
    assert found.changes and {c.effect for c in found.changes} == {"neutral"}
    assert any(words in c.headline for c in found.changes)


def test_a_stored_policy_reads_back_with_both() -> None:
    policy = assemble([*STANDING, ENDS, GONE])
    again = decode(encode(policy))
    assert again.digest == policy.digest
    assert again.lifecycles["old"] == ENDS and again.retired == (GONE,)
