"""The command line as its users call it, in this process: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.cli.main import run
from assay.demo.stage import example

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    exit: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Assay = Callable[..., Said]


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Assay:
    """Calls `assay` with arguments, in the current directory."""
    for name in ("ASSAY_STATE", "FORCE_COLOR", "GITHUB_ACTIONS", "_TYPER_FORCE_DISABLE_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["assay", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run()
            sys.exit(0)
        code = ended.value.code
        captured = capsys.readouterr()
        return Said(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Customer Data API example, and the current directory. Nothing of it runs."""
    place = tmp_path / "customer-data"
    shutil.copytree(example(), place, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
    monkeypatch.chdir(place)
    for name in ("CUSTOMER_DATA_LISTEN", "CUSTOMER_DATA_UPSTREAM", "CRM_DSN"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the declaration with one planted mistake for each control, and the current directory."""
    place = tmp_path / "shop"
    place.mkdir()
    for name in ("assay.yaml", "shop.yaml", "pen-test.txt", "pipeline.yml"):
        shutil.copy(HERE / "ten_mistakes" / name, place / name)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with the file that pins it; writes the file when ASSAY_UPDATE_GOLDEN=1."""

    def same(name: str, text: str) -> None:
        file = HERE / name
        if os.environ.get("ASSAY_UPDATE_GOLDEN") == "1":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return same
