"""``assay import`` and ``assay export`` as a person runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli.main import app
from assay.domain import UsageError

ROOT = Path(__file__).parents[2]
KONG = ROOT / "tests" / "importing" / "gateways" / "golden" / "kong.in.yaml"
GOLDEN = Path(__file__).parent / "import_gateway.out.txt"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return result.exit_code, result.output


def test_the_audit_is_a_table_that_a_person_takes_in_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(KONG.parent)
    code, out = run("import", "gateway", KONG.name)
    assert code == 0
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        GOLDEN.write_text(out, encoding="utf-8")
    assert out == GOLDEN.read_text(encoding="utf-8")


def test_programs_get_one_object_and_pipelines_an_exit_code() -> None:
    code, out = run("import", "gateway", str(KONG), "--format", "json", "--fail-on", "high")
    assert code == 1
    found = json.loads(out)
    assert found["version"] == 1
    assert found["routes"][0]["controls"]["authentication"]["state"] == "there"
    assert {v["outcome"] for v in found["verdicts"]} == {"pass", "fail", "inconclusive"}


def test_what_is_written_is_checked_at_once_and_points_back_into_the_configuration(tmp_path: Path) -> None:
    code, _ = run("import", "gateway", str(KONG), "--output", str(tmp_path / "imported"))
    assert code == 0
    code, out = run("check", str(tmp_path / "imported"), "--format", "json")
    assert code == 1
    files = {v["location"]["file"] for v in json.loads(out)["verdicts"] if v["check"].startswith("foreign-")}
    assert any(name.endswith("kong.in.yaml") for name in files)
    with pytest.raises(UsageError, match="there already"):
        run("import", "gateway", str(KONG), "--output", str(tmp_path / "imported"))


def test_models_go_out_and_come_in_again(tmp_path: Path) -> None:
    for kind in ("otm", "fides"):
        code, out = run("export", kind, "--declaration", str(ROOT / "examples" / "customer-data"))
        assert code == 0
        model = tmp_path / f"{kind}.yaml"
        model.write_text(out, encoding="utf-8")
        code, _ = run("import", kind, str(model), "--output", str(tmp_path / kind))
        assert code == 0
        code, out = run("check", str(tmp_path / kind), "--format", "json", "--fail-on", "never")
        assert code == 0, out


def test_a_platform_that_is_not_known_is_named_with_the_closest() -> None:
    with pytest.raises(UsageError, match="kongg") as caught:
        run("import", "gateway", "--platform", "kongg", str(KONG))
    assert "`kong`" in caught.value.fix
