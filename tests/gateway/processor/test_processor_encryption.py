"""Protected fields: unreadable in the store, unchanged for those who may read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway import ir, keysets
from assay.gateway.keysets import CiphertextError
from assay.gateway.processor.encryption import (
    FieldCipher,
    QueryError,
    Tally,
    compile_ciphers,
    decrypt_fields,
    encrypt_fields,
    encrypt_query,
)
from assay.gateway.processor.json_text import encode, parse
from assay.gateway.processor.paths import Paths

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def keyset(tmp_path_factory: pytest.TempPathFactory) -> keysets.Keyset:
    directory: Path = tmp_path_factory.mktemp("keys")
    return keysets.ensure(directory, "customers")


def ciphers(keyset: keysets.Keyset, **forms: str) -> Paths[FieldCipher]:
    fields = (
        (ir.ProtectedField(path=(name,), name=name, form=form), keyset)  # type: ignore[arg-type]
        for name, form in forms.items()
    )
    compiled = compile_ciphers("api", fields)
    assert compiled is not None
    return compiled


@settings(max_examples=300, deadline=None)
@given(value=VALUES, form=st.sampled_from(["aead", "deterministic"]))
def test_every_value_comes_back_with_its_type(keyset: keysets.Keyset, value: Any, form: str) -> None:
    paths = ciphers(keyset, secret=form)
    text = json.dumps({"secret": value, "kept": value}).encode()
    tally = Tally()
    stored = encode(encrypt_fields(parse(text), paths, tally))
    sealed = json.loads(stored)
    assert sealed["kept"] == value
    assert sealed["secret"] is None if value is None else keysets.is_ciphertext(sealed["secret"])
    assert dict(tally.encrypted) == ({} if value is None else {"secret": 1})
    assert json.loads(encode(decrypt_fields(parse(stored), paths, Tally()))) == {"secret": value, "kept": value}


def test_numbers_come_back_as_they_were_written(keyset: keysets.Keyset) -> None:
    paths = ciphers(keyset, amount="aead")
    body = b'{"amount":1.10}'
    assert encode(decrypt_fields(encrypt_fields(parse(body), paths, Tally()), paths, Tally())) == body


def test_values_from_before_encryption_pass_and_are_counted_or_are_refused(keyset: keysets.Keyset) -> None:
    paths = ciphers(keyset, a="aead")
    for old in ("clear", 5, True):
        tally = Tally()
        assert decrypt_fields({"a": old}, paths, tally) == {"a": old}
        assert dict(tally.plaintext) == {"a": 1}
        with pytest.raises(CiphertextError, match="is not encrypted"):
            decrypt_fields({"a": old}, paths, Tally(), plaintext="refuse")
    assert decrypt_fields({"a": None}, paths, Tally(), plaintext="refuse") == {"a": None}


def test_ciphertexts_inside_an_unexpected_array_are_opened_too(keyset: keysets.Keyset) -> None:
    paths = ciphers(keyset, a="aead")
    sealed = [keyset.encrypt("api/a", '"x"'), keyset.encrypt("api/a", "2")]
    assert encode(decrypt_fields({"a": sealed}, paths, Tally())) == b'{"a":["x",2]}'
    assert encode(decrypt_fields({"a": {"k": sealed[0]}}, paths, Tally())) == b'{"a":{"k":"x"}}'


def test_a_moved_or_foreign_ciphertext_is_an_error(keyset: keysets.Keyset) -> None:
    paths = ciphers(keyset, a="aead", b="aead")
    stored = encrypt_fields({"a": "x", "b": "y"}, paths, Tally())
    with pytest.raises(CiphertextError):
        decrypt_fields({"a": stored["b"], "b": stored["a"]}, paths, Tally())
    with pytest.raises(CiphertextError, match="is not JSON"):
        decrypt_fields({"a": keyset.encrypt("api/a", "no json")}, paths, Tally())


def test_a_lookup_finds_what_the_body_stored(keyset: keysets.Keyset) -> None:
    stored = encrypt_fields({"email": "a+b@c.example"}, ciphers(keyset, email="deterministic"), Tally())
    cipher = FieldCipher("email", "api/email", keyset, deterministic=True)
    for spelling in ("a%2Bb@c.example", "a%2bb%40c.example", "%61%2Bb%40c%2Eexample"):
        assert encrypt_query(f"/x?email={spelling}", {"email": cipher}, Tally()) == f"/x?email={stored['email']}"


@settings(max_examples=300, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.sampled_from(["email", "q", "é", ""]), st.text(max_size=10)), max_size=5),
    plus=st.booleans(),
)
def test_only_the_named_parameters_of_a_query_change(
    keyset: keysets.Keyset, pairs: list[tuple[str, str]], plus: bool
) -> None:
    escape = quote_plus if plus else quote
    query = "&".join(f"{escape(name)}={escape(value)}" for name, value in pairs)
    cipher = FieldCipher("email", "api/email", keyset, deterministic=True)
    tally = Tally()
    target = encrypt_query(f"/p/a%2Fb?{query}", {"email": cipher}, tally)
    path, _, after = target.partition("?")
    assert path == "/p/a%2Fb"
    seen = parse_qsl(after, keep_blank_values=True)
    expected = [(n, cipher.seal(v) if n == "email" else v) for n, v in pairs]
    assert seen == [p for p in expected if p != ("", "")] or seen == expected
    assert tally.encrypted.get("email", 0) == sum(n == "email" for n, _ in pairs)


@pytest.mark.parametrize(
    "query", ["email=%", "email=%2", "email=%zz", "email=%ff", "em%ffail=x", "email=a%c0%af", "%=1"]
)
def test_a_query_that_parsers_read_differently_is_refused(keyset: keysets.Keyset, query: str) -> None:
    cipher = FieldCipher("email", "api/email", keyset, deterministic=True)
    with pytest.raises(QueryError):
        encrypt_query(f"/x?{query}", {"email": cipher}, Tally())


@settings(max_examples=300, deadline=None)
@given(target=st.text(st.characters(), max_size=40))
def test_arbitrary_targets_never_raise_anything_else(keyset: keysets.Keyset, target: str) -> None:
    cipher = FieldCipher("email", "api/email", keyset, deterministic=True)
    for text in (target, f"/x?email={target}", f"/x?{target}=1"):
        try:
            encrypt_query(text, {"email": cipher}, Tally())
        except QueryError as error:
            assert error.fix


def test_targets_without_a_query_stay(keyset: keysets.Keyset) -> None:
    cipher = FieldCipher("email", "api/email", keyset, deterministic=True)
    for target in ("/x", "/x?", "/x?email", "/x?other=%zz"):
        assert encrypt_query(target, {"email": cipher}, Tally()) == target
