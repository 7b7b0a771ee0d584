"""A diagnostic shows the line it speaks about, and points at the word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.declare.excerpt import excerpt
from assay.domain import Location

TEXT = "one: 1\ntwo: 22\nthree: 333\nfour: 4\n"


def test_the_lines_around_are_numbered_and_a_caret_points_at_the_column() -> None:
    assert excerpt(TEXT, Location("f", 2, 6)) == "1 | one: 1\n2 | two: 22\n  |      ^\n3 | three: 333"


def test_the_first_and_the_last_line_have_fewer_neighbours() -> None:
    assert excerpt(TEXT, Location("f", 1, 1)) == "1 | one: 1\n  | ^\n2 | two: 22"
    assert excerpt(TEXT, Location("f", 4, 1)) == "3 | three: 333\n4 | four: 4\n  | ^"
    assert excerpt(TEXT, Location("f", 4, 1), context=0) == "4 | four: 4\n  | ^"


def test_line_numbers_of_different_length_are_aligned() -> None:
    text = "\n".join(f"line {n}" for n in range(1, 12))
    assert excerpt(text, Location("f", 10, 1)) == " 9 | line 9\n10 | line 10\n   | ^\n11 | line 11"


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "x" * 300 + "HERE" + "y" * 300
    shown = excerpt(text, Location("f", 1, 301), width=60).split("\n")
    assert all(len(line) <= 60 for line in shown)
    assert shown[0].startswith("1 | …xx") and shown[0].endswith("yy…")
    assert shown[0][shown[1].index("^")] == "H"


def test_tabs_wide_and_hostile_characters_do_not_move_the_caret() -> None:
    assert excerpt("\ta: 漢字 b\x1b[31m", Location("f", 1, 8)) == "1 |  a: 漢字 b\ufffd[31m\n  |          ^"


def test_a_place_outside_the_text_shows_nothing() -> None:
    assert excerpt(TEXT, Location("f", 99, 1)) == ""


@given(
    st.text(max_size=200),
    st.integers(-3, 12),
    st.integers(-3, 250),
    st.integers(0, 3),
    st.integers(1, 120),
)
def test_every_excerpt_is_printable(text: str, line: int, column: int, context: int, width: int) -> None:
    shown = excerpt(text, Location("f", line, max(column, 1)), context=context, width=width)
    assert shown == "" or shown.count("^") >= 1
    assert "\x1b" not in shown and "\t" not in shown
