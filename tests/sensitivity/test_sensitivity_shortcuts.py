"""What is worked out in fewer steps is the same as worked out in all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.sensitivity.dpia import _Joined
from assay.sensitivity.label import Label, join
from assay.sensitivity.pieces import Piece
from assay.sensitivity.principals import Reached

_WORDS = st.frozensets(st.sampled_from(("a", "b", "c")), max_size=2)


@st.composite
def _pieces(draw: st.DrawFn) -> dict[str, Piece]:
    return {
        name: Piece(
            name,
            draw(st.integers(0, 4)),
            draw(st.sampled_from(("", "user.name", "user.health_and_medical"))),
            direct=draw(st.booleans()),
            bits=draw(st.sampled_from((0.0, 3.0, 11.0))),
            sensitive=draw(_WORDS),
            keys=draw(_WORDS),
            population=draw(st.sampled_from((None, 10, 1_000))),
            via=draw(_WORDS),
        )
        for name in draw(st.lists(st.sampled_from(("p.x", "p.y", "p.z")), unique=True, max_size=3))
    }


@given(st.lists(_pieces(), max_size=5))
def test_an_assessment_sees_what_a_join_of_all_labels_says(parts: list[dict[str, Piece]]) -> None:
    labels = [Label(part) for part in parts]
    short, whole = _Joined(labels), join(labels)
    assert short.categories == whole.categories
    assert short.sensitive == whole.sensitive.keys()


@pytest.mark.parametrize("certain", [True, False])
def test_the_keys_of_an_object_are_remembered_for_that_object_only(certain: bool) -> None:
    named = {"p.x": Piece("p.x", 2, direct=True)}
    one = Reached("d", "systems.s", named, named, ())
    assert (one.certain_keys if certain else one.keys) == {"p.x"}
    other = replace(one, claimed={}, verified={})
    assert (other.certain_keys if certain else other.keys) == frozenset()
