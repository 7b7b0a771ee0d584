"""RFC 8785: the same value is always the same bytes, and what readers of JSON would disagree on is refused."""

from __future__ import annotations

import json
import struct
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import AssayError
from assay.evidence.canonical import canonical, is_canonical, number

# RFC 8785, appendix B: IEEE 754 in hexadecimal, and the text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_the_rfc_lists_them(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert number(value) == text


def test_the_example_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


def test_names_are_sorted_by_utf16_as_in_the_example_of_the_rfc() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(written)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
def test_it_says_the_same_and_is_stable(value: object) -> None:
    written = canonical(value)
    assert json.loads(written, parse_int=float) == value
    assert is_canonical(written)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_canonical_or_not(data: bytes) -> None:
    if is_canonical(data):
        json.loads(data)


@pytest.mark.parametrize("data", [b'{"a": 1}', b'{"b":1,"a":2}', b"1.0", b'"\\u0041"', b"9007199254740993", b"NaN"])
def test_other_ways_to_write_it_are_told_apart(data: bytes) -> None:
    assert not is_canonical(data)


class Colour(StrEnum):
    RED = "red"


def test_a_word_of_an_enumeration_is_its_text() -> None:
    assert canonical({"c": Colour.RED}) == b'{"c":"red"}'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {1, 2},
        b"bytes",
        Ellipsis,
    ],
    ids=repr,
)
def test_what_readers_would_disagree_on_is_refused(value: object) -> None:
    with pytest.raises(AssayError):
        canonical(value)


def test_depth_is_bounded() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(AssayError):
        canonical(value)
    while value:  # takes it apart without recursion
        (value,) = value  # type: ignore[assignment]
