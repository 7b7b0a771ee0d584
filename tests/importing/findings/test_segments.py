"""Segments with parameters fit what a regular expression would fit, in one pass."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from assay.importing.findings.routes import _segment, _values


@given(st.text("ab-{}", max_size=12), st.text("ab-{}", max_size=12))
def test_a_segment_fits_as_a_regular_expression_would(template: str, text: str) -> None:
    around, names = _segment(template)
    found = _values(around, text)
    expected = re.fullmatch("(.+)".join(map(re.escape, around)), text, re.DOTALL)
    assert (found is None) == (expected is None)
    if found is not None:
        assert len(found) == len(names) and all(found)
        assert "".join(a + v for a, v in zip(around, (*found, ""), strict=True)) == text


def test_hostile_segments_take_no_time() -> None:
    started = time.monotonic()
    around, _ = _segment("{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}x")
    assert _values(around, "-" * 20_000) is None
    assert time.monotonic() - started < 0.5
