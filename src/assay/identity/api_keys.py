"""API keys: 256 random bits shown once, kept as a digest, always expiring, rotated with an overlap.

A key reads ``ak_IDENTIFI_`` + 43 characters of secret + 6 of checksum. The prefix and the checksum (CRC-32 of all that
precedes it) let a secret scanner recognise a leaked key without asking anybody; neither adds security. The digest is a
plain SHA-256: 256 random bits cannot be guessed, so a slow hash would protect nothing and cost every request
(NIST SP 800-63B, 3.1.2: look-up secrets of 112 bits or more need no salted, iterated hash).

:class:`KeyStore` is a value; the functions at the end read and write it as ``keys.json``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, TypeVar

import msgspec

from assay.domain import AssayError, Location, Secret, UsageError, did_you_mean
from assay.identity.files import ensure_private_directory, locked, present, read_private, write_private

Rng = Callable[[int], bytes]
T = TypeVar("T")

KEY_PATTERN: Final = re.compile(r"ak_([a-z2-7]{8})_([A-Za-z0-9_-]{43})([0-9A-Za-z]{6})", re.ASCII)
"""The text of a key: identifier, secret, checksum. Match it with ``fullmatch``."""
MAX_TTL: Final = timedelta(days=366)
WARN_WITHIN: Final = timedelta(days=14)
_VERSION = 1
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NO_DIGEST = "0" * 64
_FILE_LIMIT = 64 << 20

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
Identifier = Annotated[str, msgspec.Meta(pattern="^[a-z2-7]{8}$")]


class KeyState(StrEnum):
    """What a key is worth at one moment. ``active``, ``expiring`` and ``overlap`` verify; the others do not."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRING = "expiring"
    OVERLAP = "overlap"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is kept about a key. No field holds any part of its secret. Times are UTC."""

    id: Identifier
    consumer: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    created: Instant
    not_before: Instant
    expires: Instant
    revoked_at: Instant | None = None
    replaced_by: Identifier | None = None
    note: Line = ""
    created_by: Line = ""

    def usable(self, now: datetime) -> bool:
        """Whether the key works at ``now``: from ``not_before`` until just before ``expires``, unless revoked."""
        return self.revoked_at is None and self.not_before <= now < self.expires

    def state(self, now: datetime, *, warn_within: timedelta = WARN_WITHIN) -> KeyState:
        """The state that a listing shows. Every state but active, expiring and overlap means: refused."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if now >= self.expires:
            return KeyState.EXPIRED
        if now < self.not_before:
            return KeyState.PENDING
        if self.replaced_by is not None:
            return KeyState.OVERLAP
        return KeyState.EXPIRING if self.expires - now <= warn_within else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One line of ``assay key list``."""

    record: KeyRecord
    state: KeyState


@dataclass(frozen=True, slots=True)
class KeyStore:
    """All keys of a gateway, by id. Every change returns a new store."""

    keys: Mapping[str, KeyRecord] = field(default_factory=dict)

    def issue(
        self,
        consumer: str,
        ttl: timedelta,
        now: datetime,
        rng: Rng = secrets.token_bytes,
        *,
        note: str = "",
        created_by: str = "",
    ) -> tuple[KeyStore, Secret]:
        """A new key for ``consumer`` that works from ``now`` for ``ttl`` (at most 366 days), and its text.

        The text exists nowhere else: show it once. Raises :class:`UsageError` for a lifetime that is out of bounds.
        """
        store, secret, _ = self._issue(consumer, ttl, now, rng, note=note, created_by=created_by)
        return store, secret

    def rotate(
        self,
        key_id: str,
        overlap: timedelta,
        now: datetime,
        rng: Rng = secrets.token_bytes,
        *,
        ttl: timedelta | None = None,
        created_by: str = "",
    ) -> tuple[KeyStore, Secret]:
        """A successor of ``key_id``; the old key works on until ``now + overlap`` or its own expiry if that is sooner.

        ``ttl`` is the lifetime of the successor, by default that of the old key. Raises :class:`UsageError` when the
        key is unknown, no longer usable, or has been rotated already.
        """
        old = self._get(key_id)
        if overlap < timedelta(0):
            raise UsageError("An overlap cannot be negative.", fix="use 0s to retire the old key at once")
        if not old.usable(now):
            raise UsageError(
                f"The key `{key_id}` is {old.state(now)} and cannot be rotated.",
                fix=f"issue a new key: assay key issue {old.consumer}",
            )
        if old.replaced_by is not None:
            raise UsageError(
                f"The key `{key_id}` was replaced by `{old.replaced_by}` already.",
                fix=f"rotate `{old.replaced_by}`, or revoke the one that is not wanted",
            )
        lifetime = ttl if ttl is not None else min(old.expires - old.not_before, MAX_TTL)
        store, secret, new = self._issue(old.consumer, lifetime, now, rng, note=old.note, created_by=created_by)
        # Compared as durations: `now + overlap` of an enormous overlap would overflow.
        until = now + overlap if overlap < old.expires - now else old.expires
        retired = msgspec.structs.replace(old, expires=until, replaced_by=new.id)
        return store._with(retired), secret

    def revoke(self, key_id: str, now: datetime) -> KeyStore:
        """The store in which ``key_id`` never verifies again. Revoking twice keeps the first moment."""
        record = self._get(key_id)
        if record.revoked_at is not None:
            return self
        return self._with(msgspec.structs.replace(record, revoked_at=_utc(now)))

    def list(self, now: datetime, *, warn_within: timedelta = WARN_WITHIN) -> tuple[ListedKey, ...]:
        """Every key with its state, by consumer, then newest first."""
        ordered = sorted(self.keys.values(), key=lambda k: (k.consumer, -k.created.timestamp(), k.id))
        return tuple(ListedKey(record, record.state(now, warn_within=warn_within)) for record in ordered)

    def verify(self, text: str, now: datetime) -> KeyRecord | None:
        """The record of the key that reads ``text`` if it works at ``now``, else None.

        One digest is computed and compared in constant time whether or not the identifier exists, so that the time
        taken tells nothing about which keys do.
        """
        match = KEY_PATTERN.fullmatch(text)
        record = self.keys.get(match[1]) if match else None
        # What is no key is not hashed at its own length: a request cannot make this slow.
        digest = hashlib.sha256(text.encode() if match else b"").hexdigest()
        same = hmac.compare_digest(digest, record.sha256 if record else _NO_DIGEST)
        return record if record is not None and same and record.usable(now) else None

    def _issue(
        self, consumer: str, ttl: timedelta, now: datetime, rng: Rng, *, note: str, created_by: str
    ) -> tuple[KeyStore, Secret, KeyRecord]:
        if not 0 < len(consumer) <= 200:
            raise UsageError("A key belongs to a consumer.", fix="name a declared consumer")
        if not timedelta(0) < ttl <= MAX_TTL:
            raise UsageError(
                "The lifetime of a key must be positive and at most 366 days.", fix="use a lifetime such as 90d"
            )
        for line in (note, created_by):
            if len(line) > 500:
                raise UsageError("A note on a key has at most 500 characters.", fix="shorten the note")
        key_id = self._free_id(rng)
        secret = _key_text(key_id, rng)
        start = _utc(now)
        record = KeyRecord(
            id=key_id,
            consumer=consumer,
            sha256=hashlib.sha256(secret.reveal().encode()).hexdigest(),
            created=start,
            not_before=start,
            expires=start + ttl,
            note=note,
            created_by=created_by,
        )
        return self._with(record), secret, record

    def _free_id(self, rng: Rng) -> str:
        for _ in range(100):
            key_id = base64.b32encode(rng(5)).decode().lower()
            if key_id not in self.keys:
                return key_id
        raise AssayError(
            "No free identifier for a key was found in 100 attempts: the source of randomness repeats itself.",
            fix="check the machine's random number generator",
        )

    def _get(self, key_id: str) -> KeyRecord:
        record = self.keys.get(key_id)
        if record is None:
            # Somebody may have pasted the whole key where its identifier belongs: never echo it.
            match = KEY_PATTERN.fullmatch(key_id)
            shown = match[1] if match else key_id[:40]
            raise UsageError(f"There is no key `{shown}`.", fix=did_you_mean(shown, self.keys, what="key"))
        return record

    def _with(self, record: KeyRecord) -> KeyStore:
        return KeyStore(MappingProxyType({**self.keys, record.id: record}))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: list[KeyRecord]


class _Version(msgspec.Struct, frozen=True):
    version: int


def load(path: Path) -> KeyStore:
    """The store in ``path``; an empty one if the file does not exist.

    Raises :class:`AssayError` when the file can be read by other users, is damaged, or is of a newer version.
    """
    if not present(path):
        return KeyStore()
    content = read_private(path, limit=_FILE_LIMIT, what="API key file")
    where = Location(str(path))
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version != _VERSION:
            raise AssayError(
                f"The API key file `{path}` has version {version}; this Assay reads version {_VERSION}.",
                fix="use the version of Assay that wrote it",
                location=where,
            )
        records = msgspec.json.decode(content, type=_File).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AssayError(
            f"The API key file `{path}` is damaged: {error}.",
            fix="restore it from a backup; or move it away and issue new keys (every old key then stops working)",
            location=where,
        ) from error
    keys = {record.id: record for record in records}
    if len(keys) != len(records):
        raise AssayError(
            f"The API key file `{path}` lists one key twice.",
            fix="restore it from a backup, or remove the entry that is wrong",
            location=where,
        )
    return KeyStore(MappingProxyType(keys))


def save(path: Path, store: KeyStore) -> None:
    """Write ``store`` as the whole content of ``path``, mode 0600, atomically and under the lock.

    A file that cannot be read is not overwritten (:class:`AssayError`). To change what is there, use :func:`edit`.
    """
    edit(path, lambda _: (store, None))


def edit(path: Path, change: Callable[[KeyStore], tuple[KeyStore, T]]) -> T:
    """Apply ``change`` to the store in ``path`` under an exclusive lock, write the result and return what it yields.

    When ``change`` raises, or the file cannot be read, the file stays as it was.
    """
    ensure_private_directory(path.parent)
    with locked(path):
        before = load(path)
        after, result = change(before)
        if after is not before or not present(path):
            write_private(path, _encode(after))
        return result


def _encode(store: KeyStore) -> bytes:
    records = [store.keys[key_id] for key_id in sorted(store.keys)]
    return msgspec.json.format(msgspec.json.encode(_File(_VERSION, records)), indent=2) + b"\n"


def _key_text(key_id: str, rng: Rng) -> Secret:
    body = f"ak_{key_id}_" + base64.urlsafe_b64encode(rng(32)).decode().rstrip("=")
    return Secret(body + _checksum(body))


def has_valid_checksum(text: str) -> bool:
    """Whether ``text`` has the form of a key and its checksum holds: a leaked key, not a look-alike."""
    return KEY_PATTERN.fullmatch(text) is not None and text[-6:] == _checksum(text[:-6])


def _checksum(body: str) -> str:
    """CRC-32 of ``body`` in base 62, six characters, most significant first."""
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = _BASE62[digit] + digits
    return digits


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise UsageError("A moment without a time zone was given.", fix="use a time in UTC")
    return moment.astimezone(UTC)
