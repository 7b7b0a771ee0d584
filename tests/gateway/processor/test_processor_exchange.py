"""The decisions of one exchange, without Envoy: fail closed, ask for no more than is needed, never raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, IncompleteError
from assay.gateway import ir, keysets
from assay.gateway.assemble import assemble
from assay.gateway.keysets import CiphertextError
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.callers import Identity
from assay.gateway.processor.engine import Engine, compile_engine
from assay.gateway.processor.exchange import CONTINUE, Exchange, Modes, Step
from assay.gateway.processor.reload import Reloader, Status

JSON = {"content-type": "application/json", ":status": "200"}
NOBODY, AGENT = Identity(), Identity(frozenset({"agent"}), 5)


def p(**fields: Any) -> dict[str, Any]:
    return {"control": "c", "source": "s", **fields}


EMAIL = ir.MaskedField(
    path=("email",), name="email", category="user.contact.email", level=2, forms=(("agent", "clear"),)
)
SECRET = ir.ProtectedField(path=("secret",), name="secret")


def operation(masking: dict[str, Any] | None = None, **encryption: Any) -> bundles.Operation:
    return bundles.Operation(
        "a",
        (ir.FieldEncryption(**p(api="a", operation="o", keyset="k", **encryption)),) if encryption else (),
        None if masking is None else ir.Masking(**p(api="a", operation="o", fields=(EMAIL,), **masking)),
    )


OPERATIONS = {
    "masked": operation({}),
    "observed": operation({"mode": ir.Mode.OBSERVE}),
    "closed": operation({"closed": True, "known": (("email",), ("id",))}),
    "sealed": operation(request=(SECRET,), response=(SECRET,), query=(("s", "secret"),)),
    "sealing-observed": operation(request=(SECRET,), response=(SECRET,), mode=ir.Mode.OBSERVE),
    "both": operation({}, request=(SECRET,), response=(SECRET,)),
    "both-observed": operation({"mode": ir.Mode.OBSERVE}, request=(SECRET,), response=(SECRET,)),
    "plain": operation(),
}
BUNDLE = bundles.Bundle(version=bundles.VERSION, digest="d", operations=OPERATIONS, body_bytes=1000)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("keys") / "keys"
    keysets.ensure(directory, "k")
    return directory


@pytest.fixture(scope="module")
def engine(keys: Path) -> Engine:
    return compile_engine(BUNDLE, {"k": keysets.load(keys, "k")})


def begin(
    engine: Engine,
    name: str,
    who: Identity = NOBODY,
    *,
    ended: bool = True,
    headers: Mapping[str, str] | None = None,
) -> tuple[Exchange, Step]:
    exchange = Exchange(engine)
    return exchange, exchange.request_headers(
        name, who, {":path": "/x", ":method": "GET", **(headers or {})}, ended=ended
    )


def respond(exchange: Exchange, body: bytes, headers: dict[str, str] | None = None) -> Step:
    step = exchange.response_headers(headers or JSON, ended=False)
    return step if step.refusal or step.replace else exchange.response_body(body)


@pytest.mark.parametrize(
    ("name", "who", "shown"),
    [
        ("masked", NOBODY, b'{"email":"***","id":1.0,"x":2}'),
        ("closed", NOBODY, b'{"email":"***","id":1.0}'),
        ("closed", AGENT, b'{"email":"clear-value","id":1.0}'),
        ("observed", NOBODY, None),
    ],
)
def test_each_caller_is_shown_what_the_policy_says(
    engine: Engine, name: str, who: Identity, shown: bytes | None
) -> None:
    exchange, _ = begin(engine, name, who)
    step = respond(exchange, b'{"email":"clear-value","id":1.0,"x":2}')
    assert step.body == shown
    assert ("content-length", str(len(shown or b""))) in step.set_headers or shown is None


@pytest.mark.parametrize(
    ("name", "who", "ended", "modes"),
    [
        ("plain", NOBODY, False, Modes()),
        ("masked", AGENT, False, Modes()),
        ("masked", NOBODY, False, Modes("none", True, "buffered")),
        ("observed", NOBODY, False, Modes("none", True, "partial")),
        ("closed", AGENT, True, Modes("none", True, "buffered")),
        ("sealed", NOBODY, False, Modes("buffered", True, "buffered")),
        ("sealed", NOBODY, True, Modes("none", True, "buffered")),
        ("sealing-observed", NOBODY, False, Modes("partial", True, "buffered")),
        ("both-observed", NOBODY, False, Modes("buffered", True, "buffered")),
    ],
)
def test_only_what_this_caller_needs_is_buffered(
    engine: Engine, name: str, who: Identity, ended: bool, modes: Modes
) -> None:
    _, step = begin(engine, name, who, ended=ended, headers={"content-type": "application/json"})
    assert step.modes == modes


def test_an_operation_nobody_declared_is_refused(engine: Engine) -> None:
    for name in ("", "unknown"):
        _, step = begin(engine, name)
        assert step.refusal is not None
        assert step.refusal.status == 500


def test_bodies_out_of_turn_are_refused(engine: Engine) -> None:
    assert Exchange(engine).request_body(b"{}").refusal is not None
    assert Exchange(engine).response_body(b"{}").refusal is not None


def test_a_refusal_of_envoy_itself_passes(engine: Engine) -> None:
    assert Exchange(engine).response_headers({":status": "401"}, ended=False) == CONTINUE


def test_too_large_bodies_are_refused_unless_only_observing(engine: Engine) -> None:
    large = json.dumps({"email": "x" * 1000}).encode()
    exchange, _ = begin(engine, "masked")
    assert respond(exchange, large).refusal is not None
    exchange, _ = begin(engine, "observed")
    step = respond(exchange, large)
    assert (step.refusal, step.body) == (None, None)
    assert step.report is not None
    assert step.report["decision"] == "observe"
    exchange, _ = begin(engine, "sealed", ended=False, headers={"content-type": "application/json"})
    refused = exchange.request_body(large).refusal
    assert refused is not None
    assert refused.status == 413


def test_observed_encryption_counts_but_writes_clear(engine: Engine) -> None:
    exchange, _ = begin(engine, "sealing-observed", ended=False, headers={"content-type": "application/json"})
    step = exchange.request_body(b'{"secret": 1, "other": 2}')
    assert step.body is None
    assert step.report is not None
    assert step.report["encrypted"] == {"secret": 1}
    assert step.report["decision"] == "observe"
    for body in (b"no json", b'{"a":1,"a":2}'):
        step = exchange.request_body(body)
        assert (step.refusal, step.body) == (None, None)


def test_what_was_stored_encrypted_is_readable_also_while_only_observing(engine: Engine, keys: Path) -> None:
    sealed = keysets.load(keys, "k").encrypt("a/secret", '"x"')
    for name in ("sealing-observed", "both-observed"):
        exchange, _ = begin(engine, name)
        step = respond(exchange, json.dumps({"secret": sealed, "email": "e"}).encode())
        assert step.body == b'{"secret":"x","email":"e"}'


def test_a_body_that_is_left_as_it_is_is_not_rewritten(engine: Engine) -> None:
    exchange, _ = begin(engine, "masked")
    assert respond(exchange, b'{ "other" : 1.0 }').body is None
    exchange, _ = begin(engine, "sealed", ended=False, headers={"content-type": "application/json"})
    assert exchange.request_body(b'{ "secret" : null }') == CONTINUE


def test_an_altered_ciphertext_is_told_apart_so_that_newer_keys_can_be_tried(keys: Path, tmp_path: Path) -> None:
    old = compile_engine(BUNDLE, {"k": keysets.ensure(tmp_path / "keys", "k")})
    rotated = keysets.rotate(tmp_path / "keys", "k")
    body = json.dumps({"secret": rotated.encrypt("a/secret", "1")}).encode()
    exchange, _ = begin(old, "sealed")
    with pytest.raises(CiphertextError):
        respond(exchange, body)
    refused = exchange.undecipherable().refusal
    assert refused is not None
    assert refused.status == 502
    exchange.renew(compile_engine(BUNDLE, {"k": rotated}))
    assert exchange.response_body(body).body == b'{"secret":1}'


HEADER_VALUES = st.sampled_from(
    [
        "",
        "application/json",
        "text/html",
        "application/problem+json; charset=utf-8",
        "gzip",
        "identity",
        "0",
        "x",
        "206",
        "200",
        "404",
        "500",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from([":status", ":path", ":method", "content-type", "content-encoding", "content-length"]),
    HEADER_VALUES,
)
BODIES = st.binary(max_size=60) | st.sampled_from(
    [
        b'{"email":"clear-value"}',
        b'[{"email":"clear-value"}]',
        b'{"email":["clear-value"]}',
        b'{"email":"clear-value"',
        b"",
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    name=st.sampled_from([*OPERATIONS, "unknown"]),
    ended=st.booleans(),
    first=st.just(JSON) | HEADERS,
    request=BODIES,
    second=st.just(JSON) | HEADERS,
    response=BODIES,
)
def test_whatever_arrives_nothing_raises_and_no_masked_value_shows(
    engine: Engine,
    name: str,
    ended: bool,
    first: dict[str, str],
    request: bytes,
    second: dict[str, str],
    response: bytes,
) -> None:
    exchange = Exchange(engine)
    step = exchange.request_headers(name, NOBODY, first, ended=ended)
    if step.refusal:
        return
    assert step.modes is not None
    if step.modes.request_body != "none":
        step_two = exchange.request_body(request)
        if step_two.refusal:
            return
    answer = exchange.response_headers(second, ended=False)
    shown = answer.body
    if not answer.refusal and not answer.replace and step.modes.response_body != "none":
        if second.get("content-length") == "0":
            return
        last = exchange.response_body(response)
        if last.refusal:
            return
        shown = response if last.body is None else last.body
    if name in ("masked", "closed", "both") and shown is not None:
        assert b"clear-value" not in shown


def test_a_bundle_survives_its_file_and_names_its_keysets() -> None:
    assert bundles.decode(bundles.encode(BUNDLE)) == BUNDLE
    assert bundles.keyset_names(BUNDLE) == {"k"}
    hashed = operation({"mode": ir.Mode.ENFORCE})
    masking = ir.Masking(**p(api="a", operation="o", fields=(msgspec.structs.replace(EMAIL, default="hash"),)))
    with_hash = msgspec.structs.replace(BUNDLE, operations={"x": msgspec.structs.replace(hashed, masking=masking)})
    assert bundles.keyset_names(with_hash) == {"masking"}
    assert bundles.needed(BUNDLE, "masked")
    assert not bundles.needed(BUNDLE, "plain")
    assert not bundles.needed(BUNDLE, "unknown")


def test_a_bundle_is_built_from_a_policy() -> None:
    policy = assemble(
        [
            ir.Listener(**p(address="127.0.0.1", port=1)),
            ir.AccessLog(**p()),
            ir.Upstream(**p(api="a", host="h", port=1)),
            ir.Route(**p(api="a", operation="o", method="GET", hosts=("*",), public_base="", template="/o")),
            ir.Masking(**p(api="a", operation="o", fields=(EMAIL,))),
            ir.TokenIssuer(**p(issuer="prod", url="https://i.example", audiences=("a",), algorithms=("ES256",))),
            ir.Caller(**p(consumer="app", issuer="prod", client="app")),
            ir.ErrorMasking(**p(api="a")),
        ]
    )
    bundle = bundles.build(policy)
    assert bundle.digest == policy.digest
    assert list(bundle.operations) == ["a/o"]
    assert bundle.operations["a/o"].masking is not None
    assert bundle.errors == (), "Envoy replaces error bodies by itself"
    assert bundles.build(policy, generic_errors=True).errors == policy.errors
    assert bundle.issuers[0].url == "https://i.example"
    assert bundles.decode(bundles.encode(bundle)) == bundle
    assert compile_engine(bundle, {}).digest == policy.digest


def test_operations_that_answer_alike_are_stored_once() -> None:
    known = tuple((f"member{n}", "*", "name") for n in range(200))
    closed = {
        f"a/o{n}": bundles.Operation(
            "a", masking=ir.Masking(**p(api="a", operation=f"o{n}", fields=(EMAIL,), closed=True, known=known))
        )
        for n in range(50)
    }
    bundle = msgspec.structs.replace(BUNDLE, operations=closed)
    stored = bundles.encode(bundle)
    assert len(stored) < 50_000
    read = bundles.decode(stored)
    assert read == bundle
    first, *others = (o.masking.known for o in read.operations.values() if o.masking is not None)
    assert all(paths is first for paths in others)
    with pytest.raises(IncompleteError):
        bundles.decode(stored.replace(b'"a/o7":0}', b'"a/o7":9}').replace(b'"a/o9":0', b'"a/o9":-1'))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text('{}[]",:versiondgt1', max_size=60).map(str.encode))
def test_arbitrary_bundles_are_refused_with_a_domain_error(data: bytes) -> None:
    with pytest.raises(IncompleteError):
        bundles.decode(data)


def test_a_bundle_of_another_version_is_refused() -> None:
    with pytest.raises(IncompleteError, match=f"version {bundles.VERSION + 1}"):
        bundles.decode(bundles.encode(msgspec.structs.replace(BUNDLE, version=bundles.VERSION + 1)))


def test_a_missing_keyset_is_found_before_serving() -> None:
    with pytest.raises(IncompleteError, match="`k` is missing"):
        compile_engine(BUNDLE, {})


def test_the_policy_in_use_survives_a_broken_bundle_and_lost_keys(tmp_path: Path) -> None:
    keysets.ensure(tmp_path / "keys", "k")
    path, status = tmp_path / "bundle.json", tmp_path / "status.json"
    path.write_bytes(bundles.encode(BUNDLE))
    reloader = Reloader(path, tmp_path / "keys", status=status, clock=lambda: 5.0)
    first = reloader.engine
    assert not reloader.refresh()

    def told() -> Status:
        return msgspec.json.decode(status.read_bytes(), type=Status)

    for broken in (b"", b"{}", b"\xff", bundles.encode(msgspec.structs.replace(BUNDLE, version=9))):
        path.write_bytes(broken + b" " * len(told().error or ""))
        assert not reloader.refresh(force=True)
        assert reloader.engine is first
        assert told().error
    path.write_bytes(bundles.encode(msgspec.structs.replace(BUNDLE, digest="e")))
    assert reloader.refresh(force=True)
    assert (told().digest, told().error, told().operations) == ("e", None, len(OPERATIONS))
    kek = tmp_path / "keys" / "kek"
    content = kek.read_bytes()
    kek.unlink()
    assert not reloader.refresh()
    assert told().error
    assert reloader.engine.digest == "e"
    kek.write_bytes(content)
    kek.chmod(0o600)
    assert reloader.refresh()
    assert told().error is None


def test_without_a_first_policy_there_is_no_processor(tmp_path: Path) -> None:
    with pytest.raises(AssayError) as caught:
        Reloader(tmp_path / "absent.json", tmp_path / "keys")
    assert caught.value.fix


@pytest.mark.parametrize("name", ["masked", "closed", "both"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_guess_at_a_masked_answer_cannot_be_put_as_a_condition(engine: Engine, name: str, method: str) -> None:
    _, step = begin(engine, name, headers={":method": method})
    assert {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since"} <= set(step.remove_headers)


def test_a_write_keeps_the_condition_it_depends_on(engine: Engine) -> None:
    _, step = begin(engine, "masked", headers={":method": "PATCH"})
    assert "if-match" not in step.remove_headers


@pytest.mark.parametrize("status", ["204", "304"])
def test_an_answer_without_a_body_carries_no_validator_of_the_clear_one(engine: Engine, status: str) -> None:
    exchange, _ = begin(engine, "masked")
    step = exchange.response_headers({":status": status}, ended=True)
    assert {"etag", "content-md5", "digest"} <= set(step.remove_headers)


def test_who_may_see_everything_may_ask_with_conditions(engine: Engine) -> None:
    _, step = begin(engine, "masked", AGENT)
    assert "if-none-match" not in step.remove_headers
