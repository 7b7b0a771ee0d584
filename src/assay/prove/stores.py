"""Looks into the stores behind the APIs for real: at the bytes on their disks, or by what the database itself finds."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from assay.declare.declaration import Declaration
from assay.domain import AssayError, Secret, did_you_mean
from assay.prove.case import NotReached
from assay.prove.identifying import of_postgresql, of_sqlite
from assay.prove.needles import SHORTEST, forms, in_files
from assay.prove.seams import Looked

if TYPE_CHECKING:
    import psycopg

_BESIDE = ("", "-wal", "-journal")
_MOST_COLUMNS = 2000
_SECONDS = 5
_SEARCHABLE = "('text', 'character varying', 'character', 'json', 'jsonb', 'xml', 'bytea', 'ARRAY', 'name')"

_IN_TEXT: Final = "SELECT EXISTS (SELECT 1 FROM {}, unnest(%s::text[]) AS w(t) WHERE position(w.t in {}::text) > 0)"
_IN_BYTES: Final = "SELECT EXISTS (SELECT 1 FROM {}, unnest(%s::bytea[]) AS w(t) WHERE position(w.t in {}) > 0)"


class Stores:
    """See :class:`assay.prove.seams.Stores`.

    Args:
        declaration: whose ``systems`` say how they are connected to.
        resolve: the connection string behind a reference. Raises AssayError.
    """

    def __init__(self, declaration: Declaration, resolve: Callable[[str], Secret]) -> None:
        self._declaration, self._resolve = declaration, resolve

    async def holds(self, needle: bytes, system: str | None) -> Looked:
        """See the protocol.

        A text is found in any form that is not encryption: plain, UTF-16, base64, hexadecimal, URL or JSON escapes.
        Without ``system``, every system with a connection is looked at; one that cannot be is a reason to conclude
        nothing, unless another holds the text.
        """
        if len(needle) < SHORTEST:
            raise NotReached(f"a text of fewer than {SHORTEST} bytes could be in a store by chance")
        names = [system] if system is not None else self._connected()
        found: list[Looked] = []
        problems: list[str] = []
        for name in names:
            try:
                found.append(await self._look(name, needle))
            except NotReached as error:
                problems.append(str(error))
        holding = [looked for looked in found if looked.found]
        if problems and not holding:
            raise NotReached("; ".join(problems))
        chosen = holding or found
        return Looked(bool(holding), "; ".join(looked.how for looked in chosen))

    def _connected(self) -> list[str]:
        names = [n for n, s in self._declaration.model.systems.items() if s.connection]
        if not names:
            raise NotReached(
                "no system says how to look into it: declare `connection: {kind: …, dsn: {secret: env:NAME}}` for the"
                " store behind the API"
            )
        return names

    async def identifying(self, system: str, fields: Collection[str], at_most: int) -> tuple[bytes, ...]:
        """See the protocol."""
        kind, dsn = self._opened(system)
        if kind == "sqlite":
            path = self._declaration.root / sqlite_path(dsn)
            found = await asyncio.to_thread(of_sqlite, system, path, fields, at_most)
        else:
            found = await asyncio.to_thread(of_postgresql, system, dsn, fields, at_most)
        if not found:
            names = ", ".join(f"`{f}`" for f in sorted(fields)[:5])
            raise NotReached(f"system `{system}` holds no value that identifies somebody in a field called {names}")
        return found

    async def _look(self, name: str, needle: bytes) -> Looked:
        kind, dsn = self._opened(name)
        if kind == "sqlite":
            return await asyncio.to_thread(_sqlite, name, dsn, self._declaration.root, needle)
        return await asyncio.to_thread(_postgresql, name, dsn, needle)

    def _opened(self, name: str) -> tuple[str, str]:
        """The kind of a store that can be looked into, and its connection string. Raises NotReached."""
        systems = self._declaration.model.systems
        system = systems.get(name)
        if system is None:
            raise NotReached(f"there is no system `{name}`: {did_you_mean(name, systems, what='system')}")
        if system.connection is None:
            raise NotReached(f"system `{name}` does not say how to look into it: declare its `connection`")
        if system.connection.kind not in ("sqlite", "postgresql"):
            raise NotReached(
                f"system `{name}` is of kind `{system.connection.kind}`, which cannot be looked into; sqlite and"
                " postgresql can"
            )
        try:
            return system.connection.kind, self._resolve(system.connection.dsn.secret).reveal()
        except AssayError as error:
            raise NotReached(f"the connection of system `{name}` is not known: {error.sentence}") from error


def _sqlite(name: str, dsn: str, root: Path, needle: bytes) -> Looked:
    """Searches the files of one SQLite database. Blocking."""
    path = root / sqlite_path(dsn)
    if not path.is_file():
        raise NotReached(f"the SQLite file of system `{name}` is not on this machine")
    files = [path.with_name(path.name + suffix) for suffix in _BESIDE]
    found, unread = in_files(files, forms(needle))
    if unread and not found:
        raise NotReached(f"files of system `{name}` cannot be read by this user: {_listed(unread)}")
    return Looked(found, f"{name}: the bytes of the SQLite file, its -wal and -journal")


def sqlite_path(dsn: str) -> str:
    """The file that a connection string names: ``sqlite:///file``, ``file:file?mode=ro``, or a plain path."""
    scheme, colon, rest = dsn.partition(":")
    if colon and scheme.startswith("sqlite"):
        path = unquote(rest.removeprefix("//").partition("?")[0])
        # `sqlite:////absolute` and `sqlite:///relative`; the second is often written with an absolute path too.
        if path.startswith("//"):
            return path[1:]
        return path if Path(path).exists() else path.removeprefix("/")
    if colon and scheme == "file":
        return unquote(urlsplit(dsn).path)
    return dsn


def _postgresql(name: str, dsn: str, needle: bytes) -> Looked:
    """Searches a PostgreSQL cluster's files where they are on this machine, and its tables. Blocking."""
    try:
        import psycopg
    except ImportError:
        raise NotReached(
            f"system `{name}` needs psycopg to be looked into: install Assay with its extra `postgresql`"
        ) from None
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_SECONDS) as connection:
            connection.execute(b"SELECT set_config('statement_timeout', %s, false)", (str(_SECONDS * 1000),))
            directory = _data_directory(connection)
            looked: list[str] = []
            if directory is not None:
                found, unread = in_files(_cluster_files(directory), forms(needle))
                if found:
                    return Looked(True, f"{name}: the bytes of the PostgreSQL cluster, its write-ahead log included")
                if not unread:
                    looked.append("the bytes of the PostgreSQL cluster, its write-ahead log included")
            # Long values lie compressed on the disk, so the database is asked as well.
            found, columns, skipped = _in_tables(connection, needle)
            if found:
                return Looked(True, f"{name}: a column of a table, asked by SQL")
            if skipped and not looked:
                raise NotReached(f"tables of system `{name}` cannot be read: {', '.join(skipped[:3])}")
            looked.append(f"{columns} columns by SQL" + ("" if looked else " (not the files: they are not readable)"))
            return Looked(False, f"{name}: {' and '.join(looked)}")
    except psycopg.Error as error:
        # The message of a failed connection can hold the connection string.
        raise NotReached(f"system `{name}` cannot be looked into: {type(error).__name__}") from error


def _data_directory(connection: psycopg.Connection[Any]) -> Path | None:
    """Where the cluster's files are, if that is on this machine and readable; its buffers are written out first."""
    import psycopg

    if not _here(connection.info.host):
        return None
    try:
        row = connection.execute(b"SHOW data_directory").fetchone()
    except psycopg.Error:
        return None
    directory = Path(str(row[0])) if row else None
    try:
        if directory is None or not (directory / "PG_VERSION").is_file() or not any((directory / "base").iterdir()):
            return None
    except OSError:
        return None
    with suppress(psycopg.Error):  # without the right to, the write-ahead log still holds what was committed
        connection.execute(b"CHECKPOINT")
    return directory


def _here(host: str) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _cluster_files(directory: Path) -> Iterator[Path]:
    """Tables and the write-ahead log, not the programs' own logs and settings."""
    for part in ("base", "global", "pg_wal", "pg_tblspc"):
        for path in sorted((directory / part).rglob("*")):
            if path.is_file():
                yield path


def _in_tables(connection: psycopg.Connection[Any], needle: bytes) -> tuple[bool, int, list[str]]:
    """Whether a column holds the needle in one of its forms; how many were searched; which could not be."""
    import psycopg
    from psycopg import sql

    columns = connection.execute(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"  # noqa: S608 - ours
        f" WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND data_type IN {_SEARCHABLE}"
        f" ORDER BY 1, 2, 3 LIMIT {_MOST_COLUMNS}".encode()
    ).fetchall()
    binary = [form for form in forms(needle) if form]
    texts = [form.decode() for form in binary if form.isascii() and b"\0" not in form]
    with suppress(UnicodeDecodeError):
        texts.append(needle.decode())
    skipped: list[str] = []
    searched = 0
    for schema, table, column, kind in columns:
        query = sql.SQL(_IN_BYTES if kind == "bytea" else _IN_TEXT).format(
            sql.Identifier(schema, table), sql.Identifier(column)
        )
        try:
            row = connection.execute(query, (binary if kind == "bytea" else texts,)).fetchone()
        except psycopg.Error:
            skipped.append(f"{schema}.{table}.{column}")
            continue
        searched += 1
        if row and row[0]:
            return True, searched, skipped
    return False, searched, skipped


def _listed(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths[:3])
