"""Private keys are read as OpenSSH and PEM write them, and only where nobody else can read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.decisions.decisions_made import ALICE, line

from assay.decisions.private_keys import load_private_key
from assay.declare.model import Person
from assay.declare.model.people import public_of
from assay.domain import AssayError, Secret
from assay.evidence.decided import fingerprint

OPENSSH, PKCS8 = PrivateFormat.OpenSSH, PrivateFormat.PKCS8


@pytest.fixture
def key_file(tmp_path: Path) -> Callable[..., Path]:
    def write(data: bytes, mode: int = 0o600) -> Path:
        path = tmp_path / "key"
        path.write_bytes(data)
        path.chmod(mode)
        return path

    return write


def private(form: PrivateFormat, passphrase: bytes = b"") -> bytes:
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    if passphrase and form is OPENSSH:
        how = form.encryption_builder().kdf_rounds(1).build(passphrase)
    return ALICE.private_bytes(Encoding.PEM, form, how)


def never() -> Secret | None:
    raise AssertionError("nobody is asked for a passphrase that is not needed")


@pytest.mark.parametrize("form", [OPENSSH, PKCS8])
def test_a_key_is_read_without_asking(key_file: Callable[..., Path], form: PrivateFormat) -> None:
    assert load_private_key(key_file(private(form)), never).private_bytes_raw() == b"a" * 32


@pytest.mark.parametrize("form", [OPENSSH, PKCS8])
def test_a_protected_key_opens_to_its_passphrase_alone(key_file: Callable[..., Path], form: PrivateFormat) -> None:
    path = key_file(private(form, b"correct horse"))
    assert load_private_key(path, lambda: Secret("correct horse")).private_bytes_raw() == b"a" * 32
    with pytest.raises(AssayError, match="does not open") as error:
        load_private_key(path, lambda: Secret("wrong horse"))
    assert "wrong horse" not in error.value.diagnosis()
    with pytest.raises(AssayError, match="nobody to ask"):
        load_private_key(path, lambda: None)


def test_a_key_that_others_can_read_is_refused(key_file: Callable[..., Path]) -> None:
    with pytest.raises(AssayError, match="other users") as error:
        load_private_key(key_file(private(OPENSSH), 0o640), never)
    assert error.value.fix.startswith("chmod 600")


def test_other_kinds_of_keys_are_refused_with_what_to_do(key_file: Callable[..., Path]) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PKCS8, NoEncryption())
    with pytest.raises(AssayError, match="no Ed25519 key") as error:
        load_private_key(key_file(other), never)
    assert "ssh-keygen -t ed25519" in error.value.fix
    with pytest.raises(AssayError, match="public key"):
        load_private_key(key_file(line(ALICE).encode()), never)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 380), byte=st.integers(0, 255), form=st.sampled_from((OPENSSH, PKCS8)))
def test_a_damaged_key_is_a_domain_error(
    key_file: Callable[..., Path], at: int, byte: int, form: PrivateFormat
) -> None:
    data = private(form)
    try:
        load_private_key(key_file(data[:at] + bytes([byte]) + data[at + 1 :]), lambda: Secret("x"))
    except AssayError as error:
        assert error.sentence


def declared(key: object) -> Person:
    return Person.model_validate({"name": "A", "keys": [key]})


def test_a_public_key_is_named_as_openssh_names_it() -> None:
    (one,) = declared(line(ALICE)).keys
    assert public_of(one.key) == ALICE.public_key().public_bytes_raw()
    assert fingerprint(public_of(one.key)) == "SHA256:MEflzmy6hlCyjCwUMWY05BP0w/ypa9ng2gm4h3GQCFM"


RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ"


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (RSA, "this is RSA"),
        ("ecdsa-sha2-nistp256 AAAA", "this is ECDSA"),
        ("sk-ssh-ed25519@openssh.com AAAA", "a security key"),
        ("ssh-ed25519", "no OpenSSH public key"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("ssh-ed25519 ####", "not in base64"),
        ("", "no OpenSSH public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "private key"),
        ({"key": line(ALICE), "since": "2026-02-01", "until": "2026-01-01"}, "never decides"),
    ],
)
def test_a_public_key_of_another_form_is_refused_by_name(key: object, word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        declared(key)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet="AQ/+= ", max_size=90).map("ssh-ed25519 ".__add__))
def test_no_text_passes_for_a_key(text: str) -> None:
    with pytest.raises(ValidationError):
        declared(text)
