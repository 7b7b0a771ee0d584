"""Findings land on the operation that their URL or their place belongs to, and say so when they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.importing.findings.finding_files import CONTRACT, DECLARATION, FILES

from assay.declare.loader import load
from assay.domain import Location, Severity
from assay.importing.findings import ImportedFinding, Routes, read_findings

FINDING = ImportedFinding(source="r", tool="t", id="i", title="x", severity=Severity.LOW, method="GET")


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    return _routes(tmp_path_factory.mktemp("shop"))


def _routes(folder: Path, more: str = "") -> Routes:
    (folder / "shop.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(DECLARATION + more)
    return Routes(load(folder, environ={}))


@pytest.mark.parametrize(
    ("method", "url", "operation"),
    [
        ("GET", "https://shop.test/v2/orders?search=1", "listOrders"),
        ("POST", "https://shop.test/v2/orders", "placeOrder"),
        ("GET", "http://10.0.0.1:8000/api/orders/o-1", "getOrder"),
        ("GET", "https://elsewhere.test/v2/orders/latest", "latestOrder"),
        ("GET", "/v2/orders/o%2F1", "getOrder"),
        ("", "https://shop.test/v2/orders/o-1", "getOrder"),
        ("", "https://shop.test/v2/orders", ""),
        ("DELETE", "https://shop.test/v2/orders", ""),
        ("GET", "https://shop.test/v2/debug", ""),
    ],
)
def test_a_url_lands_on_its_operation(routes: Routes, method: str, url: str, operation: str) -> None:
    landing = routes.land(replace(FINDING, method=method, url=url))
    assert (landing.api, landing.operation) == ("shop", operation)
    assert bool(landing.why) == (not operation)


def test_path_parameters_are_known(routes: Routes) -> None:
    assert routes.land(replace(FINDING, url="https://shop.test/v2/orders/o-1")).params == (("orderId", "o-1"),)


@pytest.mark.parametrize("url", ["https://shop.test/other", "https://shop.test/", "https://[", "mailto:x"])
def test_what_no_api_has_lands_nowhere_and_says_why(routes: Routes, url: str) -> None:
    landing = routes.land(replace(FINDING, url=url))
    assert landing.api == "" and landing.why


def test_a_place_in_a_contract_is_one_in_its_operation(routes: Routes) -> None:
    at = routes.land(replace(FINDING, place=Location("shop.yaml", 8)))
    assert (at.api, at.operation) == ("shop", "listOrders")
    assert routes.land(replace(FINDING, place=Location("shop.yaml", 1))).operation == ""
    assert routes.land(replace(FINDING, place=Location("main.py", 1))).api == ""
    assert routes.land(FINDING).why


def test_of_two_apis_at_one_path_the_host_decides_then_where_it_was_declared(tmp_path: Path) -> None:
    other = (
        '  other: {owner: shop, exposure: public, environment: test, contract: shop.yaml, upstream: "http://b.test"}\n'
    )
    both = _routes(tmp_path, other)
    assert both.land(replace(FINDING, url="http://b.test/v2/orders")).api == "other"
    tied = replace(FINDING, url="http://c.test/v2/orders")
    assert both.land(tied).api == "" and "more than one" in both.land(tied).why
    assert both.land(tied, declared_at="shop").api == "shop"


@pytest.mark.parametrize("name", FILES)
def test_what_each_tool_reports_lands(routes: Routes, name: str) -> None:
    first = read_findings(FILES[name], "r").findings[0]
    assert routes.land(first).operation == "listOrders"


@given(st.text(max_size=60))
def test_any_url_lands_or_says_why(routes: Routes, url: str) -> None:
    landing = routes.land(replace(FINDING, url=url))
    assert landing.api or landing.why
