"""A declaration that cannot be read: every mistake is told with its place, in every format, and no secret with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "reading_mistakes"
SECRET = "Tr0ub4dor"


@pytest.fixture(params=["many", "broken"])
def unreadable(request, tmp_path: Path, monkeypatch) -> str:
    shutil.copytree(HERE / request.param, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.delenv("REALM", raising=False)
    return str(request.param)


def test_people_see_every_mistake_with_its_line(assay, unreadable: str, golden) -> None:
    said = assay("check")
    assert (said.exit, said.out) == (2, "")
    golden(f"reading_mistakes/{unreadable}.txt", said.err)
    assert SECRET not in said.err


@pytest.mark.parametrize(("format", "ending"), [("json", "json"), ("github", "github.txt")])
def test_pipelines_get_them_in_the_form_they_asked_for(assay, unreadable: str, golden, format, ending) -> None:
    said = assay("check", "--format", format)
    assert (said.exit, said.err) == (2, "")
    golden(f"reading_mistakes/{unreadable}.{ending}", said.out)
    assert SECRET not in said.out


@pytest.mark.parametrize("format", ["sarif", "junit"])
def test_no_format_is_silent(assay, unreadable: str, format: str) -> None:
    said = assay("check", "--format", format)
    assert (said.exit, said.err) == (2, "")
    assert "assay.yaml" in said.out
    assert SECRET not in said.out


@pytest.mark.parametrize("command", ["plan", "apply", "up", "status", "down"])
def test_every_command_says_the_same(assay, unreadable: str, command: str) -> None:
    said = assay(command)
    assert said.exit == 2
    assert said.out == ""
    assert said.err == assay("check").err


def test_a_fix_is_not_tried_on_what_cannot_be_read(assay, unreadable: str) -> None:
    before = Path("assay.yaml").read_text()
    assert assay("check", "--fix").exit == 2
    assert Path("assay.yaml").read_text() == before


def test_json_of_errors_has_the_shape_of_findings(assay, unreadable: str) -> None:
    found = json.loads(assay("check", "--format", "json").out)
    assert found["version"] == 1
    assert found["declaration"] is None
    assert found["summary"]["findings"] == len(found["verdicts"])
    assert {v["control"] for v in found["verdicts"]} == {"declaration"}


def test_a_directory_without_a_declaration_says_how_to_begin(assay, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = assay("check")
    assert said.exit == 2
    assert "assay init --contract FILE --upstream URL" in said.err
    assert assay("check", "nowhere").exit == 2
