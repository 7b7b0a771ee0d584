"""`assay findings`: reports come in without their secrets, are declared on request, and listed where they belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

REQUEST = "GET /customers?search=%27+OR+1%3D1 HTTP/1.1\r\nAuthorization: Bearer abcdefgh\r\n\r\n"
RESULTS = [
    {
        "template-id": "sqli",
        "info": {"name": "SQL [bold]injection[/]", "severity": "high"},
        "matched-at": "https://customers.example/customers?search=%27",
        "request": REQUEST,
        "response": 'HTTP/1.1 200 OK\r\n\r\n{"items": [{"name": "Somebody Else"}]}',
    },
    {"template-id": "panel", "info": {"name": "A panel", "severity": "info"}, "matched-at": "https://x.example/panel"},
]


@pytest.fixture
def report(project: Path) -> Path:
    path = project / "weekly scan.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in RESULTS))
    return path


def test_people_are_told_what_came_in_and_what_to_write(assay, report: Path) -> None:
    said = assay("findings", "import", report.name)
    assert said.exit == 0
    assert "customer-data/listCustomers" in said.out and "SQL [bold]injection[/]" in said.out
    assert "no contract names `/panel`" in said.out
    assert "kept 2 findings in findings/weekly-scan.json" in said.err
    kept = (report.parent / "findings/weekly-scan.json").read_text()
    assert "abcdefgh" not in kept and "Somebody" not in kept
    entry = YAML(typ="safe").load(said.out.splitlines()[-1])
    assert entry["file"] == "findings/weekly-scan.json" and entry["format"] == "assay"


def test_programs_get_the_same_as_json_and_importing_again_changes_nothing(assay, report: Path) -> None:
    first = assay("findings", "import", report.name, "--format", "json").json()
    assert first["version"] == 1 and first["api"] == "customer-data" and not first["declared"]
    assert [f["operation"] for f in first["findings"]] == ["listCustomers", None]
    assert assay("findings", "import", report.name, "--format", "json").json() == first


def test_findings_are_declared_on_request_and_the_comments_stay(assay, report: Path) -> None:
    before = (report.parent / "assay.yaml").read_text()
    said = assay("findings", "import", report.name, "--declare", "--format", "json").json()
    assert said["declared"]
    after = (report.parent / "assay.yaml").read_text()
    assert "findings/weekly-scan.json" in after
    assert [line for line in before.splitlines() if "#" in line] == [line for line in after.splitlines() if "#" in line]
    listed = assay("findings", "list", "--format", "json").json()
    states = {f["id"]: f["state"] for f in listed["findings"]}
    assert states["sqli"] == "open"
    verdicts = assay("check", "--control", "security_testing", "--format", "json").json()["verdicts"]
    (open_one,) = [v for v in verdicts if v["check"] == "imported-finding-open" and v["outcome"] == "fail"]
    assert open_one["subject"] == "apis.customer-data.operations.listCustomers"
    assert (open_one["severity"], open_one["location"]["file"]) == ("high", "assay.yaml")


def test_other_findings_are_not_put_in_the_place_of_those_that_are_there(assay, report: Path) -> None:
    assay("findings", "import", report.name)
    report.write_text(json.dumps(RESULTS[0]) + "\n")
    said = assay("findings", "import", report.name)
    assert said.exit == 2 and "other findings already" in said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("findings", "import", "none.json"), "cannot be read"),
        (("findings", "import", "assay.yaml"), "no format that is known"),
        (("findings", "import", "weekly scan.jsonl", "--api", "customer-dta"), "`customer-data`"),
        (("findings", "import", "weekly scan.jsonl", "--from", "burp"), "not what burp writes"),
        (("findings", "list", "--api", "x"), "there is no API"),
    ],
)
def test_what_cannot_be_done_is_said(assay, report: Path, arguments: tuple[str, ...], told: str) -> None:
    said = assay(*arguments)
    assert said.exit == 2 and told in said.err
    assert not (report.parent / "findings").exists()


def test_a_file_that_is_gone_is_not_passed_over(assay, report: Path) -> None:
    assay("findings", "import", report.name, "--declare")
    (report.parent / "findings/weekly-scan.json").unlink()
    said = assay("findings", "list")
    assert said.exit == 3 and "cannot be read" in said.err
