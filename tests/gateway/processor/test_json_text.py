"""JSON passes through unharmed, and what parsers disagree about is refused."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway.processor.json_text import NotJson, encode, parse

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_every_document_survives(document: object, escaped: bool) -> None:
    assert json.loads(encode(parse(json.dumps(document, ensure_ascii=escaped).encode()))) == document


@settings(max_examples=150, deadline=None)
@given(st.recursive(st.text(st.characters()), lambda i: st.lists(i) | st.dictionaries(st.text(st.characters()), i)))
def test_lone_surrogates_survive_as_escapes(document: object) -> None:
    assert json.loads(encode(parse(json.dumps(document).encode()))) == document


@pytest.mark.parametrize(
    "number",
    ["1.10", "-0", "-0.0", "1e400", "1E+2", "123456789012345678901234567890", "0.1000000000000000055", "1e-400"],
)
def test_numbers_keep_their_text(number: str) -> None:
    assert encode(parse(f'{{"n": {number}, "s": "\\ud800"}}')) == f'{{"n":{number},"s":"\\ud800"}}'.encode()
    assert encode(parse(f"[{number}]")) == f"[{number}]".encode()


def test_a_number_of_any_length_survives() -> None:
    digits = "9" * 10_000
    assert encode(parse(digits)) == digits.encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"[1,]",
        b"{'a':1}",
        b'{"a":1}x',
        b'{"a":1}{"a":2}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"\\u0061":2}}]',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b'"\x00"',
        b'"\n"',
        b"01",
        b"1.",
        b"+1",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"nul",
    ],
)
def test_what_parsers_disagree_about_is_refused_without_being_quoted(text: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        parse(text)
    assert caught.value.fix
    assert caught.value.__cause__ is None


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200) | st.text('[]{}",:0123456789.eE+-truefalsn\\u d8', max_size=60).map(str.encode))
def test_arbitrary_bytes_are_read_as_every_parser_does_or_refused(text: bytes) -> None:
    try:
        value = parse(text)
    except NotJson:
        return
    expected = json.loads(text)
    again = json.loads(encode(value))
    assert again == expected or (isinstance(expected, float) and math.isinf(expected))


def test_deep_values_do_not_leak_a_recursion_error() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotJson):
        encode(value)
    while value:
        value = value.pop()  # type: ignore[assignment]  # unwound by hand: dropping it at once would recurse too
