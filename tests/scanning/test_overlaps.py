"""Of findings that lie over each other the surest stay, however many there are."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from assay.domain import Confidence
from assay.scanning import scan_text
from assay.scanning.detector import Hit
from assay.scanning.scanner import _strongest

HITS = st.lists(
    st.builds(
        lambda start, length, name, sure, checked: (start, start + length, name, "user", sure, checked),
        st.integers(0, 20),
        st.integers(1, 6),
        st.sampled_from("abc"),
        st.sampled_from(Confidence),
        st.booleans(),
    ),
    max_size=12,
)


@given(HITS)
def test_what_stays_overlaps_nothing_that_is_as_sure(hits: list[Hit]) -> None:
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (-h[4].rank, not h[5], h[0] - h[1])):
        over = [k for k in kept if k[0] < hit[1] and hit[0] < k[1]]
        if all((k[0], k[1], k[4], k[5]) == (hit[0], hit[1], hit[4], hit[5]) and k[2] != hit[2] for k in over):
            kept.append(hit)
    assert _strongest(hits) == kept


def test_many_findings_in_one_text_take_no_time() -> None:
    started = time.process_time()
    assert len(scan_text("Mr. Aa-" * 20_000).found) > 5_000
    assert time.process_time() - started < 2.0
