"""What was proven counts for nothing while the gateway's files are not what was applied."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from tests.app.test_app_governing import _applied
from tests.app.test_app_history import Shop
from tests.controls.governance.repositories import Work

from assay.app.reporting import applied
from assay.gateway import state


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    work = Work(tmp_path / "shop", tmp_path / "keys")
    for name in ("GIT_CEILING_DIRECTORIES", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, work.environ[name])
    found = Shop(work)
    found.commit()
    _applied(found, 1)
    return found


def test_a_file_that_was_changed_beside_the_tool_is_named_and_nothing_is_current(shop: Shop) -> None:
    before = applied(shop.project)
    assert before.live and before.altered == ""
    file = shop.paths.live / "rds.json"
    written = file.read_bytes()
    file.write_bytes(written + b" ")
    assert applied(shop.project).altered == "`gateway/live/rds.json` is not what was applied: something else wrote it"
    file.unlink()
    assert "rds.json" in applied(shop.project).altered
    file.write_bytes(written)
    file.chmod(0o600)
    assert applied(shop.project) == before


def test_an_application_that_is_under_way_is_waited_for(shop: Shop) -> None:
    file = shop.paths.live / "rds.json"
    written = file.read_bytes()
    begun = threading.Event()

    def applying() -> None:
        with state.lock(shop.paths):
            file.write_bytes(b"{}")
            begun.set()
            time.sleep(0.5)
            file.write_bytes(written)

    thread = threading.Thread(target=applying)
    thread.start()
    begun.wait(10)
    found = applied(shop.project)
    thread.join()
    assert found.altered == ""
