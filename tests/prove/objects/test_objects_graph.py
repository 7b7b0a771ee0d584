"""The graph finds what gives an identifier, by name, place, schema, link; and always ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.crater import package
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.declare.contract import Contract, parse_contract, placeholders, read_contract
from assay.domain import IncompleteError
from assay.prove.objects.graph import Graph, How, build, collection, prefix, template
from assay.prove.objects.naming import identifies, looks_like_id, same, singular

ROOT = Path(__file__).parents[3]
OBJECT = {"type": "object"}


def contract(paths: dict[str, Any], schemas: dict[str, Any] | None = None) -> Contract:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas or {}},
    }
    return parse_contract(json.dumps(document).encode(), name="t.json")


def operation(name: str, schema: Any = None, *, body: Any = None, status: str = "200", **more: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"description": "d", **more.pop("response", {})}
    if schema is not None:
        response["content"] = {"application/json": {"schema": schema}}
    found: dict[str, Any] = {"operationId": name, "responses": {status: response}, **more}
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def path(*names: str) -> list[dict[str, Any]]:
    return [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]


def props(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT = {"type": "string"}


def hows(graph: Graph, operation_id: str, name: str) -> list[tuple[How, str]]:
    return [(s.how, s.operation) for s in graph.parameters[operation_id, name]]


def test_the_example_needs_a_customer_before_an_order() -> None:
    graph = build(read_contract(ROOT / "examples/customer-data/openapi/customer-data.yaml"))
    assert graph.order("getOrder") == ("createCustomer", "createOrder")
    assert graph.order("listCustomers") == ()
    assert hows(graph, "getOrder", "orderId") == [(How.CREATED, "createOrder"), (How.LISTED, "listOrders")]
    assert hows(graph, "getCustomer", "customerId") == [
        (How.CREATED, "createCustomer"),
        (How.LISTED, "listCustomers"),
        (How.LISTED_ELSEWHERE, "exportCustomers"),
    ]


@pytest.mark.parametrize(
    ("answer", "parameter", "at"),
    [
        (props(customer_id=TEXT, id=TEXT), "customerId", ("customer_id",)),
        (props(id=TEXT, name=TEXT), "customerId", ("id",)),
        (props(customerUuid=TEXT), "uuid", ("customerUuid",)),
        (props(data=props(id=TEXT)), "customer_id", ("data", "id")),
        (props(name=TEXT), "name", ("name",)),
    ],
)
def test_a_created_thing_names_itself_in_its_own_way(answer: Any, parameter: str, at: tuple[str, ...]) -> None:
    graph = build(
        contract(
            {
                "/customers": {"post": operation("make", answer, status="201")},
                f"/customers/{{{parameter}}}": {"parameters": path(parameter), "get": operation("read")},
            }
        )
    )
    best = graph.parameters["read", parameter][0]
    assert (best.how, best.operation, best.at) == (How.CREATED, "make", at)


def test_without_a_declared_answer_the_location_is_left() -> None:
    graph = build(
        contract(
            {
                "/things": {"post": operation("make", status="201")},
                "/things/{thing}": {"parameters": path("thing"), "get": operation("read")},
            }
        )
    )
    assert graph.parameters["read", "thing"][0].at == ()


def test_links_come_first_and_schemas_tell_names_apart() -> None:
    link = {"response": {"links": {"It": {"operationId": "read", "parameters": {"w": "$response.body#/made/0/code"}}}}}
    linked = contract(
        {
            "/widgets": {"post": operation("make", OBJECT, status="201", **link)},
            "/widgets/{w}": {"parameters": path("w"), "get": operation("read")},
        }
    )
    best = build(linked).parameters["read", "w"][0]
    assert (best.how, best.at) == (How.LINKED, ("made", "*", "code"))
    reference = {"$ref": "#/components/schemas/AccountId"}
    by_schema = contract(
        {
            "/reports": {"get": operation("report", props(holder=reference))},
            "/balance/{of}": {
                "parameters": [{"name": "of", "in": "path", "required": True, "schema": reference}],
                "get": operation("read"),
            },
        },
        {"AccountId": {"type": "string"}},
    )
    assert hows(build(by_schema), "read", "of") == [(How.LISTED_ELSEWHERE, "report")]


def test_bodies_and_queries_that_name_other_things_are_known() -> None:
    body = props(customerId=TEXT, note=TEXT) | {"required": ["customerId", "note"]}
    query = [{"name": "customer_id", "in": "query", "required": True, "schema": TEXT}]
    graph = build(
        contract(
            {
                "/customers": {"post": operation("make", props(id=TEXT), status="201")},
                "/orders": {
                    "post": operation("order", props(id=TEXT), body=body, status="201"),
                    "get": operation("orders", parameters=query),
                },
            }
        )
    )
    (reference,) = graph.references["order"]
    assert (reference.location, reference.at, reference.sources[0].operation) == ("body", ("customerId",), "make")
    (asked,) = graph.references["orders"]
    assert (asked.location, asked.sources[0].operation) == ("query", "make")


def test_circles_end() -> None:
    graph = build(
        contract(
            {
                "/a/{bId}": {"parameters": path("bId"), "get": operation("a", props(aId=TEXT))},
                "/b/{aId}": {"parameters": path("aId"), "get": operation("b", props(bId=TEXT))},
            }
        )
    )
    assert graph.order("a") == ("b",)
    assert graph.order("b") == ("a",)


names = st.sampled_from(["a", "b", "aId", "b_id", "id", "items", "name"])
segments = st.lists(st.one_of(names, names.map(lambda n: f"{{{n}}}")), min_size=1, max_size=4)
answers = st.recursive(
    st.just(TEXT),
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=3).map(lambda p: {"type": "object", "properties": p}),
        inner.map(lambda i: {"type": "array", "items": i}),
        st.just({"$ref": "#/components/schemas/Loop"}),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(segments.map(lambda s: "/" + "/".join(s)), st.tuples(answers, answers), min_size=1, max_size=6))
def test_a_graph_over_any_contract_ends_and_orders_what_it_knows(paths: dict[str, tuple[Any, Any]]) -> None:
    document: dict[str, Any] = {}
    seen: set[str] = set()
    for number, (written, (read, made)) in enumerate(paths.items()):
        if template(written) in seen or len(set(placeholders(written))) != len(placeholders(written)):
            continue
        seen.add(template(written))
        document[written] = {
            "parameters": path(*placeholders(written)),
            "get": operation(f"get{number}", read),
            "post": operation(f"post{number}", made, body=made),
            "put": operation(f"put{number}"),
        }
    loop = {"Loop": props(id=TEXT, next={"$ref": "#/components/schemas/Loop"})}
    graph = build(contract(document, loop))
    for known in graph.operations.values():
        order = graph.order(known.id)
        assert len(order) == len(set(order))
        assert known.id not in order
        for name in placeholders(known.path):
            costs = [s.cost for s in graph.parameters[known.id, name]]
            assert costs == sorted(costs)


@pytest.mark.slow
@pytest.mark.integration
def test_graphs_over_real_contracts_end_and_reach_most_parameters() -> None:
    try:
        documents = package.documents(ROOT / package.CACHE)
    except IncompleteError as error:
        pytest.skip(f"{error.sentence}: {error.fix}")
    sample = json.loads((ROOT / "tests/crater/sample.json").read_text(encoding="utf-8"))
    wanted = reached = 0
    for name in [n for n, refused in sample.items() if not refused][:20]:
        graph = build(read_contract(package.file_of(documents, name)))
        for operation_id in graph.operations:
            graph.order(operation_id)
        wanted += len(graph.parameters)
        reached += sum(bool(sources) for sources in graph.parameters.values())
    assert wanted > 50
    assert reached / wanted > 0.4


def test_names_of_one_thing_are_one_name() -> None:
    assert same("customerId", "customer_id")
    assert same("CustomerID", "customer-id")
    assert not same("customerId", "orderId")
    assert looks_like_id("order_uuid")
    assert not looks_like_id("valid")
    assert not looks_like_id("id")
    assert [singular(w) for w in ("companies", "boxes", "orders", "status", "news")][:4] == [
        "company",
        "box",
        "order",
        "status",
    ]
    assert identifies("id", "customerId", "customers") == 1
    assert identifies("id", "customerId", "orders") == 3
    assert identifies("name", "customerId", "customers") is None


def test_places_in_paths() -> None:
    assert prefix("/a/{x}/b/{y}/c", "x") == "/a/{x}"
    assert collection("/a/{x}/b/{y}/c", "y") == ("/a/{x}/b", "b")
    assert collection("/{x}", "x") == ("", "")
