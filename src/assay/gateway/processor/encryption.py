"""What the store sees: fields encrypted on the way in, decrypted on the way out, and looked up by their ciphertext.

A value is encrypted as its JSON text, so that numbers, booleans, arrays and objects come back as what they were; the
ciphertext is always a string. ``null`` stays ``null``. A client's value is always encrypted, also when it looks like a
ciphertext: otherwise anybody could have a ciphertext copied from elsewhere decrypted for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_to_bytes

from assay.domain import AssayError
from assay.gateway import ir
from assay.gateway.keysets import CiphertextError, Keyset, is_ciphertext
from assay.gateway.processor.json_text import Json, NotJson, encode, parse
from assay.gateway.processor.paths import Counts, Paths, add_one, compile_paths, rewrite

Plaintext = Literal["pass", "refuse"]
"""What to do with a value that should be a ciphertext and never was: rows from before encryption was switched on."""

_HEX = frozenset("0123456789abcdefABCDEF")


class QueryError(AssayError):
    """A query string cannot be read without guessing, so the value to encrypt cannot be found."""


@dataclass(frozen=True, slots=True)
class FieldCipher:
    """One protected field, its keyset and what its ciphertexts are bound to."""

    name: str
    binding: str
    keyset: Keyset
    deterministic: bool = False

    def seal(self, value: Json) -> str:
        """The stored form of ``value``. This is what a migration of existing rows must write."""
        text = encode(value).decode()
        return (self.keyset.encrypt_lookup if self.deterministic else self.keyset.encrypt)(self.binding, text)

    def unseal(self, text: str) -> Json:
        """The value behind a ciphertext. Raises :class:`~assay.gateway.keysets.CiphertextError`."""
        try:
            return parse(self.keyset.decrypt(self.binding, text))
        except NotJson as error:
            raise CiphertextError(
                f"The plaintext of a stored value of `{self.binding}` is not JSON.",
                fix="encrypt stored values as their JSON text, a string with its quotation marks",
            ) from error


@dataclass(slots=True)
class Tally:
    """What happened to a body, counted by field name. Holds no values."""

    encrypted: Counts = field(default_factory=dict)
    decrypted: Counts = field(default_factory=dict)
    plaintext: Counts = field(default_factory=dict)


def compile_ciphers(api: str, fields: Iterable[tuple[ir.ProtectedField, Keyset]]) -> Paths[FieldCipher] | None:
    """The automaton of an operation's protected fields, or None when it has none."""
    return compile_paths(
        (
            protected.path,
            FieldCipher(protected.name, f"{api}/{protected.name}", keyset, protected.form == "deterministic"),
        )
        for protected, keyset in fields
    )


def encrypt_fields(value: Json, ciphers: Paths[FieldCipher], tally: Tally) -> Json:
    """``value`` as the store may see it, changed in place."""

    def act(cipher: FieldCipher, found: Json) -> Json:
        if found is None:
            return None
        add_one(tally.encrypted, cipher.name)
        return cipher.seal(found)

    return rewrite(value, ciphers, act)


def decrypt_fields(value: Json, ciphers: Paths[FieldCipher], tally: Tally, *, plaintext: Plaintext = "pass") -> Json:
    """``value`` with its ciphertexts opened, changed in place.

    Raises:
        CiphertextError: a ciphertext does not open; or with ``refuse``, a value is none.
    """

    def act(cipher: FieldCipher, found: Json) -> Json:
        if found is None:
            return None
        if isinstance(found, str) and is_ciphertext(found):
            add_one(tally.decrypted, cipher.name)
            return cipher.unseal(found)
        if isinstance(found, list):
            return [act(cipher, item) for item in found]
        if isinstance(found, dict):
            return {name: act(cipher, member) for name, member in found.items()}
        if plaintext == "refuse":
            raise CiphertextError(
                f"A stored value of `{cipher.binding}` is not encrypted.",
                fix="encrypt the rows that were stored before encryption was switched on",
            )
        add_one(tally.plaintext, cipher.name)
        return found

    return rewrite(value, ciphers, act)


def encrypt_query(target: str, lookups: Mapping[str, FieldCipher], tally: Tally) -> str:
    """``target`` (path and query, RFC 9112 §3.2) with the values of the ``lookups`` parameters encrypted.

    Everything else stays byte for byte. Values are looked up as JSON strings, so a field that is to be found this way
    must be a string. ``+`` means a space, as in HTML forms.

    Raises:
        QueryError: a name, or a value to encrypt, has an invalid escape or is not UTF-8.
    """
    path, mark, query = target.partition("?")
    if not mark:
        return target
    parts = query.split("&")
    for index, part in enumerate(parts):
        raw_name, equals, raw_value = part.partition("=")
        cipher = lookups.get(_decoded(raw_name))
        if cipher is not None and equals:
            parts[index] = f"{raw_name}={cipher.seal(_decoded(raw_value))}"
            add_one(tally.encrypted, cipher.name)
    return f"{path}?{'&'.join(parts)}"


def _decoded(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text
    position = text.find("%")
    while position >= 0:
        if not (len(text) > position + 2 and text[position + 1] in _HEX and text[position + 2] in _HEX):
            raise QueryError("The query string has an invalid percent-escape.", fix="escape `%` itself as `%25`")
        position = text.find("%", position + 3)
    try:
        return unquote_to_bytes(text.replace("+", " ").encode("utf-8")).decode("utf-8")
    except UnicodeError:
        raise QueryError("The query string is not UTF-8.", fix="percent-encode the UTF-8 bytes of the text") from None
