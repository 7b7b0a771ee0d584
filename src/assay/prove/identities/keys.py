"""API keys for one run: issued with a short life, taken up by the gateway, revoked at the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.domain import Secret
from assay.identity import api_keys
from assay.prove.case import NotReached

NOTE = "assay prove"
LIFE = timedelta(hours=2)
"""Longer than any run; a key that an interrupted run left behind ends by itself."""


def issue(path: Path, consumer: str, now: float) -> tuple[Secret, str]:
    """A key for a consumer, and its identifier. Blocking. Raises AssayError."""
    moment = datetime.fromtimestamp(now, UTC)

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, Secret]:
        return store.issue(consumer, LIFE, moment, note=NOTE, created_by=NOTE)

    secret = api_keys.edit(path, change)
    match = api_keys.KEY_PATTERN.fullmatch(secret.reveal())
    if match is None:
        raise NotReached("the key that was issued has no identifier, so it could not be revoked")
    return secret, match[1]


def revoke(path: Path, identifiers: frozenset[str], now: float) -> None:
    """Revokes keys; one that is gone is no error. Blocking. Raises AssayError."""
    moment = datetime.fromtimestamp(now, UTC)

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, None]:
        for identifier in identifiers & store.keys.keys():
            store = store.revoke(identifier, moment)
        return store, None

    api_keys.edit(path, change)
