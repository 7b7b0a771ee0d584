"""What a run itself took out of a consumer's limit is known, and given back as time goes by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.prove.usage import Usage


def test_calls_count_until_they_are_back() -> None:
    now = [0.0]
    usage = Usage(lambda: now[0])
    for _ in range(30):
        usage.note("app", 200)
    assert usage.used("app", 60, 60) == (30, 30)
    now[0] = 10.0
    assert usage.used("app", 60, 60) == (20, 20)
    now[0] = 100.0
    assert usage.used("app", 60, 60) == (0, 0)
    assert usage.used("other", 60, 60) == (0, 0)


def test_what_was_refused_may_have_counted_and_what_found_no_room_has_not() -> None:
    usage = Usage(lambda: 0.0)
    for status in (200, 403, 429, 0, 500):
        usage.note("app", status)
    assert usage.used("app", 60, 60) == (1, 3)


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([0, 200, 403, 429])), max_size=60))
def test_the_reckoning_stays_within_the_bucket(calls: list[tuple[float, int]]) -> None:
    now = [0.0]
    usage = Usage(lambda: now[0])
    for pause, status in calls:
        now[0] += pause
        usage.note("app", status)
    least, most = usage.used("app", 10, 60)
    assert 0 <= least <= most <= 10
