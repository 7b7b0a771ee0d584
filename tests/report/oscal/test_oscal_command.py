"""`assay report` writes OSCAL and PDF: to where it is asked to, with the evidence that it names, or a plain refusal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.test_app_reporting import RUN, failed, kept, project
from tests.report.oscal.schema import problems

from assay.cli.main import run
from assay.cli.report import ROOTS, OscalVersion
from assay.report.oscal import KINDS, VERSIONS, file_name

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """`assay` with a project that has a kept run; exit code, output, errors."""
    (tmp_path / "shop").mkdir()
    kept(project(tmp_path / "shop", "2030-12-31"), failed(RUN, excepted_by=None))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAY_STATE", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assay", "report", "shop", "--at", "2026-03-01T13:00", *arguments])
        capsys.readouterr()
        code = 0
        try:
            run()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def _read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_one_document_goes_to_standard_output(assay: Call) -> None:
    code, out, _ = assay("--format", "oscal-poam")
    assert code == 0
    found = json.loads(out)
    assert problems(found) == []
    titles = [i["title"] for i in found["plan-of-action-and-milestones"]["poam-items"]]
    assert "authorisation: another reads it" in titles


def test_all_documents_go_into_a_folder_in_the_version_that_is_asked_for(assay: Call) -> None:
    version = VERSIONS[0]
    assert assay("--format", "oscal", "-o", "oscal", "--oscal-version", version)[0] == 0
    for kind in KINDS:
        found = _read(Path("oscal") / file_name(kind))
        assert found[kind]["metadata"]["oscal-version"] == version
        assert problems(found) == []


def test_a_pack_holds_the_documents_and_every_record_that_they_name(assay: Call) -> None:
    assert assay("--pack", "-o", "out")[0] == 0
    found = _read(Path("out/oscal/assessment-results.json"))
    (result,) = found["assessment-results"]["results"]
    named = {e["href"] for o in result["observations"] for e in o.get("relevant-evidence", ())}
    assert named
    for href in named:
        assert (Path("out/oscal") / href).is_file()


def test_the_same_evidence_at_the_same_time_gives_the_same_bytes(assay: Call) -> None:
    first, second = (assay("--format", "oscal-assessment-results")[1] for _ in range(2))
    assert first == second


def test_every_version_and_document_can_be_asked_for() -> None:
    assert [v.value for v in OscalVersion] == list(VERSIONS)
    assert set(ROOTS.values()) == set(KINDS)


def test_a_version_for_another_format_is_refused(assay: Call) -> None:
    code, _, err = assay("--format", "sarif", "--oscal-version", "1.1.2")
    assert (code, "does nothing for sarif" in err) == (2, True)


def test_a_time_that_oscal_cannot_write_is_refused(assay: Call) -> None:
    code, _, err = assay("--format", "oscal-catalog", "--at", "1800-01-01")
    assert (code, "1800" in err) == (2, True)


def test_without_weasyprint_the_way_to_get_it_is_told(assay: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    code, _, err = assay("--format", "pdf")
    assert (code, "pip install assay[pdf]" in err) == (2, True)
    assert not Path("assay-report.pdf").exists()
