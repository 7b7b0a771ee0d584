"""The translation to Envoy: order of the chain, golden pairs, and that nothing is open by accident."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.gateway import ir
from assay.gateway.assemble import assemble
from assay.gateway.envoy import translate
from assay.gateway.envoy.filters import CHAIN
from assay.gateway.envoy.filters.keys import script
from assay.gateway.envoy.filters.processing import HEADERS_SENT
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import CERTIFICATE_HEADER
from assay.gateway.processor.exchange import HEADERS_READ
from assay.gateway.runtime import KeyDigest, Runtime, Sockets

GOLDEN = Path(__file__).parent / "golden"
C: dict[str, Any] = {"control": "test", "source": "assay.yaml:1:1"}
RUNTIME = Runtime(
    sockets=Sockets(admin="/run/admin.sock", inspector="/run/inspector.sock", processor="/run/processor.sock"),
    access_log="/log/access.jsonl",
    configuration="/live",
    jwks={"test": '{"keys":[{"kty":"EC"}]}'},
    keys=(KeyDigest("k1", "partner", "ab" * 32, 0, 100),),
)


def slot(name: str) -> Slot:
    return next(f.slot for f in CHAIN if f.name == name)


def test_a_request_meets_the_filters_in_the_order_that_security_needs() -> None:
    assert [f.slot for f in CHAIN] == sorted(f.slot for f in CHAIN)
    assert len({f.slot for f in CHAIN}) == len({f.name for f in CHAIN}) == len(CHAIN)
    assert slot("assay.networks") < slot("envoy.filters.http.jwt_authn") < slot("assay.authentication")
    assert slot("assay.keys") < slot("assay.authentication")
    assert slot("assay.introspection") < slot("assay.authentication")
    assert slot("assay.authentication") < slot("assay.access") < slot("assay.limits")
    assert slot("assay.limits") < slot("assay.inspection") < slot("envoy.filters.http.ext_proc")
    assert CHAIN[-1].name == "envoy.filters.http.router"


def test_the_chain_that_is_written_keeps_that_order() -> None:
    manager = translate(assemble(everything()), RUNTIME).files["lds.json"]["resources"][0]["filter_chains"][0]
    written = [f["name"] for f in manager["filters"][0]["typed_config"]["http_filters"]]
    assert written == [f.name for f in CHAIN if f.name in written]
    assert {"assay.access", "assay.authentication", "assay.limits", "assay.inspection"} <= set(written)


def operation(name: str, method: str, template: str, pattern: str = "", *, order: int = 0) -> list[ir.AnyPiece]:
    route = ir.Route(
        **C,
        api="shop",
        operation=name,
        method=method,
        hosts=("*",),
        public_base="/v1",
        upstream_base="/v1",
        template=template,
        pattern=pattern,
        order=order,
    )
    return [route, ir.SizeLimit(**C, api="shop", operation=name, body_bytes=100)]


def everything() -> list[ir.AnyPiece]:
    """A small policy with every kind of piece."""
    token, key = ir.Proof("token", issuer="test", scopes=("read",)), ir.Proof("key", header="X-API-Key")
    masked = ir.MaskedField(path=("name",), name="customer.name", category="user.name", level=2)
    return [
        ir.Listener(
            **C, address="127.0.0.1", port=8443, tls=ir.Tls("/c.pem", "/k.pem", client_ca="/ca.pem", hsts_seconds=9)
        ),
        ir.AccessLog(**C),
        ir.Upstream(
            **C, api="shop", host="shop.internal", port=443, tls=ir.UpstreamTlsPolicy("system", "shop.internal")
        ),
        ir.TokenIssuer(**C, issuer="test", url="https://issuer.test", audiences=("shop",), algorithms=("ES256",)),
        ir.Caller(**C, consumer="app", issuer="test", client="app", roles=("customer",)),
        ir.Caller(**C, consumer="partner", api_key=True, roles=("agent",), networks=("192.0.2.0/24",)),
        ir.Caller(**C, consumer="office", certificate_name="office.internal", roles=("agent",)),
        *operation("getCustomer", "GET", "/customers/{id}", "^/v1/customers/[^/]+$", order=1),
        *operation("createCustomer", "POST", "/customers"),
        ir.Authentication(**C, api="shop", operation="getCustomer", alternatives=((token,), (key,))),
        ir.Authentication(**C, api="shop", operation="createCustomer", alternatives=((ir.Proof("certificate"),),)),
        ir.AccessRule(
            **C,
            api="shop",
            operation="getCustomer",
            name="shop/0-customer",
            roles=("customer",),
            owns=(ir.Ownership("id", ("sub",)),),
        ),
        ir.AccessRule(**C, api="shop", operation="getCustomer", name="shop/1-agent", roles=("agent",)),
        ir.AccessRule(**C, api="shop", operation="createCustomer", name="shop/1-agent", roles=("agent",)),
        ir.Limit(**C, api="shop", name="default", per="caller", requests=60, seconds=60),
        ir.Limit(**C, api="", name="consumer-app", per="consumer", requests=300, seconds=60, consumer="app"),
        ir.Limit(**C, api="shop", name="network", per="network", requests=1000, seconds=60),
        ir.NetworkRule(**C, api="", name="bad", deny=("198.51.100.0/24",)),
        ir.Inspection(**C, api="shop", operation="createCustomer", body_bytes=100),
        ir.Inspection(**C, api="shop", operation="getCustomer", query_only=True),
        ir.Masking(**C, api="shop", operation="getCustomer", fields=(masked,)),
        ir.ErrorMasking(**C, api="shop"),
        ir.ResponseHeaders(**C, api="shop", add=(("x-content-type-options", "nosniff"),), remove=("server",)),
        ir.Lifecycle(**C, api="shop", add=(("deprecation", "@1780272000"), ("link", '</v2>; rel="successor-version"'))),
        ir.Retired(**C, api="first", name="/customers", hosts=("*",), public_base="/v0"),
        ir.Retired(
            **C, api="first", name="/customers/{id}", hosts=("*",), public_base="/v0", pattern="^/v0/customers/[^/]+$"
        ),
    ]


def observing() -> list[ir.AnyPiece]:
    """The same, every control that can observe observing."""
    kinds = (ir.Authentication, ir.AccessRule, ir.Limit, ir.NetworkRule)
    return [msgspec.structs.replace(p, mode=ir.Mode.OBSERVE) if isinstance(p, kinds) else p for p in everything()]


@pytest.mark.parametrize("case", [everything, observing], ids=lambda c: c.__name__)
def test_the_configuration_is_what_was_reviewed(case: Any) -> None:
    policy = assemble(case())
    found = translate(policy, RUNTIME)
    yaml = YAML()
    yaml.width = 110
    target = GOLDEN / f"{case.__name__}.out.yaml"
    content = {"version": found.version, "bootstrap": found.bootstrap, **found.files}
    plain = msgspec.json.decode(msgspec.json.encode(content))
    if os.environ.get("ASSAY_UPDATE_GOLDEN") == "1":
        with target.open("w", encoding="utf-8") as file:
            yaml.dump(plain, file)
    assert YAML(typ="safe").load(target.read_text(encoding="utf-8")) == plain


def test_the_same_policy_gives_the_same_bytes_whatever_the_order_of_its_pieces() -> None:
    forward, backward = assemble(everything()), assemble(reversed(everything()))
    assert forward.digest == backward.digest
    assert translate(forward, RUNTIME) == translate(backward, RUNTIME)


def test_the_digest_does_not_depend_on_where_a_piece_was_written() -> None:
    moved = [msgspec.structs.replace(p, source="other.yaml:9:9") for p in everything()]
    assert assemble(moved).digest == assemble(everything()).digest


@given(st.sets(st.integers(0, len(everything()) - 1)))
def test_leaving_pieces_out_never_leaves_an_operation_without_authorisation(left_out: set[int]) -> None:
    kept = [
        p
        for n, p in enumerate(everything())
        if n not in left_out or isinstance(p, ir.Listener | ir.AccessLog | ir.Upstream)
    ]
    configuration = translate(assemble(kept), RUNTIME)
    manager = configuration.files["lds.json"]["resources"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    access = next(f for f in manager["http_filters"] if f["name"] == "assay.access")
    assert access["typed_config"]["rules"] == {"action": "ALLOW", "policies": {}}
    assert not access.get("disabled")
    for host in configuration.files["rds.json"]["resources"][0]["virtual_hosts"]:
        for route in host["routes"]:
            if "route" in route:
                rules = route["typed_per_filter_config"]["assay.access"]["rbac"]["rules"]
                assert rules["action"] == "ALLOW"
        assert host["routes"][-1]["direct_response"] == {"status": 404}


def test_the_processor_is_sent_every_header_it_reads() -> None:
    assert HEADERS_READ | {CERTIFICATE_HEADER} == HEADERS_SENT


def test_a_key_in_clear_is_nowhere_in_the_program_that_checks_it() -> None:
    program = script(RUNTIME.keys, ("x-api-key",))
    assert "--RECORDS--" not in program
    assert '["k1"]' in program
    assert "partner" in program
