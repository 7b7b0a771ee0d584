"""A long log is read in stretches; wherever their borders fall, every line is read once, and in its place."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.evidence import scan
from assay.evidence.tree import leaf_hash

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LINES = st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scan") / "records.jsonl"


@given(LINES, st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), st.integers(1, 64), st.integers(0, 9))
def test_every_line_is_read_once_wherever_stretches_begin(
    file: Path, lines: list[bytes], torn: bytes, block: int, slack: int
) -> None:
    file.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "_BLOCK", block)
        patch.setattr(scan, "_SLACK", slack)
        parts = list(scan.read_all(file, NOW, lambda done, of: None))
    assert b"".join(p.leaves for p in parts) == b"".join(map(leaf_hash, lines))
    assert list(itertools.chain.from_iterable(p.lengths for p in parts)) == [len(line) for line in lines]
    assert sum(p.torn for p in parts) == len(torn)
    ends = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
    for part in parts:
        assert part.first == sum(p.count for p in parts[: parts.index(part)])
        if part.count:
            assert (part.start, part.end) == (ends[part.first], ends[part.first + part.count])
