"""What callers gain from the native part of the gateway, on a real Envoy."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from gateway_under_test import C, Signer, echo_upstream, gateway

from assay.gateway import ir
from assay.gateway.runtime import KeyDigest

pytestmark = pytest.mark.integration

KEY = "ak_k1_" + "s" * 43


def operation(name: str, method: str, template: str, pattern: str = "", **extra: object) -> list[ir.AnyPiece]:
    return [
        ir.Route(
            **C,
            api="shop",
            operation=name,
            method=method,
            hosts=("*",),
            public_base="/v1",
            upstream_base="/base",
            template=template,
            pattern=pattern,
            order=1 if pattern else 0,
            **extra,
        ),
        ir.SizeLimit(**C, api="shop", operation=name, body_bytes=0 if method == "GET" else 1000),
        ir.Authentication(
            **C,
            api="shop",
            operation=name,
            alternatives=((ir.Proof("token", issuer="test"),), (ir.Proof("key", header="X-API-Key"),)),
        ),
    ]


def shop(port: int) -> list[ir.AnyPiece]:
    def rule(op: str, name: str, **kw: object) -> ir.AccessRule:
        return ir.AccessRule(**C, api="shop", operation=op, name=name, **kw)

    return [
        ir.Upstream(**C, api="shop", host="127.0.0.1", port=port, base_path="/base"),
        ir.TokenIssuer(**C, issuer="test", url="https://issuer.test", audiences=("api",), algorithms=("ES256",)),
        ir.Caller(**C, consumer="app", issuer="test", client="app", roles=("customer",)),
        ir.Caller(**C, consumer="desk", issuer="test", client="desk", roles=("agent", "admin")),
        ir.Caller(**C, consumer="partner", api_key=True, roles=("agent",), networks=("127.0.0.0/8",)),
        *operation("getCustomer", "GET", "/customers/{id}", "/v1/customers/[^/]+"),
        *operation("listCustomers", "GET", "/customers"),
        *operation("exportAll", "GET", "/export"),
        *operation("createCustomer", "POST", "/customers"),
        rule("getCustomer", "shop/0-customer", roles=("customer",), owns=(ir.Ownership("id", ("sub",)),)),
        rule("getCustomer", "shop/1-agent", roles=("agent",)),
        rule("listCustomers", "shop/1-agent", roles=("agent",)),
        rule("createCustomer", "shop/1-agent", roles=("agent",), scopes=("write",)),
        rule("exportAll", "shop/2-admin", roles=("admin",)),
        ir.Limit(**C, api="shop", name="default", per="caller", requests=20, seconds=3600),
        ir.ResponseHeaders(**C, api="shop", add=(("x-content-type-options", "nosniff"),), remove=("server",)),
    ]


def digest(key: str, *, expires: int | None = None) -> KeyDigest:
    return KeyDigest(
        id=key.split("_")[1],
        consumer="partner",
        sha256=hashlib.sha256(key.encode()).hexdigest(),
        not_before=0,
        expires=int(time.time()) + 1000 if expires is None else expires,
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    signer = Signer()
    with echo_upstream() as upstream:
        pieces = shop(upstream.server_address[1])
        expired = "ak_old_" + "t" * 43
        with gateway(
            tmp_path_factory.mktemp("g"),
            pieces,
            jwks={"test": signer.jwks},
            keys=(digest(KEY), digest(expired, expires=1)),
        ) as running:
            yield signer, upstream, running


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_customer_reads_its_own_record_and_nobody_elses(world) -> None:
    signer, _, running = world
    mine = bearer(signer.token(sub="alice", azp="app", roles=["customer"]))
    with running.client() as client:
        assert client.get("/v1/customers/alice", headers=mine).status_code == 200
        refused = client.get("/v1/customers/bob", headers=mine)
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["title"] == "Forbidden"


def test_an_id_that_decodes_to_the_owner_is_not_the_owner(world) -> None:
    signer, _, running = world
    mine = bearer(signer.token(sub="alice", azp="app", roles=["customer"]))
    with running.client() as client:
        for path in ("/v1/customers/alice%2fbob", "/v1/customers/bob/../../customers/bob", "/v1/customers/alice;bob"):
            assert client.get(path, headers=mine).status_code in (400, 403, 404)


def test_a_role_must_be_in_the_token_and_granted_to_its_application(world) -> None:
    signer, _, running = world
    cases = {
        ("desk", ("agent",)): 200,
        ("desk", ("customer",)): 403,  # the application has no such role
        ("app", ("agent",)): 403,  # the token claims what its application was never given
        ("stranger", ("agent",)): 403,
    }
    with running.client() as client:
        for (azp, roles), status in cases.items():
            token = signer.token(sub=f"{azp}-{roles}", azp=azp, roles=list(roles))
            assert client.get("/v1/customers", headers=bearer(token)).status_code == status, (azp, roles)


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("/v1/customers", {"azp": ["desk"], "roles": ["agent"]}),
        ("/v1/customers", {"azp": {"id": "desk"}, "roles": ["agent"]}),
        ("/v1/customers", {"azp": "desk", "roles": "WyJhZ2VudCJd"}),  # ["agent"] in Base64
        ("/v1/customers", {"azp": "desk", "roles": {"agent": True}}),
        ("/v1/customers", {"azp": "desk", "roles": [["agent"]]}),
        ("/v1/customers/42", {"azp": "app", "roles": ["customer"], "sub": 42}),
        ("/v1/customers/true", {"azp": "app", "roles": ["customer"], "sub": True}),
        ("/v1/customers/WyJhbGljZSJd", {"azp": "app", "roles": ["customer"], "sub": ["alice"]}),
        ("/v1/customers/", {"azp": "app", "roles": ["customer"], "sub": None}),
    ],
)
def test_a_claim_of_another_type_is_nobody_however_it_is_spelt(world, path: str, claims: dict[str, object]) -> None:
    signer, upstream, running = world
    before = len(upstream.seen)
    with running.client() as client:
        assert client.get(path, headers=bearer(signer.token(**claims))).status_code in (401, 403, 404)
    assert len(upstream.seen) == before


def test_a_missing_credential_is_401_with_a_challenge(world) -> None:
    _, _, running = world
    with running.client() as client:
        answer = client.get("/v1/customers")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["title"] == "Unauthorized"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"iss": "https://evil.test"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000, "exp": 4_000_000_100},
        {"exp": int(time.time()) + 90_000},
    ],
    ids=["audience", "issuer", "expired", "no-expiry", "not-yet-valid", "lives-too-long"],
)
def test_a_token_that_is_not_right_is_refused(world, claims: dict[str, object]) -> None:
    signer, _, running = world
    token = signer.token(sub="a", azp="desk", roles=["agent"], **claims)
    with running.client() as client:
        assert client.get("/v1/customers", headers=bearer(token)).status_code == 401


def test_a_token_signed_by_another_key_is_refused(world) -> None:
    _, _, running = world
    with running.client() as client:
        token = Signer().token(sub="a", azp="desk", roles=["agent"])
        assert client.get("/v1/customers", headers=bearer(token)).status_code == 401


def test_a_scope_that_is_missing_is_refused(world) -> None:
    signer, _, running = world
    with running.client() as client:
        without = signer.token(sub="s1", azp="desk", roles=["agent"], scope="read")
        with_scope = signer.token(sub="s2", azp="desk", roles=["agent"], scope="read write")
        similar = signer.token(sub="s3", azp="desk", roles=["agent"], scope="read write2")
        assert client.post("/v1/customers", headers=bearer(without), json={}).status_code == 403
        assert client.post("/v1/customers", headers=bearer(similar), json={}).status_code == 403
        assert client.post("/v1/customers", headers=bearer(with_scope), json={}).status_code == 200


def test_a_key_cannot_stand_in_for_a_scope(world) -> None:
    _, _, running = world
    with running.client() as client:
        assert client.post("/v1/customers", headers={"x-api-key": KEY}, json={}).status_code == 403


def test_an_issuer_whose_keys_are_unknown_loses_its_tokens_and_nothing_else(tmp_path: Path) -> None:
    signer = Signer()
    with echo_upstream() as upstream:
        pieces = shop(upstream.server_address[1])
        with gateway(tmp_path, pieces, keys=(digest(KEY),)) as running, running.client() as client:
            agent = bearer(signer.token(sub="a", azp="desk", roles=["agent"]))
            assert client.get("/v1/customers", headers=agent).status_code == 401
            assert client.get("/v1/customers", headers={"x-api-key": KEY}).status_code == 200


def test_an_api_key_is_known_by_its_digest_only(world) -> None:
    _, _, running = world
    with running.client() as client:
        assert client.get("/v1/customers", headers={"x-api-key": KEY}).status_code == 200
        wrong = KEY[:-1] + "x"
        for key in (wrong, KEY + "x", "ak_zz_" + "s" * 43, "nonsense", "", "ak_old_" + "t" * 43):
            assert client.get("/v1/customers", headers={"x-api-key": key}).status_code == 401, key
        twice = [("x-api-key", KEY), ("x-api-key", KEY)]
        assert client.get("/v1/customers", headers=twice).status_code == 401
    routes = Path(running.runtime.configuration, "rds.json").read_text()
    assert KEY not in routes


def test_what_the_contract_does_not_name_is_refused(world) -> None:
    signer, upstream, running = world
    agent = bearer(signer.token(sub="x", azp="desk", roles=["agent", "admin"]))
    before = len(upstream.seen)
    with running.client() as client:
        assert client.get("/debug", headers=agent).status_code == 404
        refused = client.delete("/v1/customers", headers=agent)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, POST"
        assert client.get("/v1/customers/%2e%2e/export", headers=bearer("x")).status_code in (400, 401, 403)
    assert len(upstream.seen) == before


def test_the_upstream_sees_proven_headers_and_no_credential(world) -> None:
    signer, _, running = world
    token = signer.token(sub="alice", azp="app", roles=["customer"])
    spoofed = {
        "x-assay-subject": "root",
        "x-assay-consumer": "root",
        "x-real-ip": "1.2.3.4",
        "x-original-url": "/admin",
    }
    with running.client() as client:
        seen = client.get("/v1/customers/alice", headers={**bearer(token), **spoofed}).json()
    assert seen["path"] == "/base/customers/alice"
    headers = seen["headers"]
    assert headers["x-assay-subject"].startswith("alice")
    assert "root" not in headers["x-assay-consumer"]
    for absent in ("authorization", "x-real-ip", "x-original-url", "x-assay-operation", "x-assay-caller"):
        assert absent not in headers
    assert "1.2.3.4" not in str(headers)


def test_an_answer_carries_the_security_headers_and_no_banner(world) -> None:
    _, _, running = world
    with running.client() as client:
        answer = client.get("/v1/customers", headers={"x-api-key": KEY})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


def test_a_limit_holds_for_one_caller_while_many_others_call(world) -> None:
    signer, _, running = world
    first = bearer(signer.token(sub="busy", azp="desk", roles=["agent"]))
    with running.client() as client:
        statuses = [client.get("/v1/customers", headers=first).status_code for _ in range(23)]
        assert statuses == [200] * 20 + [429] * 3
        refused = client.get("/v1/customers", headers=first)
        assert refused.json()["title"] == "Too many requests"
        assert "x-ratelimit-limit" in refused.headers
        assert int(refused.headers["retry-after"]) == 180  # one of 20 an hour
        for number in range(60):
            other = bearer(signer.token(sub=f"other-{number}", azp="desk", roles=["agent"]))
            assert client.get("/v1/customers", headers=other).status_code == 200
        assert client.get("/v1/customers", headers=first).status_code == 429


def test_a_body_larger_than_declared_is_413(world) -> None:
    signer, _, running = world
    token = bearer(signer.token(sub="big", azp="desk", roles=["agent"], scope="write"))
    with running.client() as client:
        answer = client.post("/v1/customers", headers=token, content=b"x" * 1001)
        assert answer.status_code == 413
        assert client.request("GET", "/v1/customers", headers=token, content=b"xyz").status_code == 413


def test_every_line_of_the_log_names_the_policy_that_decided(world) -> None:
    signer, _, running = world
    marker = "2f1c9a7e-0000-4000-8000-00000000000{}"
    token = bearer(signer.token(sub="logged", azp="desk", roles=["agent"]))
    with running.client() as client:
        client.get("/v1/customers?secret=1", headers={**token, "x-request-id": marker.format(1)})
        client.get("/v1/export", headers={**token, "x-request-id": marker.format(2)})
        client.get("/v1/customers", headers={"x-request-id": marker.format(3)})
    end, lines = time.monotonic() + 30, {}
    while not {marker.format(n) for n in (1, 2, 3)} <= lines.keys() and time.monotonic() < end:
        lines = {line.get("request_id"): line for line in running.log()}
        time.sleep(0.05)
    allowed, denied, anonymous = (lines[marker.format(n)] for n in (1, 2, 3))
    assert allowed["access_policy"] == "shop/1-agent"
    assert allowed["operation"] == "shop/listCustomers"
    assert allowed["client"] == "desk"
    assert "secret" not in str(allowed)
    assert denied["status"] == 403
    assert "rbac_access_denied" in denied["details"]
    assert anonymous["status"] == 401
    assert anonymous["authentication_policy"] == "authentication/no-accepted-credential" or anonymous["token_failure"]
    assert allowed["configuration"]
