"""What an attacker tries on the native part of the gateway, with a good identity and without one."""

from __future__ import annotations

import hashlib
import re
import socket
import time

import httpx
import pytest
from gateway_under_test import C, Gateway, Signer, echo_upstream, gateway

from assay.gateway import ir
from assay.gateway.envoy.filters.caller import consumer_pattern
from assay.gateway.ports import free_ports
from assay.gateway.runtime import KeyDigest

pytestmark = pytest.mark.integration

TOKEN = (ir.Proof("token", issuer="test"),)
KEY = (ir.Proof("key", header="X-API-Key"),)
SECRETS = tuple(f"ak_k{n}_" + str(n) * 43 for n in (1, 2))
ANY = "[^/]+"


def operation(
    name: str, template: str, pattern: str = "", *, method: str = "GET", alternatives: object = (TOKEN, KEY)
) -> list[ir.AnyPiece]:
    route = ir.Route(
        **C,
        api="shop",
        operation=name,
        method=method,
        hosts=("*",),
        public_base="/v1",
        upstream_base="/base",
        template=template,
        pattern=f"^/v1{pattern}$" if pattern else "",
        order=template.count("{"),
    )
    return [
        route,
        ir.SizeLimit(**C, api="shop", operation=name, body_bytes=0 if method == "GET" else 1000),
        ir.Authentication(**C, api="shop", operation=name, alternatives=alternatives),
    ]


def rule(of: str, *roles: str) -> ir.AccessRule:
    return ir.AccessRule(**C, api="shop", operation=of, name=f"shop/{of}", roles=roles)


def shop(port: int) -> list[ir.AnyPiece]:
    return [
        ir.Upstream(**C, api="shop", host="127.0.0.1", port=port, base_path="/base"),
        ir.TokenIssuer(**C, issuer="test", url="https://issuer.test", audiences=("api",), algorithms=("ES256",)),
        ir.Caller(**C, consumer="desk", issuer="test", client="desk", roles=("agent",)),
        ir.Caller(**C, consumer="partner", api_key=True, roles=("agent",)),
        *operation("read", "/things/{id}", f"/things/{ANY}"),
        *operation("export", "/things/export"),
        *operation("parts", "/things/{id}/{part}", f"/things/{ANY}/{ANY}"),
        *operation("audit", "/things/{id}/audit", f"/things/{ANY}/audit"),
        *operation("special", "/things/special/{part}", f"/things/special/{ANY}"),
        *operation("list", "/things", alternatives=(TOKEN,)),
        *operation("news", "/news", alternatives=(TOKEN, ())),
        *operation("create", "/things", method="POST"),
        *(rule(of, "agent") for of in ("read", "parts", "list", "create")),
        *(rule(of, "admin") for of in ("export", "audit", "special")),
        rule("news"),
        ir.Listener(**C, address="127.0.0.1", port=PORT, trusted_hops=0),
        # So few an hour that none is added while the tests count what is left.
        ir.Limit(**C, api="shop", name="default", per="caller", requests=1000, seconds=86_400),
    ]


PORT = free_ports()


def digest(secret: str) -> KeyDigest:
    name, expires = secret.split("_")[1], int(time.time()) + 1000
    return KeyDigest(name, "partner", hashlib.sha256(secret.encode()).hexdigest(), 0, expires)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    signer = Signer()
    with (
        echo_upstream() as upstream,
        gateway(
            tmp_path_factory.mktemp("g"),
            shop(upstream.server_address[1]),
            jwks={"test": signer.jwks},
            keys=tuple(digest(s) for s in SECRETS),
        ) as running,
    ):
        yield signer, upstream, running


def agent(signer: Signer) -> str:
    return signer.token(sub="agent-1", azp="desk", roles=["agent"])


def send(running: Gateway, request: str, *, to_the_end: bool) -> bytes:
    """The answer to exactly these bytes: its head, or all that comes until Envoy has closed, a second later."""
    with socket.create_connection(("127.0.0.1", int(running.url.rsplit(":", 1)[1])), timeout=10) as line:
        line.sendall(request.encode("latin-1"))
        answer = b""
        while (to_the_end or b"\r\n\r\n" not in answer) and (chunk := line.recv(65536)):
            answer += chunk
    return answer


def get(
    world, path: str, extra: str = "", body: str = "", *, token: str | None = None, to_the_end: bool = False
) -> int:
    signer, upstream, running = world
    upstream.seen.clear()
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token or agent(signer)}\r\n"
    request = f"{head}{extra}Connection: close\r\n\r\n{body}"
    return int(send(running, request, to_the_end=to_the_end).split(b" ")[1])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/things/export",
        "/v1/things/%65xport",
        "/v1/things/EXPORT",
        "/v1/things/Export",
        "/v1/things/%45xport",
        "/v1/things/export;a=b",
        "/v1/things/export;",
        "/v1/things/export.json",
        "/v1/things/export.",
        "/v1/things/export%20",
        "/v1/things/x/AUDIT",
        "/v1/things/x/audit.json",
        "/v1/things/x/audit;v=1",
        "/v1/things/x;v=1/Audit;v=1",
        "/v1/things/special;a=b/42",
        "/v1/things/SPECIAL/42",
        "/v1/things/./export",
        "/v1/things//export",
        "/v1/things\\export",
    ],
)
def test_no_spelling_of_a_closed_path_reaches_it_as_an_id(world, path: str) -> None:
    assert get(world, path) in (403, 404)
    assert world[1].seen == []


@pytest.mark.parametrize("path", ["42", "exports", "Ex", "x/audits", "1;2;3", "export.of.mine"])
def test_an_ordinary_id_still_passes(world, path: str) -> None:
    assert get(world, f"/v1/things/{path}") == 200


@pytest.mark.parametrize(
    ("extra", "body"),
    [("Content-Length: 1\r\n", "X"), ("Transfer-Encoding: chunked\r\n", "1\r\nX\r\n0\r\n\r\n")],
)
def test_not_one_byte_of_body_passes_where_none_is_declared(world, extra: str, body: str) -> None:
    """A service that ignores the body of a GET would read it as the start of the next caller's request."""
    assert get(world, "/v1/things", extra, body, to_the_end=True) == 400
    assert world[1].seen == []


def test_a_declared_absence_of_body_is_no_body(world) -> None:
    assert get(world, "/v1/things", "Content-Length: 0\r\n") == 200


SPOOFED = {
    "X-Forwarded-For": "10.9.8.7",
    "X-Forwarded-Port": "1",
    "X-Forwarded-User": "root",
    "X-Forwarded-Scheme": "gopher",
    "X-Original-Method": "DELETE",
    "X-Remote-User": "root",
    "Remote-User": "root",
    "X-User-Id": "1",
    "X-Envoy-Attempt-Count": "7",
    "X-Envoy-Original-Path": "/forged",
    "X-Envoy-Peer-Metadata": "forged",
    "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
    "X-Envoy-Retry-On": "5xx",
    "X-Assay-Subject": "root",
    "Proxy": "http://10.9.8.7",
}


def test_what_a_client_says_about_itself_in_headers_reaches_no_service(world) -> None:
    signer, upstream, running = world
    upstream.seen.clear()
    with running.client() as client:
        answer = client.get("/v1/things", headers={"authorization": f"Bearer {agent(signer)}", **SPOOFED})
    assert answer.status_code == 200
    passed = upstream.seen[0]["headers"]
    for name, value in SPOOFED.items():
        assert value not in passed.get(name.lower(), ""), name
    assert "10.9.8.7" not in str(passed)


def remaining(running: Gateway, path: str, **headers: str) -> int:
    with running.client() as client:
        return int(client.get(path, headers=headers).headers["x-ratelimit-remaining"])


def test_a_caller_has_one_allowance_for_operations_that_accept_different_proofs(world) -> None:
    signer, _, running = world
    mine = {"authorization": f"Bearer {agent(signer)}"}
    before = remaining(running, "/v1/things", **mine)
    assert remaining(running, "/v1/things/42", **mine) == before - 1
    assert remaining(running, "/v1/news", **mine) == before - 2


def test_a_second_token_or_another_credential_beside_it_brings_no_fresh_allowance(world) -> None:
    signer, _, running = world
    before = remaining(running, "/v1/things/42", authorization=f"Bearer {agent(signer)}")
    second = signer.token(sub="agent-1", azp="desk", roles=["agent"], jti="another")
    both = {"authorization": f"Bearer {second}", "x-api-key": SECRETS[0]}
    assert remaining(running, "/v1/things/42", **both) == before - 1


def test_a_second_key_of_the_same_consumer_brings_no_fresh_allowance(world) -> None:
    _, _, running = world
    before = remaining(running, "/v1/things/42", **{"x-api-key": SECRETS[0]})
    assert remaining(running, "/v1/things/42", **{"x-api-key": SECRETS[1]}) == before - 1


def test_anonymous_callers_are_told_apart_where_a_token_is_optional(world) -> None:
    """Otherwise one of them could use up what all the others have."""
    _, _, running = world

    def left(address: str) -> int:
        with running.client(transport=httpx.HTTPTransport(local_address=address)) as client:
            return int(client.get("/v1/news").headers["x-ratelimit-remaining"])

    assert left("127.0.0.1") == left("127.0.0.2") == left("127.0.0.3")
    assert left("127.0.0.2") == left("127.0.0.1") < left("127.0.0.4")


def test_a_claim_cannot_carry_a_second_request(world) -> None:
    signer = world[0]
    evil = signer.token(
        sub="a\r\nx-evil: 1\r\n\r\nGET /base/things/export HTTP/1.1\r\n\r\n", azp="desk", roles=["agent"]
    )
    assert get(world, "/v1/things", token=evil, to_the_end=True) >= 400
    assert world[1].seen == []


@pytest.mark.parametrize("roles", ["agents", "agent,admin", "agent\tadmin", ["agent admin"], {"agent": 1}, "x\nagent"])
def test_roles_are_words_and_no_parts_of_words(world, roles: object) -> None:
    assert get(world, "/v1/things", token=world[0].token(sub="s", azp="desk", roles=roles)) == 403


@pytest.mark.parametrize("azp", [["desk"], "desk ", "DESK", None])
def test_a_client_is_named_exactly(world, azp: object) -> None:
    assert get(world, "/v1/things", token=world[0].token(sub="s", azp=azp, roles=["agent"])) == 403


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.0"])
def test_no_connection_is_handed_over(world, upgrade: str) -> None:
    extra = f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade\r\n"
    assert get(world, "/v1/things", extra) in (200, 400, 403)
    assert all("upgrade" not in seen["headers"] for seen in world[1].seen)


def test_every_line_of_the_log_says_which_path_was_asked_for(world) -> None:
    _, _, running = world
    marker = f"/v1/nothing/{time.time_ns()}"
    forged = {"x-envoy-original-path": "/forged", "content-type": "application/grpc"}
    with running.client() as client:
        client.get(marker + "?secret=1", headers=forged)
    end = time.monotonic() + 30
    lines: list[dict[str, object]] = []
    while not lines and time.monotonic() < end:
        lines = [line for line in running.log() if line.get("path") == marker]
        time.sleep(0.05)
    assert lines
    assert "forged" not in str(lines[0])
    # To a client that speaks gRPC every refusal is a 200; the log must not take it for one.
    assert lines[0]["grpc_status"] == "Unimplemented"


@pytest.mark.parametrize("names", ["back.internal", "a.internal,back.internal", "back.internal,b.internal"])
def test_a_second_name_in_a_certificate_escapes_no_limit_of_the_consumer(names: str) -> None:
    pattern = consumer_pattern(None, False, None, "back.internal")
    assert re.fullmatch(pattern, f"client=;certificate={names}")
    assert not re.fullmatch(pattern, f"client=;certificate=x{names.replace(',', ',x')}")
