"""A text that a store holds is found, in whatever form; what cannot be looked into is said, and never 'not there'."""

from __future__ import annotations

import asyncio
import base64
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.domain import AssayError, Secret
from assay.prove.case import NotReached
from assay.prove.needles import forms, in_files
from assay.prove.seams import Looked
from assay.prove.stores import Stores, sqlite_path

EXAMPLE = Path(__file__).parents[2] / "examples" / "customer-data"
NEEDLE = b"FR14 2004 101/0050+Z?"


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return load(EXAMPLE, environ={}, controls=frozenset(CONTROL_IDS))


def look(declaration: Declaration, dsn: str, needle: bytes = NEEDLE, system: str | None = "crm") -> Looked:
    return asyncio.run(Stores(declaration, lambda reference: Secret(dsn)).holds(needle, system))


def database(file: Path, value: object) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("CREATE TABLE t (v)")
    connection.execute("INSERT INTO t VALUES (?)", (value,))
    return connection


@pytest.mark.parametrize(
    "stored",
    [
        NEEDLE,
        b"x" + base64.b64encode(b"a" + NEEDLE),
        base64.b64encode(b"ab" + NEEDLE + b"c"),
        base64.urlsafe_b64encode(b"abc" + NEEDLE),
        NEEDLE.hex().encode(),
        NEEDLE.hex().upper().encode(),
        NEEDLE.decode().encode("utf-16-le"),
        NEEDLE.decode().encode("utf-16-be"),
        b"FR14%202004%20101%2F0050%2BZ%3F",
    ],
)
def test_a_text_that_is_only_encoded_is_found(tmp_path: Path, declaration: Declaration, stored: bytes) -> None:
    file = tmp_path / "store.sqlite3"
    database(file, stored).close()
    assert look(declaration, f"sqlite:///{file}").found


def test_a_text_that_is_not_there_is_not_found(tmp_path: Path, declaration: Declaration) -> None:
    file = tmp_path / "store.sqlite3"
    database(file, "something else altogether").close()
    looked = look(declaration, str(file))
    assert not looked.found
    assert "SQLite" in looked.how


def test_what_is_still_in_the_write_ahead_log_is_found(tmp_path: Path, declaration: Declaration) -> None:
    file = tmp_path / "store.sqlite3"
    connection = database(file, "nothing")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("INSERT INTO t VALUES (?)", (NEEDLE.decode(),))
    assert NEEDLE not in file.read_bytes()
    assert look(declaration, f"file:{file}?mode=ro").found
    connection.close()


@given(
    needle=st.binary(min_size=6, max_size=40),
    before=st.binary(max_size=5),
    after=st.binary(max_size=5),
    coding=st.sampled_from([bytes.hex, lambda b: base64.b64encode(b).decode(), lambda b: b.hex().upper()]),
)
def test_a_form_is_found_whatever_stands_around_it(needle: bytes, before: bytes, after: bytes, coding) -> None:
    stored = coding(before + needle + after).encode()
    assert any(form in stored for form in forms(needle))


def test_a_text_across_two_pieces_of_a_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"\0" * ((1 << 20) - 3) + NEEDLE + b"\0" * 100)
    assert in_files([file], forms(NEEDLE)) == (True, [])


def test_a_store_that_is_elsewhere_is_not_called_clean(tmp_path: Path, declaration: Declaration) -> None:
    with pytest.raises(NotReached, match="not on this machine"):
        look(declaration, f"sqlite:///{tmp_path}/absent.sqlite3")


def test_a_system_without_a_connection_says_what_to_declare(declaration: Declaration) -> None:
    with pytest.raises(NotReached, match="declare its `connection`"):
        look(declaration, "unused", system="warehouse")
    with pytest.raises(NotReached, match="did you mean `crm`"):
        look(declaration, "unused", system="crn")
    systems = {n: s.model_copy(update={"connection": None}) for n, s in declaration.model.systems.items()}
    bare = replace(declaration, model=declaration.model.model_copy(update={"systems": systems}))
    with pytest.raises(NotReached, match="declare `connection"):
        look(bare, "unused", system=None)


def test_a_connection_that_is_not_known_is_said_without_its_secret(declaration: Declaration) -> None:
    def resolve(reference: str) -> Secret:
        raise AssayError(f"The secret `{reference}` is missing.")

    with pytest.raises(NotReached, match="env:CRM_DSN"):
        asyncio.run(Stores(declaration, resolve).holds(NEEDLE, None))


def test_a_short_text_is_no_proof(tmp_path: Path, declaration: Declaration) -> None:
    with pytest.raises(NotReached, match="by chance"):
        look(declaration, "unused", b"FR14")


def test_connection_strings_name_files(tmp_path: Path) -> None:
    file = tmp_path / "a b.sqlite3"
    file.touch()
    assert sqlite_path(f"sqlite:///{file}") == str(file)
    assert sqlite_path(f"sqlite://{file}") == str(file)
    assert sqlite_path("sqlite:///store.sqlite3") == "store.sqlite3"
    assert sqlite_path(f"file:{tmp_path}/a%20b.sqlite3?mode=ro") == str(file)
    assert sqlite_path("store.db") == "store.db"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own, and how to reach it."""
    import tempfile

    sys.path.insert(0, str(EXAMPLE))
    try:
        from postgres import PostgresServer
    finally:
        sys.path.remove(str(EXAMPLE))
    # Not the test's own folder: a server that must not run as root has to reach its files.
    with tempfile.TemporaryDirectory(prefix="assay-pg-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        running = PostgresServer(folder)
        running.start()
        try:
            yield running.dsn
        finally:
            running.stop()


@pytest.mark.integration
def test_a_postgresql_cluster_is_searched_in_its_files_and_by_sql(server: str, declaration: Declaration) -> None:
    import psycopg

    kind = declaration.model.systems["crm"].connection
    assert kind is not None
    crm = declaration.model.systems["crm"].model_copy(
        update={"connection": kind.model_copy(update={"kind": "postgresql"})}
    )
    postgresql = replace(declaration, model=declaration.model.model_copy(update={"systems": {"crm": crm}}))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (notes text, photo bytea, extra jsonb)")
        absent = look(postgresql, server)
        assert not absent.found
        assert "columns by SQL" in absent.how
        if os.access(connection.execute("SHOW data_directory").fetchone()[0], os.R_OK):  # type: ignore[index]
            assert "bytes of the PostgreSQL cluster" in absent.how
        # Long enough to be stored compressed, so that only SQL sees it.
        connection.execute("INSERT INTO customers (notes) VALUES (%s)", ("a" * 9000 + NEEDLE.decode() + "b" * 9000,))
        assert look(postgresql, server).found
        connection.execute("INSERT INTO customers (photo) VALUES (%s)", (b"\x00\xff" + "naïve-text".encode(),))
        assert look(postgresql, server, "naïve-text".encode()).found
        connection.execute("INSERT INTO customers (extra) VALUES (%s)", ('{"v": "zebra-crossing-7"}',))
        assert look(postgresql, server, b"zebra-crossing-7").found
        assert not look(postgresql, server, b"zebra-crossing-8").found


@pytest.mark.integration
def test_a_database_that_is_down_is_not_called_clean(tmp_path: Path, declaration: Declaration) -> None:
    kind = declaration.model.systems["crm"].connection
    assert kind is not None
    crm = declaration.model.systems["crm"].model_copy(
        update={"connection": kind.model_copy(update={"kind": "postgresql"})}
    )
    postgresql = replace(declaration, model=declaration.model.model_copy(update={"systems": {"crm": crm}}))
    with pytest.raises(NotReached, match="cannot be looked into") as caught:
        look(postgresql, f"postgresql://user:hunter2hunter2@/db?host={tmp_path}")
    assert "hunter2" not in str(caught.value)
