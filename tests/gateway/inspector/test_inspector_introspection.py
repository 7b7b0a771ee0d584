from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, Secret
from assay.gateway import ir
from assay.gateway.inspector.introspection import (
    Identity,
    Introspector,
    Issuer,
    bearer,
    compile_issuer,
    is_jwt,
    judge,
)

NOW = 1_800_000_000.0
GOOD = {
    "active": True,
    "client_id": "mobile",
    "sub": "c-1001",
    "scope": "read write",
    "roles": ["customer", "agent"],
    "exp": NOW + 100,
    "iat": NOW - 10,
    "iss": "https://login.example",
    "aud": ["crm", "other"],
    "token_type": "Bearer",
}


def _issuer(endpoint: str = "https://login.example/introspect", **claims: Any) -> Issuer:
    return compile_issuer(
        "demo",
        ir.IntrospectionPolicy(url=endpoint, client="gate:way", credential="env:S", cache_seconds=30),
        Secret("p@ss/word"),
        url="https://login.example",
        audiences=("crm",),
        claims=ir.ClaimNames(**claims),
        max_lifetime=3600,
        skew=30,
    )


def test_an_active_token_becomes_an_identity_that_rules_can_read() -> None:
    found = judge(GOOD, _issuer(), NOW)
    assert found.status == 200
    assert dict(found.headers) == {
        b"x-assay-client": b"mobile",
        b"x-assay-subject": b"c-1001",
        b"x-assay-roles": b",customer,agent,",
        b"x-assay-issuer": b"demo",
        b"x-assay-scope": b"| read write |",
        b"x-assay-expires": b"1800000100",
    }
    assert found.until == NOW + 100


def test_claims_are_read_where_the_issuer_puts_them() -> None:
    answer = GOOD | {"azp": "web", "realm_access": {"roles": ["admin"]}, "tenant": "t1"}
    found = dict(judge(answer, _issuer(roles=("realm_access", "roles")), NOW).headers)
    assert (found[b"x-assay-client"], found[b"x-assay-roles"], found[b"x-assay-tenant"]) == (b"web", b",admin,", b"t1")
    assert dict(judge(answer, _issuer(roles=None), NOW).headers)[b"x-assay-roles"] == b","


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"active": False}, 401),
        ({"active": "true"}, 503),
        ({"active": 1}, 503),
        ({"active": None}, 503),
        ({"exp": NOW - 31}, 401),
        ({"exp": NOW - 29}, 200),
        ({"exp": "later"}, 503),
        ({"exp": True}, 503),
        ({"exp": None, "iat": None}, 200),
        ({"exp": NOW + 4000}, 401),
        ({"nbf": NOW + 31}, 401),
        ({"iss": "https://login.example/"}, 401),
        ({"iss": None}, 200),
        ({"aud": "crm"}, 200),
        ({"aud": "other"}, 401),
        ({"aud": []}, 401),
        ({"aud": {"crm": 1}}, 401),
        ({"aud": None}, 200),
        ({"token_type": "refresh_token"}, 401),
        ({"token_type": 5}, 401),
        ({"client_id": None}, 401),
        ({"client_id": "a\r\nx-assay-roles: ,admin,"}, 401),
        ({"client_id": "a b"}, 401),
        ({"client_id": "ä"}, 401),
        ({"client_id": ""}, 401),
        ({"sub": 5}, 401),
        ({"sub": "x" * 513}, 401),
        ({"roles": ["a,admin"]}, 401),
        ({"roles": ["a\n"]}, 401),
        ({"roles": [1]}, 401),
        ({"roles": {"admin": True}}, 401),
        ({"roles": ["r" * 100] * 100}, 401),
        ({"scope": ["read"]}, 200),
        ({"scope": 5}, 401),
    ],
)
def test_an_answer_is_held_against_the_policy(change: dict[str, Any], status: int) -> None:
    assert judge(GOOD | change, _issuer(), NOW).status == status


@given(
    answer=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.sampled_from([*GOOD, "x"]), v),
    )
)
@settings(max_examples=150)
def test_no_answer_breaks_the_judge_or_smuggles_a_header(answer: Any) -> None:
    if isinstance(answer, dict):
        answer = GOOD | answer
    found = judge(answer, _issuer(), NOW)
    assert found.status in (200, 401, 503)
    for _, value in found.headers:
        assert all(0x20 <= byte <= 0x7E for byte in value)


@pytest.mark.parametrize("answer", [None, [], "active", 5, {}, {"active": []}])
def test_what_is_no_answer_closes(answer: Any) -> None:
    assert judge(answer, _issuer(), NOW).status == 503


def test_only_bearer_tokens_are_taken_from_the_header() -> None:
    assert bearer([]) is None
    assert bearer([b"Basic YTpi"]) is None
    assert bearer([b"bearer abc"]) == b"abc"
    assert bearer([b"Bearer  abc.def=="]) == b"abc.def=="
    for lines in (
        [b"Bearer a", b"Bearer b"],
        [b"Bearer"],
        [b"Bearer a b"],
        [b"Bearer \xff"],
        [b"Bearer " + b"a" * 5000],
    ):
        found = bearer(lines)
        assert isinstance(found, Identity)
        assert found.status == 401


def test_signed_tokens_are_left_to_the_gateway() -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"ES256"}').rstrip(b"=")
    assert is_jwt(head + b".e30.c2ln")
    assert is_jwt(head + b".e30.")
    assert not is_jwt(b"a.b.c")
    assert not is_jwt(b"opaque")
    assert not is_jwt(base64.urlsafe_b64encode(b'{"x":1}').rstrip(b"=") + b".e30.x")


def test_secrets_need_https() -> None:
    for url in ("http://login.example/i", "ftp://x", "login.example", "http://[", ""):
        with pytest.raises(AssayError):
            _issuer(url)
    _issuer("http://127.0.0.1:9000/i")


class _Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.asked.append((form, self.headers["authorization"]))  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *args: object) -> None:
        pass


Server = Any


@pytest.fixture
def endpoint() -> Iterator[Server]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.asked = []
    server.answer = _json(GOOD)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def _json(value: Any, status: int = 200) -> Callable[[_Endpoint], None]:
    return _raw(json.dumps(value).encode(), status)


def _raw(body: bytes, status: int = 200) -> Callable[[_Endpoint], None]:
    def answer(handler: _Endpoint) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class _Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def _ask(
    endpoint: Server,
    tokens: list[bytes],
    *,
    clock: _Clock | None = None,
    step: float = 0.0,
    at_once: bool = False,
    **options: Any,
) -> list[Identity]:
    clock = clock or _Clock()
    issuer = _issuer(f"http://127.0.0.1:{endpoint.server_address[1]}/introspect")

    async def run() -> list[Identity]:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            asker = Introspector(client, clock, **options)
            if at_once:
                return list(await asyncio.gather(*(asker.identify(issuer, t) for t in tokens)))
            found = []
            for token in tokens:
                found.append(await asker.identify(issuer, token))
                clock.now += step
            return found

    return asyncio.run(run())


def test_the_issuer_is_asked_once_and_authenticated_to(endpoint: Server) -> None:
    found = _ask(endpoint, [b"t1", b"t1", b"t1"])
    assert [f.status for f in found] == [200, 200, 200]
    assert len(endpoint.asked) == 1
    form, authorization = endpoint.asked[0]
    assert form["token"] == ["t1"]
    # RFC 6749 section 2.3.1: form-encoded before they are joined.
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"gate%3Away:p%40ss%2Fword"


def test_many_requests_with_one_token_put_one_question(endpoint: Server) -> None:
    found = _ask(endpoint, [b"t1"] * 20, at_once=True)
    assert {f.status for f in found} == {200}
    assert len(endpoint.asked) == 1


def test_an_answer_is_believed_no_longer_than_the_token_lives(endpoint: Server) -> None:
    endpoint.answer = _json(GOOD | {"exp": NOW + 15})
    found = _ask(endpoint, [b"t"] * 4, step=10)
    assert len(endpoint.asked) == 2 + 1  # at 0, at 20 (expired at 15), and not remembered when it is past its time
    assert [f.status for f in found] == [200, 200, 200, 200]


def test_the_cache_ends(endpoint: Server) -> None:
    _ask(endpoint, [b"t"] * 5, step=10)
    assert len(endpoint.asked) == 2


def test_refusals_are_remembered_for_a_shorter_time(endpoint: Server) -> None:
    endpoint.answer = _json({"active": False})
    assert [f.status for f in _ask(endpoint, [b"t"] * 4, step=3)] == [401] * 4
    assert len(endpoint.asked) == 2


def test_the_cache_is_bounded(endpoint: Server) -> None:
    _ask(endpoint, [b"a", b"b", b"c", b"c", b"a"], entries=2)
    assert len(endpoint.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        _json(GOOD, 500),
        _json(GOOD, 401),
        _json(GOOD, 302),
        _json(GOOD, 204),
        _raw(b"<html>"),
        _raw(b""),
        _raw(b"\xff"),
        _raw(b"[" * 5000),
        _raw(b" " * 70_000 + b"{}"),
        lambda handler: handler.connection.close(),
        lambda handler: time.sleep(3),
    ],
)
def test_an_issuer_in_trouble_closes_and_is_not_remembered(
    endpoint: Server, answer: Callable[[_Endpoint], None]
) -> None:
    endpoint.answer = answer
    assert _ask(endpoint, [b"t"])[0].status == 503
    calls = len(endpoint.asked)
    endpoint.answer = _json(GOOD)
    assert [f.status for f in _ask(endpoint, [b"t"])] == [200]
    assert len(endpoint.asked) == calls + 1


def test_an_issuer_that_is_away_closes() -> None:
    issuer = _issuer("http://127.0.0.1:9/introspect")

    async def run() -> list[Identity]:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            asker = Introspector(client, _Clock())
            return [await asker.identify(issuer, b"t") for _ in range(2)]

    assert [f.status for f in asyncio.run(run())] == [503, 503]
