"""Whatever comes in: no error leaves, no value leaves, and time stays in bounds."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import Confidence
from assay.scanning import Bounds, scan_bytes, scan_text, scan_value
from assay.scanning.context import NOWHERE, context_of
from assay.scanning.scanner import DETECTORS, detect

NAMES = st.sampled_from(
    ["email", "phone", "name", "address", "dob", "card", "zip", "password", "token", "lat", "id", ""]
)
WRITTEN = """
4111 1111 1111 1111|@|a@b.c|eyJhbGciOiJIUzI1NiJ9.e30.|::|1.2.3.4|+31 6 |-----BEGIN |1980-02-03|DE89|AKIA|$2b$12$|٣٤٥
４１１１|Mr |Street| 12 |api_key=|~/|'""".replace("\n", "|")
PIECES = st.sampled_from([*WRITTEN.split("|"), "\u00a0", "\ud83d\ude00", "\0"])
TEXT = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=12).map("".join)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.one_of(NAMES, TEXT), inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(NAMES, TEXT)
def test_any_text_is_scanned_without_an_error_and_spans_lie_within(name, text):
    for found in scan_text(text, name=name).found:
        assert 0 <= found.start < found.end <= len(text)
        assert found.detector in DETECTORS


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json_value_is_scanned_without_an_error(value):
    scan_value(value)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_scanned_without_an_error(data):
    scan_bytes(data)


@settings(max_examples=100, deadline=None)
@given(NAMES, TEXT)
def test_no_finding_shows_a_letter_or_digit_of_the_value(name, text):
    for found in scan_value({name: text}).found:
        assert set(found.shape) & set("012345678") == set()
        assert not any(c.isalpha() and c not in "xX" for c in found.shape)


REPEATED = """
1|1 |1-|a|A1|@|a@|a.|a@a.|1.|:|a:|+1|+31 |(1)|eyJ|eyJa.|12 A |Ab |1234 |DE89 |AB12 CD34 |-----BEGIN |$2b$|key=|api_key_
secret|Mr A|rue |1, |xox-|1980-|12.|'a |gh|AKIA|van |A-|A' |tokentoken""".replace("\n", "|")


@pytest.mark.parametrize("piece", REPEATED.strip("|").split("|"))
def test_no_repetition_makes_it_slow(piece):
    for name in ("", "phone_address"):
        context = context_of(name) if name else NOWHERE

        def spent(length: int, context=context) -> float:
            text = piece * (length // len(piece)) + "!"
            start = time.process_time()
            list(detect(text, context))
            return time.process_time() - start

        small = min(spent(2_000), spent(2_000))
        large = spent(16_000)
        # Linear is a factor of 8; quadratic would be 64.
        assert large < max(30 * small, 0.2), f"{piece!r} under {name!r}: {small:.4f} s, then {large:.4f} s"


def test_deep_and_long_inputs_are_cut_and_it_is_said():
    deep: object = "jo.day@example.com"
    for _ in range(300):
        deep = [deep]
    assert "deeper" in scan_value(deep).unread
    assert "deeper" in scan_bytes(json.dumps(deep).encode()).unread
    scan = scan_bytes(b'["' + b"x" * 5_000 + b'"]', bounds=Bounds(size=1_000))
    assert "first 1000 of 5004 bytes" in scan.unread
    assert "first 10 values" in scan_value(["a"] * 50, bounds=Bounds(values=10)).unread
    assert "first 100 characters" in scan_text("x" * 500, bounds=Bounds(text=100)).unread
    assert "after 3 findings" in scan_value(["jo.day@example.com"] * 9, bounds=Bounds(found=3)).unread


def test_json_that_cannot_be_parsed_is_still_read_as_text():
    for text in ("[" * 100_000 + '"jo.day@example.com"', '{"n": ' + "9" * 5_000 + ', "mail": "jo.day@example.com"}'):
        assert [f.detector for f in scan_bytes(text.encode(), least=Confidence.HIGH).found] == ["email"]


def test_a_name_that_stands_twice_in_an_object_hides_nothing():
    scan = scan_bytes(b'{"note": "jo.day@example.com", "note": "nothing"}')
    assert [(f.path, f.detector) for f in scan.found] == [("/note", "email")]


def test_pointers_are_escaped_and_names_that_are_personal_data_are_not_shown():
    scan = scan_value({"a/b": {"c~d": ["jo.day@example.com"]}, "ann.lee@example.com": 1})
    assert [f.path for f in scan.found] == ["/a~1b/c~0d/0", "/xxx.xxx@xxxxxxx.xxx"]
    assert scan.found[1].within == "name"


def test_bytes_that_are_no_text_say_so():
    scan = scan_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert (scan.kind, scan.found) == ("binary", ())
    assert scan.unread
    assert scan_bytes('{"mail": "jo.day@example.com"}'.encode("utf-16")).found[0].path == "/mail"
