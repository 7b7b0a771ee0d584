"""What `assay data` puts together: the map, where a category is, blends, and what evidence verifies."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from assay.app.data_map import data_map
from assay.app.data_scan import look
from assay.app.data_view import View, blends, view
from assay.app.data_where import whereabouts
from assay.app.keeping import keep_run
from assay.app.project import Project, open_project
from assay.controls._lib.proving import test_of as proof_named
from assay.domain import Confidence, Location, Outcome, UsageError, Verdict
from assay.prove.result import Proof, RunResult
from assay.report.datamap import Shade, render

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACES = Path(__file__).with_name("data_places")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(PLACES, tmp_path / "shop")
    return open_project(tmp_path / "shop")


@pytest.fixture
def seen(project: Project) -> View:
    return view(project, NOW)


def _keep(project: Project, when: datetime, outcome: Outcome, *fields: tuple[str, str]) -> None:
    test = proof_named("data_classification", "transform-not-applied")
    verdict = Verdict(
        control=test.control,
        check=test.id,
        subject="flows.crm-to-warehouse",
        outcome=outcome,
        sentence="seen",
        location=Location("assay.yaml", 1, 1),
    )
    facts = {
        "flow": "crm-to-warehouse",
        "transforms": [{"field": field, "text": text, "verified": outcome is Outcome.PASS} for field, text in fields],
    }
    proof = Proof(case=f"{test.control}/{test.id}/f", test=test, verdict=verdict, started=when, facts=facts)
    run = RunResult(
        id=f"r{when:%Y%m%d%H}",
        seed=0,
        started=when,
        finished=when + timedelta(seconds=1),
        target="https://127.0.0.1:8443",
        via="gateway",
        declaration_digest="d" * 64,
        configuration_digest="c" * 64,
        planned=1,
        requests=1,
        writes=1,
        proofs=(proof,),
    )
    keep_run(project, run, (), {}, clock=partial(_at, run.finished))


def _at(moment: datetime) -> datetime:
    return moment


ALL = (("name", "drop"), ("email", "drop"), ("iban", "drop"), ("id", "tokenise deterministic"))


class TestWhatEvidenceVerifies:
    def _levels(self, project: Project, now: datetime) -> tuple[str, str]:
        labels = view(project, now).closure.stored["warehouse", "profile"]
        return labels.claimed.level, labels.verified.level

    def test_without_evidence_only_the_claimed_label_is_low(self, project: Project) -> None:
        assert self._levels(project, NOW) == ("confidential", "restricted")

    def test_a_kept_proof_lowers_the_verified_label_until_it_is_too_old(self, project: Project) -> None:
        _keep(project, NOW, Outcome.PASS, *ALL)
        assert self._levels(project, NOW + timedelta(hours=1)) == ("confidential", "confidential")
        assert self._levels(project, NOW + timedelta(days=8)) == ("confidential", "restricted")

    def test_a_later_failure_takes_it_back(self, project: Project) -> None:
        _keep(project, NOW, Outcome.PASS, *ALL)
        _keep(project, NOW + timedelta(hours=1), Outcome.FAIL, *ALL)
        assert self._levels(project, NOW + timedelta(hours=2)) == ("confidential", "restricted")

    def test_what_was_proven_of_another_transformation_does_not_count(self, project: Project) -> None:
        _keep(project, NOW, Outcome.PASS, *ALL[:2], ("iban", "last4"))
        assert self._levels(project, NOW) == ("confidential", "restricted")


class TestTheMap:
    def test_has_a_box_for_everything_and_shows_what_relies_on_proofs(self, seen: View) -> None:
        picture = data_map(seen.declaration, seen.closure)
        boxes = {b.id: b for b in picture.boxes}
        assert boxes.keys() == {
            *("systems.crm", "systems.warehouse", "flows.crm-to-warehouse", "apis.shop"),
            *("callers.consumer.desk", "callers.consumer.office"),
        }
        assert boxes["flows.crm-to-warehouse"].shade == Shade("confidential", "restricted")
        assert {(e.source, e.target) for e in picture.edges} == {
            ("systems.crm", "flows.crm-to-warehouse"),
            ("flows.crm-to-warehouse", "systems.warehouse"),
            ("systems.crm", "apis.shop"),
            ("apis.shop", "callers.consumer.desk"),
            ("apis.shop", "callers.consumer.office"),
        }
        assert "Dashed" in picture.notes[0]
        assert "Northwind &amp; Sons" in render(picture)

    def test_of_one_data_set_leaves_out_what_has_nothing_of_it(self, seen: View) -> None:
        picture = data_map(seen.declaration, seen.closure, "order")
        assert "flows.crm-to-warehouse" not in {b.id for b in picture.boxes}

    def test_of_an_unknown_data_set_is_an_error_with_the_closest_name(self, seen: View) -> None:
        with pytest.raises(UsageError) as raised:
            data_map(seen.declaration, seen.closure, "custmer")
        assert "`customer`" in raised.value.fix


class TestWhere:
    def test_names_fields_stores_flows_operations_and_who_sees_it_how(self, seen: View) -> None:
        found = whereabouts(seen.declaration, seen.closure, seen.reached, "user.contact.email")
        assert [(f.data, f.name, f.at.line) for f in found.fields] == [("customer", "email", 18)]
        assert {(k.system, k.state) for k in found.kept} == {("crm", "there"), ("warehouse", "claimed gone")}
        assert [(c.flow, c.transform, c.verified) for c in found.carried] == [("crm-to-warehouse", "drop", False)]
        assert found.answered == {"shop": ("getCustomer",)}
        forms = {s.principal: s.form for s in found.seen}
        assert (forms["consumer desk"], forms["consumer office"]) == ("fixed", "clear")

    def test_a_category_that_is_only_concluded_is_found(self, seen: View) -> None:
        found = whereabouts(seen.declaration, seen.closure, seen.reached, "user.health_and_medical")
        assert [(f.name, f.how) for f in found.fields] == [("product", "lets conclude")]

    def test_a_category_that_is_nowhere_has_an_empty_answer_and_an_unknown_one_an_error(self, seen: View) -> None:
        assert whereabouts(seen.declaration, seen.closure, seen.reached, "user.biometric").fields == ()
        with pytest.raises(UsageError) as raised:
            whereabouts(seen.declaration, seen.closure, seen.reached, "user.contact.mail")
        assert "`user.contact.email`" in raised.value.fix
        with pytest.raises(UsageError) as raised:
            whereabouts(seen.declaration, seen.closure, seen.reached, "email")
        assert raised.value.fix == "use one of `user.contact.email`"


def test_blends_begin_with_those_above_their_clearance_and_can_be_asked_for_by_name(seen: View) -> None:
    everybody = blends(seen)
    ranks = [(not t.blend.above, not t.blend.verified_above) for t in everybody]
    assert ranks == sorted(ranks)
    assert {t.blend.principal.id for t in blends(seen, "reporting")} == {"reporting"}
    assert blends(seen, "account reporting") == blends(seen, "reporting")
    with pytest.raises(UsageError):
        blends(seen, "reportin")


class TestScannedFiles:
    def test_har_bodies_are_read_wherever_they_lie_and_their_line_is_told(self) -> None:
        body = json.dumps({"user": {"email": "jo.day@example.com"}})
        entry = {
            "request": {
                "url": "https://api.test/u?mail=jo.day@example.com",
                "headers": [{"name": "X-Ip", "value": "x"}],
            },
            "response": {"content": {"text": body, "mimeType": "application/json"}},
        }
        har = json.dumps({"log": {"entries": [entry]}}, indent=1)
        looked = look("a.har", har.encode())
        assert looked.kind == "har"
        lines = har.split("\n")
        assert {s.found.path for s in looked.seen} == {
            "/log/entries/0/request/url",
            "/log/entries/0/response/content/text/user/email",
        }
        assert all("example.com" in lines[s.line - 1] for s in looked.seen)

    def test_base64_bodies_of_a_har_are_read(self) -> None:
        content = {"text": "eyJtYWlsIjogImpvLmRheUBleGFtcGxlLmNvbSJ9", "encoding": "base64"}
        har = {"log": {"entries": [{"response": {"content": content}}]}}
        looked = look("a.har", json.dumps(har).encode())
        assert [s.found.path for s in looked.seen] == ["/log/entries/0/response/content/text/mail"]

    def test_lines_of_json_and_rows_of_csv_have_their_own_line(self) -> None:
        jsonl = b'{"n": 1}\n\n{"mail": "jo.day@example.com"}\n'
        assert [(s.line, s.found.path) for s in look("a.jsonl", jsonl).seen] == [(3, "/mail")]
        rows = b"id,card\n1,4111111111111111\n2,none\n"
        looked = look("a.csv", rows)
        assert (looked.kind, [(s.line, s.found.path) for s in looked.seen]) == ("csv", [(2, "/card")])

    def test_text_has_lines_and_least_leaves_out_what_is_less_sure(self) -> None:
        text = b"first\ncall +31 6 1234 5678 or 45.77.12.99\n"
        assert {s.line for s in look("a.txt", text).seen} == {2}
        assert [s.found.detector for s in look("a.txt", text, least=Confidence.HIGH).seen] == ["phone"]

    def test_broken_json_is_looked_through_as_text_and_that_is_said(self) -> None:
        looked = look("a.json", b'{"phone": "+31 6 1234 5678",')
        assert (looked.kind, [s.found.detector for s in looked.seen]) == ("text", ["phone"])
        assert "called JSON" in looked.unread
        assert look("a.txt", b"{").unread == ""

    def test_bytes_that_are_no_text_are_said_to_be_unread(self) -> None:
        looked = look("a.bin", b"\x89PNG\r\n\x1a\n\0\0")
        assert (looked.kind, looked.seen) == ("binary", ())
        assert looked.unread
