"""Keys for protected fields: Tink keysets, kept encrypted under one key-encryption key.

A keyset ``NAME`` is three files in one directory, each an encrypted Tink keyset in Tink's JSON form:

- ``NAME.aead.json``: AES-256-GCM (NIST SP 800-38D), the ordinary form; the same value never looks the same twice.
- ``NAME.daead.json``: AES-SIV with 512-bit keys (RFC 5297), for fields that the store must find by equality.
- ``NAME.prf.json``: HMAC-SHA-256 (RFC 2104), for pseudonyms that nobody can turn back.

The key-encryption key ``kek`` is 32 random bytes (AES-256-GCM) in the same directory. Whoever holds the directory holds
the keys; whoever holds one keyset file without ``kek`` holds nothing. Losing ``kek`` loses every encrypted value.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tink
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tink import aead, daead, prf, secret_key_access
from tink.proto import tink_pb2

from assay.domain import AssayError, Location, UsageError
from assay.identity.files import ensure_private_directory, locked, read_private, write_private

RANDOMISED = "enc:v1:"
DETERMINISTIC = "det:v1:"
PSEUDO = "tok:v1:"

KEK = "kek"
_KEK_BYTES = 32
_NONCE_BYTES = 12
_KINDS = ("aead", "daead", "prf")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TINK_PREFIX_BYTES = 5
"""A Tink ciphertext starts with one version byte and the key's id (four bytes, big endian)."""


class KeysetError(AssayError):
    """A keyset cannot be read or written; nothing is encrypted or decrypted with it."""


class CiphertextError(AssayError):
    """A ciphertext was altered, belongs to another field, or was made with a key that is not here."""


def is_ciphertext(text: str) -> bool:
    """Whether ``text`` claims to be a stored ciphertext. Decrypting it tells whether that is true."""
    return text.startswith((RANDOMISED, DETERMINISTIC))


class Keyset:
    """One named keyset, ready to use. Never shows key material.

    ``field`` in every method is the name a value is bound to, by convention ``API/FIELD``; a ciphertext moved to
    another field does not decrypt. It is *not* bound to the record: whoever may write the store can still copy the
    ciphertext of one record's field to the same field of another record.
    """

    def __init__(self, name: str, handles: dict[str, Any]) -> None:
        self.name = name
        self._handles = handles
        self._aead = handles["aead"].primitive(aead.Aead)
        self._daead = handles["daead"].primitive(daead.DeterministicAead)
        self._prf = handles["prf"].primitive(prf.PrfSet).primary()
        self._primary = {k: h.keyset_info().primary_key_id.to_bytes(4, "big") for k, h in handles.items()}

    def __repr__(self) -> str:
        return f"Keyset({self.name!r})"

    def encrypt(self, field: str, plaintext: str) -> str:
        """``enc:v1:`` and the base64url AES-256-GCM ciphertext, under the primary key and a fresh random nonce."""
        return RANDOMISED + _text(self._aead.encrypt(_bytes(plaintext), field.encode()))

    def encrypt_lookup(self, field: str, plaintext: str) -> str:
        """``det:v1:`` and the base64url AES-SIV ciphertext: equal values of a field have equal ciphertexts.

        That equality is what makes a lookup possible, and it is what this form gives away to a reader of the store.
        """
        return DETERMINISTIC + _text(self._daead.encrypt_deterministically(_bytes(plaintext), field.encode()))

    def decrypt(self, field: str, text: str) -> str:
        """The plaintext of either form, made with any key of this keyset.

        Raises:
            CiphertextError: altered, bound to another field, made with an unknown key, or not a ciphertext at all.
        """
        if text.startswith(RANDOMISED):
            return self._open(self._aead.decrypt, field, text[len(RANDOMISED) :])
        if text.startswith(DETERMINISTIC):
            return self._open(self._daead.decrypt_deterministically, field, text[len(DETERMINISTIC) :])
        raise CiphertextError(
            f"A value of `{field}` is not a ciphertext.",
            fix="encrypt the rows that were stored before encryption was switched on",
        )

    def reencrypt(self, field: str, text: str) -> str:
        """The same value in the same form under the primary key. Raises :class:`CiphertextError`."""
        plaintext = self.decrypt(field, text)
        if text.startswith(RANDOMISED):
            return self.encrypt(field, plaintext)
        return self.encrypt_lookup(field, plaintext)

    def needs_reencryption(self, text: str) -> bool:
        """Whether ``text`` is a ciphertext that was made with a key other than the primary one."""
        kind = "aead" if text.startswith(RANDOMISED) else "daead"
        if not is_ciphertext(text):
            return False
        try:
            raw = _raw(text[len(RANDOMISED) :])
        except (binascii.Error, ValueError):
            return True
        return bool(raw[1:_TINK_PREFIX_BYTES] != self._primary[kind])

    def lookup_candidates(self, field: str, plaintext: str) -> tuple[str, ...]:
        """The lookup ciphertext under every key, the primary one's first: what to search for until all rows are
        encrypted anew after the lookup key was rotated."""
        found = []
        for handle in _each_key(self._handles["daead"]):
            primitive = handle.primitive(daead.DeterministicAead)
            sealed = primitive.encrypt_deterministically(_bytes(plaintext), field.encode())
            found.append(DETERMINISTIC + _text(sealed))
        return tuple(found)

    def token(self, purpose: str, plaintext: str) -> str:
        """``tok:v1:`` and a deterministic token, the same for equal values of one ``purpose``.

        Only a holder of the keyset can turn it back (:meth:`reveal_token`). It is not a ciphertext of any field.
        """
        return PSEUDO + _text(self._daead.encrypt_deterministically(_bytes(plaintext), b"token\0" + purpose.encode()))

    def reveal_token(self, purpose: str, token: str) -> str:
        """The value behind a token. Raises :class:`CiphertextError`."""
        if not token.startswith(PSEUDO):
            raise CiphertextError(f"A value for `{purpose}` is not a token.", fix="pass what `token` returned")
        return self._open(self._daead.decrypt_deterministically, "token\0" + purpose, token[len(PSEUDO) :])

    def pseudonym(self, purpose: str, plaintext: str) -> str:
        """32 hexadecimal digits (128 bits) of HMAC-SHA-256 over purpose and value; nobody can turn it back."""
        digest: bytes = self._prf.compute(purpose.encode() + b"\0" + _bytes(plaintext), 16)
        return digest.hex()

    def _open(self, primitive: Callable[[bytes, bytes], bytes], field: str, sealed: str) -> str:
        try:
            return primitive(_raw(sealed), field.encode()).decode("utf-8", "surrogatepass")
        except (tink.TinkError, binascii.Error, ValueError) as error:
            raise CiphertextError(
                f"A stored value of `{field.partition(chr(0))[0]}` does not decrypt: it was altered, moved from "
                f"another field, or encrypted with a key that keyset `{self.name}` does not hold.",
                fix="restore the keyset that encrypted it, or the value from a backup",
            ) from error


def ensure(directory: Path, name: str) -> Keyset:
    """Load keyset ``name``, creating it (and the key-encryption key) when it does not exist.

    A missing key-encryption key beside existing keysets is an error: a new one could read none of them.

    Raises:
        KeysetError, UsageError: see :func:`load`.
    """
    _check_name(name)
    ensure_private_directory(directory)
    with locked(directory / KEK):
        kek = _Kek.create_or_read(directory)
        for kind in _KINDS:
            if not _path(directory, name, kind).exists():
                _store(directory, name, kind, tink.new_keyset_handle(_template(kind)), kek)
        return _load(directory, name, kek)


def load(directory: Path, name: str) -> Keyset:
    """Read keyset ``name``.

    Raises:
        KeysetError: a file is missing, readable by others, altered, or sealed under another key-encryption key.
        UsageError: the name cannot be a file name.
    """
    _check_name(name)
    return _load(directory, name, _Kek.read(directory))


def rotate(directory: Path, name: str, *, lookup: bool = False) -> Keyset:
    """Give keyset ``name`` a new primary key; the old keys stay, so that everything stored still decrypts.

    AES-256-GCM with random nonces should not seal more than 2^32 values under one key (NIST SP 800-38D §8.3), so
    rotate long before that.

    With ``lookup`` the deterministic key is rotated too. Until every stored ``det:v1:`` value has gone through
    :meth:`Keyset.reencrypt`, a lookup by equality finds only the rows written since: search for all of
    :meth:`Keyset.lookup_candidates` meanwhile. That is why it is not part of an ordinary rotation. The key of
    pseudonyms is never rotated: they would all change, and no old one could be recognised.

    Raises:
        KeysetError, UsageError: see :func:`load`.
    """
    _check_name(name)
    with locked(directory / KEK):
        kek = _Kek.read(directory)
        for kind in ("aead", "daead") if lookup else ("aead",):
            handle = _with_new_primary(_read(directory, name, kind, kek), _template(kind))
            _store(directory, name, kind, handle, kek)
        return _load(directory, name, kek)


def files(directory: Path, name: str) -> tuple[Path, ...]:
    """The files keyset ``name`` is read from; when one changes, load it again."""
    return (directory / KEK, *(_path(directory, name, kind) for kind in _KINDS))


class _Kek(aead.Aead):  # type: ignore[misc]  # the package is untyped
    """The key-encryption key as a Tink AEAD: a random 96-bit nonce, then the AES-256-GCM ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def read(cls, directory: Path) -> _Kek:
        path = directory / KEK
        key = _private(path, "key-encryption key")
        if len(key) != _KEK_BYTES:
            raise KeysetError(
                f"The key-encryption key `{path}` has {len(key)} bytes instead of {_KEK_BYTES}.",
                fix="restore it from a backup; the encrypted values cannot be read without it",
                location=Location(str(path)),
            )
        return cls(key)

    @classmethod
    def create_or_read(cls, directory: Path) -> _Kek:
        path = directory / KEK
        if not path.exists():
            if any(directory.glob("*.aead.json")):
                raise KeysetError(
                    f"The key-encryption key `{path}` is gone, but there are keysets that were sealed under it.",
                    fix="restore it from a backup; a new one could not read them",
                    location=Location(str(path)),
                )
            write_private(path, secrets.token_bytes(_KEK_BYTES))
        return cls.read(directory)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, associated_data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        try:
            return self._cipher.decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], associated_data)
        except (InvalidTag, ValueError) as error:
            raise tink.TinkError("not sealed under this key-encryption key") from error


@functools.cache
def _register() -> None:
    """Tell Tink's registry which kinds of keys there are; once per process, on first use."""
    aead.register()
    daead.register()
    prf.register()


def _template(kind: str) -> Any:
    _register()
    return {
        "aead": aead.aead_key_templates.AES256_GCM,
        "daead": daead.deterministic_aead_key_templates.AES256_SIV,
        "prf": prf.prf_key_templates.HMAC_SHA256,
    }[kind]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot name a keyset.",
            fix="use up to 64 letters, digits, dots, hyphens and underscores, starting with a letter or digit",
        )


def _path(directory: Path, name: str, kind: str) -> Path:
    return directory / f"{name}.{kind}.json"


def _binding(name: str, kind: str) -> bytes:
    """A keyset file renamed to another keyset or kind must not open."""
    return f"assay keyset\0{name}\0{kind}".encode()


def _private(path: Path, what: str) -> bytes:
    try:
        return read_private(path, what=what)
    except KeysetError:
        raise
    except AssayError as error:
        raise KeysetError(error.sentence, fix=error.fix, location=error.location) from error


def _read(directory: Path, name: str, kind: str, kek: _Kek) -> Any:
    path = _path(directory, name, kind)
    _register()
    content = _private(path, "keyset")
    try:
        return tink.json_proto_keyset_format.parse_encrypted(content.decode(), kek, _binding(name, kind))
    # Tink's C++ half reports a malformed keyset with whatever its JSON reader throws, RuntimeError included.
    except Exception as error:
        raise KeysetError(
            f"The keyset `{path}` does not open: it was altered, or sealed under another key-encryption key.",
            fix=f"restore it together with `{directory / KEK}` from one backup",
            location=Location(str(path)),
        ) from error


def _load(directory: Path, name: str, kek: _Kek) -> Keyset:
    handles = {kind: _read(directory, name, kind, kek) for kind in _KINDS}
    try:
        return Keyset(name, handles)
    except tink.TinkError as error:
        raise KeysetError(
            f"The keyset `{name}` holds keys of the wrong kind.",
            fix="restore its files from a backup",
            location=Location(str(_path(directory, name, "aead"))),
        ) from error


def _store(directory: Path, name: str, kind: str, handle: Any, kek: _Kek) -> None:
    sealed = tink.json_proto_keyset_format.serialize_encrypted(handle, kek, _binding(name, kind))
    write_private(_path(directory, name, kind), sealed.encode())


def _keyset_of(handle: Any) -> Any:
    serialised = tink.proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    return tink_pb2.Keyset.FromString(serialised)


def _handle_of(keyset: Any) -> Any:
    return tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)


def _with_new_primary(handle: Any, template: Any) -> Any:
    keyset = _keyset_of(handle)
    used = {key.key_id for key in keyset.key}
    fresh = _keyset_of(tink.new_keyset_handle(template))
    while fresh.primary_key_id in used:
        fresh = _keyset_of(tink.new_keyset_handle(template))
    keyset.key.append(fresh.key[0])
    keyset.primary_key_id = fresh.primary_key_id
    return _handle_of(keyset)


def _each_key(handle: Any) -> list[Any]:
    """One handle per key, the primary key's first."""
    keyset = _keyset_of(handle)
    ordered = sorted(keyset.key, key=lambda key: key.key_id != keyset.primary_key_id)
    return [_handle_of(tink_pb2.Keyset(primary_key_id=key.key_id, key=[key])) for key in ordered]


def _bytes(plaintext: str) -> bytes:
    """UTF-8; a lone surrogate (JSON may carry one) survives the round trip instead of raising."""
    return plaintext.encode("utf-8", "surrogatepass")


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _raw(text: str) -> bytes:
    """Strict base64url without padding (RFC 4648 §5): one spelling per ciphertext."""
    raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
