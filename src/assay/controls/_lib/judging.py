"""The judge of a control, with its ``control.yaml`` read once."""

from __future__ import annotations

from functools import cache

from assay.controls.base import Judge, about


@cache
def judge(control: str) -> Judge:
    """The judge of the control in folder ``control``. Reads the file at the first call, never at import."""
    return Judge(about(control))
