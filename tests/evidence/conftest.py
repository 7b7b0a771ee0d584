"""A log of two runs and two epochs, made once, and copies of it to tamper with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.evidence.evidence_logs import fill, opened


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that nobody touched. Copy it before you do."""
    directory = tmp_path_factory.mktemp("original") / "evidence"
    with opened(directory) as ledger:
        fill(ledger)
        ledger.rotate()
        fill(ledger)
    return directory


@pytest.fixture
def evidence(original: Path, tmp_path: Path) -> Path:
    """A copy of the log, with its private keys beside it."""
    shutil.copytree(original, tmp_path / "evidence")
    shutil.copytree(original.with_name("evidence-keys"), tmp_path / "evidence-keys")
    return tmp_path / "evidence"
