"""Whatever a value can hold at any depth is found, however schemas refer to each other."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.declare.contract import Contract, SchemaRef, parse_contract
from assay.declare.reach import within

SIZE = 8
NUMBERS = st.integers(0, SIZE - 1)


def _ref(number: int) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/S{number}"}


def _contract(edges: list[tuple[int, int]], kinds: list[str]) -> Contract:
    schemas: dict[str, Any] = {
        f"S{n}": {"type": "object", "properties": {f"own{n}": {"type": "string"}}} for n in range(SIZE)
    }
    for (at, to), kind in zip(edges, kinds, strict=True):
        if kind == "property":
            schemas[f"S{at}"]["properties"][f"p{to}"] = _ref(to)
        elif kind == "items":
            schemas[f"S{at}"]["properties"][f"l{to}"] = {"type": "array", "items": _ref(to)}
        else:
            schemas[f"S{at}"].setdefault(kind, []).append(_ref(to))
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {},
        "components": {"schemas": schemas},
    }
    return parse_contract(json.dumps(document).encode(), name="t.json")


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=20, unique=True).flatmap(
        lambda edges: st.tuples(
            st.just(edges),
            st.lists(
                st.sampled_from(("property", "items", "allOf", "anyOf")), min_size=len(edges), max_size=len(edges)
            ),
        )
    ),
    st.permutations(range(SIZE)),
)
def test_what_can_be_reached_is_found_in_whichever_order_it_is_asked_for(
    graph: tuple[list[tuple[int, int]], list[str]], asked: list[int]
) -> None:
    edges, kinds = graph
    contract = _contract(edges, kinds)
    for start in asked:
        expected, waiting = {start}, [start]
        while waiting:
            at = waiting.pop()
            new = {to for source, to in edges if source == at} - expected
            expected |= new
            waiting.extend(new)
        inside = within(contract, SchemaRef("t.json", f"#/components/schemas/S{start}"))
        assert {n for n in range(SIZE) if inside.names(f"own{n}")} == expected
        assert {n for n in range(SIZE) if inside.described_by(f"#/components/schemas/S{n}")} == expected


def test_a_property_that_is_a_list_is_looked_into_from_where_it_stands() -> None:
    contract = _contract([(0, 1), (1, 2)], ["items", "property"])
    inside = within(contract, SchemaRef("t.json", "#/components/schemas/S0/properties/l1"))
    assert inside.names("own2")
    assert not inside.names("own0"), "what stands around it is not inside it"
