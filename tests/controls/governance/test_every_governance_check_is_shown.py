"""Every check of governance fails somewhere in these tests, and the retailer shows those that need no repository."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ruamel.yaml import YAML

from assay.app.project import open_project
from assay.controls.registry import check_design, control

HERE = Path(__file__).parent
IN_REPOSITORIES = {"change-without-second-person", "change-unsigned", "declaration-outside-version-control"}
"""Shown by ``test_governed_changes.py``."""


def test_every_check_that_needs_no_repository_fails_in_the_bad_declaration() -> None:
    said = YAML(typ="safe").load((HERE / "bad.out.yaml").read_text(encoding="utf-8"))
    found = {v["check"] for v in said["verdicts"] if v["outcome"] == "fail"}
    assert found == set(control("governance").about.checks) - IN_REPOSITORIES


def test_the_retailer_shows_what_can_be_shown_of_a_grown_organisation() -> None:
    project = open_project(HERE.parents[2] / "examples" / "retailer")
    verdicts = check_design(project.declaration, date(2026, 11, 22))
    assert {v.check for v in verdicts if v.control == "governance" and v.is_finding} >= {
        "production-changed-by-one",
        "accepted-by-its-owner",
        "accepted-for-too-long",
        "accepted-without-compensation",
        "objective-not-measurable",
    }
