"""A route is passed over by the start of a path only when its expression could not match that path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.envoy.prefixes import literal_start


@pytest.mark.parametrize(
    ("pattern", "start"),
    [
        ("^/v1/items/[^/]+$", "/v1/items/"),
        (r"^/v1\.0/items\-x/-?[0-9]{1,19}$", "/v1.0/items-x/"),
        ("^/caf%C3%A9/[^/]+$", "/caf%C3%A9/"),
        ("^/items?/[^/]+$", "/item"),
        (r"^/a\.?b$", "/a"),
        ("^/a{2}$", "/"),
        ("^/(?:a|b)/c$", "/"),
        ("^/a|/b$", ""),
        ("^/a[|]b$", "/a"),
        (r"^/a\|b$", "/a"),
        ("^/[(]a|/b$", ""),
        ("(?i:/things)$", ""),
        ("/things/.*", ""),
        ("", ""),
    ],
)
def test_the_start_is_what_every_match_begins_with(pattern: str, start: str) -> None:
    assert literal_start(pattern) == start


@given(
    pieces=st.lists(
        st.sampled_from(["/", "a", "b", r"\.", "?", "*", "{2}", "(a|b)", "(?:a|/)", "[^/]+", "|", "[|]", r"\|", "%"]),
        max_size=8,
    ),
    path=st.text(alphabet="/ab.|%", max_size=10),
)
def test_no_path_is_lost(pieces: list[str], path: str) -> None:
    pattern = "^" + "".join(pieces) + "$"
    try:
        matches = re.search(pattern, path)
    except re.error:
        return
    if matches:
        assert path.startswith(literal_start(pattern))
