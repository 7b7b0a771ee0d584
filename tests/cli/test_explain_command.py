"""`assay explain`: every id that a command shows can be looked up."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import assay as package
from assay.app.explaining import explanation, known, section
from assay.app.objectives import objective_ids
from assay.app.reading import EXPLAINED, RISK, reading_checks
from assay.controls.registry import controls
from assay.domain import UsageError

SOURCES = Path(package.__file__).parent / "declare"
RISKS = SOURCES.parent / "risk" / "decisions.py"
# Functions of reading that are given the id of a check, and texts beside it that look like one.
TELL = {"problem", "error", "note", "report", "_say", "_stop", "_clash"}
TELL |= {"YamlProblem", "YamlFailure", "ParseFailure", "Refusal", "Problem", "append"}


def _told() -> set[str]:
    """Ids of checks that the code of reading names."""
    found: set[str] = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [k.value for k in node.keywords if k.arg == "check"]
            given += node.args[:1] if name in TELL else []
            given += [a for a in node.args if name == "_clash"]
            for value in given:
                text = value.value if isinstance(value, ast.Constant) else None
                if isinstance(text, str) and re.fullmatch(r"[a-z]+(?:-[a-z]+)+", text):
                    found.add(text)
    return found


def test_everything_that_reading_finds_is_explained() -> None:
    assert _told() - reading_checks().keys() == set()


def test_nothing_is_explained_that_reading_cannot_find() -> None:
    beside = [SOURCES.parent / "controls" / "exceptions.py", SOURCES.parent / "decisions" / "judging.py", RISKS]
    text = "".join(f.read_text(encoding="utf-8") for f in [*SOURCES.rglob("*.py"), *beside])
    assert [check for check in reading_checks() if f'"{check}"' not in text] == []


def test_everything_that_risk_tells_about_decisions_is_explained() -> None:
    told = set(re.findall(r'_verdict\(\s*"([a-z-]+)"', RISKS.read_text(encoding="utf-8")))
    assert told == {check.id for check in reading_checks().values() if check.readers == (RISK,)}
    assert all("by `assay risk`" in dict(explanation(f"risk/{check}").facts)["found in"] for check in told)


def test_each_explanation_says_what_is_good_why_and_what_to_do() -> None:
    for check in reading_checks().values():
        assert set(check.readers) <= set(EXPLAINED)
        for said in (check.title, check.why, check.fix):
            assert len(said) > 10, check.id
        assert check.title[0].isupper() and not check.title.endswith("."), check.id
        assert not check.fix.endswith("."), check.id


@pytest.mark.parametrize("name", known())
def test_whatever_is_known_is_explained(name: str) -> None:
    found = explanation(name)
    assert len(found.text.strip()) > 3


@pytest.mark.parametrize("control", controls(), ids=lambda c: c.id)
def test_each_check_shows_its_part_of_the_guide(control) -> None:
    for check in control.about.checks:
        found = explanation(f"{control.id}/{check}")
        assert found.text.splitlines()[0].strip("# `") == check
        assert len(found.text.splitlines()) > 2, f"{check} has no section of its own in the guide"
        assert [name for name, _ in found.facts] == ["good state", "control", "severity", "why", "fix"]


def test_a_section_ends_where_the_next_begins_and_not_in_its_code() -> None:
    guide = "# Guide\n\n## first\n\ntext\n\n```yaml\n# before\n## also code\n```\n\n## second\n\nmore\n"
    assert section(guide, "first") == "## first\n\ntext\n\n```yaml\n# before\n## also code\n```"
    assert section(guide, "second") == "## second\n\nmore"
    assert section(guide, "third") == ""


def test_the_same_check_of_a_control_and_of_reading_are_told_apart() -> None:
    assert dict(explanation("api_gateway/ambiguous-path").facts)["control"] == "api_gateway"
    assert dict(explanation("contract/ambiguous-path").facts)["found in"] == "a contract, while it is read"


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [
        ("rate-limiting", "did you mean `rate_limiting`?"),
        ("operation-without-owner-rul", "did you mean `operation-without-owner-rule`?"),
        ("authorization/operation-without-owner-rule", "did you mean `authorisation`?"),
        ("declaration/unkown-key", "did you mean `unknown-key`?"),
        ("rate_limiting/unknown-key", "use one of"),
        ("zzz", "`assay explain` lists what there is"),
    ],
)
def test_what_is_misspelt_leads_to_what_was_meant(wrong: str, fix: str) -> None:
    with pytest.raises(UsageError) as error:
        explanation(wrong)
    assert fix in error.value.fix


def test_code_of_the_guide_is_shown_and_not_empty_lines(assay) -> None:
    said = assay("explain", "operation-without-owner-rule")
    assert said.exit == 0
    assert "owns: path.customerId" in said.out
    assert "good state" in said.out


def test_reading_checks_are_explained_in_a_terminal(assay) -> None:
    said = assay("explain", "declaration/literal-secret")
    assert said.exit == 0
    assert "CWE-798" in said.out
    assert "found in" in said.out


def test_the_list_names_every_control(assay) -> None:
    said = assay("explain")
    for control in controls():
        assert re.search(rf"^{control.id}\s", said.out, re.MULTILINE)


def test_objectives_are_found_in_any_case(assay) -> None:
    first = objective_ids()[0]
    said = assay("explain", first.lower())
    assert said.exit == 0
    assert first in said.out
    assert "none is reviewed" in said.out
