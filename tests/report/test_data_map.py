"""The data map as a picture: the same for the same declaration, safe to open, and levels that can be told apart."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.model import LEVELS
from assay.report.datamap import COLUMNS, Box, Edge, Picture, Row, Shade, render

SVG = "{http://www.w3.org/2000/svg}"
SHADES = st.builds(Shade, st.sampled_from(LEVELS), st.sampled_from(LEVELS))
BOXES = st.builds(
    Box,
    id=st.text(max_size=8),
    column=st.integers(0, len(COLUMNS) - 1),
    title=st.text(max_size=60),
    subtitle=st.text(max_size=60),
    shade=st.none() | SHADES,
    rows=st.lists(st.builds(Row, st.text(max_size=40), SHADES), max_size=3).map(tuple),
    alarm=st.text(max_size=60),
)


def _picture(*boxes: Box, edges: tuple[Edge, ...] = ()) -> Picture:
    return Picture("Shop", boxes, edges)


@settings(deadline=None)
@given(st.lists(BOXES, max_size=5, unique_by=lambda b: b.id), st.text(max_size=30))
def test_whatever_names_hold_it_is_xml_without_foreign_elements(boxes, title):
    edges = tuple(Edge(a.id, b.id, a.shade) for a, b in itertools.product(boxes, boxes))
    text = render(Picture(title, tuple(boxes), edges, (title,)))
    tree = ET.fromstring(text)  # noqa: S314 - our own
    assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "text", "g")
    }
    assert not any(name.startswith("on") for e in tree.iter() for name in e.attrib)


def test_the_same_picture_makes_the_same_bytes():
    box = Box("systems.a", 0, "a", rows=(Row("customer", Shade("internal", "restricted")),))
    assert render(_picture(box)) == render(_picture(box))


def test_claimed_and_verified_levels_are_both_shown_where_they_differ():
    same = render(_picture(Box("a", 0, "a", shade=Shade("restricted", "restricted"))))
    differing = render(_picture(Box("a", 0, "a", shade=Shade("internal", "restricted"))))
    assert 'class="hollow' not in same
    assert "internal, if every declared transformation works" in differing
    assert 'class="chip l-restricted"' in differing


def test_edges_that_rely_on_unverified_transformations_are_dashed():
    boxes = (Box("systems.a", 0, "a"), Box("flows.f", 1, "f"))
    text = render(_picture(*boxes, edges=(Edge("systems.a", "flows.f", Shade("internal", "special")),)))
    assert 'class="edge l-special claimed"' in text
    assert "stroke-dasharray" in text


def test_it_follows_the_readers_light_or_dark_setting_and_loads_nothing():
    text = render(_picture(Box("a", 0, "a")))
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_boxes_of_a_column_do_not_overlap():
    boxes = [Box(f"b{n}", n % 4, f"b{n}", rows=(Row("x", Shade("public", "public")),) * (n % 5)) for n in range(40)]
    tree = ET.fromstring(render(_picture(*boxes)))  # noqa: S314 - our own
    found: dict[int, list[tuple[int, int]]] = {}
    for rect in tree.iter(f"{SVG}rect"):
        if rect.get("class") == "box":
            top = int(rect.get("y", "0"))
            found.setdefault(int(rect.get("x", "0")), []).append((top, top + int(rect.get("height", "0"))))
    assert len(found) == 4
    for column in found.values():
        assert all(a[1] < b[0] for a, b in itertools.pairwise(sorted(column)))
