"""`assay check` on one planted mistake for each control: all of them are told, in every format, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from assay.controls import CONTROL_IDS

FORMATS = {"json": "check.json", "sarif": "check.sarif", "junit": "check.junit.xml", "github": "check.github.txt"}

NOTES = 3
"""What nobody can know yet, in notes: what people write in a remark, and so what two callers can put together."""


def timeless(text: str) -> str:
    """Without what changes from run to run: how long it took, and the version of Assay."""
    text = re.sub(r"in \d+\.\d\d s", "in 0.00 s", text)
    return re.sub(r'("name": "Assay",\s+"version": )"[^"]*"', r'\1"0"', text)


def test_each_control_finds_its_mistake_and_no_more(assay, mistakes: Path) -> None:
    said = assay("check", "--format", "json")
    assert said.exit == 1
    found = [v["control"] for v in said.json()["verdicts"] if v["outcome"] == "fail"]
    assert sorted(found) == sorted(CONTROL_IDS)


def test_people_read_what_where_why_and_how_to_mend_it(assay, mistakes: Path, golden) -> None:
    said = assay("check")
    assert said.err == ""
    golden("ten_mistakes/check.out.txt", timeless(said.out))


def test_each_finding_fits_on_a_screen(assay, mistakes: Path) -> None:
    findings = assay("check").out.split("\n\n")
    assert len(findings) == len(CONTROL_IDS) + 1
    assert max(len(f.splitlines()) for f in findings) <= 12


def test_every_format_is_pinned(assay, mistakes: Path, golden) -> None:
    for format, name in FORMATS.items():
        said = assay("check", "--format", format)
        assert (said.exit, said.err) == (1, ""), format
        golden(f"ten_mistakes/{name}", timeless(said.out))


def test_every_planted_mistake_is_marked_where_it_is_found(assay, mistakes: Path) -> None:
    """The comments in the declaration name the control; each finding is at such a comment, or right below it."""
    for verdict in assay("check", "--format", "json").json()["verdicts"]:
        if verdict["outcome"] != "fail" or verdict["check"] == "unbounded-string":
            continue
        lines = (mistakes / verdict["location"]["file"]).read_text().splitlines()
        here = verdict["location"]["line"]
        assert verdict["control"] in "".join(lines[here - 2 : here]), verdict["location"]


def test_fix_mends_what_is_safe_and_keeps_comments(assay, mistakes: Path, golden) -> None:
    contract = (mistakes / "shop.yaml").read_text()
    said = assay("check", "--fix")
    assert said.exit == 1
    assert "fixed 3 findings" in said.err
    assert f"{len(CONTROL_IDS) - 3 + NOTES} findings" in said.out
    golden("ten_mistakes/assay.fixed.yaml", (mistakes / "assay.yaml").read_text())
    assert (mistakes / "shop.yaml").read_text() == contract
    again = assay("check", "--fix")
    assert "nothing here has a safe fix" in again.err


def test_fail_on_decides_the_exit_code_alone(assay, mistakes: Path) -> None:
    assert assay("check", "--fail-on", "high").exit == 1
    assert assay("check", "--fail-on", "critical").exit == 0
    assert assay("check", "--fail-on", "never").exit == 0
    assert f"{len(CONTROL_IDS) + NOTES} findings" in assay("check", "--fail-on", "never").out


def test_one_control_can_be_looked_at_alone(assay, mistakes: Path) -> None:
    said = assay("check", "--control", "rate_limiting", "--format", "json")
    assert {v["control"] for v in said.json()["verdicts"]} == {"rate_limiting"}
    assert said.exit == 1


def test_a_misspelt_control_is_named(assay, mistakes: Path) -> None:
    said = assay("check", "--control", "rate-limit")
    assert (said.exit, said.out) == (2, "")
    assert "there is no control `rate-limit`" in said.err
    assert "did you mean `rate_limiting`?" in said.err


def test_a_selection_without_verdicts_is_no_success(assay, mistakes: Path) -> None:
    said = assay("check", "--control", "declaration")
    assert said.exit == 4
    assert "nothing in this declaration is for declaration to judge" in said.err


def test_an_option_that_changes_nothing_is_refused(assay, mistakes: Path) -> None:
    said = assay("check", "--all", "--format", "sarif")
    assert said.exit == 2
    assert "`--all` changes nothing for sarif" in said.err


def test_junit_counts_what_it_lists(assay, mistakes: Path) -> None:
    root = ET.fromstring(assay("check", "--format", "junit").out)  # noqa: S314 - our own
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert sum(int(suite.attrib["failures"]) for suite in root) == len(CONTROL_IDS) + NOTES


def test_a_terminal_gets_wrapped_sentences_and_a_pipe_whole_lines(assay, mistakes: Path, monkeypatch) -> None:
    piped = assay("check").out
    assert any(len(line) > 100 for line in piped.splitlines())
    assert "\x1b" not in piped
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    coloured = assay("check").out
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", coloured)
    assert max(len(line) for line in plain.splitlines()[:-1]) <= 60
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", assay("check").out)
