"""Findings in the forms that people and machines read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import Confidence, Edit, Fix, Location, Outcome, Severity, Verdict
from assay.identity.secrets import looks_like_secret
from assay.report import github, json_, junit, sarif
from assay.report.excerpts import COVER, covered
from assay.report.plain import plain
from assay.report.summary import by_urgency, summarise
from assay.report.text import finding, findings

KEYS = {
    "control",
    "check",
    "subject",
    "outcome",
    "sentence",
    "severity",
    "confidence",
    "location",
    "reason",
    "fix",
    "fix_is_safe",
    "excepted_by",
}
SECRET = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"


def verdict(**more: Any) -> Verdict:
    values: dict[str, Any] = {
        "control": "rate_limiting",
        "check": "api-without-limit",
        "subject": "apis.shop",
        "outcome": Outcome.FAIL,
        "sentence": "nothing bounds how often a caller may call API `shop`",
        "severity": Severity.HIGH,
        "location": Location("assay.yaml", 3, 5),
        "reason": "A single caller can use up the service.",
        "fix": Fix("write `limits: {default: 60/minute}`"),
    }
    return Verdict(**{**values, **more})


SOURCE = {"assay.yaml": "assay: 1\napis:\n    shop: {}\nend: 1\n"}
texts = st.text(max_size=40)
verdicts = st.builds(
    verdict,
    sentence=texts,
    subject=texts,
    reason=texts,
    outcome=st.sampled_from(Outcome),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    location=st.builds(Location, texts, st.integers(1, 9), st.integers(1, 99)),
    fix=st.none() | st.builds(Fix, texts),
    excepted_by=st.none() | texts,
)


class TestJson:
    def test_a_verdict_has_exactly_the_documented_keys(self) -> None:
        found = verdict().as_json()
        assert found.keys() == KEYS
        assert found["location"] == {"file": "assay.yaml", "line": 3, "column": 5}

    @given(st.lists(verdicts, max_size=4))
    def test_whatever_is_found_is_one_object_with_a_version(self, found: list[Verdict]) -> None:
        document = json.loads(json_.render(found, declaration=None))
        assert document["version"] == 1
        assert len(document["verdicts"]) == len(found)
        assert all(v.keys() == KEYS for v in document["verdicts"])


class TestSarif:
    def _run(self, *found: Verdict) -> dict[str, Any]:
        document = json.loads(sarif.render(found))
        assert (document["version"], len(document["runs"])) == ("2.1.0", 1)
        run: dict[str, Any] = document["runs"][0]
        return run

    @given(st.lists(verdicts, max_size=4))
    def test_every_result_has_a_rule_a_place_and_a_known_level(self, found: list[Verdict]) -> None:
        run = self._run(*found)
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(rules) == len(set(rules))
        assert run["columnKind"] == "unicodeCodePoints"
        for result in run["results"]:
            assert result["ruleId"] in rules
            assert result["level"] in ("error", "warning", "note")
            region = result["locations"][0]["physicalLocation"]["region"]
            assert region["startLine"] >= 1 and region["startColumn"] >= 1
        for rule in run["tool"]["driver"]["rules"]:
            assert 0.0 <= float(rule["properties"]["security-severity"]) <= 10.0
            assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]

    def test_passes_are_no_results(self) -> None:
        assert self._run(verdict(outcome=Outcome.PASS))["results"] == []

    def test_a_finding_keeps_its_fingerprint_when_lines_move(self) -> None:
        here, there = verdict(), verdict(location=Location("assay.yaml", 90, 1), sentence="said otherwise")
        prints = [r["partialFingerprints"] for r in self._run(here, there)["results"]]
        assert prints[0] == prints[1]
        other = self._run(verdict(subject="apis.other"))["results"][0]["partialFingerprints"]
        assert other != prints[0]

    def test_an_accepted_finding_stays_and_is_suppressed(self) -> None:
        result = self._run(verdict(excepted_by="exceptions.0"))["results"][0]
        assert result["suppressions"] == [{"kind": "external", "justification": "exceptions.0"}]

    def test_file_names_become_uris(self) -> None:
        places = [Location("a b/ü.yaml"), Location("/srv/a.yaml")]
        results = self._run(*(verdict(location=p) for p in places))["results"]
        uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results]
        assert uris == ["a%20b/%C3%BC.yaml", "file:///srv/a.yaml"]


class TestJunit:
    @given(st.lists(verdicts, max_size=4))
    def test_whatever_is_found_is_well_formed_and_counted(self, found: list[Verdict]) -> None:
        root = ET.fromstring(junit.render(found))  # noqa: S314 - our own
        assert sum(int(suite.attrib["tests"]) for suite in root) == len(found)
        assert sum(int(suite.attrib["failures"]) for suite in root) == sum(v.is_finding for v in found)
        assert len(root.findall(".//failure")) == sum(v.is_finding for v in found)

    def test_what_did_not_run_is_skipped_and_says_why(self) -> None:
        root = ET.fromstring(junit.render([verdict(outcome=Outcome.SKIPPED)]))  # noqa: S314 - our own
        assert root.find(".//skipped").attrib["message"].startswith("nothing bounds")  # type: ignore[union-attr]


class TestGithub:
    def test_each_finding_is_one_line_with_its_place(self) -> None:
        found = github.render([verdict(), verdict(outcome=Outcome.PASS), verdict(severity=Severity.LOW)])
        lines = found.splitlines()
        assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]
        assert "file=assay.yaml,line=3,col=5,title=rate_limiting/api-without-limit::" in lines[0]

    @given(verdicts)
    def test_no_text_can_begin_a_command_of_its_own(self, found: Verdict) -> None:
        rendered = github.render([found])
        assert len(rendered.split("\n")) == 1
        assert "\r" not in rendered

    def test_commas_and_colons_in_file_names_do_not_end_the_name(self) -> None:
        assert "file=a%3Ab%2Cc.yaml," in github.render([verdict(location=Location("a:b,c.yaml"))])


class TestText:
    def test_a_finding_says_what_where_why_and_how(self) -> None:
        shown = finding(verdict(), SOURCE).plain
        assert shown.splitlines() == [
            "high[rate_limiting/api-without-limit] nothing bounds how often a caller may call API `shop`",
            "  --> assay.yaml:3:5",
            "   2 | apis:",
            "   3 |     shop: {}",
            "     |     ^",
            "   4 | end: 1",
            "  why A single caller can use up the service.",
            "  fix write `limits: {default: 60/minute}`",
        ]

    def test_what_is_no_plain_failure_says_what_it_is(self) -> None:
        assert "(inconclusive)" in finding(verdict(outcome=Outcome.INCONCLUSIVE), {}).plain
        assert "(accepted: exceptions.0)" in finding(verdict(excepted_by="exceptions.0"), {}).plain
        assert "confidence: low" in finding(verdict(confidence=Confidence.LOW), {}).plain

    def test_only_a_fix_that_can_be_applied_is_offered(self) -> None:
        edits = (Edit("assay.yaml", ("a",), 1),)
        assert "--fix" in finding(verdict(fix=Fix("do", edits, safe=True)), {}).plain
        assert "--fix" not in finding(verdict(fix=Fix("do", edits, safe=False)), {}).plain
        assert "--fix" not in finding(verdict(fix=Fix("do", safe=True)), {}).plain

    def test_many_places_are_counted_and_not_listed(self) -> None:
        places = tuple(Location("a.yaml", n) for n in range(1, 10))
        shown = finding(verdict(related=places), {}).plain
        assert shown.count("  see ") == 4
        assert "and 5 more places" in shown

    @given(verdicts, st.integers(30, 120))
    def test_wrapped_text_keeps_every_word(self, found: Verdict, width: int) -> None:
        whole, wrapped = (finding(found, {}, width=width, wrap=w).plain for w in (False, True))
        assert wrapped.split() == whole.split()

    @given(verdicts)
    def test_nothing_that_moves_a_cursor_reaches_a_terminal(self, found: Verdict) -> None:
        shown = finding(found, SOURCE).plain
        assert all(plain(c) == c for c in shown)

    def test_findings_are_apart(self) -> None:
        assert findings([verdict(), verdict()], {}).plain.count("\n\nhigh[") == 1


class TestPlain:
    def test_escape_sequences_and_reversed_text_become_visible(self) -> None:
        assert plain("a\x1b[31mb\u202ec") == "a\ufffd[31mb\ufffdc"

    @pytest.mark.parametrize("text", ["", "Müller & Söhne", "日本\n語\t"])
    def test_ordinary_text_stays(self, text: str) -> None:
        assert plain(text) == text


class TestCovered:
    def test_a_secret_near_a_finding_is_covered_in_place(self) -> None:
        text = f"a: 1\ntoken: {SECRET}  # why\nb: 2\n"
        found = covered({"f": text}, [verdict(location=Location("f", 3, 1))], is_secret=looks_like_secret)
        assert SECRET not in found["f"]
        assert found["f"].splitlines()[1] == f"token: {COVER * len(SECRET)}  # why"

    def test_the_rest_of_a_line_that_holds_a_literal_secret_is_covered(self) -> None:
        place = Location("f", 1, 9)
        found = covered({"f": "secret: hunter2 }\n"}, [verdict(check="literal-secret", location=place)], is_secret=bool)
        assert "hunter2" not in found["f"]

    def test_what_is_not_shown_is_not_touched(self) -> None:
        text = f"a\nb\nc\nd\n{SECRET}\n"
        found = covered({"f": text}, [verdict(location=Location("f", 1, 1))], is_secret=looks_like_secret)
        assert found["f"] == text

    @given(st.text(alphabet="ab \n\"'{}:" + SECRET[:6]), st.integers(1, 9), st.integers(1, 40))
    def test_columns_and_lines_never_move(self, text: str, line: int, column: int) -> None:
        place = verdict(check="literal-secret", location=Location("f", line, column))
        found = covered({"f": text}, [place], is_secret=lambda word: len(word) > 2)["f"]
        assert [len(x) for x in found.split("\n")] == [len(x) for x in text.split("\n")]


class TestSummary:
    def test_counts_are_told_most_severe_first(self) -> None:
        found = [verdict(), verdict(severity=Severity.LOW), verdict(outcome=Outcome.PASS)]
        assert summarise(found).sentence() == "2 findings (1 high, 1 low); 1 check passed"

    def test_an_accepted_finding_is_counted_apart(self) -> None:
        assert (
            summarise([verdict(excepted_by="x")]).sentence() == "no findings; 0 checks passed; 1 accepted by exception"
        )

    def test_what_is_urgent_comes_first(self) -> None:
        low, high = verdict(severity=Severity.LOW), verdict()
        doubtful = replace(high, confidence=Confidence.LOW)
        assert by_urgency([low, doubtful, high]) == [high, doubtful, low]
