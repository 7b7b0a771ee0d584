"""Results are kept, compared within one version of the survey, drawn, and the same for the same inputs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.maturity.surveyed import NOW, declaration, facts

from assay.domain import AssayError
from assay.maturity.assess import assess
from assay.maturity.history import Kept, kept_text, name_of, read_kept, trend
from assay.maturity.published import as_json
from assay.maturity.words import Answer, Result
from assay.report.radar import Axis, radar, render

SAID = {"D1.1": Answer(3, "anna", date(2026, 11, 1)), "D3.5": Answer(None, "bob", date(2026, 11, 2), "none")}


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return assess(facts(declaration(tmp_path)), SAID)


def test_the_same_inputs_give_the_same_bytes_and_other_ones_another_digest(tmp_path: Path, result: Result) -> None:
    again = assess(facts(declaration(tmp_path)), SAID)
    assert kept_text(again) == kept_text(result)
    assert radar(again) == radar(result)
    other = assess(facts(declaration(tmp_path)), {})
    assert other.inputs != result.inputs


def test_a_kept_result_reads_back_with_its_version_and_the_digest_of_its_inputs(result: Result) -> None:
    kept = read_kept(kept_text(result), name_of(result))
    assert name_of(result) == "2026-11-22.json"
    assert (kept.survey, kept.at, kept.inputs) == ("1", NOW, result.inputs)
    assert kept.overall == pytest.approx(result.score.overall, abs=1e-4)
    assert set(kept.dimensions) == set(range(1, 8))


def test_results_of_another_version_are_said_and_not_compared(result: Result) -> None:
    one = read_kept(kept_text(result), "a")
    old = replace(one, survey="0", at=NOW - timedelta(days=90), file="old")
    before = replace(one, at=NOW - timedelta(days=30), file="before")
    ahead = replace(one, at=NOW + timedelta(days=1), file="ahead")
    found = trend([one, ahead, old, before], "1", NOW)
    assert [k.file for k in found.kept] == ["before", "a"]
    assert [k.file for k in found.older] == ["old"]


@given(
    st.one_of(
        st.text(max_size=60),
        st.dictionaries(
            st.sampled_from(["version", "survey", "at", "overall", "assurance", "perceived", "dimensions", "inputs"]),
            st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2)),
        ).map(json.dumps),
    )
)
def test_no_kept_file_breaks_the_reader(text: str) -> None:
    try:
        assert isinstance(read_kept(text, "x.json"), Kept)
    except AssayError as error:
        assert error.location is not None


def test_the_json_has_a_derivation_for_every_question(result: Result) -> None:
    made = as_json(result)
    assert made["version"] == 1
    assert len(made["questions"]) == 35
    assert all(q["steps"] for q in made["questions"])
    assert all(d["derivation"] for d in made["dimensions"])
    json.dumps(made, allow_nan=False)


def test_the_radar_has_a_title_a_description_an_axis_each_and_two_shapes(result: Result) -> None:
    drawn = ET.fromstring(radar(result))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    assert "Northwind" in (drawn.findtext(f"{space}title") or "")
    described = drawn.findtext(f"{space}desc") or ""
    assert all(name in described for name in ("1 Data classification", "7 Policy governance and adaptivity"))
    labelled = drawn.attrib["aria-labelledby"].split()
    assert labelled == [drawn[0].attrib["id"], drawn[1].attrib["id"]]
    shapes = {p.attrib["class"] for p in drawn.iter(f"{space}polygon")}
    assert shapes == {"ring", "level", "perceived"}


@given(
    st.lists(
        st.tuples(st.text(max_size=40), st.one_of(st.none(), st.floats(0, 4)), st.one_of(st.none(), st.floats(0, 4))),
        min_size=3,
        max_size=9,
    ),
    st.text(max_size=40),
)
def test_no_name_breaks_the_picture(axes: list[tuple[str, float | None, float | None]], title: str) -> None:
    ET.fromstring(render(tuple(Axis(*a) for a in axes), title, title))  # noqa: S314 - our own
