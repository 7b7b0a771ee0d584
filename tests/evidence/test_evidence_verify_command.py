"""`assay verify` as a person or a pipeline calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.evidence.evidence_logs import fill, opened
from typer.testing import CliRunner, Result

from assay.cli.main import Entry, application
from assay.domain import AssayError, UsageError
from assay.evidence.ledger import Ledger

APP = application([Entry("verify", "verify", "verify", ""), Entry("status", "status", "status", "")])


def call(*arguments: object) -> Result:
    return CliRunner().invoke(APP, ["verify", *map(str, arguments)])


def test_good_evidence_shows_every_step_and_exits_0(evidence: Path) -> None:
    said = call(evidence)
    assert said.exit_code == 0
    lines = said.output.splitlines()
    assert [line.split(".")[0].strip() for line in lines[:5]] == ["✓  1", "✓  2", "✓  3", "✓  4", "✓  5"]
    assert "✓  6. consistency" in said.output  # with the checkpoint that the keys remember
    assert "– 11. witnesses  witnessed: no" in said.output
    assert "signatures: 16 of 16" in said.output
    assert "nothing was tampered with" in said.output


def test_one_flipped_byte_is_named_with_its_record_and_exits_1(evidence: Path) -> None:
    path = evidence / "records.jsonl"
    content = bytearray(path.read_bytes())
    content[content.index(b"Case 3")] ^= 1
    path.write_bytes(content)
    said = call(evidence)
    assert said.exit_code == 1
    assert "✗  5. tree" in said.output
    assert "modified record 5" in said.output
    assert "this is not what was signed: 1 finding" in said.output


def test_an_environment_beside_a_path_would_change_nothing_and_is_refused(evidence: Path) -> None:
    said = call(evidence, "--environment", "test")
    assert isinstance(said.exception, UsageError)
    assert "`--environment`" in said.exception.sentence


def test_programs_get_one_object(evidence: Path) -> None:
    (evidence / "keys.json").unlink()
    said = call(evidence, "--format", "json")
    assert said.exit_code == 1
    shown = json.loads(said.output)
    assert (shown["version"], shown["ok"], shown["counts"]) == (1, False, {"missing": 1})
    assert shown["checked"]["tree"] == {"checked": 16, "of": 16}
    assert shown["findings"][0]["problem"] == "missing"
    assert [s["number"] for s in shown["steps"]] == list(range(1, 12))


def test_a_rollback_of_the_log_alone_is_found_by_the_checkpoint_that_the_keys_remember(evidence: Path) -> None:
    import shutil

    shutil.copytree(evidence, evidence.with_name("old"))
    with opened(evidence) as ledger:
        fill(ledger)
    shutil.rmtree(evidence)
    evidence.with_name("old").rename(evidence)
    said = call(evidence)
    assert said.exit_code == 1
    assert "rolled-back" in said.output


def test_a_kept_checkpoint_and_a_fingerprint_are_compared(evidence: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((evidence / "checkpoint").read_bytes())
    key = json.loads((evidence / "keys.json").read_text())["keys"][0]["fingerprint"]
    assert call(evidence, "--since", kept, "--key", key).exit_code == 0
    assert call(evidence, "--key", "0" * 64).exit_code == 1


def test_one_record_of_a_folder_is_verified_alone(evidence: Path, tmp_path: Path) -> None:
    with opened(evidence) as ledger:
        ledger.export(tmp_path / "folder")
    path = sorted((tmp_path / "folder" / "proofs").iterdir())[0]
    said = call(path)
    assert said.exit_code == 0
    assert "record 2 of example.com/evidence: pass" in said.output
    assert json.loads(call(path, "--format", "json").output)["record"]["outcome"] == "pass"
    path.write_text(path.read_text().replace("index 2", "index 3"))
    said = call(path)
    assert said.exit_code == 1
    assert "✗ reordered" in said.output
    with pytest.raises(UsageError, match="changes nothing"):
        raise call(path, "--full").exception or AssertionError


@pytest.mark.parametrize(
    "arguments",
    [
        ["{tmp}"],
        ["{tmp}/nothing-here"],
        ["{evidence}", "--since", "{evidence}/keys.json"],
        ["{evidence}", "--witness", "x"],
    ],
)
def test_wrong_use_is_a_domain_error_with_a_fix(evidence: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path / "empty", "evidence": evidence}
    error = call(*(a.format(**places) for a in arguments)).exception
    assert isinstance(error, AssayError)
    assert error.fix


def test_without_a_name_it_is_the_evidence_of_the_declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from assay.demo.stage import example

    shutil.copytree(example(), tmp_path / "project")
    monkeypatch.setenv("ASSAY_STATE", str(tmp_path / "state"))
    with opened(tmp_path / "state" / "evidence") as ledger:
        fill(ledger)
    said = call("--declaration", tmp_path / "project")
    assert said.exit_code == 0, said.output
    assert "outdated" in said.output  # the run was begun for another declaration
    assert isinstance(Ledger.read(tmp_path / "state" / "evidence").runs(), tuple)
