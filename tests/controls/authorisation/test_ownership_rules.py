"""Ownership rules are read strictly: what is enforced is exactly what was written, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.authorisation.owns import parse
from assay.domain import AssayError, Location
from assay.gateway.ir import Ownership

HERE = Location("assay.yaml", 3, 7)
NAME = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)


@given(
    parameter=NAME,
    claim=st.lists(NAME, min_size=1, max_size=4),
    swapped=st.booleans(),
    gap=st.sampled_from(["", " ", "  "]),
)
def test_either_side_may_come_first(parameter: str, claim: list[str], swapped: bool, gap: str) -> None:
    sides = [f"path.{parameter}", f"token.{'.'.join(claim)}"]
    text = f"{gap}=={gap}".join(reversed(sides) if swapped else sides)
    assert parse(text, HERE) == Ownership(parameter=parameter, claim=tuple(claim))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "path.id",
        "path.id = token.sub",
        "path.id != token.sub",
        "path.id == token.",
        "path.id == token..sub",
        "path.id == token.sub.",
        "path. == token.sub",
        "path.id == path.id",
        "token.sub == token.sub",
        "path.id == token.sub || true",
        "path.id == token.sub == path.id",
        "path.id == query.sub",
        "PATH.id == token.sub",
        "path.id\n== token.sub",
        "path.id == token['sub']",
        'path.id == "c-1"',
    ],
)
def test_any_other_form_is_refused_where_it_stands(text: str) -> None:
    with pytest.raises(AssayError) as error:
        parse(text, HERE)
    assert error.value.location == HERE
    assert "path.PARAMETER == token.CLAIM" in error.value.fix


@given(st.text(max_size=200))
def test_no_text_gives_anything_but_a_rule_or_a_diagnosis(text: str) -> None:
    try:
        found = parse(text, HERE)
    except AssayError:
        return
    assert found.parameter and all(found.claim)
    assert f"path.{found.parameter}" in text and f"token.{'.'.join(found.claim)}" in text
