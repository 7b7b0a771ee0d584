"""Whatever is read, the answer is a contract or a diagnosis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.declare.contract import Contract, ReadLimits, parse_contract, path_regex, read_contract
from assay.domain import DeclarationError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(f'*{chr(97 + i)}' for _ in range(9))}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "check", "place"),
    [
        (b"", "contract-unreadable", (1, 1)),
        (b"\xff\xfeo\x00", "contract-unreadable", (1, 1)),
        (b"openapi: 3.0.0\ntitle: \xc3\xa9\xe9", "contract-unreadable", (2, 9)),
        (b"hello", "contract-not-openapi", (1, 1)),
        (b"[]", "contract-not-openapi", (1, 1)),
        (b"{}", "contract-not-openapi", (1, 1)),
        (b'{"openapi": "3.2.0"}', "contract-not-openapi", (1, 2)),
        (b"swagger: '1.2'", "contract-not-openapi", (1, 1)),
        (b'{"openapi": "3.0.0",\n "a": }', "contract-unreadable", (2, 7)),
        (b'{"openapi": "3.0.0",', "contract-unreadable", (1, 21)),
        (b'{"openapi": NaN}', "contract-unreadable", (1, 13)),
        (b'{"a": 1e999}', "contract-unreadable", (1, 1)),
        (b'{"a": "\\ud800"}', "contract-unreadable", None),
        (b'{"a": ' + b"9" * 5000 + b"}", "contract-unreadable", (1, 1)),
        (b'{"openapi": "3.0.0",\n "a": {"b": 1, "b": 2}}', "duplicate-key", (2, 16)),
        (b"openapi: 3.0.0\na:\n  b: 1\n  b: 2", "duplicate-key", (4, 3)),
        (b"openapi: 3.0.0\na: 1\n'a': 2", "duplicate-key", (3, 1)),
        (b"openapi: 3.0.0\na: [", "contract-unreadable", (2, 5)),
        (b"openapi: 3.0.0\na: .nan", "contract-unreadable", (2, 4)),
        (b"openapi: 3.0.0\na: !!python/object:os.system x", "contract-unreadable", (2, 4)),
        (b"openapi: 3.0.0\na: *b", "contract-unreadable", (2, 4)),
        (b"openapi: 3.0.0\na: &a [*a]", "contract-unreadable", (2, 8)),
        (b"openapi: 3.0.0\n? [a]\n: b", "contract-unreadable", (2, 3)),
        (b"openapi: 3.0.0\n---\na: b", "contract-unreadable", (2, 1)),
        (b"openapi: 3.0.0\na: \x00", "contract-unreadable", None),
        (b"a: " + b"9" * 5000, "contract-unreadable", (1, 4)),
        (b"[" * 100_000, "too-deep", None),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "too-deep", (1, 1)),
        (b"a: " + b"[" * 300, "too-deep", (1, 203)),
        (b"- " * 300, "too-deep", None),
        (BOMB.encode(), "too-large", None),
    ],
)
def test_what_cannot_be_read_is_diagnosed_with_its_place(
    text: bytes, check: str, place: tuple[int, int] | None
) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_contract(text, name="a")
    (verdict,) = caught.value.verdicts
    assert (verdict.check, verdict.control) == (check, "contract")
    assert verdict.fix
    if place is not None:
        assert (verdict.location.line, verdict.location.column) == place


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ("paths: []", "#/paths"),
        ("paths: {/a: []}", "#/paths/~1a"),
        ("paths: {/a: {get: []}}", "#/paths/~1a/get"),
        ("paths: {/a: {parameters: {}}}", "#/paths/~1a/parameters"),
        ("paths: {/a: {get: {parameters: {}}}}", "#/paths/~1a/get/parameters"),
        ("paths: {/a: {get: {parameters: [1]}}}", "#/paths/~1a/get/parameters/0"),
        ("paths: {/a: {get: {responses: []}}}", "#/paths/~1a/get/responses"),
        ("paths: {/a: {get: {responses: {'200': x}}}}", "#/paths/~1a/get/responses/200"),
        ("paths: {/a: {get: {responses: {'200': {content: []}}}}}", "#/paths/~1a/get/responses/200/content"),
        ("paths: {/a: {get: {requestBody: 1}}}", "#/paths/~1a/get/requestBody"),
        ("paths: {/a: {get: {security: {}}}}", "#/paths/~1a/get/security"),
        ("paths: {/a: {get: {security: [1]}}}", "#/paths/~1a/get/security/0"),
        ("paths: {}\nservers: {}", "#/servers"),
        ("paths: {}\nservers: [{url: 1}]", "#/servers/0/url"),
        ("paths: {}\ncomponents: []", "#/components"),
        ("paths: {}\ncomponents: {securitySchemes: []}", "#/components/securitySchemes"),
    ],
)
def test_a_wrong_type_is_a_diagnosis_at_its_place(document: str, where: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_contract(f"openapi: 3.0.0\n{document}".encode(), name="a.yaml")
    assert [(v.check, v.subject) for v in caught.value.verdicts] == [("wrong-type", f"a.yaml{where}")]


def test_every_error_is_told_at_once() -> None:
    text = b"openapi: 3.0.0\npaths:\n  /a: []\n  b: {}\n"
    text += b"  /c: {get: {security: [{x: []}], responses: {200: {$ref: '#/n'}}}}"
    with pytest.raises(DeclarationError) as caught:
        parse_contract(text, name="a.yaml")
    assert {v.check for v in caught.value.verdicts} == {
        "wrong-type", "path-not-absolute", "unknown-security-scheme", "dangling-reference",
    }  # fmt: skip


def test_yaml_12_words_and_keys_keep_their_spelling() -> None:
    text = (
        b"\xef\xbb\xbfopenapi: 3.0.0\npaths: {}\nx: {on: yes, 200: 2026-01-01, null: 010, true: 0x1F, a: 1_0, b: 1e3}"
    )
    assert parse_contract(text, name="a").resolve("#/x") == {
        "on": "yes", "200": "2026-01-01", "null": 10, "true": 31, "a": "1_0", "b": 1000.0,
    }  # fmt: skip


def test_merge_keys_are_understood() -> None:
    text = b"openapi: 3.0.0\npaths: {}\nx: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}"
    contract = parse_contract(text, name="a")
    assert contract.resolve("#/y") == {"a": 1, "b": 3}
    assert contract.resolve("#/z") == {"a": 1, "b": 2, "c": 4}


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(DeclarationError) as caught:
            read_contract(tmp_path / name, name="shown")
        assert caught.value.verdicts[0].location.file == "shown"
    with pytest.raises(DeclarationError):
        read_contract(Path("/dev/zero"))


def use(contract: Contract) -> None:
    """Everything that can be asked of a contract."""
    assert all(note.sentence and note.location.line >= 1 for note in contract.notes)
    for operation in contract.operations:
        contract.locate(operation.pointer)
        path_regex(operation.path, operation.parameters, contract)
        refs = [p.schema for p in operation.parameters] + [b.schema for b in operation.body]
        for ref in [*refs, *(r.schema for r in operation.responses)]:
            if ref is not None:
                contract.fields(ref, direction="request")
                for closed in (False, True):
                    contract.json_schema(ref, direction="response", closed=closed)


def attempt(text: bytes) -> None:
    try:
        use(parse_contract(text, name="a.yaml", limits=ReadLimits(depth=60)))
    except DeclarationError as error:
        assert error.verdicts
        assert all(v.sentence for v in error.verdicts)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_random_bytes_end_in_a_diagnosis(text: bytes) -> None:
    attempt(text)


SEED: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t"},
    "servers": [{"url": "/v1/{x}", "variables": {"x": {"default": "y"}}}],
    "security": [{"k": []}],
    "paths": {
        "/a/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"type": "string", "pattern": "^[a-z]+$"}}],
            "post": {
                "operationId": "x",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                "responses": {"200": {"headers": {"H": {}}, "content": {"text/xml": {"schema": {"type": "object"}}}}},
                "security": [{"o": ["s"]}],
            },
        }
    },
    "components": {
        "securitySchemes": {
            "k": {"type": "apiKey", "in": "header", "name": "K"},
            "o": {"type": "oauth2", "flows": {"implicit": {"scopes": {"s": ""}}}},
        },
        "schemas": {
            "A": {
                "allOf": [{"$ref": "#/components/schemas/B"}, {"required": ["a"], "properties": {"a": {"enum": [1]}}}],
                "discriminator": {"propertyName": "a"},
            },
            "B": {"type": "object", "properties": {"b": {"items": {"$ref": "#/components/schemas/A"}}}, "not": {}},
        },
    },
}
SWAGGER_SEED: dict[str, Any] = {
    "swagger": "2.0",
    "basePath": "/v1",
    "consumes": ["application/json"],
    "paths": {
        "/a": {
            "post": {
                "parameters": [
                    {
                        "name": "q",
                        "in": "query",
                        "type": "array",
                        "items": {"type": "string"},
                        "collectionFormat": "csv",
                    },
                    {"name": "f", "in": "formData", "type": "file"},
                ],
                "responses": {"200": {"schema": {"$ref": "#/definitions/A"}}},
            }
        }
    },
    "definitions": {
        "A": {"type": "object", "properties": {"a": {"type": "integer", "exclusiveMinimum": True, "minimum": 1}}}
    },
}
words = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "#", "#/components/schemas/A", "x.yaml", "string", "object", "{", "a"]
)
keys = st.sampled_from(["$ref", "type", "properties", "allOf", "oneOf", "in", "name", "schema", "required", "a", "$id"])
junk = st.recursive(
    words, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3), max_leaves=4
)


def places(value: Any) -> list[tuple[Any, Any]]:
    members = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, k) for k, _ in members] + [found for _, v in members for found in places(v)]


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([SEED, SWAGGER_SEED]), st.lists(st.tuples(st.integers(0, 10_000), junk), min_size=1, max_size=4))
def test_valid_contracts_with_parts_replaced_end_in_a_contract_or_a_diagnosis(
    seed: dict[str, Any], changes: list[tuple[int, Any]]
) -> None:
    document = json.loads(json.dumps(seed))
    for number, value in changes:
        found = places(document)
        if found:
            container, key = found[number % len(found)]
            container[key] = value
    attempt(json.dumps(document).encode())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([SEED, SWAGGER_SEED]), st.integers(0, 3000), st.binary(max_size=4), st.integers(0, 4))
def test_valid_contracts_with_bytes_replaced_end_in_a_contract_or_a_diagnosis(
    seed: dict[str, Any], at: int, put: bytes, cut: int
) -> None:
    text = json.dumps(seed).encode()
    at %= len(text)
    attempt(text[:at] + put + text[at + cut :])


def test_ten_thousand_operations_are_read() -> None:
    paths = {
        f"/r{i}/{{id}}": {"get": {"parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}]}}
        for i in range(10_000)
    }
    contract = parse_contract(json.dumps({"openapi": "3.1.0", "paths": paths}).encode(), name="big.json")
    assert len({o.id for o in contract.operations}) == 10_000
    grouped = next(n for n in contract.notes if n.check == "operation-without-id")
    assert "10000 places" in grouped.sentence


def test_a_schema_as_deep_as_the_limit_is_converted() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(180):
        schema = {"items": schema}
    document = {
        "openapi": "3.0.0",
        "paths": {"/a": {"get": {"parameters": [{"name": "q", "in": "query", "schema": schema}]}}},
    }
    use(parse_contract(json.dumps(document).encode(), name="a.json"))
