"""Signed heads of the log, and proofs that an entry is under one: C2SP signed-note, tlog-checkpoint, tlog-cosignature
and tlog-proof, each of version 1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from assay.domain import AssayError
from assay.evidence.tree import SIZE, root_from_inclusion

ED25519 = 0x01
"""Signature type of the log's own signature."""
COSIGNATURE = 0x04
"""Signature type of a witness's time-stamped cosignature."""

_DASH = "\N{EM DASH} "
_LONGEST = 1 << 20
_MOST_SIGNATURES = 64
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which have no bytes to be signed."""
_PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Signature:
    """A line under a note: who, the hint of which key, and the signature's bytes."""

    name: str
    key_hash: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the log at ``size`` entries. ``signatures`` are not verified by reading them."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[Signature, ...] = ()

    @property
    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"

    @property
    def text(self) -> str:
        """The whole note."""
        lines = (f"{_DASH}{s.name} {_b64(s.key_hash + s.value)}\n" for s in self.signatures)
        return f"{self.body}\n{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class Proof:
    """That the entry at ``index`` is under ``checkpoint``. Ours carry the entry itself as ``extra``."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    extra: bytes = b""

    @property
    def text(self) -> str:
        """The proof as a ``.tlog-proof`` file."""
        extra = f"extra {_b64(self.extra)}\n" if self.extra else ""
        path = "".join(f"{_b64(node)}\n" for node in self.path)
        return f"{_PROOF}\n{extra}index {self.index}\n{path}\n{self.checkpoint.text}"

    def covers(self, leaf: bytes) -> bool:
        """Whether the path leads from this leaf hash to the checkpoint's root. The signature is another question."""
        return root_from_inclusion(leaf, self.index, self.checkpoint.size, self.path) == self.checkpoint.root


def check_name(name: str) -> str:
    """The name, if a note may carry it as an origin and a key's name. Raises :class:`AssayError`."""
    if not name or len(name) > 200 or not name.isprintable() or any(c.isspace() or c == "+" for c in name):
        raise AssayError(
            f"`{name}` cannot name an evidence log.",
            fix="use a short name like an address, without spaces and plus signs: example.com/evidence",
        )
    return name


def key_hash(name: str, public: bytes, kind: int = ED25519) -> bytes:
    """The hint that names a key in a note: the first four bytes of SHA-256(name, newline, type, key)."""
    return hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + public).digest()[:4]


def sign(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> Checkpoint:
    """A checkpoint with the log's own signature."""
    head = Checkpoint(check_name(origin), size, root)
    public = key.public_key().public_bytes_raw()
    return replace(head, signatures=(Signature(origin, key_hash(origin, public), key.sign(head.body.encode())),))


def cosign(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey, *, at: int) -> Checkpoint:
    """The checkpoint with a witness's cosignature added; ``at`` is the time in seconds since 1970.

    A witness may do this only after it verified that the checkpoint is consistent with the last one it cosigned.
    """
    hint = key_hash(check_name(name), key.public_key().public_bytes_raw(), COSIGNATURE)
    value = at.to_bytes(8, "big") + key.sign(_cosigned(checkpoint, at))
    return replace(checkpoint, signatures=(*checkpoint.signatures, Signature(name, hint, value)))


def signed_by(checkpoint: Checkpoint, keys: Mapping[str, bytes]) -> tuple[str, ...]:
    """Which of the log's public keys (by id) signed the checkpoint.

    Raises:
        AssayError: a signature that names one of the keys is wrong, in which case the note is worth nothing.
    """
    hints = {key_hash(checkpoint.origin, public): (identity, public) for identity, public in keys.items()}
    found = []
    for signature in checkpoint.signatures:
        if signature.name != checkpoint.origin or signature.key_hash not in hints:
            continue
        identity, public = hints[signature.key_hash]
        if not verifies(public, signature.value, checkpoint.body.encode()):
            raise AssayError(f"the checkpoint of size {checkpoint.size:,} has a wrong signature by key {identity}")
        found.append(identity)
    return tuple(found)


def witnessed_by(checkpoint: Checkpoint, witnesses: Mapping[str, bytes]) -> tuple[tuple[str, int], ...]:
    """Which of the known witnesses (public keys by name) cosigned, and when, in seconds since 1970.

    Raises:
        AssayError: a cosignature that names one of them is wrong.
    """
    found = []
    for signature in checkpoint.signatures:
        public = witnesses.get(signature.name)
        if public is None or signature.key_hash != key_hash(signature.name, public, COSIGNATURE):
            continue
        at = int.from_bytes(signature.value[:8], "big")
        if not verifies(public, signature.value[8:], _cosigned(checkpoint, at)):
            raise AssayError(f"the cosignature of witness {signature.name} is wrong")
        found.append((signature.name, at))
    return tuple(found)


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature (RFC 8032) is good. Never raises for any bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def parse(text: str) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        AssayError: it is not one; the sentence says why.
    """
    if len(text) > _LONGEST or _CONTROL.search(text):
        raise AssayError("this is no checkpoint: it is too long, or holds control characters")
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise AssayError("this is no checkpoint: no signatures stand after a blank line")
    head = body.split("\n")
    if len(head) != 3 or not head[0] or not _DECIMAL.fullmatch(head[1]):
        raise AssayError("this is no checkpoint: its first three lines are not an origin, a size and a root")
    root = _bytes(head[2])
    if len(root) != SIZE:
        raise AssayError("this is no checkpoint: its root is not 32 bytes")
    signatures = lines[:-1].split("\n")
    if len(signatures) > _MOST_SIGNATURES:
        raise AssayError(f"a checkpoint with more than {_MOST_SIGNATURES} signatures is not read")
    return Checkpoint(head[0], int(head[1]), root, tuple(_signature(line) for line in signatures))


def parse_proof(text: str) -> Proof:
    """Reads a ``.tlog-proof`` file.

    Raises:
        AssayError: it is not one.
    """
    if len(text) > 64 * _LONGEST or not text.startswith(f"{_PROOF}\n"):
        raise AssayError("this is no proof: its first line is not that of version 1")
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise AssayError("this is no proof: it has no checkpoint")
    lines = head.split("\n")[1:]
    extra = _bytes(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
    if not lines or not lines[0].startswith("index ") or not _DECIMAL.fullmatch(lines[0][6:]) or len(lines) > 64:
        raise AssayError("this is no proof: it does not say the index of its entry")
    path = tuple(_bytes(line) for line in lines[1:])
    if any(len(node) != SIZE for node in path):
        raise AssayError("this is no proof: a hash in it is not 32 bytes")
    return Proof(int(lines[0][6:]), path, parse(note), extra)


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).rpartition(" ")
    if not line.startswith(_DASH) or not space or not name or " " in name:
        raise AssayError("this is no checkpoint: a line below it is no signature")
    value = _bytes(encoded)
    if len(value) < 5:
        raise AssayError("this is no checkpoint: a signature is too short")
    return Signature(name, value[:4], value[4:])


def _cosigned(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.body}".encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """Base64 of RFC 4648, section 4, in its one canonical spelling."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AssayError("a value is not in base64") from error
    if _b64(data) != text:
        raise AssayError("a value is in base64, but not in its canonical form")
    return data


def encode_key(name: str, public: bytes, kind: int = ED25519) -> str:
    """A public key as the text that configures a verifier: ``name+hint+base64(type, key)``."""
    return f"{name}+{key_hash(name, public, kind).hex()}+{_b64(bytes([kind]) + public)}"


def decode_key(text: str) -> tuple[str, int, bytes]:
    """The name, type and key of :func:`encode_key`'s text.

    Raises:
        AssayError: it is no such text, or its hint does not fit.
    """
    name, hint, encoded = (*text.strip().split("+", 2), "", "")[:3]
    data = _bytes(encoded)
    if len(data) != 33 or key_hash(name, data[1:], data[0]).hex() != hint or data[0] not in (ED25519, COSIGNATURE):
        raise AssayError(
            "This is no verifier key.", fix="it looks like `witness.example+1a2b3c4d+BASE64`; copy it whole"
        )
    return name, data[0], data[1:]
