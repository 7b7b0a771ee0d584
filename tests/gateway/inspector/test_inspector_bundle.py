from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, Secret
from assay.gateway import ir
from assay.gateway.assemble import Policy, assemble
from assay.gateway.inspector.bundle import Bundle, Compiled, build, decode, encode, problems
from assay.gateway.inspector.core import inspect
from assay.gateway.inspector.decision import Decision
from assay.gateway.inspector.holder import Holder, compiler
from assay.gateway.inspector.injection import Engine
from assay.gateway.runtime import Folders

C: dict[str, Any] = {"control": "input_validation", "source": "assay.yaml:1:1"}


def _policy(*more: ir.AnyPiece, operations: int = 1, schema: str = '{"$ref":"#/$defs/Name"}') -> Policy:
    pieces: list[ir.AnyPiece] = [
        ir.Listener(**C, address="127.0.0.1", port=8443),
        ir.AccessLog(**C),
        ir.Upstream(**C, api="crm", host="127.0.0.1", port=9001),
        ir.SchemaLibrary(**C, api="crm", definitions='{"Name":{"type":"string","maxLength":5}}'),
        ir.SchemaLibrary(**C, api="other", definitions="{}"),
    ]
    for n in range(operations):
        pieces.append(
            ir.Route(
                **C, api="crm", operation=f"op{n}", method="POST", hosts=("*",), public_base="", template=f"/op{n}"
            )
        )
        pieces.append(
            ir.Inspection(
                **C,
                api="crm",
                operation=f"op{n}",
                bodies=(ir.BodyRule(media_type="application/json", schema=schema),),
            )
        )
    return assemble([*pieces, *more])


ISSUER = ir.TokenIssuer(
    **C,
    issuer="production",
    url="https://login.example",
    audiences=("crm",),
    algorithms=("ES256",),
    introspection=ir.IntrospectionPolicy(
        url="https://login.example/introspect", client="gateway", credential="env:INTROSPECTION_SECRET"
    ),
)


def _compile(bundle: Bundle, engine: Engine, **options: Any) -> Compiled:
    return Compiled(bundle, engine=engine, resolve=lambda _: Secret("s"), **options)


def test_the_bundle_has_what_the_policy_says_and_no_more() -> None:
    policy = _policy(ISSUER)
    bundle = build(policy)
    assert bundle.digest == policy.digest
    assert set(bundle.operations) == {"crm/op0"}
    assert set(bundle.libraries) == {"crm"}
    assert bundle.introspection["production"].audiences == ("crm",)
    assert b"INTROSPECTION_SECRET" in encode(bundle)  # the reference; never the secret
    assert decode(encode(bundle)) == bundle
    assert encode(bundle) == encode(build(_policy(ISSUER)))


def test_what_a_policy_names_is_found_where_the_project_lies_now() -> None:
    assert ISSUER.introspection
    asks = msgspec.structs.replace(ISSUER.introspection, credential="state:issuer/secret")
    policy = _policy(msgspec.structs.replace(ISSUER, introspection=asks))
    bundle = build(policy, Folders("/declared", "/kept"))
    assert bundle.introspection["production"].policy.credential == "file:/kept/issuer/secret"
    assert bundle.digest == policy.digest, "which is the same in every folder"
    assert Folders("/declared", "/kept").file("pki/ca.crt") == "/declared/pki/ca.crt"
    assert Folders("/declared", "/kept").file("/etc/ca.crt") == "/etc/ca.crt"


def test_operations_find_the_schemas_of_their_api(engine: Engine) -> None:
    compiled = _compile(build(_policy()), engine)
    operation = compiled.operation("crm/op0")
    assert operation is not None
    media = [(b"content-type", b"application/json")]
    assert inspect(operation, "POST", "/op0", b"", media, b'"abcde"').allowed
    assert not inspect(operation, "POST", "/op0", b"", media, b'"abcdef"').allowed
    assert compiled.operation("crm/other") is None


def test_very_many_operations_compile_when_they_are_needed(engine: Engine) -> None:
    bundle = build(_policy(operations=30))
    lazy = _compile(bundle, engine, eager=False)
    assert lazy.operation("crm/op29") is lazy.operation("crm/op29")


@pytest.mark.parametrize(
    "schema",
    [
        '{"type":"strin"}',
        '{"pattern":"("}',
        '{"$ref":"#/$defs/Missing"}',
        '{"$ref":"https://example.org/x"}',
        "[",
        '"x"',
        "[]",
    ],
)
def test_a_schema_that_cannot_be_compiled_is_told_with_its_operation(engine: Engine, schema: str) -> None:
    bundle = build(_policy(schema=schema))
    with pytest.raises(AssayError, match="crm/op0"):
        _compile(bundle, engine)
    assert [e for e in problems(bundle) if "crm/op0" in e.sentence]
    # Compiled late it refuses instead of passing, and says so again.
    lazy = _compile(bundle, engine, eager=False)
    with pytest.raises(AssayError):
        lazy.operation("crm/op0")


def test_a_library_that_cannot_be_read_is_told(engine: Engine) -> None:
    bundle = build(_policy())
    for text in ("[", "[]", "\udc80", "[" * 5000):
        with pytest.raises(AssayError, match="library"):
            _compile(msgspec.structs.replace(bundle, libraries={"crm": text}), engine)


def test_recursive_schemas_compile(engine: Engine) -> None:
    library = '{"Node":{"type":"object","properties":{"next":{"$ref":"#/$defs/Node"}},"additionalProperties":false}}'
    bundle = msgspec.structs.replace(build(_policy(schema='{"$ref":"#/$defs/Node"}')), libraries={"crm": library})
    operation = _compile(bundle, engine).operation("crm/op0")
    assert operation is not None
    deep: Any = {}
    for _ in range(30):
        deep = {"next": deep}
    media = [(b"content-type", b"application/json")]
    assert inspect(operation, "POST", "/", b"", media, json.dumps(deep).encode()).allowed
    assert inspect(operation, "POST", "/", b"", media, json.dumps({"next": deep, "x": 1}).encode()).status == 400


def test_secrets_never_travel_in_clear(engine: Engine) -> None:
    remote = msgspec.structs.replace(
        ISSUER, introspection=ir.IntrospectionPolicy(url="http://login.example/i", client="c", credential="env:X")
    )
    with pytest.raises(AssayError, match="https"):
        _compile(build(_policy(remote)), engine)


def test_a_secret_that_cannot_be_resolved_stops_the_bundle() -> None:
    def missing(reference: str) -> Secret:
        raise AssayError(f"{reference} is not set.")

    with pytest.raises(AssayError, match="INTROSPECTION_SECRET"):
        Compiled(build(_policy(ISSUER)), engine=Engine(), resolve=missing)


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_only_domain_errors_leave_the_bundle_reader(data: bytes) -> None:
    with pytest.raises(AssayError):
        decode(data)


@settings(max_examples=200)
@given(at=st.integers(0, 900), cut=st.integers(0, 5), insert=st.binary(max_size=4))
def test_a_damaged_bundle_is_read_or_refused(at: int, cut: int, insert: bytes) -> None:
    whole = encode(build(_policy(ISSUER)))
    with contextlib.suppress(AssayError):
        decode(whole[:at] + insert + whole[at + cut :])


def test_a_bundle_of_another_version_is_refused() -> None:
    with pytest.raises(AssayError, match="version 2"):
        decode(encode(msgspec.structs.replace(build(_policy()), version=2)))


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


@pytest.fixture
def holder(tmp_path: Path, engine: Engine) -> Callable[[bytes], Holder]:
    def make(content: bytes) -> Holder:
        path = tmp_path / "bundle.json"
        path.write_bytes(content)
        return Holder(path, compiler(lambda b: _compile(b, engine), "bundle.json"))

    return make


def test_a_new_bundle_is_taken_only_when_it_compiles(holder: Callable[[bytes], Holder]) -> None:
    first, second = build(_policy()), build(_policy(operations=2))
    held = holder(encode(first))
    assert held.reload()
    assert not held.changed()
    _replace(held.path, b"{")
    assert held.changed()
    assert not held.reload()
    assert not held.changed()
    assert held.current is not None
    assert held.current.digest == first.digest
    assert "cannot be read" in held.error
    _replace(held.path, encode(build(_policy(schema='{"pattern":"("}'))))
    assert not held.reload()
    assert "crm/op0" in held.error
    _replace(held.path, encode(second))
    assert held.reload()
    assert (held.current.digest, held.error, held.reloads) == (second.digest, "", 2)
    held.path.unlink()
    assert held.changed()
    assert not held.reload()
    assert held.current.digest == second.digest


def test_a_compiler_that_breaks_keeps_the_old_bundle(holder: Callable[[bytes], Holder]) -> None:
    held = holder(encode(build(_policy())))
    assert held.reload()
    before = held.current

    def broken(_: bytes) -> Compiled:
        raise ZeroDivisionError

    held.compiler = broken
    assert not held.reload()
    assert held.current is before
    assert "ZeroDivisionError" in held.error


CRS = Path(os.environ.get("ASSAY_TEST_CRS", "/usr/share/modsecurity-crs"))


def test_a_core_rule_set_that_is_not_there_is_told(engine: Engine, tmp_path: Path) -> None:
    bundle = msgspec.structs.replace(build(_policy()), crs=str(tmp_path))
    with pytest.raises(AssayError, match="core rule set"):
        _compile(bundle, engine)
    assert [e for e in problems(bundle) if "core rule set" in e.sentence]


def test_a_core_rule_set_that_does_not_parse_is_told(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "crs-setup.conf.example").write_text('SecAction "id:900990,phase:1,nolog,pass,t:none"\n')
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "broken.conf").write_text("SecRule ARGS @nonsense\n")
    with pytest.raises(AssayError, match=r"broken\.conf"):
        _compile(msgspec.structs.replace(build(_policy()), crs=str(tmp_path)), engine)


def test_the_rules_of_a_directory_judge_requests(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "crs-setup.conf").write_text('SecAction "id:900990,phase:1,nolog,pass,t:none"\n')
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.conf").write_text(
        'SecRule ARGS|ARGS_NAMES|REQUEST_HEADERS "@contains forbidden" "id:1,phase:2,deny,status:403"\n'
    )
    bundle = build(_policy(schema='{"type":["string","object"]}'))
    inspection = msgspec.structs.replace(
        bundle.operations["crm/op0"], crs=str(tmp_path), injection=False, closed_query=False
    )
    compiled = _compile(msgspec.structs.replace(bundle, crs=str(tmp_path), operations={"crm/op0": inspection}), engine)
    operation = compiled.operation("crm/op0")
    assert operation is not None
    media = [(b"content-type", b"application/json")]

    def ask(query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b'{"a":"b"}') -> int:
        return inspect(operation, "POST", "/op0", query, [*media, *(headers or [])], body).status

    assert ask() == 200
    assert ask(query=b"q=forbidden") == 403
    assert ask(headers=[(b"x-a", b"forbidden")]) == 403
    assert ask(body=b'{"a":"forbidden"}') == 403


@pytest.mark.skipif(not (CRS / "rules").is_dir(), reason=f"needs the OWASP Core Rule Set in {CRS} (or ASSAY_TEST_CRS)")
def test_the_owasp_core_rule_set_loads_and_judges(engine: Engine) -> None:
    bundle = build(_policy(schema='{"type":["string","object"]}'))
    inspection = msgspec.structs.replace(bundle.operations["crm/op0"], crs=str(CRS), injection=False)
    compiled = _compile(msgspec.structs.replace(bundle, crs=str(CRS), operations={"crm/op0": inspection}), engine)
    operation = compiled.operation("crm/op0")
    assert operation is not None
    headers = [
        (b"host", b"api.example"),
        (b"user-agent", b"test/1"),
        (b"accept", b"*/*"),
        (b"content-type", b"application/json"),
    ]

    def ask(body: bytes) -> Decision:
        length = (b"content-length", str(len(body)).encode())
        return inspect(operation, "POST", "/op0", b"", [*headers, length], body)

    assert ask(b'{"a":"good morning"}').allowed
    assert ask(b'{"a":"1\' UNION SELECT password FROM users -- "}').policy == "input_validation/core-rule-set"


def test_definitions_that_all_contain_each_other_are_looked_at_once_each(engine: Engine) -> None:
    names = [f"N{n}" for n in range(300)]
    # Each definition reaches all others.
    library = {n: {"type": "object", "properties": {m: {"$ref": f"#/$defs/{m}"} for m in names}} for n in names}
    bundle = msgspec.structs.replace(
        build(_policy(operations=3, schema='{"$ref":"#/$defs/N0"}')),
        libraries={"crm": json.dumps(library), "other": "{}"},
    )
    assert not list(problems(bundle))
    library["N7"]["properties"] = {"broken": {"type": "nothing"}}
    broken = msgspec.structs.replace(bundle, libraries={"crm": json.dumps(library), "other": "{}"})
    assert len(list(problems(broken))) == 3


def test_operations_with_the_same_schema_share_what_was_compiled(engine: Engine) -> None:
    compiled = _compile(build(_policy(operations=2)), engine)
    first, second = compiled.operation("crm/op0"), compiled.operation("crm/op1")
    assert first is not None
    assert second is not None
    assert first.bodies[0].validator is second.bodies[0].validator
