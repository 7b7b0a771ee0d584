"""Signed notes, checkpoints, cosignatures and proofs as C2SP has them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from assay.domain import AssayError
from assay.evidence.checkpoint import (
    COSIGNATURE,
    Proof,
    check_name,
    cosign,
    decode_key,
    encode_key,
    parse,
    parse_proof,
    sign,
    signed_by,
    verifies,
    witnessed_by,
)
from assay.evidence.tree import Levels, leaf_hash

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
ROOT = leaf_hash(b"")


def test_a_note_that_another_program_signed_verifies() -> None:
    # The example in the documentation of golang.org/x/mod/sumdb/note.
    name, _, public = decode_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    import base64

    raw = base64.b64decode(line)
    assert name == "PeterNeumann"
    assert raw[:4].hex() == "c74f20a3"
    assert verifies(public, raw[4:], text.encode())


def test_a_checkpoint_reads_back_and_says_who_signed() -> None:
    head = sign("example.com/log", 7, ROOT, KEY)
    assert head.text.startswith("example.com/log\n7\n")
    assert parse(head.text) == head
    assert signed_by(head, {"a": PUBLIC}) == ("a",)
    assert signed_by(head, {"b": WITNESS.public_key().public_bytes_raw()}) == ()


def test_a_wrong_signature_by_a_known_key_is_an_error_not_an_unknown_key() -> None:
    head = parse(sign("example.com/log", 7, ROOT, KEY).text.replace("\n7\n", "\n8\n"))
    with pytest.raises(AssayError, match="wrong signature"):
        signed_by(head, {"a": PUBLIC})


def test_a_witness_is_known_by_its_own_key_and_time() -> None:
    head = sign("example.com/log", 7, ROOT, KEY)
    both = parse(cosign(head, "witness.example", WITNESS, at=1_700_000_000).text)
    known = {"witness.example": WITNESS.public_key().public_bytes_raw()}
    assert witnessed_by(both, known) == (("witness.example", 1_700_000_000),)
    assert witnessed_by(both, {"other.example": known["witness.example"]}) == ()
    assert witnessed_by(head, known) == ()
    assert signed_by(both, {"a": PUBLIC}) == ("a",)
    moved = parse(both.text.replace("\n7\n", "\n9\n"))
    with pytest.raises(AssayError, match="cosignature"):
        witnessed_by(moved, known)


def test_verifier_keys_read_back_and_misspelt_ones_are_refused() -> None:
    text = encode_key("witness.example", PUBLIC, COSIGNATURE)
    assert decode_key(text) == ("witness.example", COSIGNATURE, PUBLIC)
    for wrong in ("", "a+b", text[:-2], text.replace("witness", "wittness")):
        with pytest.raises(AssayError):
            decode_key(wrong)


@pytest.mark.parametrize("name", ["", "has space", "plus+sign", "line\nbreak", "x" * 300])
def test_names_that_a_note_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(AssayError):
        check_name(name)


def test_a_proof_reads_back_and_covers_its_entry_alone() -> None:
    lines = [b"a", b"b", b"c", b"d", b"e"]
    levels = Levels([leaf_hash(line) for line in lines])
    head = sign("example.com/log", 5, levels.root(), KEY)
    proof = Proof(3, tuple(levels.inclusion(3)), head, b"d")
    assert proof.text.startswith("c2sp.org/tlog-proof@v1\nextra ZA==\nindex 3\n")
    assert parse_proof(proof.text) == proof
    assert proof.covers(leaf_hash(b"d"))
    assert not proof.covers(leaf_hash(b"c"))
    assert len(Proof(3, proof.path, head).text) < 1_000


@given(st.text() | st.text("—\n 0123456789abcABC=+/exampl.co"))
def test_any_text_is_a_checkpoint_or_a_domain_error(text: str) -> None:
    for read in (parse, parse_proof):
        try:
            read(text)
        except AssayError as error:
            assert error.sentence


def test_half_a_character_is_no_checkpoint() -> None:
    text = sign("example.com/log", 7, ROOT, KEY).text
    with pytest.raises(AssayError):
        parse("\ud800" + text[1:])


@given(st.data())
def test_a_checkpoint_with_a_changed_character_is_never_taken_for_signed(data: st.DataObject) -> None:
    text = sign("example.com/log", 7, ROOT, KEY).text
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters().filter(lambda c: c != text[at])) + text[at + 1 :]
    try:
        good = signed_by(parse(changed), {"a": PUBLIC})
    except AssayError:
        good = ()
    assert good == ()
