"""The retailer: every kind of finding of the organisation's design at least once, and none after they were mended."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assay.app.organisation import layer_picture, organisation
from assay.app.project import Project, open_project
from assay.controls.registry import check_design, controls
from assay.domain import Outcome, Severity, Verdict
from assay.report import datamap, layers

ROOT = Path(__file__).parents[2] / "examples"
TODAY = date(2026, 11, 22)
OF_THE_ORGANISATION = (
    "data_classification",
    "least_privilege",
    "layered_architecture",
    "environment_segregation",
    "api_inventory",
    "security_testing",
)


@pytest.fixture(scope="module")
def flawed() -> Project:
    return open_project(ROOT / "retailer")


@pytest.fixture(scope="module")
def fixed() -> Project:
    return open_project(ROOT / "retailer-fixed")


def judged(project: Project) -> tuple[Verdict, ...]:
    return (*project.declaration.notes, *check_design(project.declaration, TODAY))


@pytest.mark.parametrize("control", OF_THE_ORGANISATION)
def test_every_kind_of_finding_is_in_it(flawed: Project, control: str) -> None:
    found = {v.check for v in judged(flawed) if v.control == control and v.is_finding}
    about = next(c.about for c in controls() if c.id == control)
    assert set(about.checks) - found == set()


def test_every_control_finds_something_in_it(flawed: Project) -> None:
    found = {v.control for v in judged(flawed) if v.outcome is Outcome.FAIL and v.is_finding}
    assert {c.id for c in controls()} - found == set()


def test_every_way_in_which_an_exception_fails_is_in_it(flawed: Project, fixed: Project) -> None:
    found = {v.check for v in judged(flawed) if v.control == "declaration" and v.is_finding}
    ways = {"exception-expired", "exception-matches-nothing", "exception-withdrawn", "approval-missing"}
    assert found >= {*ways, "decision-does-not-count"}
    assert [v.excepted_by for v in judged(fixed) if v.excepted_by] == ["exceptions.0"]


def test_nothing_above_a_note_is_left_after_it_was_mended(fixed: Project) -> None:
    left = [v for v in judged(fixed) if v.is_finding and v.severity.rank > Severity.NOTE.rank]
    assert [f"{v.control}/{v.check}: {v.sentence}" for v in left] == []


def test_each_finding_points_into_the_files_of_the_example(flawed: Project) -> None:
    for verdict in judged(flawed):
        if verdict.is_finding:
            assert (Path.cwd() / verdict.location.file).is_file() or (
                ROOT / "retailer" / verdict.location.file
            ).is_file()
            assert verdict.fix and verdict.fix.sentence


def test_the_report_shows_data_blends_privilege_and_layers(flawed: Project, fixed: Project) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    bad, good = organisation(flawed, now), organisation(fixed, now)
    assert any(b.above for b in bad.blends) and not any(b.above for b in good.blends)
    assert any(b.changes for b in bad.blends if b.above), "it says what would help"
    assert {"superuser", "shared"} <= {f for a in bad.accounts for f in a.flags}
    assert not any(a.flags for a in good.accounts)
    for found in (bad, good):
        assert found.data is not None and found.layers is not None
        for picture in (datamap.render(found.data), layers.render(found.layers)):
            ElementTree.fromstring(picture)  # noqa: S314 - our own
            assert picture == picture.encode().decode()


def test_calls_against_the_layers_are_drawn_as_such(flawed: Project, fixed: Project) -> None:
    bad, good = layer_picture(flawed.declaration), layer_picture(fixed.declaration)
    assert bad is not None and good is not None
    assert any("storefront" in c.wrong and "system of record" in c.wrong for c in bad.calls)
    assert not any(c.wrong for c in good.calls)
    assert layers.render(bad) == layers.render(bad)
