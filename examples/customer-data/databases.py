"""One way to run a statement on SQLite and on PostgreSQL.

Statements use ``?`` for values. Both databases commit each statement at once.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from postgres import PostgresServer

Row = tuple[Any, ...]


class Database(Protocol):
    """What the store needs of a database."""

    dsn: str  # where others find the data, to look at the stored bytes
    contains: str  # the operator that searches text regardless of case

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement and returns its rows. Without values, nothing in ``statement`` is a placeholder."""

    def close(self) -> None:
        """Lets go of the database, and stops its server if this process started one."""


class Sqlite:
    """A database in one file, ``customers.sqlite3``."""

    contains = "LIKE"

    def __init__(self, folder: Path) -> None:
        file = folder.resolve() / "customers.sqlite3"
        self.dsn = f"sqlite:///{file}"
        # Created before SQLite opens it, so that it is never readable by others, not even for a moment.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        # No write-ahead log: what was written is in this one file, where a demonstration can look for it.
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # An example need not survive a power failure, and waiting for the disk at each write would make it slow.
        self._connection.execute("PRAGMA synchronous = OFF")

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(statement, tuple(values)).fetchall()

    def close(self) -> None:
        self._connection.close()


class Postgresql:
    """A database in a PostgreSQL server of its own, which lives as long as this process."""

    contains = "ILIKE"

    def __init__(self, folder: Path) -> None:
        import psycopg  # only needed for --store postgresql

        self._server = PostgresServer(folder)
        self._server.start()
        try:
            self.dsn = self._server.dsn
            self._connection = psycopg.connect(self.dsn, autocommit=True)
        except BaseException:
            self._server.stop()
            raise

    def run(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        # psycopg reads `%` in a statement only when it is given values; bytes, because its types accept
        # only literal strings, so as to stop exactly what the search of this service does.
        if values:
            cursor = self._connection.execute(statement.replace("?", "%s").encode(), values)
        else:
            cursor = self._connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._connection.close()
        self._server.stop()
