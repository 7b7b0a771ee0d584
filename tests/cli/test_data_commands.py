"""`assay data` as people and programs call it."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest

from assay.cli import completing

PLACES = str(Path(__file__).parents[1] / "app" / "data_places")


def test_the_map_is_written_where_it_is_asked_for(assay, tmp_path: Path) -> None:
    file = tmp_path / "map.svg"
    said = assay("data", "map", "-d", PLACES, "--output", str(file))
    assert (said.exit, said.out) == (0, "")
    assert ET.parse(file).getroot().tag.endswith("svg")  # noqa: S314 - our own
    shown = assay("data", "map", "-d", PLACES)
    assert shown.out == file.read_text(encoding="utf-8")
    assert assay("data", "map", "-d", PLACES, "--format", "json").json()["version"] == 1
    assert assay("data", "map", "-d", PLACES, "--output", str(tmp_path / "no" / "map.svg")).exit == 3


def test_where_says_who_sees_it_and_in_which_form(assay) -> None:
    said = assay("data", "where", "user.contact.email", "-d", PLACES)
    assert said.exit == 0
    assert "gone, if what is declared works" in said.out
    desk = next(line for line in said.out.splitlines() if line.startswith("consumer desk"))
    assert "fixed" in desk
    found = assay("data", "where", "user.contact.email", "-d", PLACES, "--format", "json").json()
    assert (found["version"], found["operations"]) == (1, {"shop": ["getCustomer"]})


def test_a_misspelt_category_or_principal_is_a_usage_error_with_the_closest_name(assay) -> None:
    for words, meant in (
        (("where", "user.contact.emial"), "user.contact.email"),
        (("blends", "--principal", "desc"), "desk"),
    ):
        said = assay("data", *words, "-d", PLACES)
        assert said.exit == 2
        assert meant in said.err


def test_blends_explain_how_a_label_was_concluded(assay) -> None:
    said = assay("data", "blends", "--principal", "office", "-d", PLACES)
    assert said.exit == 0
    assert "consumer office" in said.out
    assert "→ confidential" in said.out
    every = assay("data", "blends", "-d", PLACES, "--format", "json").json()["blends"]
    assert {"principal", "claimed", "verified", "steps", "what_ifs", "above_clearance"} <= every[0].keys()


def test_the_record_of_processing_is_csv_html_or_json(assay) -> None:
    rows = list(csv.DictReader(io.StringIO(assay("data", "record", "-d", PLACES).out)))
    assert rows[0]["(a) controller"] == "Northwind & Sons"
    page = assay("data", "record", "--format", "html", "-d", PLACES)
    assert page.out.startswith("<!doctype html>")
    assert "missing" in page.err
    assert assay("data", "record", "--format", "json", "-d", PLACES).json()["activities"]


def test_assessments_name_the_nine_criteria(assay) -> None:
    found = assay("data", "dpia", "-d", PLACES, "--format", "json").json()["assessments"]
    assert all(len(one["criteria"]) == 9 for one in found)
    assert "required" in assay("data", "dpia", "-d", PLACES).out


class TestScan:
    @pytest.fixture
    def payload(self, tmp_path: Path) -> Path:
        file = tmp_path / "answer.json"
        file.write_text(json.dumps({"card": "4111 1111 1111 1111", "id": 7}, indent=1))
        return file

    def test_shows_where_and_what_and_never_the_value(self, assay, payload: Path) -> None:
        for more in ((), ("--format", "json")):
            said = assay("data", "scan", str(payload), *more)
            assert said.exit == 0
            assert "payment-card" in said.out
            assert "4111" not in said.out + said.err
        assert f"{payload}:2 /card" in assay("data", "scan", str(payload)).out

    def test_fails_on_request_only(self, assay, payload: Path) -> None:
        assert assay("data", "scan", str(payload), "--fail-on", "high").exit == 1
        payload.write_text('{"note": "nothing"}')
        assert assay("data", "scan", str(payload), "--fail-on", "low").exit == 0

    def test_reads_standard_input(self, assay, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"write to jo.day@example.com")))
        assert "-:1" in assay("data", "scan", "-").out

    def test_what_cannot_be_read_is_a_usage_error(self, assay, tmp_path: Path) -> None:
        assert assay("data", "scan", str(tmp_path / "none.json")).exit == 2
        assert assay("data", "scan", str(tmp_path)).exit == 2

    def test_what_was_left_out_is_said(self, assay, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(b"\x89PNG\0")
        assert "not all of" in assay("data", "scan", str(tmp_path / "a.bin")).err


def test_ids_and_categories_are_offered() -> None:
    context = SimpleNamespace(params={"where": PLACES})
    assert completing.data_categories("user.contact.e") == ["user.contact.email"]
    assert completing.data_sets(context, "o") == ["order"]  # type: ignore[arg-type]
    assert completing.principals(context, "r") == ["reporting"]  # type: ignore[arg-type]
