"""The safe fix for overlapping networks closes and opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from assay.controls.base import Context
from assay.controls.network_ranges.design import design
from assay.declare.declaration import Declaration
from assay.declare.patch import apply_edits


def test_applying_it_removes_exactly_the_networks_within_others(declared: Callable[..., Declaration]) -> None:
    declaration = declared(
        """\
assay: 1
organisation: {name: Shop}
environments: {demo: {tier: non-production}}
networks:
  deny:
    - 10.0.0.0/8 # ours
    - 10.1.0.0/16
    - 10.2.0.0/16
    - 192.0.2.0/24
    - 192.0.2.7
apis: {shop: {owner: s, exposure: public, environment: demo, contract: shop.yaml, upstream: "http://127.0.0.1:1"}}
"""
    )
    verdicts = [v for v in design(Context(declaration, date(2026, 7, 1), frozenset())) if v.fix and v.fix.safe]
    assert [v.check for v in verdicts] == ["overlapping-networks"]
    edits = [edit for v in verdicts if v.fix for edit in v.fix.edits]
    (text,) = apply_edits(declaration.sources, edits).values()
    assert "  deny:\n    - 10.0.0.0/8 # ours\n    - 192.0.2.0/24\napis:" in text
