"""`assay data` as people and programs call it."""

from __future__ import annotations

import csv
import io
import json
import shutil
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


class TestObserved:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        place = tmp_path / "shop"
        shutil.copytree(PLACES, place)
        return place

    @pytest.fixture
    def logged(self, place: Path) -> Path:
        line = {"operation": "shop/getCustomer", "details": "via_upstream", "client": "desk"}
        log = place / ".assay" / "logs" / "access.jsonl"
        log.parent.mkdir(parents=True)
        times = ("2026-11-20T08:00:00.000000Z", "2026-11-22T09:30:00.000000Z")
        lines = [json.dumps({**line, "time": time}) for time in times]
        lines += [json.dumps({**line, "operation": "shop/gone", "time": times[0]}), "{cut"]
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return place

    def test_stands_beside_what_is_granted_with_the_grants_nobody_used(self, assay, logged: Path) -> None:
        said = assay("data", "blends", "--observed", "-d", str(logged))
        assert said.exit == 0
        assert "2 calls, 2026-11-20 08:00 to 2026-11-22 09:30 UTC" in said.out
        assert "consumer desk did not call 1 of 2 granted operations: shop/listOrders" in said.out
        assert "made no call that was let through" in said.out
        assert "1 lines are no JSON objects" not in said.err and "1 line is no JSON object" in said.err
        assert "shop/gone" in said.err
        assert "→ confidential" in assay("data", "blends", "--observed", "--principal", "desk", "-d", str(logged)).out

    def test_is_json_beside_the_blends_of_grants(self, assay, logged: Path) -> None:
        found = assay("data", "blends", "--observed", "-d", str(logged), "--format", "json").json()
        assert found["version"] == 1 and found["blends"]
        assert (found["observed"]["calls"], found["observed"]["unread"], found["observed"]["complete"]) == (2, 1, True)
        by = {one["principal"]["id"]: one for one in found["observed"]["principals"]}
        assert by["desk"]["unused"] == ["shop/listOrders"]
        assert by["office"]["observed"] is None
        assert "observed" not in assay("data", "blends", "-d", str(logged), "--format", "json").json()

    def test_without_a_log_is_not_taken_for_nothing_reached(self, assay, place: Path) -> None:
        said = assay("data", "blends", "--observed", "-d", str(place))
        assert (said.exit, "no access log" in said.out, "desk" in said.out) == (0, True, False)

    def test_of_an_account_says_that_no_log_tells_of_it(self, assay, logged: Path) -> None:
        said = assay("data", "blends", "--observed", "--principal", "sync", "-d", str(logged))
        assert "callers of APIs alone" in said.out
        assert "assay rights" in said.out


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

    def test_reads_everything_below_directories_but_for_hidden_ones(self, assay, payload: Path) -> None:
        top = payload.parent
        for name in ("deep/er/b.jsonl", ".git/c.json", ".env"):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text('{"iban": "DE89370400440532013000"}\n')
        (top / "loop").symlink_to(top)
        other = top / "deep" / "z.har"
        entry = {"request": {"url": "http://x/"}, "response": {"content": {"text": '{"iban": "NL91ABNA0417164300"}'}}}
        other.write_text(json.dumps({"log": {"entries": [entry]}}))
        said = assay("data", "scan", str(top), str(other), "--format", "json")
        files = said.json()["files"]
        assert [f["file"] for f in files] == [
            *(str(top / name) for name in (".env", "answer.json", "deep/er/b.jsonl", "deep/z.har")),
            str(other),
        ]
        found = files[-1]["found"][0]
        assert {k: found[k] for k in ("file", "line", "path", "detector", "category", "confidence")} == {
            "file": str(other),
            "line": 1,
            "path": "/log/entries/0/response/content/text/iban",
            "detector": "iban",
            "category": "user.financial.bank_account",
            "confidence": "high",
        }

    def test_a_file_of_a_directory_that_cannot_be_read_is_told_and_is_no_success(
        self, assay, payload: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payload.write_text("{}")
        monkeypatch.setattr("assay.app.data_scan._FILE_LIMIT", 1)
        said = assay("data", "scan", str(payload.parent), "--fail-on", "low")
        assert said.exit == 3
        assert "not all of" in said.err and "MiB" in said.err
        monkeypatch.setattr("assay.app.data_scan._FILES", 0)
        assert assay("data", "scan", str(payload.parent)).exit == 2

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
