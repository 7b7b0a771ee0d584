"""Networks, client certificates, observing and error pages, on a real Envoy."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from gateway_under_test import C, Signer, echo_upstream, gateway, untrusting_context
from test_chain_on_envoy import KEY, bearer, digest, shop

from assay.gateway import ir
from assay.gateway.decision import decide
from assay.gateway.ports import free_ports
from assay.identity.pki import ensure_ca, ensure_server_certificate, issue_client_certificate

pytestmark = pytest.mark.integration
OBSERVE = ir.Mode.OBSERVE


def with_mode(pieces: list[ir.AnyPiece], *kinds: type, mode: ir.Mode = OBSERVE) -> list[ir.AnyPiece]:
    return [msgspec.structs.replace(p, mode=mode) if isinstance(p, kinds) else p for p in pieces]


def test_a_denied_network_is_refused_before_anything_else(tmp_path: Path) -> None:
    signer = Signer()
    deny = ir.NetworkRule(control="network_ranges", source="a:1:1", api="", name="known-bad", deny=("127.0.0.0/8",))
    with (
        echo_upstream() as upstream,
        gateway(tmp_path, [*shop(upstream.server_address[1]), deny], jwks={"test": signer.jwks}) as running,
    ):
        with running.client() as client:
            agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
            forged = {**agent, "x-forwarded-for": "8.8.8.8"}
            assert client.get("/v1/customers", headers=agent).status_code == 403
            assert client.get("/v1/customers", headers=forged).status_code == 403
        assert upstream.seen == []
        assert running.log(lines=2)[0]["networks_policy"] == "network_ranges/gateway/known-bad/denied"


def test_an_allow_list_trusts_the_forwarded_address_only_behind_declared_hops(tmp_path: Path) -> None:
    signer = Signer()
    allow = ir.NetworkRule(
        control="network_ranges", source="a:1:1", api="shop", name="office", allow=("203.0.113.0/24",)
    )
    port = free_ports()
    listener = ir.Listener(**C, address="127.0.0.1", port=port, trusted_hops=1)
    with (
        echo_upstream() as upstream,
        gateway(tmp_path, [*shop(upstream.server_address[1]), allow, listener], jwks={"test": signer.jwks}) as running,
        running.client() as client,
    ):
        agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
        inside = {**agent, "x-forwarded-for": "203.0.113.7"}
        forged = {**agent, "x-forwarded-for": "203.0.113.7, 8.8.8.8"}
        assert client.get("/v1/customers", headers=inside).status_code == 200
        assert client.get("/v1/customers", headers=forged).status_code == 403
        assert client.get("/v1/customers", headers=agent).status_code == 403


def test_a_consumer_is_bound_to_its_own_networks(tmp_path: Path) -> None:
    pieces = [
        msgspec.structs.replace(p, networks=("203.0.113.0/24",)) if isinstance(p, ir.Caller) and p.api_key else p
        for p in shop(9)
    ]
    signer = Signer()
    with gateway(tmp_path, pieces, jwks={"test": signer.jwks}, keys=(digest(KEY),)) as running:
        with running.client() as client:
            assert client.get("/v1/customers", headers={"x-api-key": KEY}).status_code == 403
        assert running.log()[0]["consumer_networks_policy"] == "network_ranges/consumer/partner"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory):
    pki = tmp_path_factory.mktemp("pki")
    pki.chmod(0o700)
    now = datetime.now(UTC)
    ca = ensure_ca(pki, lambda: now)
    server = ensure_server_certificate(pki)
    friend = issue_client_certificate(pki, "back-office.internal")
    other = issue_client_certificate(pki, "someone.internal")
    strangers = tmp_path_factory.mktemp("strangers")
    strangers.chmod(0o700)
    stranger = issue_client_certificate(strangers, "back-office.internal")
    with echo_upstream() as upstream:
        base = [
            p
            for p in shop(upstream.server_address[1])
            if not (isinstance(p, ir.Authentication) and p.operation == "exportAll")
        ]
        pieces = [
            *base,
            ir.Authentication(**C, api="shop", operation="exportAll", alternatives=((ir.Proof("certificate"),),)),
            ir.Caller(**C, consumer="office", certificate_name="back-office.internal", roles=("admin",)),
            ir.Listener(
                **C,
                address="127.0.0.1",
                port=free_ports(),
                tls=ir.Tls(
                    certificate=str(server.certificate),
                    private_key=str(server.key),
                    client_ca=str(ca.certificate),
                    hsts_seconds=60,
                ),
            ),
        ]
        with gateway(tmp_path_factory.mktemp("tls"), pieces, jwks={"test": Signer().jwks}) as running:
            yield running, ca, friend, other, stranger


def trusting(ca, pair=None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca.certificate))
    if pair:
        context.load_cert_chain(str(pair.certificate), str(pair.key))
    return context


def test_a_client_certificate_opens_what_it_was_given_and_nothing_else(secure) -> None:
    running, ca, friend, other, stranger = secure
    with running.client(verify=trusting(ca, friend)) as client:
        answer = client.get("/v1/export")
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=60")
        assert client.get("/v1/customers").status_code == 401
    with running.client(verify=trusting(ca, other)) as client:
        assert client.get("/v1/export").status_code == 403
    with running.client(verify=trusting(ca)) as client:
        assert client.get("/v1/export").status_code == 401
    with pytest.raises(httpx.TransportError), running.client(verify=trusting(ca, stranger)) as client:
        client.get("/v1/export")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_and_plaintext_are_refused(secure) -> None:
    import socket

    running, *_ = secure
    host, port = running.url.removeprefix("https://").split(":")
    context = untrusting_context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)), socket.create_connection((host, int(port))) as raw:
        context.wrap_socket(raw)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{host}:{port}/v1/customers", trust_env=False)


def test_observing_lets_pass_and_writes_down_what_would_have_been_refused(tmp_path: Path) -> None:
    signer = Signer()
    with echo_upstream() as upstream:
        limits = ir.Limit(**C, mode=OBSERVE, api="shop", name="tight", per="caller", requests=1, seconds=3600)
        pieces = with_mode(shop(upstream.server_address[1]), ir.Authentication, ir.AccessRule)
        with gateway(tmp_path, [*pieces, limits], jwks={"test": signer.jwks}) as running:
            with running.client() as client:
                assert client.get("/v1/customers").status_code == 200
                customer = bearer(signer.token(sub="c", azp="app", roles=["customer"]))
                assert client.get("/v1/customers", headers=customer).status_code == 200
                assert client.get("/v1/customers", headers=customer).status_code == 200
                assert client.get("/v1/customers", headers=bearer("rubbish")).status_code == 200
            anonymous, wrong_role, limited, rubbish = running.log(lines=4)
    assert anonymous["authentication_shadow_policy"] == "authentication/no-accepted-credential"
    assert wrong_role["access_shadow_result"] == "denied"
    assert limited["observed_limit"] == "rate_limiting"
    assert "observed_limit" not in wrong_role
    assert rubbish["token_failure"]


def test_an_upstreams_error_page_stays_inside(tmp_path: Path) -> None:
    signer = Signer()
    with echo_upstream() as upstream:
        pieces = [*shop(upstream.server_address[1]), ir.ErrorMasking(**C, api="shop")]
        with gateway(tmp_path, pieces, jwks={"test": signer.jwks}) as running, running.client() as client:
            agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
            answer = client.get("/v1/customers", headers={**agent, "x-answer-with": "500"})
            assert answer.status_code == 500
            assert answer.headers["content-type"] == "application/problem+json"
            assert "x-answer-with" not in answer.text
            assert answer.json()["title"] == "Internal server error"
            assert client.get("/v1/customers", headers={**agent, "x-answer-with": "404"}).json()["method"] == "GET"


def test_without_inspector_or_processor_nothing_passes(tmp_path: Path) -> None:
    signer = Signer()
    with echo_upstream() as upstream:
        masked = ir.MaskedField(path=("name",), name="name", category="user.name", level=2)
        pieces = [
            *shop(upstream.server_address[1]),
            ir.Inspection(**C, api="shop", operation="createCustomer"),
            ir.Inspection(**C, api="shop", operation="listCustomers", query_only=True),
            ir.Masking(**C, api="shop", operation="exportAll", fields=(masked,)),
        ]
        with gateway(tmp_path, pieces, jwks={"test": signer.jwks}) as running, running.client() as client:
            agent = bearer(signer.token(sub="a", azp="desk", roles=["agent", "admin"], scope="write"))
            assert client.post("/v1/customers", headers=agent, json={}).status_code == 503
            assert client.get("/v1/customers?limit=1", headers=agent).status_code == 503
            unprocessed = client.get("/v1/export", headers=agent)
            assert unprocessed.status_code == 503
            assert "could not be checked" in unprocessed.json()["detail"]
            assert upstream.seen == []
            assert client.get("/v1/customers", headers=agent).status_code == 200  # needs neither


@pytest.mark.parametrize(("observing", "status"), [("nothing", 503), ("masking", 503), ("both", 200)])
def test_without_the_processor_only_what_is_merely_observed_passes(tmp_path: Path, observing: str, status: int) -> None:
    signer = Signer()
    masked = ir.MaskedField(path=("name",), name="customer.name", category="user.name", level=2)
    secret = ir.ProtectedField(path=("iban",), name="customer.iban")
    on = {**C, "api": "shop", "operation": "listCustomers"}
    kinds = {"nothing": (), "masking": (ir.Masking,), "both": (ir.Masking, ir.FieldEncryption)}[observing]
    pieces = [ir.Masking(**on, fields=(masked,)), ir.FieldEncryption(**on, keyset="k", response=(secret,))]
    with (
        echo_upstream() as upstream,
        gateway(
            tmp_path,
            [*shop(upstream.server_address[1]), *with_mode(pieces, *kinds)],
            jwks={"test": signer.jwks},
        ) as running,
        running.client() as client,
    ):
        agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
        answer = client.get("/v1/customers", headers=agent)
        assert answer.status_code == status
        assert len(upstream.seen) == (status == 200)
        decision = decide(running.log()[0])
        missed = "data_exposure/processor-unavailable"
        if status == 200:
            assert (decision.outcome, decision.observed) == ("allowed", (missed,))
        else:
            assert (decision.outcome, decision.policy, decision.observed) == ("refused", missed, ())
