"""Chains are found however long, circles are found, and who is admitted follows from where everybody stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.base import Context
from assay.controls.layered_architecture.design import design
from assay.controls.layered_architecture.graph import Edge, Graph
from assay.controls.layered_architecture.layers import admitted
from assay.declare.declaration import Declaration
from assay.domain import DeclarationError, Outcome, Verdict

NODES = [f"apis.{n}" for n in "abcdef"]
EDGES = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=14)
Declared = Callable[..., Declaration]


def graph(edges: list[tuple[str, str]]) -> Graph:
    made = Graph()
    for start, end in edges:
        made.add(Edge(start, end, ("apis",)))
    return made


def distances(edges: list[tuple[str, str]], start: str) -> dict[str, int]:
    """Breadth first, the plain way."""
    found, border, steps = {start: 0}, {start}, 0
    while border:
        steps += 1
        border = {e for s, e in edges if s in border} - found.keys()
        found.update(dict.fromkeys(border, steps))
    return found


@given(EDGES, st.sampled_from(NODES))
def test_every_indirect_chain_is_found_and_is_a_shortest_one(edges: list[tuple[str, str]], start: str) -> None:
    chains = {chain[-1].end: chain for chain in graph(edges).chains(start, NODES)}
    expected = {node: steps for node, steps in distances(edges, start).items() if node != start}
    assert {node: len(chain) for node, chain in chains.items()} == expected
    for chain in chains.values():
        assert chain[0].start == start
        assert all(one.end == two.start for one, two in pairwise(chain))
        assert {(e.start, e.end) for e in chain} <= set(edges)


@given(EDGES)
def test_a_circle_is_told_exactly_when_something_leads_back_to_itself(edges: list[tuple[str, str]]) -> None:
    circles = list(graph(edges).circles())
    on_one = {n for n in NODES if any(n in distances(edges, e) for s, e in edges if s == n)}
    assert bool(circles) == bool(on_one)
    for circle in circles:
        assert circle[-1].end == circle[0].start
        assert all(one.end == two.start for one, two in pairwise(circle))
        assert {e.start for e in circle} <= on_one


HEAD = """\
assay: 1
organisation: {name: Northwind}
environments: {test: {tier: non-production, issuer: {url: https://login.example/test, audience: shop}}}
"""


def api(name: str, layer: str, *backed: str, roles: str = "any") -> str:
    behind = f"backed_by: [{', '.join(backed)}], " if backed else ""
    return (
        f"  {name}: {{owner: o, exposure: internal, environment: test, contract: shop.yaml, path: /{name}, "
        f'upstream: "https://{name}.internal", layer: {layer}, {behind}'
        f'access: [{{roles: [{roles}], operations: ["*"]}}]}}\n'
    )


def consumer(name: str, acts_for: str = "", roles: str = "any") -> str:
    acting = f"acts_for: {acts_for}, " if acts_for else ""
    return f"  {name}: {{kind: service, {acting}roles: [{roles}], authenticate: {{mtls: {{san: {name}.internal}}}}}}\n"


def judged(declaration: Declaration) -> list[Verdict]:
    return list(design(Context(declaration, date(2026, 7, 1), frozenset())))


@pytest.fixture
def three(declared: Declared) -> Declaration:
    apis = api("front", "experience", "middle") + api("middle", "innovation", "back") + api("back", "record")
    people = consumer("outside") + "".join(consumer(f"{n}-service", n) for n in ("front", "middle", "back"))
    return declared(f"{HEAD}apis:\n{apis}consumers:\n{people}")


def test_each_api_admits_the_layer_before_it_and_its_own(three: Declaration) -> None:
    who = admitted(three)
    assert who["front"].only is None
    assert who["front"].never == ("back-service", "middle-service")
    assert who["middle"].only == ("front-service", "middle-service")
    assert who["back"].only == ("back-service", "middle-service")
    assert not any(found.anonymous for found in who.values())


def test_an_allowance_admits_one_more_and_nobody_else(declared: Declared) -> None:
    contract = "architecture: {contracts: {in: {kind: layers, allow: [{from: outside, to: back, reason: batch}]}}}\n"
    apis = api("front", "experience") + api("back", "system")
    people = consumer("outside") + consumer("other")
    who = admitted(declared(f"{HEAD}{contract}apis:\n{apis}consumers:\n{people}"))
    assert who["back"].only == ("outside",)


def test_a_caller_whose_layer_is_not_known_is_not_admitted_inside(declared: Declared) -> None:
    lost = api("lost", "process").replace("layer: process, ", "")
    text = f"{HEAD}apis:\n{api('front', 'experience')}{api('back', 'system')}{lost}consumers:\n{consumer('x', 'lost')}"
    who = admitted(declared(text))
    assert who["back"].only == ()
    assert who["front"].never == ()


def test_without_any_layer_nothing_is_judged_and_nobody_kept_out(declared: Declared) -> None:
    one = declared(f"{HEAD}apis:\n{api('front', 'process').replace('layer: process, ', '')}")
    assert admitted(one) == {}
    assert {v.outcome for v in judged(one)} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        ("{kind: forbidden, from: [front]}", "names `to`"),
        ("{kind: independence, members: [front]}", "two `members`"),
        ("{kind: protected, members: [front], to: [front]}", "has no `to`"),
        ("{kind: forbidden, from: [frnt], to: [front]}", "no API, system or consumer `frnt`"),
        ("{kind: layers, allow: [{from: front, to: front, reason: ''}]}", "reason"),
    ],
)
def test_a_contract_that_cannot_be_meant_is_refused_where_it_stands(
    declared: Declared, contract: str, words: str
) -> None:
    with pytest.raises(DeclarationError) as error:
        declared(f"{HEAD}architecture: {{contracts: {{c: {contract}}}}}\napis:\n{api('front', 'experience')}")
    assert words in str(error.value)


def test_many_apis_and_systems_are_judged_in_no_time(declared: Declared) -> None:
    names = [f"a{i}" for i in range(90)]
    apis = "".join(
        api(n, ("experience", "process", "system")[i % 3], *([names[i + 1]] if i % 3 < 2 else []))
        for i, n in enumerate(names)
    )
    systems = "".join(f"  s{i}: {{kind: database, environment: test, owner: o}}\n" for i in range(300))
    flows = "".join(f"  f{i}: {{from: s{i % 300}, to: s{(i * 7 + 1) % 300}}}\n" for i in range(1000))
    people = "".join(consumer(f"c{i}", f"a{i % 90}") for i in range(200))
    forbidden = "architecture: {contracts: {x: {kind: forbidden, from: [s0, s1], to: [s298, s299]}}}\n"
    text = f"{HEAD}{forbidden}apis:\n{apis}systems:\n{systems}flows:\n{flows}consumers:\n{people}"
    declaration = declared(text)
    started = time.process_time()
    verdicts = judged(declaration)
    assert time.process_time() - started < 1
    assert any(v.check == "call-in-circle" for v in verdicts)
