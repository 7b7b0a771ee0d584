"""Versions that nobody can need any more are forgotten; what was approved is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.domain import AssayError
from assay.gateway import ir, state
from assay.gateway.assemble import assemble
from assay.gateway.envoy import Configuration
from assay.gateway.plan import Approval
from assay.gateway.retention import KEPT, prune

BASE: dict[str, Any] = {"control": "api_gateway", "source": "assay.yaml:3:5"}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POLICY = assemble([ir.Listener(**BASE, address="127.0.0.1", port=8443), ir.AccessLog(**BASE)])
MADE = Configuration("v1", {}, {name: {"version_info": "v1", "resources": []} for name in state.LIVE_ORDER})


@pytest.fixture
def paths(tmp_path: Path) -> state.Paths:
    return state.prepare(tmp_path / ".assay", environ={})


def store(paths: state.Paths, times: int, **more: Any) -> None:
    for _ in range(times):
        state.store(paths, POLICY, MADE, by="ada", at=NOW, **more)


def live(paths: state.Paths, number: int) -> None:
    state.write_applied(paths, state.Applied(1, number, POLICY.digest, "v1", NOW))


def test_the_newest_fifty_stay(paths: state.Paths) -> None:
    store(paths, KEPT + 3)
    live(paths, KEPT + 3)
    assert prune(paths) == (1, 2, 3)
    assert state.numbers(paths) == tuple(range(4, KEPT + 4))
    assert prune(paths) == ()
    assert KEPT == 50


def test_what_is_live_and_what_a_rollback_names_stay_however_old(paths: state.Paths) -> None:
    store(paths, 6)
    store(paths, 1, restores=3)
    live(paths, 1)
    assert prune(paths, keep=2) == (2, 4, 5)
    assert state.numbers(paths) == (1, 3, 6, 7)
    assert state.load(paths, 3).policy.digest == POLICY.digest
    assert state.store(paths, POLICY, MADE, by="ada", at=NOW).number == 8


def test_who_approved_what_is_kept_when_its_version_is_not(paths: state.Paths) -> None:
    store(paths, 1, approvals=(Approval("abc", "grace", NOW),))
    store(paths, 1)
    live(paths, 2)
    assert prune(paths, keep=1) == (1,)
    note = paths.versions / "notes" / "0001.json"
    assert json.loads(note.read_text())["approvals"][0]["by"] == "grace"
    assert note.stat().st_mode & 0o077 == 0
    assert state.numbers(paths) == (2,)


def test_a_version_whose_note_cannot_be_kept_stays(paths: state.Paths) -> None:
    store(paths, 3)
    live(paths, 3)
    (paths.versions / "0001" / "meta.json").unlink()
    assert prune(paths, keep=1) == (2,)
    assert state.numbers(paths) == (1, 3)


def test_where_it_is_not_known_what_is_live_nothing_is_forgotten(paths: state.Paths) -> None:
    store(paths, 3)
    paths.applied.write_text("{")
    with pytest.raises(AssayError):
        prune(paths, keep=1)
    assert state.numbers(paths) == (1, 2, 3)
