"""Two operations that one request could mean are found, whatever the number of paths, and nothing else is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.api_gateway.design import is_reserved
from assay.controls.api_gateway.paths import ANY, Shapes, order, rivals, shape, usable_base
from assay.declare.contract import match_order

SEGMENT = st.sampled_from(["a", "b", "c", "{x}"])
TEMPLATE = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda s: "/" + "/".join(s))


def _paths(template: str) -> set[str]:
    options = [["a", "b", "c", "z"] if s == "{x}" else [s] for s in template.split("/")[1:]]
    return {"/" + "/".join(chosen) for chosen in product(*options)}


@given(st.lists(TEMPLATE, min_size=1, max_size=8), TEMPLATE)
def test_overlaps_are_those_that_share_a_path(templates: list[str], asked: str) -> None:
    found = set(Shapes(shape(t) for t in templates).overlapping(shape(asked)))
    assert found == {i for i, t in enumerate(templates) if _paths(t) & _paths(asked)}


@given(TEMPLATE, TEMPLATE)
def test_the_more_concrete_of_two_overlapping_templates_is_tried_first(one: str, other: str) -> None:
    if shape(one) == shape(other) or not _paths(one) & _paths(other) or rivals(shape(one), shape(other)):
        return
    assert sorted([one, other], key=lambda t: (order(t), t)) == match_order([one, other])


def test_partly_templated_segments_are_compared_by_their_literal_parts() -> None:
    shapes = Shapes([("", f"{ANY}.json"), ("", "report.json"), ("", "report.csv")])
    assert set(shapes.overlapping(("", "report.json"))) == {0, 1}
    assert set(shapes.overlapping(("", f"report.{ANY}"))) == {0, 1, 2}


def test_a_contract_made_to_be_slow_is_given_up_on_in_time() -> None:
    shapes = Shapes([("", f"a{i}", ANY) for i in range(2000)], budget=10_000)
    for i in range(2000):
        list(shapes.overlapping(("", ANY, f"b{i}")))
    assert shapes.exhausted


@pytest.mark.parametrize(
    ("base", "usable"),
    [
        ("", True),
        ("/v1", True),
        ("/a/b-c/v1.2", True),
        ("v1", False),
        ("/a//b", False),
        ("/a/../b", False),
        ("/.", False),
        ("/{tenant}", False),
        ("/a b", False),
        ("/a?b", False),
        ("/a#b", False),
    ],
)
def test_only_plain_paths_are_served(base: str, usable: bool) -> None:
    assert usable_base(base) is usable


def test_headers_that_change_the_meaning_of_a_call_are_reserved() -> None:
    assert all(is_reserved(h) for h in ("X-HTTP-Method-Override", "x-original-url", "X-Assay-Operation", "x-envoy-foo"))
    assert not any(is_reserved(h) for h in ("X-Request-Id", "If-Match", "Accept"))
