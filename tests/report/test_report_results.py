"""Results for programs: JSON, HAR, SARIF."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import msgspec
from tests.report.dossiers import dossier

from assay.prove.result import RunResult
from assay.report import har, junit, results, sarif


def test_a_run_is_one_object_with_a_version() -> None:
    made = dossier()
    assert made.run
    found = json.loads(results.proved(made.run, direct=made.direct))
    assert found["version"] == 1
    leak = found["verdicts"][0]
    assert {"control", "check", "subject", "outcome", "sentence", "severity", "confidence", "location"} <= set(leak)
    assert {"refused_by", "identity", "evidence", "reproduce"} <= set(leak)
    assert found["unreached"][0]["reason"] == "no order could be made"
    assert [c["case"] for c in found["contribution"]] == ["rate_limiting/limit-not-enforced/shop.getOrder/mobile-app"]


def test_a_report_gives_every_objective_its_status_and_both_sides() -> None:
    found = json.loads(results.report(dossier()))
    assert found["version"] == 1
    first = found["objectives"][0]
    assert {"id", "category", "status", "design", "operating", "evidence_age"} <= set(first)
    assert first["status"] == "failed"
    assert first["evidence_age"] == 3600
    assert first["design"]["outcome"] == "pass"
    assert first["operating"]["deviations"] == 1


def test_findings_of_the_running_system_keep_their_fingerprint_when_lines_move() -> None:
    made = dossier()
    run = json.loads(sarif.render(made.design, made.proofs))["runs"][0]
    shown = run["results"][0]
    assert shown["ruleId"] == "authorisation/object-of-another-read"
    assert shown["locations"][0]["physicalLocation"]["region"] == {"startLine": 12, "startColumn": 5}
    assert shown["properties"]["reproduce"].startswith("curl")
    prints = [r["partialFingerprints"]["assay/v1"] for r in run["results"]]
    assert len(set(prints)) == len(prints)


def test_exchanges_open_in_other_tools() -> None:
    log = json.loads(har.render(dossier().proofs))["log"]
    assert log["version"] == "1.2"
    assert {e["response"]["status"] for e in log["entries"]} == {200, 403}
    assert log["entries"][0]["request"]["queryString"] == [{"name": "q", "value": "'"}]


def test_a_kept_run_reads_back_as_it_was() -> None:
    run = dossier().run
    assert run is not None
    assert msgspec.json.decode(msgspec.json.encode(run), type=RunResult) == run


def test_pipelines_see_every_proof_as_a_test_of_its_own() -> None:
    made = dossier()
    root = ET.fromstring(junit.render(made.design, made.proofs))  # noqa: S314 - our own
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert len(cases) == len(made.design) + len(made.proofs)
    failed = cases["authorisation.object-of-another-read", "apis.shop.operations.getOrder as mobile-app"]
    failure = failed.find("failure")
    assert failure is not None and failure.text and "curl" in failure.text
