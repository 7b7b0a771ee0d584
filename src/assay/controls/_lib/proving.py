"""The tests of a control's prove face, with its ``control.yaml`` read once."""

from __future__ import annotations

from assay.controls._lib.judging import judge
from assay.prove.case import Test


def test_of(control: str, check: str) -> Test:
    """The entry ``check`` under ``proofs`` of the control's file."""
    return judge(control).about.proofs[check]
