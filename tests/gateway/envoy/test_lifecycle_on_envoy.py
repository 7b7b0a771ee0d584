"""What callers learn of an API's end, on a real Envoy: headers of the API that ends alone, 410 for what has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gateway_under_test import C, echo_upstream, gateway

from assay.gateway import ir
from assay.gateway.decision import decide

pytestmark = pytest.mark.integration

SUNSET = "Thu, 31 Dec 2026 23:59:59 GMT"
LINK = '</v2>; rel="successor-version"'


def operation(api: str, name: str, base: str) -> list[ir.AnyPiece]:
    on = {**C, "api": api, "operation": name}
    return [
        ir.Route(**on, method="GET", hosts=("*",), public_base=base, upstream_base="", template=f"/{name}"),
        ir.Authentication(**on, alternatives=((),)),
        ir.AccessRule(**on, name=f"{api}/0"),
    ]


def gone(api: str, name: str, base: str, pattern: str = "") -> ir.Retired:
    return ir.Retired(**C, api=api, name=name, hosts=("*",), public_base=base, pattern=pattern)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Any]]:
    with echo_upstream() as upstream:
        port = upstream.server_address[1]
        told = (("deprecation", "@1780272000"), ("sunset", SUNSET), ("link", LINK))
        pieces: list[ir.AnyPiece] = [
            ir.Upstream(**C, api="old", host="127.0.0.1", port=port),
            ir.Upstream(**C, api="new", host="127.0.0.1", port=port),
            *operation("old", "things", "/v1"),
            *operation("new", "things", "/v2"),
            ir.Lifecycle(**C, api="old", add=told),
            gone("first", "/things", "/v0"),
            gone("first", "/things/{id}", "/v0", "^/v0/things/[^/]+$"),
            # What is served again at the same place is served.
            gone("second", "/things", "/v2"),
        ]
        with gateway(tmp_path_factory.mktemp("g"), pieces) as running, running.client() as client:
            yield client, running


def test_only_the_api_that_ends_says_so(world: tuple[httpx.Client, Any]) -> None:
    client, _ = world
    old, new = client.get("/v1/things"), client.get("/v2/things")
    assert (old.status_code, new.status_code) == (200, 200)
    assert (old.headers["deprecation"], old.headers["sunset"], old.headers["link"]) == ("@1780272000", SUNSET, LINK)
    assert not {"deprecation", "sunset", "link"} & set(new.headers)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/v0/things", "/v0/things?x=1", "/v0/things/7"])
def test_what_was_retired_is_gone_whatever_the_method(world: tuple[httpx.Client, Any], method: str, path: str) -> None:
    client, _ = world
    refused = client.request(method, path)
    assert refused.status_code == 410
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["title"] == "Gone"


def test_what_never_was_is_unknown_and_what_is_served_is_served(world: tuple[httpx.Client, Any]) -> None:
    client, _ = world
    assert client.get("/v0/others").status_code == 404
    assert client.get("/v0/things/7/parts").status_code == 404
    assert client.get("/v2/things").status_code == 200
    assert client.post("/v2/things").status_code == 405


def test_the_log_says_that_it_was_retired(world: tuple[httpx.Client, Any]) -> None:
    client, running = world
    client.get("/v0/things/8")
    until = time.monotonic() + 30
    found: list[str] = []
    while not found and time.monotonic() < until:
        time.sleep(0.1)
        found = [decide(line).policy for line in running.log() if str(line.get("path", "")).startswith("/v0/things/8")]
    assert found == ["api_gateway/retired"]
