"""Counting what observing policies would have refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from assay.app.observed import Observed, count, observed

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def line(second: int = 0, **more: str) -> str:
    return json.dumps({"time": f"2026-03-01T12:00:{second:02}.000000Z", "details": "via_upstream", **more})


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "access.jsonl"
    file.write_text("".join(f"{text}\n" for text in lines))
    return file


BODY = {"inspector_decision": "observe", "inspector_policy": "input_validation/body-schema"}
LIMIT = {"observed_limit": "rate_limiting"}


def test_policies_are_counted_most_frequent_first(tmp_path: Path) -> None:
    log = written(tmp_path, line(**BODY), line(1, **LIMIT), line(2, **LIMIT), line(3), line(4, **LIMIT, **BODY))
    found = observed(log, START)
    assert found.calls == 5
    assert list(found.policies.items()) == [("rate_limiting", 3), ("input_validation/body-schema", 2)]
    assert found.complete


def test_calls_before_the_start_are_not_counted(tmp_path: Path) -> None:
    log = written(tmp_path, line(1, **BODY), line(30, **BODY))
    assert observed(log, START.replace(second=10)).policies == {"input_validation/body-schema": 1}
    assert observed(log, None).calls == 2


def test_only_the_end_of_a_long_log_is_read_and_that_is_said(tmp_path: Path) -> None:
    log = written(tmp_path, *(line(n % 60, **BODY) for n in range(100)))
    found = observed(log, START, limit=1000)
    assert 0 < found.calls < 10
    assert not found.complete


def test_a_log_that_reaches_back_far_enough_is_complete(tmp_path: Path) -> None:
    log = written(tmp_path, *(line(n, **BODY) for n in range(60)))
    found = observed(log, START.replace(second=58), limit=1000)
    assert (found.calls, found.complete) == (2, True)


def test_a_log_that_is_not_there_holds_no_calls(tmp_path: Path) -> None:
    assert observed(tmp_path / "none.jsonl", START) == Observed(START)


def test_a_line_that_was_cut_is_passed_over(tmp_path: Path) -> None:
    log = written(tmp_path, line(**BODY), line(1, **BODY)[:40], "[1]")
    assert observed(log, START).calls == 1


@given(st.lists(st.binary(max_size=60) | st.just(line(5, **BODY).encode())))
def test_whatever_the_log_holds_it_is_counted_without_an_error(lines: list[bytes]) -> None:
    found = count(lines, START)
    assert found.policies.get("input_validation/body-schema", 0) == lines.count(line(5, **BODY).encode())


def test_the_published_shape(tmp_path: Path) -> None:
    assert observed(written(tmp_path, line(**BODY)), START).as_json() == {
        "since": "2026-03-01T12:00:00+00:00",
        "calls": 1,
        "policies": {"input_validation/body-schema": 1},
        "complete": True,
    }
