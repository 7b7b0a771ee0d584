"""Pointers of a JSON text lead to the line that an editor shows."""

from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from assay.scanning.positions import lines_of
from assay.scanning.scanner import escaped

NAMES = st.text(max_size=4) | st.sampled_from(["a/b", "c~d", '"', "\\", "{", "]", ":", ",", " \n"])
SHAPES = st.recursive(
    st.none(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)


@given(SHAPES, st.sampled_from([None, 0, 2]))
def test_every_value_is_found_on_its_line(shape, indent):
    numbers = itertools.count()
    leaves: dict[str, str] = {}

    def marked(value, path):
        if isinstance(value, list):
            return [marked(v, f"{path}/{i}") for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: marked(v, f"{path}/{escaped(k)}") for k, v in value.items()}
        leaves[path] = f"leaf-{next(numbers)}-"
        return leaves[path]

    text = json.dumps(marked(shape, ""), indent=indent)
    found = lines_of(text, leaves)
    assert found.keys() == leaves.keys()
    lines = text.split("\n")
    assert all(f'"{leaf}"' in lines[found[path] - 1] for path, leaf in leaves.items())


def test_what_is_not_there_is_left_out_and_the_first_of_two_counts():
    assert lines_of('{"a": 1,\n"a": 2}', {"/a", "/b"}) == {"/a": 1}
    assert lines_of("[]", {"/0", ""}) == {"": 1}
