"""Keysets: what is stored is unreadable without the keys, and readable again with them, also after a rotation."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, UsageError
from assay.gateway import keysets
from assay.gateway.keysets import CiphertextError, KeysetError


@pytest.fixture(scope="module")
def keyset(tmp_path_factory: pytest.TempPathFactory) -> keysets.Keyset:
    return keysets.ensure(tmp_path_factory.mktemp("keys") / "keys", "customers")


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(st.characters()),
    field=st.text(min_size=1, max_size=40, alphabet=st.characters(exclude_categories=["Cs"])),
)
def test_every_value_comes_back(keyset: keysets.Keyset, text: str, field: str) -> None:
    for seal in (keyset.encrypt, keyset.encrypt_lookup):
        sealed = seal(field, text)
        assert keysets.is_ciphertext(sealed)
        assert sealed.isascii()
        assert keyset.decrypt(field, sealed) == text


def test_the_plaintext_is_not_in_the_ciphertext_and_never_the_same_twice(keyset: keysets.Keyset) -> None:
    first, second = (keyset.encrypt("api/iban", "DE89370400440532013000") for _ in range(2))
    assert first != second
    assert "DE89370400440532013000" not in first
    assert first.startswith("enc:v1:")


def test_lookup_ciphertexts_are_equal_exactly_for_equal_values_of_one_field(keyset: keysets.Keyset) -> None:
    assert keyset.encrypt_lookup("api/email", "a@b.example") == keyset.encrypt_lookup("api/email", "a@b.example")
    assert keyset.encrypt_lookup("api/email", "a@b.example") != keyset.encrypt_lookup("api/email", "A@b.example")
    assert keyset.encrypt_lookup("api/email", "a@b.example") != keyset.encrypt_lookup("api/mail", "a@b.example")
    assert keyset.encrypt_lookup("api/email", "x").startswith("det:v1:")


@pytest.mark.parametrize("form", ["encrypt", "encrypt_lookup"])
def test_a_ciphertext_moved_to_another_field_does_not_decrypt(keyset: keysets.Keyset, form: str) -> None:
    sealed = getattr(keyset, form)("api/email", "a@b.example")
    with pytest.raises(CiphertextError, match=r"`api/iban` does not decrypt"):
        keyset.decrypt("api/iban", sealed)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), form=st.sampled_from(["encrypt", "encrypt_lookup"]))
def test_a_ciphertext_altered_anywhere_does_not_decrypt(keyset: keysets.Keyset, data: st.DataObject, form: str) -> None:
    sealed = getattr(keyset, form)("api/email", "alice@example.com")
    position = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.characters().filter(lambda c: c != sealed[position]))
    altered = sealed[:position] + letter + sealed[position + 1 :]
    with pytest.raises(CiphertextError):
        keyset.decrypt("api/email", altered)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters()), prefix=st.sampled_from(["", "enc:v1:", "det:v1:", "tok:v1:"]))
def test_arbitrary_text_is_refused_with_a_sentence(keyset: keysets.Keyset, text: str, prefix: str) -> None:
    with pytest.raises(CiphertextError):
        keyset.decrypt("api/email", prefix + text)
    with pytest.raises(CiphertextError):
        keyset.reveal_token("user.contact.email", prefix + text)
    keyset.needs_reencryption(prefix + text)


def test_after_a_rotation_old_values_still_decrypt_and_new_ones_use_the_new_key(tmp_path: Path) -> None:
    old = keysets.ensure(tmp_path / "keys", "customers")
    before, lookup = old.encrypt("api/iban", "DE1"), old.encrypt_lookup("api/email", "a@b.example")
    new = keysets.rotate(tmp_path / "keys", "customers")
    assert new.decrypt("api/iban", before) == "DE1"
    assert new.needs_reencryption(before)
    after = new.reencrypt("api/iban", before)
    assert not new.needs_reencryption(after)
    assert new.decrypt("api/iban", after) == "DE1"
    with pytest.raises(CiphertextError):
        old.decrypt("api/iban", after)
    assert new.encrypt_lookup("api/email", "a@b.example") == lookup, "an ordinary rotation keeps lookups working"


def test_after_a_rotation_of_the_lookup_key_the_candidates_still_find_old_rows(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    old = keysets.ensure(directory, "customers")
    stored = old.encrypt_lookup("api/email", "a@b.example")
    new = keysets.rotate(directory, "customers", lookup=True)
    current = new.encrypt_lookup("api/email", "a@b.example")
    assert stored != current
    assert new.lookup_candidates("api/email", "a@b.example") == (current, stored)
    assert new.needs_reencryption(stored)
    assert new.reencrypt("api/email", stored) == current
    assert keysets.load(directory, "customers").decrypt("api/email", stored) == "a@b.example"


def test_many_rotations_keep_every_value_readable(tmp_path: Path) -> None:
    keyset = keysets.ensure(tmp_path / "keys", "k")
    values = []
    for number in range(5):
        values.append((str(number), keyset.encrypt("f", str(number))))
        keyset = keysets.rotate(tmp_path / "keys", "k", lookup=True)
    assert [keyset.decrypt("f", sealed) for _, sealed in values] == [plain for plain, _ in values]


def test_tokens_and_pseudonyms_are_stable_and_bound_to_their_purpose(tmp_path: Path) -> None:
    first = keysets.ensure(tmp_path / "keys", "masking")
    again = keysets.rotate(tmp_path / "keys", "masking")
    assert first.token("user.contact.email", "a@b.example") == again.token("user.contact.email", "a@b.example")
    assert first.reveal_token("p", first.token("p", "x")) == "x"
    assert first.pseudonym("p", "x") == again.pseudonym("p", "x") != first.pseudonym("q", "x")
    assert len(first.pseudonym("p", "x")) == 32
    with pytest.raises(CiphertextError):
        first.decrypt("p", "det:v1:" + first.token("p", "x").removeprefix("tok:v1:"))


def test_key_files_are_private_and_hold_no_clear_key(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    keysets.ensure(directory, "customers")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in keysets.files(directory, "customers"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len((directory / "kek").read_bytes()) == 32
    assert b"encryptedKeyset" in (directory / "customers.aead.json").read_bytes()


def test_ensure_twice_gives_the_same_keys(tmp_path: Path) -> None:
    sealed = keysets.ensure(tmp_path / "keys", "customers").encrypt("f", "x")
    assert keysets.ensure(tmp_path / "keys", "customers").decrypt("f", sealed) == "x"


def test_two_keysets_do_not_read_each_other(tmp_path: Path) -> None:
    one, two = (keysets.ensure(tmp_path / "keys", name) for name in ("one", "two"))
    with pytest.raises(CiphertextError):
        two.decrypt("f", one.encrypt("f", "x"))


def _lose(directory: Path) -> None:
    (directory / "kek").unlink()


def _shorten(directory: Path) -> None:
    (directory / "kek").write_bytes(b"short")


def _swap_kek(directory: Path) -> None:
    (directory / "kek").write_bytes(os.urandom(32))


def _swap_files(directory: Path) -> None:
    (directory / "customers.aead.json").write_bytes((directory / "other.aead.json").read_bytes())


def _open_to_all(directory: Path) -> None:
    (directory / "customers.aead.json").chmod(0o644)


def _corrupt(directory: Path) -> None:
    path = directory / "customers.daead.json"
    path.write_bytes(path.read_bytes().replace(b"A", b"B", 3))


def _empty(directory: Path) -> None:
    (directory / "customers.prf.json").write_bytes(b"")


def _binary(directory: Path) -> None:
    (directory / "customers.prf.json").write_bytes(b"\xff\xfe\x00")


def _remove(directory: Path) -> None:
    (directory / "customers.daead.json").unlink()


@pytest.mark.parametrize(
    "damage", [_lose, _shorten, _swap_kek, _swap_files, _open_to_all, _corrupt, _empty, _binary, _remove]
)
def test_damaged_or_missing_keys_are_an_error_with_a_fix(tmp_path: Path, damage: object) -> None:
    directory = tmp_path / "keys"
    keysets.ensure(directory, "customers")
    keysets.ensure(directory, "other")
    damage(directory)  # type: ignore[operator]
    with pytest.raises(KeysetError) as caught:
        keysets.load(directory, "customers")
    assert caught.value.fix
    assert caught.value.location is not None
    with pytest.raises(KeysetError):
        keysets.rotate(directory, "customers")


def test_a_lost_key_encryption_key_is_never_replaced_silently(tmp_path: Path) -> None:
    keysets.ensure(tmp_path / "keys", "customers")
    (tmp_path / "keys" / "kek").unlink()
    with pytest.raises(KeysetError, match="is gone"):
        keysets.ensure(tmp_path / "keys", "another")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=400))
def test_arbitrary_keyset_files_are_refused_with_a_domain_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    directory = tmp_path_factory.mktemp("keys")
    keysets.ensure(directory, "k")
    (directory / "k.aead.json").write_bytes(content)
    with pytest.raises(KeysetError):
        keysets.load(directory, "k")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a b", "ä"])
def test_a_name_that_could_leave_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    for function in (keysets.ensure, keysets.load, keysets.rotate):
        with pytest.raises(UsageError):
            function(tmp_path, name)


def test_keys_do_not_show_in_representations(keyset: keysets.Keyset) -> None:
    assert repr(keyset) == "Keyset('customers')"


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssayError):
        keysets.load(tmp_path / "absent", "customers")
    with pytest.raises(AssayError):
        keysets.rotate(tmp_path / "absent", "customers")
