"""A call that brings no API key pays for nothing that keys need, and is let through and refused as before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy, assemble
from assay.gateway.envoy import translate
from assay.gateway.envoy.filters import keys
from assay.gateway.runtime import Runtime, Sockets

C: dict[str, Any] = {"control": "test", "source": "assay.yaml:1:1"}
TOKEN, KEY = ir.Proof("token", issuer="test"), ir.Proof("key", header="X-API-Key")
CERTIFICATE = ir.Proof("certificate")
RUNTIME = Runtime(
    sockets=Sockets(admin="/run/admin.sock", inspector="/run/inspector.sock", processor="/run/processor.sock"),
    access_log="/log/access.jsonl",
    configuration="/live",
    jwks={"test": '{"keys":[{"kty":"EC"}]}'},
)
PARTNER = ir.Caller(**C, consumer="partner", api_key=True, roles=("agent",), networks=("192.0.2.0/24",))


def pieces(*alternatives: tuple[ir.Proof, ...], caller: ir.Caller = PARTNER, mode: str = "enforce") -> list[Any]:
    on: dict[str, Any] = {**C, "api": "shop", "operation": "list"}
    return [
        ir.Listener(**C, address="127.0.0.1", port=8443),
        ir.AccessLog(**C),
        ir.Upstream(**C, api="shop", host="shop.internal", port=80),
        ir.TokenIssuer(**C, issuer="test", url="https://issuer.test", audiences=("shop",), algorithms=("ES256",)),
        ir.Caller(**C, consumer="desk", issuer="test", client="desk", roles=("agent",)),
        caller,
        ir.Route(**on, method="GET", hosts=("*",), public_base="", template="/things"),
        ir.Authentication(**on, alternatives=alternatives, mode=ir.Mode(mode)),
        ir.AccessRule(**on, name="shop/0-agent", roles=("agent",)),
        ir.SizeLimit(**on, body_bytes=0),
        ir.Limit(**C, api="", name="consumer-partner", per="consumer", requests=9, seconds=60, consumer="partner"),
    ]


def routes(made: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation's routes: for calls without a key, and for the others."""
    files = translate(assemble(made), RUNTIME).files
    found = [r for r in files["rds.json"]["resources"][0]["virtual_hosts"][0]["routes"] if r["name"] == "shop/list"]
    assert len(found) == 2
    return found[0], found[1]


def operation(*alternatives: tuple[ir.Proof, ...], mode: str = "enforce") -> OperationPolicy:
    return assemble(pieces(*alternatives, mode=mode)).operations[0]


def test_a_call_without_a_key_must_bring_a_token() -> None:
    without, other = routes(pieces((TOKEN,), (KEY,)))
    assert {"name": "x-api-key", "present_match": False} in without["match"]["headers"]
    filters = without["typed_per_filter_config"]
    assert filters["envoy.filters.http.jwt_authn"]["requirement_name"] == "required/test"
    assert "assay.authentication" not in filters and filters["assay.keys"]["disabled"] is True
    assert other["typed_per_filter_config"]["envoy.filters.http.jwt_authn"]["requirement_name"] == "optional/test"
    assert "assay.authentication" in other["typed_per_filter_config"]
    assert "assay.keys" not in other["typed_per_filter_config"]


def test_every_requirement_that_a_route_names_is_there() -> None:
    files = translate(assemble(pieces((TOKEN,), (KEY,))), RUNTIME).files
    manager = files["lds.json"]["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    tokens = next(f for f in manager["http_filters"] if f["name"] == "envoy.filters.http.jwt_authn")
    assert {"required/test", "optional/test"} <= tokens["typed_config"]["requirement_map"].keys()


def test_a_token_beside_a_certificate_is_not_enough_to_leave_authentication_out() -> None:
    without, _ = routes(pieces((TOKEN, CERTIFICATE), (TOKEN, CERTIFICATE, KEY)))
    assert "assay.authentication" in without["typed_per_filter_config"]


def test_limits_and_networks_of_who_only_has_a_key_are_not_asked_about() -> None:
    without, other = routes(pieces((TOKEN,), (KEY,)))
    assert without["typed_per_filter_config"]["assay.consumer_networks"]["disabled"] is True
    assert without["route"]["rate_limits"] == []
    assert "assay.consumer_networks" not in other["typed_per_filter_config"]
    assert len(other["route"]["rate_limits"]) == 1


@pytest.mark.parametrize("more", [{"client": "partner", "issuer": "test"}, {"certificate_name": "partner.example"}])
def test_networks_of_who_has_another_credential_always_hold(more: dict[str, str]) -> None:
    without, _ = routes(pieces((TOKEN,), (KEY,), caller=msgspec.structs.replace(PARTNER, **more)))
    assert "assay.consumer_networks" not in without["typed_per_filter_config"]


@pytest.mark.parametrize(
    ("alternatives", "mode"),
    [
        (((KEY,),), "enforce"),
        (((TOKEN, KEY),), "enforce"),
        (((TOKEN, KEY), (CERTIFICATE,)), "enforce"),
        (((TOKEN,), (KEY,)), "observe"),
        (((TOKEN,),), "enforce"),
    ],
    ids=["only keys", "both together", "another identity", "only observed", "no keys"],
)
def test_what_counts_is_the_same_where_a_key_decides_more_than_itself(
    alternatives: tuple[tuple[ir.Proof, ...], ...], mode: str
) -> None:
    found = operation(*alternatives, mode=mode)
    assert keys.without(found) == found


def test_nobody_is_shut_out_who_needs_no_credential() -> None:
    found = keys.without(operation((KEY,), ())).authentication
    assert found is not None and found.alternatives == ((),)
