"""The issuer's signing keys: made at first start, rotated without a gap, published until their last token is over.

A rotated-in key is published at once but signs only after a lead time, so that verifiers which cache the key set for a
while have fetched it before they meet its first signature. The key it replaces signs until then, and stays published
until the last token it may have signed has expired.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet, RSAKey

from assay.domain import AssayError, Location, UsageError
from assay.identity.files import ensure_private_directory, locked, present, read_private, write_private

KEYS_FILE = "signing-keys.json"
JWKS_MAX_AGE = 60
"""Seconds for which verifiers may cache the published key set."""
_SKEW = 60
_LIMIT = 1 << 20


class SigningKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A private key. Signs from ``active_from``; published from ``created`` until ``retired_at`` (epoch seconds)."""

    kid: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    algorithm: Literal["ES256", "RS256"]
    created: int
    active_from: int
    retired_at: int | None = None
    private_jwk: dict[str, str]

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, algorithm={self.algorithm!r})"

    def key(self) -> ECKey | RSAKey:
        """The key itself. Raises :class:`AssayError` when it is damaged."""
        try:
            key = JWKRegistry.import_key({**self.private_jwk})
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AssayError(
                f"The signing key `{self.kid}` is damaged.", fix="restore the file of signing keys"
            ) from error
        if not isinstance(key, ECKey if self.algorithm == "ES256" else RSAKey) or not key.is_private:
            raise AssayError(
                f"The signing key `{self.kid}` is not a private key for {self.algorithm}.",
                fix="restore the file of signing keys",
            )
        return key


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    keys: tuple[SigningKey, ...]


def ensure_signing_keys(state_dir: Path, algorithms: Iterable[str], *, now: int) -> tuple[SigningKey, ...]:
    """The keys of ``state_dir``; one that signs at once is made for each of ``algorithms`` that has none."""
    path = state_dir / KEYS_FILE
    ensure_private_directory(state_dir)
    with locked(path):
        keys = load_signing_keys(state_dir) if present(path) else ()
        usable = {key.algorithm for key in keys if key.retired_at is None}
        new = [_generate(algorithm, now, 0) for algorithm in algorithms if algorithm not in usable]
        if new:
            keys = (*keys, *new)
            _save(path, keys)
        return keys


def rotate_signing_key(
    state_dir: Path, *, now: int, lifetime_seconds: int = 3600, lead_seconds: int = JWKS_MAX_AGE
) -> tuple[SigningKey, ...]:
    """Replace the signing key of every algorithm, and forget keys whose last token is over.

    New keys sign after ``lead_seconds``; old ones stay published until tokens of ``lifetime_seconds`` that they signed
    have expired. A running issuer notices the change by itself. Returns the keys now on file.
    """
    if lead_seconds < 0 or lifetime_seconds < 0:
        raise UsageError("A rotation cannot have negative durations.", fix="use seconds, 0 or more")
    path = state_dir / KEYS_FILE
    with locked(path):
        keys = [k for k in load_signing_keys(state_dir) if k.retired_at is None or k.retired_at > now]
        takes_over = now + lead_seconds
        retired_at = takes_over + lifetime_seconds + _SKEW
        result: list[SigningKey] = []
        for key in keys:
            if key.retired_at is None:
                result.append(msgspec.structs.replace(key, retired_at=retired_at))
            else:
                result.append(key)
        algorithms = sorted({key.algorithm for key in keys if key.retired_at is None})
        result += [_generate(algorithm, now, takes_over) for algorithm in algorithms]
        _save(path, result)
        return tuple(result)


def load_signing_keys(state_dir: Path) -> tuple[SigningKey, ...]:
    """The keys on file. Raises :class:`AssayError` when the file is missing, open to others or damaged."""
    path = state_dir / KEYS_FILE
    content = read_private(path, limit=_LIMIT, what="file of signing keys")
    try:
        keys = msgspec.json.decode(content, type=_File).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise AssayError(
            f"The file of signing keys `{path}` is damaged.",
            fix="restore it, or remove it to start with new keys (tokens issued before are then refused)",
            location=Location(str(path)),
        ) from error
    for key in keys:
        key.key()
    return keys


def current_key(keys: Sequence[SigningKey], algorithm: str, now: int) -> SigningKey:
    """The key that signs at ``now``: the one that became active last. Raises :class:`AssayError` if there is none."""
    ready = [k for k in _alive(keys, now) if k.algorithm == algorithm and k.active_from <= now]
    if not ready:
        raise AssayError(f"The issuer has no {algorithm} key that may sign now.", fix="check the clock of this machine")
    return max(ready, key=lambda k: (k.active_from, k.created, k.kid))


def published(keys: Iterable[SigningKey], now: int) -> KeySet:
    """The public keys by which tokens are verified at ``now``."""
    return KeySet([JWKRegistry.import_key(_public(key)) for key in _alive(keys, now)])


def jwks(keys: Iterable[SigningKey], now: int) -> dict[str, list[dict[str, str | list[str]]]]:
    """The key set as published (RFC 7517): public members, ``kid``, ``alg`` and ``use``, sorted by ``kid``."""
    return {"keys": [_public(key) for key in _alive(keys, now)]}


class KeyRing:
    """The keys on file, read again when the file changes, so that a rotation needs no restart.

    A file that cannot be read leaves the keys as they were; ``fault`` then says why, for the health report.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._mark = self._stamp()
        self._keys = load_signing_keys(state_dir)
        self.fault = ""

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """The keys now."""
        mark = self._stamp()
        if mark != self._mark:
            try:
                self._keys = load_signing_keys(self._state_dir)
                self.fault = ""
            except AssayError as error:
                self.fault = error.sentence
            self._mark = mark
        return self._keys

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = (self._state_dir / KEYS_FILE).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_mode


def _alive(keys: Iterable[SigningKey], now: int) -> list[SigningKey]:
    return sorted((k for k in keys if k.retired_at is None or now < k.retired_at), key=lambda k: k.kid)


def _public(signing: SigningKey) -> dict[str, str | list[str]]:
    # A list of what is public, not of what is private: an unknown member must not slip out.
    names = ("kty", "crv", "x", "y") if signing.algorithm == "ES256" else ("kty", "n", "e")
    public: dict[str, str | list[str]] = {name: signing.private_jwk[name] for name in names}
    return {**public, "kid": signing.kid, "alg": signing.algorithm, "use": "sig"}


def _generate(algorithm: str, now: int, active_from: int) -> SigningKey:
    key: ECKey | RSAKey
    if algorithm == "ES256":
        key, name = ECKey.generate_key("P-256"), "ES256"
    elif algorithm == "RS256":
        key, name = RSAKey.generate_key(2048), "RS256"
    else:
        raise UsageError(f"The issuer cannot sign with `{algorithm[:20]}`.", fix="use ES256 or RS256")
    members = {member: value for member, value in key.as_dict(private=True).items() if isinstance(value, str)}
    return msgspec.convert(
        {
            "kid": f"dev-{secrets.token_hex(8)}",
            "algorithm": name,
            "created": now,
            "active_from": active_from,
            "private_jwk": {m: v for m, v in members.items() if m != "kid"},
        },
        SigningKey,
    )


def _save(path: Path, keys: Sequence[SigningKey]) -> None:
    write_private(path, msgspec.json.encode(_File(1, tuple(keys))) + b"\n")
