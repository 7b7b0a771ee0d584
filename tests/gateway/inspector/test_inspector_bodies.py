from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspector_library import LIBRARY
from jsonschema import Draft202012Validator, FormatChecker

from assay.gateway import ir
from assay.gateway.inspector import core
from assay.gateway.inspector.decision import Decision, headers, problem
from assay.gateway.inspector.operation import Operation

Send = Callable[..., Decision]
Make = Callable[..., Operation]
SCHEMA = {"$ref": "#/$defs/Customer", "$defs": LIBRARY}
SHARED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_body_that_keeps_the_contract_passes(customers: Operation, send: Send) -> None:
    body = {
        "name": "Siobhán O'Brien",
        "email": "s@example.org",
        "born": "1984-02-29",
        "age": 40,
        "notes": "Rings & runs",
    }
    assert send(customers, body).allowed
    assert send(customers, body, media="application/json; charset=UTF-8").allowed


@pytest.mark.parametrize(
    ("body", "where", "rule"),
    [
        ({"name": ""}, "/name", "at least 1"),
        ({"name": "a" * 101}, "/name", "at most 100"),
        ({"name": "a", "email": "nobody"}, "/email", "email"),
        ({"name": "a", "born": "1985-02-29"}, "/born", "date"),
        ({"name": "a", "age": 151}, "/age", "at most 150"),
        ({"name": "a", "age": "5"}, "/age", "integer"),
        ({"name": "a", "age": True}, "/age", "integer"),
        ({"name": "a", "tags": list("abcdef")}, "/tags", "at most 5"),
        ({"name": "a", "tags": ["a", 1]}, "/tags/1", "string"),
        ({"name": "a", "friend": {"name": 1}}, "/friend/name", "string"),
        ({"email": "a@b.example"}, "", "`name`"),
        ([], "", "object"),
        ({"name": "a", "credit_limit": 9}, "", "`credit_limit`"),
        ({"name": "a", "<script>alert(1)</script>": 9}, "", "(name withheld)"),
    ],
)
def test_a_violation_names_the_place_and_the_rule(
    customers: Operation, send: Send, body: Any, where: str, rule: str
) -> None:
    found = send(customers, body)
    assert (found.status, found.policy) == (400, "input_validation/body-schema")
    assert where in found.detail
    assert rule in found.detail
    assert "script" not in found.detail


def test_an_answer_never_repeats_what_was_sent(customers: Operation, send: Send) -> None:
    secret = "hunter2hunter2"
    for body in (
        {"name": "a", "email": secret},
        {"name": "a", "age": secret},
        {"name": "a", "notes": f"{secret}' OR 1=1 --"},
    ):
        found = send(customers, body)
        assert not found.allowed
        assert secret.encode() not in problem(found)
        assert not any(secret.encode() in value for _, value in headers(found, "d"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name":"a","name":"b"}', "duplicate key"),
        (b'{"name":"a","friend":{"name":"a","\\u006eame":"b"}}', "duplicate key"),
        (b'{"name":"a","age":NaN}', "not a number"),
        (b'{"name":"a","age":-Infinity}', "not a number"),
        (b'{"name":"a","age":1e999}', "number too large"),
        (b'{"name":"a","age":' + b"9" * 41 + b"}", "number too long"),
        (b'{"name":"a","age":' + b"9" * 5000 + b"}", "number too long"),
        (b'{"name":"a","age":1.' + b"0" * 60 + b"}", "number too long"),
        (b'{"name":"\xff"}', "invalid UTF-8"),
        (b'{"name":"\xc0\xaf"}', "invalid UTF-8"),
        (b'{"name":"\xed\xa0\x80"}', "invalid UTF-8"),
        (b'\xef\xbb\xbf{"name":"a"}', "byte order mark"),
        (b'{"name":"a"} x', "trailing text"),
        (b'{"name":"a"}{"name":"b"}', "trailing text"),
        (b'{"name":"\\ud800"}', "lone surrogate"),
        (b'{"name":"a","\\udc00":1}', "lone surrogate"),
        (b'{"name":"a\\u0000b"}', "NUL in string"),
        (b'{"name":"a\x00b"}', "syntax"),
        (b"{'name':'a'}", "syntax"),
        (b'{"name":"a",}', "syntax"),
        (b'{"name":"a" /* x */}', "syntax"),
        (b"\x0c{}", "syntax"),
        (b" ", "syntax"),
        (b"[" * 33 + b"]" * 33, "nesting too deep"),
        (b"[" * 500_000, "nesting too deep"),
        (b'{"a":' * 100_000, "nesting too deep"),
        (b'{"name":"a","age":01}', "syntax"),
        (b'{"name":"a","age":0x1}', "syntax"),
    ],
)
def test_json_that_parsers_read_differently_is_refused(
    customers: Operation, send: Send, body: bytes, reason: str
) -> None:
    found = send(customers, body)
    assert (found.status, found.policy) == (400, "input_validation/body-json")
    assert found.reason == reason


def test_brackets_in_strings_are_not_nesting(customers: Operation, send: Send) -> None:
    assert send(customers, {"name": "a", "tags": ["[" * 90, '\\"{[' * 9]}).status != 400
    assert send(customers, b'{"name":"\\\\u0000 is written so"}').allowed


def test_escaped_surrogate_pairs_are_text(customers: Operation, send: Send) -> None:
    assert send(customers, b'{"name":"\\ud83d\\ude00"}').allowed


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=utf-8; charset=utf-7", 415),
        ("application/json, text/plain", 415),
        ("application/merge-patch+json", 415),
        ("json", 415),
        ("", 415),
        (None, 415),
        ('APPLICATION/JSON ;charset="utf-8"', 200),
    ],
)
def test_only_the_declared_media_type_is_read(customers: Operation, send: Send, media: str | None, status: int) -> None:
    assert send(customers, {"name": "a"}, media=media).status == status


def test_two_content_types_are_refused(customers: Operation, send: Send) -> None:
    found = send(customers, {"name": "a"}, lines=((b"content-type", b"text/plain"),))
    assert found.status == 415


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "deflate"])
def test_compressed_bodies_are_refused(customers: Operation, send: Send, encoding: str) -> None:
    found = send(customers, {"name": "a"}, headers={"content-encoding": encoding})
    assert (found.status, found.policy) == (415, "input_validation/content-encoding")
    assert send(customers, {"name": "a"}, headers={"content-encoding": "identity"}).allowed


def test_bodies_must_be_declared_present_and_small(compiled: Make, customers: Operation, send: Send) -> None:
    assert send(customers).policy == "input_validation/body-missing"
    bodiless = compiled()
    assert send(bodiless).allowed
    assert send(bodiless, b"x", media=None).policy == "input_validation/body-undeclared"
    nothing = compiled(body_bytes=0)
    assert send(nothing, b"x", media=None).detail == "The operation takes no request body."
    small = compiled(bodies=(ir.BodyRule(media_type="application/json"),), body_bytes=10)
    assert send(small, b'"12345678"').allowed
    assert send(small, b'"123456789"').status == 413
    assert send(small, b"1", headers={"x-envoy-auth-partial-body": "true"}).status == 413


def test_the_most_exact_media_type_decides(compiled: Make, send: Send) -> None:
    operation = compiled(
        bodies=(
            ir.BodyRule(media_type="*/*", schema='{"type":"integer"}'),
            ir.BodyRule(media_type="application/*", schema='{"type":"boolean"}'),
            ir.BodyRule(media_type="application/json", schema='{"type":"string"}'),
            ir.BodyRule(media_type="application/vnd.crm+json;v=2", schema='{"type":"null"}'),
        )
    )
    assert send(operation, b'"a"').allowed
    assert send(operation, b"true", media="application/problem+json").allowed
    assert send(operation, b"5", media="text/json").allowed
    assert not send(operation, b"true", media="text/json").allowed
    assert send(operation, b"null", media="application/vnd.crm+json; v=2").allowed
    assert not send(operation, b"null", media="application/vnd.crm+json; v=3").allowed
    # A range with a real schema does not let through what no schema can judge.
    assert send(operation, b"<a/>", media="text/xml").status == 415


def test_bytes_pass_where_the_contract_says_bytes(compiled: Make, send: Send) -> None:
    schema = '{"type":"string","format":"binary"}'
    operation = compiled(bodies=(ir.BodyRule(media_type="*/*", schema=schema),))
    assert send(operation, b"\x00\xff", media="image/png").allowed
    assert send(operation, b"\x00\xff", media=None).allowed
    image = compiled(bodies=(ir.BodyRule(media_type="image/png", schema=schema),))
    assert send(image, b"\x89PNG", media="image/png").allowed
    assert send(image, b"GIF", media="image/gif").status == 415


def test_xml_passes_unvalidated_but_not_with_entities(compiled: Make, send: Send) -> None:
    operation = compiled(bodies=(ir.BodyRule(media_type="application/xml"),))
    assert send(operation, b"<a>b</a>", media="application/xml").allowed
    attack = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    for encoding in ("utf-8", "utf-16", "utf-16-be", "utf-32"):
        assert send(operation, attack.encode(encoding), media="application/xml").status == 403
    assert send(operation, b'<?xml version="1.0" encoding="utf-7"?><a/>', media="application/xml").status == 403


def test_text_bodies_are_validated_and_searched(compiled: Make, send: Send) -> None:
    operation = compiled(bodies=(ir.BodyRule(media_type="text/plain", schema='{"type":"string","maxLength":30}'),))
    assert send(operation, b"Good morning,\nall is well", media="text/plain").allowed
    assert send(operation, b"a" * 31, media="text/plain").policy == "input_validation/body-schema"
    assert send(operation, b"x' OR 1=1 --", media="text/plain").status == 403
    assert send(operation, b"\xff", media="text/plain").policy == "input_validation/body-text"
    assert send(operation, b"a\x00", media="text/plain").policy == "input_validation/body-text"


def _form(compiled: Make, media: str) -> Operation:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "ok": {"type": "boolean"},
            "tag": {"type": "array", "items": {"type": "integer"}},
            "file": {"type": "string", "format": "binary", "maxLength": 20},
            "meta": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
        },
    }
    return compiled(bodies=(ir.BodyRule(media_type=media, schema=json.dumps(schema), free_text=(("name",),)),))


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        (b"name=Anna+M%C3%BCller&age=5&ok=true&tag=1&tag=2", ""),
        (b"name=Anna&name=Bob", "body-form"),
        (b"name=Anna&%6eame=Bob", "body-form"),
        (b"name=Anna&age=five", "body-schema"),
        (b"name=Anna&age=05", "body-schema"),
        (b"name=Anna&tag=x", "body-schema"),
        (b"name=Anna&role=admin", "body-schema"),
        (b"age=5", "body-schema"),
        (b"name=Anna;age=5", "body-form"),
        (b"name=%zz", "body-form"),
        (b"name=%ff", "body-form"),
        (b"name=%00", "body-form"),
        (b"=5", "body-form"),
        (b"name=%27+OR+1%3D1+--", "injection-sql"),
        (b"&".join(b"a=1" for _ in range(1001)), "body-form"),
    ],
)
def test_urlencoded_forms_are_read_strictly(compiled: Make, send: Send, body: bytes, policy: str) -> None:
    media = "application/x-www-form-urlencoded"
    assert send(_form(compiled, media), body, media=media).policy == (f"input_validation/{policy}" if policy else "")


def _multipart(*parts: tuple[bytes, bytes], end: bytes = b"--\r\n") -> bytes:
    body = b"".join(b"--B\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + b"--B" + end


NAME = (b'Content-Disposition: form-data; name="name"', b"Anna")


def _upload(filename: bytes, content: bytes = b"\x00\xff") -> tuple[bytes, bytes]:
    return (
        b'Content-Disposition: form-data; name="file"; filename="' + filename + b'"\r\nContent-Type: image/png',
        content,
    )


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        (_multipart(NAME, _upload(b"cat (1).png")), ""),
        (_multipart(NAME, _upload("Müller.png".encode())), ""),
        (_multipart(NAME, (b"Content-Disposition: form-data; name=age", b"5")), ""),
        (
            _multipart(
                NAME, (b'content-disposition: form-data; name="meta"\r\nContent-Type: application/json', b'{"a":1}')
            ),
            "",
        ),
        (
            _multipart(
                NAME,
                (b'content-disposition: form-data; name="meta"\r\nContent-Type: application/json', b'{"a":1,"a":2}'),
            ),
            "body-json",
        ),
        (
            _multipart(
                NAME, (b'content-disposition: form-data; name="meta"\r\nContent-Type: application/json', b'{"b":1}')
            ),
            "body-schema",
        ),
        (_multipart(NAME, _upload(b"../cat.png")), "body-form"),
        (_multipart(NAME, _upload(b"a\\b.png")), "body-form"),
        (_multipart(NAME, _upload(b"..")), "body-form"),
        (_multipart(NAME, _upload(b"a%2fb")), "body-form"),
        (_multipart(NAME, _upload(b"a.png\x00.php")), "body-form"),
        (_multipart(NAME, _upload(b"<img src=x onerror=alert(1)>")), "injection-xss"),
        (_multipart(NAME, _upload(b"a.png", b"x" * 21)), "body-schema"),
        (_multipart(NAME, NAME), "body-form"),
        (_multipart(NAME, (b'Content-Disposition: form-data; name="role"', b"admin")), "body-schema"),
        (_multipart(NAME, (b'Content-Disposition: form-data; name="age"; name="x"', b"5")), "body-form"),
        (_multipart(NAME, (b"Content-Disposition: form-data; name=\"age\"; filename*=UTF-8''x", b"5")), "body-form"),
        (_multipart(NAME, (b'Content-Disposition: attachment; name="age"', b"5")), "body-form"),
        (_multipart(NAME, (b'Content-Disposition: form-data; name="age"\r\nX-Other: 1', b"5")), "body-form"),
        (
            _multipart(
                NAME, (b'Content-Disposition: form-data; name="age"\r\nContent-Transfer-Encoding: base64', b"NQ==")
            ),
            "body-form",
        ),
        (
            _multipart(NAME, (b'Content-Disposition: form-data; name="age"\r\nContent-Type: multipart/mixed', b"5")),
            "body-form",
        ),
        (_multipart(NAME, (b'Content-Disposition: form-data; name="name2"', b"\xff")), "body-form"),
        (b"preamble\r\n" + _multipart(NAME), "body-form"),
        (_multipart(NAME) + b"epilogue", "body-form"),
        (_multipart(NAME, end=b""), "body-form"),
        (_multipart(*([NAME] * 101)), "body-form"),
        (_multipart((b"", b"")), "body-form"),
        (_multipart((b'Content-Disposition: form-data; name="name"', b"'; DROP TABLE users; --")), "injection-sql"),
        (b"--B--\r\n", "body-form"),
        (b"", ""),
    ],
)
def test_multipart_forms_are_read_strictly(compiled: Make, send: Send, body: bytes, policy: str) -> None:
    found = send(_form(compiled, "multipart/form-data"), body, media="multipart/form-data; boundary=B")
    assert found.policy == (f"input_validation/{policy}" if policy else "")


def test_a_form_without_a_proper_boundary_is_refused(compiled: Make, send: Send) -> None:
    operation = _form(compiled, "multipart/form-data")
    for media in (
        "multipart/form-data",
        'multipart/form-data; boundary="B "',
        f"multipart/form-data; boundary={'x' * 71}",
    ):
        assert send(operation, _multipart(NAME), media=media).status == 415


def test_query_operators_as_keys_are_refused_unless_declared(compiled: Make, send: Send) -> None:
    loose = compiled(
        bodies=(ir.BodyRule(media_type="application/json", schema='{"type":"object"}', free_text=(("q",),)),)
    )
    assert send(loose, {"user": {"$ne": None}}).policy == "input_validation/injection-nosql"
    assert send(loose, {"__proto__": {"admin": True}}).status == 403
    assert send(loose, [{"$gt": ""}]).status == 400
    schema = '{"type":"object","properties":{"$top":{"type":"integer"}}}'
    declared = compiled(bodies=(ir.BodyRule(media_type="application/json", schema=schema),))
    assert send(declared, {"$top": 5}).allowed
    assert send(declared, {"$top": 5, "$where": 1}).status == 403


def test_a_body_without_schema_is_searched_everywhere(compiled: Make, send: Send) -> None:
    operation = compiled(bodies=(ir.BodyRule(media_type="application/json"),))
    assert send(operation, {"a": [{"b": "fine"}]}).allowed
    assert send(operation, {"a": [{"b": "<script>alert(1)</script>"}]}).policy == "input_validation/injection-xss"
    assert send(operation, {"<script>alert(1)</script>": 1}).status == 403


def test_only_free_text_is_searched(customers: Operation, send: Send) -> None:
    attack = "x' UNION SELECT password FROM users --"
    assert send(customers, {"name": "a", "notes": attack}).policy == "input_validation/injection-sql"
    assert "/notes" in send(customers, {"name": "a", "notes": attack}).detail
    assert "/tags/1" in send(customers, {"name": "a", "tags": ["fine", attack]}).detail
    assert send(customers, {"name": "a", "friend": {"name": attack}}).allowed  # no path of free text leads there


def test_a_piece_that_observes_passes_and_tells(compiled: Make, send: Send) -> None:
    operation = compiled(
        bodies=(ir.BodyRule(media_type="application/json", schema='{"type":"integer"}'),), mode=ir.Mode.OBSERVE
    )
    found = send(operation, b'"a"')
    assert (found.status, found.outcome, found.policy) == (200, "observe", "input_validation/body-schema")
    assert problem(found) == b""
    assert send(operation, b"5").outcome == "allow"


def test_a_defect_of_the_inspector_closes(
    customers: Operation, send: Send, monkeypatch: pytest.MonkeyPatch, compiled: Make
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr(core, "_check_body", broken)
    found = send(customers, {"name": "a"})
    assert (found.status, found.policy) == (503, "input_validation/inspector-error")
    assert send(compiled(mode=ir.Mode.OBSERVE), b"").status == 503
    assert "boom" not in problem(found).decode()


def test_patterns_that_explode_cost_nothing(compiled: Make, send: Send) -> None:
    for pattern in ("^(a+)+$", "^(?=a)(a+)+(?<!b)$", r"^((a)\2?)+$"):
        schema = json.dumps({"type": "string", "pattern": pattern})
        operation = compiled(bodies=(ir.BodyRule(media_type="application/json", schema=schema),))
        assert not send(operation, json.dumps("a" * 5000 + "!").encode()).allowed


def test_a_body_full_of_errors_is_refused_at_the_first(compiled: Make, send: Send) -> None:
    schema = '{"type":"array","items":{"oneOf":[{"type":"integer"},{"type":"object","additionalProperties":false}]}}'
    operation = compiled(bodies=(ir.BodyRule(media_type="application/json", schema=schema),), body_bytes=10_000_000)
    body = json.dumps([{"a": 1}] * 200_000).encode()
    start = time.process_time()
    found = send(operation, body)
    assert time.process_time() - start < 2  # a second and more per hundred thousand errors, if all were collected
    assert found.reason.startswith("/0 ")


SCALARS = st.none() | st.booleans() | st.integers(-200, 200) | st.floats(allow_nan=False) | st.text(max_size=30)
NAMES = st.sampled_from(["name", "email", "born", "age", "notes", "tags", "friend", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda v: st.lists(v, max_size=6) | st.dictionaries(NAMES | st.text(max_size=4), v, max_size=5),
    max_leaves=12,
)


@SHARED
@given(value=VALUES | st.dictionaries(NAMES, SCALARS))
def test_what_passes_is_valid_under_an_independent_check(customers: Operation, send: Send, value: Any) -> None:
    body = json.dumps(value).encode()
    if send(customers, body).allowed:
        # Python's own pure implementation: other code, same specification.
        Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(json.loads(body))


@SHARED
@given(
    body=st.binary(max_size=300),
    query=st.binary(max_size=80),
    media=st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=B",
            "text/plain",
            "text/xml",
        ]
    ),
)
def test_random_bytes_are_decided_and_never_break(
    compiled: Make, send: Send, body: bytes, query: bytes, media: str
) -> None:
    operation = _any_media(compiled)
    found = send(operation, body, query=query, media=media)
    assert found.status in (200, 400, 403, 413, 415)


@SHARED
@given(data=st.data())
def test_mutated_documents_are_decided_and_never_break(customers: Operation, send: Send, data: st.DataObject) -> None:
    valid = b'{"name":"Anna \\u00fc","email":"a@example.org","age":4.0e1,"tags":["x",[{}]],"friend":{"name":"b"}}'
    at = data.draw(st.integers(0, len(valid)))
    cut = data.draw(st.integers(0, 6))
    found = send(customers, valid[:at] + data.draw(st.binary(max_size=6)) + valid[at + cut :])
    assert found.status in (200, 400, 403)


_CACHE: dict[str, Operation] = {}


def _any_media(compiled: Make) -> Operation:
    if "any" not in _CACHE:
        schema = json.dumps({"type": ["object", "string", "array", "integer", "null"]})
        kinds = (
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain",
            "text/xml",
        )
        _CACHE["any"] = compiled(
            bodies=tuple(ir.BodyRule(media_type=k, schema=schema) for k in kinds), closed_query=False
        )
    return _CACHE["any"]


def test_a_refusal_names_the_line_of_the_log_and_repeats_no_odd_id(customers: Operation, send: Send) -> None:
    found = send(customers, {"name": ""})
    assert json.loads(problem(found, "3f0b6c1e-7a55-4f0e-9f43-0c3c8e8f1a10"))["request_id"].startswith("3f0b6c1e")
    for odd in ("", "<script>", "a" * 65, "a\nb"):
        assert "request_id" not in json.loads(problem(found, odd))


def test_the_answer_is_a_problem_document(customers: Operation, send: Send) -> None:
    found = send(customers, {"name": ""})
    document = json.loads(problem(found))
    assert document["status"] == 400
    assert document["policy"] == "input_validation/body-schema"
    assert dict(headers(found, "abc")) == {
        b"x-assay-decision": b"deny",
        b"x-assay-bundle": b"abc",
        b"x-assay-policy": b"input_validation/body-schema",
        b"x-assay-reason": b"/name must have at least 1 characters",
    }
    assert jsonschema_rs.is_valid({"type": "object"}, document)
