"""What policies that only observe would have refused, counted from the access log."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from assay.gateway.decision import decide

LIMIT = 16 * 1024 * 1024
"""Bytes of the log's end that are read at most."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What would have been refused since a moment.

    Attributes:
        since: from when on calls were counted (UTC); None for the whole log.
        calls: how many calls were looked at.
        policies: by policy, how many of them it would have refused.
        complete: False when the log is too long to be read whole, so that earlier calls are not counted.
    """

    since: datetime | None
    calls: int = 0
    policies: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "calls": self.calls,
            "policies": dict(self.policies),
            "complete": self.complete,
        }


def observed(log: Path, since: datetime | None, *, limit: int = LIMIT) -> Observed:
    """Counts by policy, most frequent first. A log that is not there, or cannot be read, holds no calls.

    Args:
        log: the access log.
        since: calls that began earlier are not counted.
        limit: how many bytes of the log's end are read at most.
    """
    lines, whole = tail(log, limit)
    counted = count(lines, since)
    # What was cut off does not matter if it is older than the moment asked about.
    return counted if whole or _reaches_back(lines, since) else Observed(since, counted.calls, counted.policies, False)


def count(lines: Iterable[bytes], since: datetime | None) -> Observed:
    """Counts lines of the log. A line that is no JSON object (cut while it was written) is passed over."""
    calls, policies = 0, Counter[str]()
    for line in lines:
        record = parsed(line)
        if record is None or (since is not None and _time(record) < _text(since)):
            continue
        calls += 1
        policies.update(decide(record).observed)
    return Observed(since, calls, dict(policies.most_common()))


def tail(log: Path, limit: int) -> tuple[list[bytes], bool]:
    """The last whole lines of a log, and whether they are all there are. One that cannot be read has none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            lines = file.read(limit).splitlines()
    except OSError:
        return [], True
    return (lines, True) if size <= limit else (lines[1:], False)


def _reaches_back(lines: list[bytes], since: datetime | None) -> bool:
    first = parsed(lines[0]) if lines else None
    return since is not None and first is not None and _time(first) < _text(since)


def parsed(line: bytes) -> dict[str, Any] | None:
    """A line of the log; None for one that is no JSON object, as when it was cut while it was written."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _time(record: Mapping[str, object]) -> str:
    return str(record.get("time", ""))


def _text(moment: datetime) -> str:
    """A moment as the log writes it, so that texts compare as moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
