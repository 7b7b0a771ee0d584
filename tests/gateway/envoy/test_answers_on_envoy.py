"""What answers say of the inside, on a real Envoy: addresses of the service, limits nobody has, the realm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from gateway_under_test import C, Signer, gateway

from assay.gateway import ir

pytestmark = pytest.mark.integration


class _Pointing(BaseHTTPRequestHandler):
    """Answers with the status and the headers that the request asks for; `{self}` stands for its own authority."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        host, port = self.server.server_address[:2]
        self.send_response(int(self.headers.get("x-answer-with") or 200))
        for name in ("location", "content-location"):
            for wanted in self.headers.get_all(f"want-{name}") or []:
                self.send_header(name, wanted.replace("{self}", f"{host!s}:{port}"))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def pointing_upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pointing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def operation(name: str, *alternatives: tuple[ir.Proof, ...]) -> list[ir.AnyPiece]:
    on = {**C, "api": "shop", "operation": name}
    return [
        ir.Route(**on, method="GET", hosts=("*",), public_base="/v1", upstream_base="/base", template=f"/{name}"),
        ir.Authentication(**on, alternatives=alternatives or ((),)),
        ir.AccessRule(**on, name="shop/0", roles=("reader",) if alternatives else ()),
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signer, httpx.Client]]:
    signer = Signer()
    with pointing_upstream() as port:
        pieces: list[ir.AnyPiece] = [
            ir.Upstream(**C, api="shop", host="127.0.0.1", port=port, base_path="/base"),
            ir.TokenIssuer(**C, issuer="test", url="https://issuer.test", audiences=("api",), algorithms=("ES256",)),
            *(ir.Caller(**C, consumer=c, issuer="test", client=c, roles=("reader",)) for c in ("app", "desk")),
            *operation("things"),
            *operation("limited"),
            *operation("closed", (ir.Proof("token", issuer="test"),)),
            ir.Limit(**C, api="shop", name="slow", per="caller", requests=20, seconds=60, operations=("limited",)),
            ir.Limit(**C, api="", name="app", per="consumer", requests=30, seconds=60, consumer="app"),
        ]
        with (
            gateway(tmp_path_factory.mktemp("g"), pieces, jwks={"test": signer.jwks}) as running,
            running.client() as client,
        ):
            yield signer, client


POINTERS = {
    "http://{self}/base/things/7": "/v1/things/7",
    "https://{self}/base/things/7?a=http://{self}/#b": None,
    "HTTP://{self}/base": "/v1",
    "//{self}/base/things": "/v1/things",
    "http://{self}": "/",
    "http://{self}?page=2": "/?page=2",
    "http://{self}/other": "/other",
    "http://{self}/basement": "/basement",
    "http://{self}//evil.example/x": "/evil.example/x",
    "http://{self}/\\evil.example": "/evil.example",
    "http://somebody@{self}/base/things": "/v1/things",
}


@pytest.mark.parametrize("status", [201, 202, 301, 302, 303, 307, 308])
def test_an_answer_never_points_at_the_service_inside(world, status: int) -> None:
    _, client = world
    for pointer, expected in POINTERS.items():
        answer = client.get("/v1/things", headers={"x-answer-with": str(status), "want-location": pointer})
        assert answer.status_code == status
        found = answer.headers["location"]
        if expected is not None:
            assert found == expected, pointer
        else:
            assert found.startswith("/v1/things/7?a=")


@pytest.mark.parametrize(
    "pointer",
    ["/v1/things/7", "things/7", "https://elsewhere.example/base", "http://127.0.0.1:1/base", "http://127.0.0.1/base"],
)
def test_an_answer_that_points_elsewhere_is_left_alone(world, pointer: str) -> None:
    _, client = world
    answer = client.get("/v1/things", headers={"x-answer-with": "302", "want-location": pointer})
    assert answer.headers["location"] == pointer


def test_the_address_of_what_a_creation_holds_stays_inside_too(world) -> None:
    _, client = world
    made = "http://{self}/base/things/7"
    wanted = {"x-answer-with": "201", "want-location": made, "want-content-location": made}
    answer = client.get("/v1/things", headers=wanted)
    assert (answer.headers["location"], answer.headers["content-location"]) == ("/v1/things/7", "/v1/things/7")


def limits_told(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("x-ratelimit-limit", split_commas=True)


def bearer(signer: Signer, client: str) -> dict[str, str]:
    return {"authorization": f"Bearer {signer.token(sub='a', azp=client, roles=['reader'])}"}


def test_callers_are_told_of_limits_that_count_for_them_and_of_no_other(world) -> None:
    signer, client = world
    assert limits_told(client.get("/v1/limited")) == ["20"]
    assert limits_told(client.get("/v1/closed", headers=bearer(signer, "app"))) == ["30"]
    for unlimited in (
        client.get("/v1/things"),
        client.get("/v1/closed", headers=bearer(signer, "desk")),
        client.get("/v1/nowhere"),
        client.get("/v1/closed"),
    ):
        assert not [name for name in unlimited.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize(
    ("credential", "challenge"),
    [
        ({}, 'Bearer realm="assay"'),
        ({"authorization": "Basic YTpi"}, 'Bearer realm="assay"'),
        ({"authorization": "Bearer a.b.c"}, 'Bearer realm="assay", error="invalid_token"'),
    ],
)
def test_a_challenge_repeats_nothing_of_what_the_caller_wrote(world, credential, challenge: str) -> None:
    _, client = world
    answer = client.get("/v1/closed", headers={**credential, "host": "attacker.example"})
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == [challenge]
    assert "attacker" not in str(answer.headers) + answer.text


def test_a_token_for_somebody_else_is_called_invalid(world) -> None:
    signer, client = world
    token = signer.token(sub="a", azp="app", roles=["reader"], aud="another")
    answer = client.get("/v1/closed", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="assay", error="invalid_token"'
