"""What the issuer must remember about tokens: opaque ones it handed out, and those that were revoked."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

import msgspec

from assay.domain import AssayError, Location
from assay.identity.files import PRIVATE_FILE

LEDGER_FILE = "tokens.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS opaque (digest BLOB PRIMARY KEY, claims BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS revoked (jti TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS opaque_expires ON opaque (expires);
CREATE INDEX IF NOT EXISTS revoked_expires ON revoked (expires);
"""


class TokenLedger:
    """Survives a restart, so that a revoked token stays revoked. Holds digests of opaque tokens, never tokens.

    Entries are dropped when their token has expired, which bounds the file. Use from one thread.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / LEDGER_FILE
        try:
            # Created here so that it is private before SQLite, whose side files take over its mode, touches it.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
            self._path.chmod(PRIVATE_FILE)
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=5.0)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def remember(self, token: str, claims: dict[str, object], *, expires: int, now: int) -> None:
        """Record an opaque token that was handed out, with what introspection will say of it."""
        self._write(
            "INSERT INTO opaque VALUES (?, ?, ?)", (_digest(token), msgspec.json.encode(claims), expires), now=now
        )

    def claims_of(self, token: str, *, now: int) -> dict[str, object] | None:
        """The claims of an opaque token that was handed out and has not expired, else None."""
        row = self._read("SELECT claims FROM opaque WHERE digest = ? AND expires > ?", (_digest(token), now))
        return msgspec.json.decode(row[0], type=dict[str, object]) if row else None

    def revoke(self, jti: str, *, expires: int, now: int) -> None:
        """From now on the token with this ``jti`` is not active."""
        self._write("INSERT OR IGNORE INTO revoked VALUES (?, ?)", (jti, expires), now=now)

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this ``jti`` was revoked."""
        return self._read("SELECT 1 FROM revoked WHERE jti = ?", (jti,)) is not None

    def _write(self, statement: str, values: tuple[object, ...], *, now: int) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.execute("DELETE FROM opaque WHERE expires <= ?", (now,))
                self._connection.execute("DELETE FROM revoked WHERE expires <= ?", (now,))
                self._connection.execute(statement, values)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _read(self, statement: str, values: tuple[object, ...]) -> tuple[bytes, ...] | None:
        try:
            row: tuple[bytes, ...] | None = self._connection.execute(statement, values).fetchone()
        except (sqlite3.Error, UnicodeError) as error:
            raise self._fault(error) from error
        return row

    def _fault(self, error: Exception) -> AssayError:
        return AssayError(
            f"The issuer's token ledger `{self._path}` cannot be used: {error}.",
            fix="free some space, or remove the file (opaque tokens then end, revoked ones return until they expire)",
            location=Location(str(self._path)),
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
