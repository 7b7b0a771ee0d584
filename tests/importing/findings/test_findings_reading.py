"""Findings of other tools: read from every format, without their secrets, and refused when they are something else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.importing.findings.finding_files import ANSWER, FILES, TOKEN

from assay.domain import AssayError, Location, Severity, UsageError
from assay.importing.findings import FORMATS, ImportedFinding, Mark, Request, holds, read_findings
from assay.importing.findings.finding import cleaned, marks_of, request_of, target_of
from assay.importing.findings.kept import render
from assay.importing.findings.text import http_message, xml_tree


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_told_by_its_content_and_gives_the_same_flaw(name: str) -> None:
    found = read_findings(FILES[name], f"report.{name}")
    assert found.format == name.partition("-")[0]
    first = found.findings[0]
    assert first.severity in (Severity.HIGH, Severity.CRITICAL)
    assert "SQL" in first.title and first.method == "GET"
    assert first.url.startswith("https://shop.test/v2/orders")
    assert first.request is not None and first.request.target.startswith("/v2/orders?search=")
    assert first.evidence
    assert first.marks


@pytest.mark.parametrize("name", FILES)
def test_no_credential_and_no_data_of_an_answer_is_taken_over(name: str) -> None:
    found = read_findings(FILES[name], "report")
    kept = render(found.findings, file="report", sha256="0" * 64)
    for secret in (TOKEN, "eyJ", "4111111111111111", "o-4711", "a gift"):
        assert secret not in kept


@pytest.mark.parametrize("name", FILES)
def test_what_is_kept_reads_back_as_it_was(name: str) -> None:
    found = read_findings(FILES[name], "report").findings
    again = read_findings(render(found, file="report", sha256="0" * 64).encode(), "report")
    assert again.format == "assay"
    assert sorted(again.findings, key=lambda f: f.key) == sorted(found, key=lambda f: f.key)


def test_what_a_tool_or_a_person_called_no_finding_is_none() -> None:
    assert [f.title for f in read_findings(FILES["sarif"], "r").findings] == ["SQL injection", "names its software"]
    assert [f.title for f in read_findings(FILES["burp"], "r").findings] == ["SQL injection"]
    found = read_findings(FILES["har"], "r")
    assert len(found.findings) == 1 and "without a comment" in found.notes[0]


def test_the_same_finding_with_other_payloads_counts_once_and_the_better_one_stays() -> None:
    found = read_findings(FILES["zap"], "r")
    assert (len(found.findings), found.repeated) == (1, 1)
    assert found.findings[0].marks


def test_findings_in_code_keep_their_place() -> None:
    code = read_findings(FILES["sarif"], "r").findings[1]
    assert code.place == Location("shop.yaml", 6, 5) and code.severity is Severity.LOW and code.url == ""


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_another_format_than_named_is_refused(format: Any) -> None:
    other = "sarif" if format == "zap" else "zap"
    with pytest.raises(UsageError) as error:
        read_findings(FILES[other], "r.json", format)
    assert error.value.fix


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><issues>&b;</issues>'
FETCH = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><issues>&e;</issues>'
PARAMETER = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><issues/>'


@pytest.mark.parametrize(
    "data", [BOMB, FETCH, PARAMETER], ids=["billion laughs", "external entity", "parameter entity"]
)
def test_xml_with_entities_is_refused_before_they_mean_anything(data: bytes) -> None:
    with pytest.raises(UsageError, match="declares an entity") as error:
        read_findings(data, "r.xml")
    assert error.value.location == Location("r.xml", 1, error.value.location.column)


def test_an_external_document_type_is_not_fetched() -> None:
    data = b'<?xml version="1.0"?><!DOCTYPE issues SYSTEM "http://127.0.0.1:1/x.dtd"><issues/>'
    assert read_findings(data, "r.xml").findings == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]x",
        b"{",
        b"{}",
        b"<a>",
        b"<a/>",
        b"hello",
        b"\xff\xfe{",
        b"<" * 1000,
        b"<a>" * 500,
        b"[" * 100_000,
        b'{"runs": [' * 5000,
        b'{"a":1}\n{"b":2}\n',
        b'{"template-id": "x"}\n{broken}\n',
        b"<\xff/>",
        b'<?xml version="1.0" encoding="klingon"?><issues/>',
    ],
)
def test_what_is_no_report_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(UsageError) as error:
        read_findings(data, "r")
    assert error.value.sentence and error.value.fix


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _spoilt(value: Any, data: st.DataObject) -> Any:
    """The value with some parts replaced by anything."""
    if data.draw(st.integers(0, 12)) == 0:
        return data.draw(VALUES)
    if isinstance(value, dict):
        return {k: _spoilt(v, data) for k, v in value.items()}
    return [_spoilt(v, data) for v in value] if isinstance(value, list) else value


@given(st.data(), st.sampled_from(["sarif", "zap", "har", "nuclei", "assay"]))
@settings(max_examples=150, deadline=None)
def test_any_shape_is_read_or_refused(data: st.DataObject, name: str) -> None:
    raw = FILES["nuclei"].splitlines()[0] if name == "nuclei" else FILES.get(name)
    if raw is None:
        raw = render(read_findings(FILES["burp"], "r").findings, file="r", sha256="0" * 64).encode()
    spoilt = json.dumps(_spoilt(json.loads(raw), data)).encode()
    try:
        found = read_findings(spoilt, "r")
    except AssayError:
        return
    for finding in found.findings:
        assert finding.title and finding.key.isprintable() and finding.title.isprintable()


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for prefix in (b"", b"<issues>", b'{"runs":['):
        try:
            read_findings(prefix + data, "r")
        except AssayError:
            continue


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=30)


@given(
    st.builds(
        ImportedFinding,
        source=st.just("r"),
        tool=TEXTS.filter(bool),
        id=TEXTS.filter(bool),
        title=TEXTS.filter(bool),
        severity=st.sampled_from(Severity),
        method=st.sampled_from(["GET", "POST", ""]),
        url=st.sampled_from(["https://a.test/x?y=1", ""]),
        parameter=TEXTS,
        evidence=st.sampled_from(["", "a" * 64]),
        place=st.none() | st.builds(Location, TEXTS.filter(bool), st.integers(1, 9), st.integers(1, 9)),
        request=st.none()
        | st.builds(
            Request,
            st.just("/x?y=1"),
            st.just((("accept", "*/*"),)),
            st.none() | TEXTS.filter(bool),
            st.none() | st.just("text/plain"),
            st.booleans(),
            st.booleans(),
        ),
        marks=st.lists(
            st.builds(Mark, st.sampled_from(["text", "value"]), st.integers(1, 512), st.just("b" * 64)), max_size=2
        ).map(tuple),
    )
)
@settings(max_examples=80, deadline=None)
def test_what_is_kept_loses_nothing(finding: ImportedFinding) -> None:
    (again,) = read_findings(render([finding], file="r", sha256="0" * 64).encode(), "r").findings
    assert again == finding


def test_content_is_known_again_by_its_digests_only() -> None:
    marks = marks_of((), json.dumps(ANSWER))
    assert holds(marks, "", ANSWER)
    assert holds(marks, "", {"other": "x", "items": ANSWER["items"]})
    assert not holds(marks, "", {"items": []})
    assert not holds(marks, json.dumps(ANSWER), None)
    pointed = marks_of(["syntax error"], json.dumps(ANSWER))
    assert [m.kind for m in pointed] == ["text"]
    assert holds(pointed, "<b>syntax error</b> near", None)
    assert not holds(pointed, "<b>syntax e-rror</b>", None)
    assert not holds((), "anything", {"any": "thing"})


def test_a_payload_stays_as_it_was_written_and_the_host_goes() -> None:
    assert target_of("https://u:p@shop.test/a/%2e%2e/b?x=%27+OR#f") == "/a/%2e%2e/b?x=%27+OR"
    assert target_of("https://shop.test") == "/"
    assert target_of("https://shop.test?x=1") == "/?x=1"


def test_a_request_without_its_secret_is_not_the_same_request() -> None:
    clean = request_of("/a?x=1", [("X-Api-Key", "k"), ("Accept", "*/*"), ("Host", "a"), ("Content-Type", "text/plain")])
    assert clean == Request("/a?x=1", (("accept", "*/*"),), None, "text/plain", authenticated=True)
    assert request_of("/a?access_token=0123456789abcdef").redacted
    assert request_of("/a", body='{"password": "letmein12"}').redacted
    assert "letmein12" not in str(request_of("/a", body='{"password": "letmein12"}').body)
    assert request_of("/a", body="x" * 100_000).redacted


@pytest.mark.parametrize("text", ["\x1b[31mred\x1b[0m", "a\r\nb", "\u202eabc", "a" * 1000, "\ud800"])
def test_foreign_words_cannot_command_a_terminal(text: str) -> None:
    found = cleaned(text)
    assert found.isprintable() and len(found) <= 300
    found.encode()


@given(st.text(max_size=200))
def test_any_text_is_a_message_or_none(text: str) -> None:
    http_message(text)


def test_depth_of_xml_is_bounded() -> None:
    with pytest.raises(UsageError, match="too deeply"):
        xml_tree(b"<a>" * 200 + b"</a>" * 200, "r.xml")


def test_a_character_that_nobody_has_assigned_yet_is_not_shown_as_it_is() -> None:
    assert cleaned("before \U00018cd6 after") == "before \N{REPLACEMENT CHARACTER} after"
