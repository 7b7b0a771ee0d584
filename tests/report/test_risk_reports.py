"""The register as a table, as JSON, as a picture and as a derivation: pinned, so that nothing changes by accident."""

from __future__ import annotations

import csv
import io
import os
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk.risks_made import NOW, bola, denial, over
from tests.risk.test_risk_next import CASES, passed, situation, told
from tests.risk.test_risk_register import rows
from tests.risk.test_risk_stored import DECLARED

from assay.report.labels import Box, place
from assay.report.risk_matrix import Mark, RiskMatrix, render
from assay.report.risk_tables import COLUMNS, as_csv, as_json, money, picture, step
from assay.report.risk_why import lines
from assay.risk import replay
from assay.risk.formula import band
from assay.risk.register import Register
from assay.risk.simulation import Ranges, Stake, simulate
from assay.risk.words import Rating

HERE = Path(__file__).parent / "risk"
RISKS = [bola(), denial(), over()]


def register() -> Register:
    made = rows(DECLARED, *RISKS)
    return Register(tuple(replace(r, rise=replay.rise(r.assessment, NOW)) for r in made), NOW)


def pinned(name: str, text: str) -> None:
    file = HERE / name
    if os.environ.get("ASSAY_UPDATE_GOLDEN") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def as_text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"


def test_the_register_is_what_it_was_in_every_format() -> None:
    found = register()
    pinned("register.csv", as_csv(found))
    pinned("register.json", as_text(as_json(found)))
    pinned("matrix.svg", render(picture(found, "Shop")))
    pinned("why.txt", "\n".join(line for row in found.rows for line in [*lines(row), ""]))
    pinned("next.json", as_text([step(s) for s in told(situation(passed(c, days=30) for c in CASES))]))


def test_a_table_has_a_cell_for_each_column_and_calculates_nothing() -> None:
    found = register()
    bad = replace(found.rows[0], owner="=HYPERLINK(1)")
    read = list(csv.reader(io.StringIO(as_csv(Register((bad, *found.rows[1:]), NOW)))))
    assert {len(line) for line in read} == {len(COLUMNS)}
    assert read[1][COLUMNS.index("owner")] == "'=HYPERLINK(1)"


def test_a_derivation_holds_every_factor_and_every_result() -> None:
    told = "\n".join(lines(register().rows[0]))
    for word in (
        "ease of exploit 7 (derived)",
        "0 of 40 failed",
        "capability 0.95",
        "c-1002 was read",
        "evidence `ev-1`",
    ):
        assert word in told


def test_what_is_claimed_is_worked_out_where_it_is_worst_and_each_rating_names_its_bands() -> None:
    for row in register().rows:
        told = lines(row)
        (at,) = [i for i, line in enumerate(told) if line.startswith("├─ claimed ")]
        one = row.assessment.claimed
        bands = (
            f"likelihood {one.likelihood:.4f} ({band(one.likelihood)}) × impact {one.impact:.4f} ({band(one.impact)})"
        )
        assert f"{row.claimed} = 100 × {bands}" in told[at]
        if "would work" in told[at + 1]:
            assert f"likelihood {one.likelihood:.4f} = {row.assessment.inherent.likelihood:.4f}" in told[at + 2]
            assert f"impact {one.impact:.4f} = {row.assessment.inherent.impact:.4f}" in told[at + 3]


def test_money_says_how_it_was_drawn() -> None:
    drawn = simulate([Stake("a@b", 0.5, 0.5, 10)], Ranges("EUR", (10, 100), None, (0.1, 10)), draws=100, seed=7)
    shape = money(drawn)
    assert (shape["currency"], shape["draws"], shape["seed"]) == ("EUR", 100, 7)


class TestTheMatrix:
    def test_is_a_document_that_says_what_it_shows(self) -> None:
        root = ET.fromstring(render(picture(register(), "Shop")))  # noqa: S314 - our own
        names = {e.tag.rpartition("}")[2]: e.text for e in root if e.tag.endswith(("title", "desc"))}
        assert names["title"] == "Shop: 3 risks"
        assert str(names["desc"]).startswith("3 risks: 1 critical, 1 high, 1 medium. A full dot")
        assert root.get("role") == "img"

    def test_puts_a_dot_where_likelihood_and_impact_are(self) -> None:
        mark = Mark("one", (1, 1), (0, 0), (0.5, 0.5), Rating.MEDIUM, 25)
        drawn = render(RiskMatrix("t", "w", (mark,)))
        assert '<circle class="dot" cx="376.0" cy="372.0" r="6"/>' in drawn
        assert '<circle class="hollow" cx="76.0" cy="672.0" r="5"/>' in drawn

    def test_lists_the_first_and_counts_the_rest(self) -> None:
        mark = Mark("one", (1, 1), (0, 0), (0.5, 0.5), Rating.MEDIUM, 25)
        drawn = render(RiskMatrix("t", "w", (mark,) * 30))
        assert drawn.count('class="number"') == 24
        assert "and 6 more, as small dots" in drawn

    def test_of_nothing_is_an_empty_one(self) -> None:
        assert "0 risks" in render(RiskMatrix("Shop: 0 risks", "w", ()))

    @settings(max_examples=40, deadline=None)
    @given(st.text(max_size=80), st.lists(st.floats(-1, 2), min_size=6, max_size=6))
    def test_shows_any_name_and_stays_within_its_frame(self, name: str, at: list[float]) -> None:
        mark = Mark(name, (at[0], at[1]), (at[2], at[3]), (at[4], at[5]), Rating.LOW, 5)
        root = ET.fromstring(render(RiskMatrix(name, name, (mark, mark))))  # noqa: S314 - our own
        for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
            if circle.get("class") == "dot" and float(circle.get("cx", 0)) < 700:
                assert 76 <= float(circle.get("cx", 0)) <= 676
                assert 72 <= float(circle.get("cy", 0)) <= 672


@given(st.lists(st.tuples(st.floats(20, 280), st.floats(20, 280)), max_size=12))
def test_numbers_lie_within_and_on_nothing_else_while_there_is_room(points: list[tuple[float, float]]) -> None:
    within = Box(0, 0, 300, 300)
    found = place(points, [], within)
    assert all(within.holds(box) for box in found)
    assert not any(a.meets(b) for i, a in enumerate(found) for b in found[:i])


@pytest.mark.parametrize("count", [60])
def test_a_crowd_still_gets_its_numbers(count: int) -> None:
    assert len(place([(50.0, 50.0)] * count, [], Box(0, 0, 100, 100))) == count
