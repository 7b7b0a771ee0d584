"""Values that identify somebody, taken from a store: from columns and JSON members with the names of declared fields.

They are compared in memory, and never written or shown. Values that stand in many systems by convention (addresses of
example domains, RFC 2606) or are too short to be somebody's alone are left out.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assay.prove.case import NotReached

SHORTEST = 8
"""Characters; shorter values are several people's."""
_ROWS = 500
_COLUMNS = 400
_MEMBERS = 5_000
_SECONDS = 5
_RESERVED = re.compile(r"(?i)[@.](example|test|invalid|localhost)(\.(com|net|org))?$|^(test|example|dummy|sample)\b")


def usable(value: object) -> bytes | None:
    """The bytes to look for, or None when the value says nothing about where it comes from."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    text = text.strip()
    if len(text) < SHORTEST or _RESERVED.search(text) or len(set(text)) < 4:
        return None
    return text.encode()


def folded(name: str) -> str:
    """A name without what spellings differ in: `dateOfBirth` and `date_of_birth` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def chosen(values: Iterable[object], at_most: int) -> tuple[bytes, ...]:
    """The first different values that are of use."""
    found: dict[bytes, None] = {}
    for value in values:
        if (text := usable(value)) is not None:
            found[text] = None
            if len(found) >= at_most:
                break
    return tuple(found)


def within(value: object, wanted: Collection[str]) -> Iterator[object]:
    """Members of a JSON text with one of these names, however deep."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return
    try:
        waiting: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    for _ in range(_MEMBERS):
        if not waiting:
            return
        item = waiting.pop()
        if isinstance(item, dict):
            yield from (v for k, v in item.items() if folded(k) in wanted and not isinstance(v, dict | list))
            waiting.extend(v for v in item.values() if isinstance(v, dict | list))
        elif isinstance(item, list):
            waiting.extend(v for v in item if isinstance(v, dict | list))


def of_sqlite(name: str, path: Path, fields: Collection[str], at_most: int) -> tuple[bytes, ...]:
    """From one SQLite database, opened for reading only. Blocking.

    Raises:
        NotReached: it cannot be read.
    """
    wanted = frozenset(map(folded, fields))
    if not path.is_file():
        raise NotReached(f"the SQLite file of system `{name}` is not on this machine")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_SECONDS)) as store:
            return chosen(_sqlite_values(store, wanted), at_most)
    except sqlite3.Error as error:
        raise NotReached(f"system `{name}` cannot be read: {type(error).__name__}") from error


def _sqlite_values(store: sqlite3.Connection, wanted: Collection[str]) -> Iterator[object]:
    tables = [row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    for table in tables:
        columns = [row[1] for row in store.execute(f"PRAGMA table_info({_quoted(table)})")][:_COLUMNS]
        for column in columns:
            # Names come from the database's own catalogue, and are quoted.
            query = f"SELECT {_quoted(column)} FROM {_quoted(table)} LIMIT {_ROWS}"  # noqa: S608
            for (value,) in store.execute(query):
                if folded(column) in wanted:
                    yield value
                else:
                    yield from within(value, wanted)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def of_postgresql(name: str, dsn: str, fields: Collection[str], at_most: int) -> tuple[bytes, ...]:
    """From one PostgreSQL database, in a transaction that only reads. Blocking.

    Raises:
        NotReached: it cannot be read.
    """
    wanted = frozenset(map(folded, fields))
    try:
        import psycopg
    except ImportError:
        raise NotReached(
            f"system `{name}` needs psycopg to be looked into: install Assay with its extra `postgresql`"
        ) from None
    try:
        with psycopg.connect(dsn, connect_timeout=_SECONDS) as store:
            store.read_only = True
            return chosen(_postgresql_values(store, wanted), at_most)
    except psycopg.Error as error:
        # The message of a failed connection can hold the connection string.
        raise NotReached(f"system `{name}` cannot be looked into: {type(error).__name__}") from error


def _postgresql_values(store: Any, wanted: Collection[str]) -> Iterator[object]:
    from psycopg import sql

    columns = store.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND data_type IN"
        " ('text', 'character varying', 'character', 'json', 'jsonb') ORDER BY 1, 2, 3 LIMIT %s",
        (_COLUMNS,),
    ).fetchall()
    for schema, table, column in columns:
        query = sql.SQL("SELECT {}::text FROM {} LIMIT {}").format(
            sql.Identifier(column), sql.Identifier(schema, table), sql.Literal(_ROWS)
        )
        for (value,) in store.execute(query):
            if folded(column) in wanted:
                yield value
            else:
                yield from within(value, wanted)
