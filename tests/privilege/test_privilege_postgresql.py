"""Rights are read from a real PostgreSQL server as the server itself sees them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from assay.domain import IncompleteError, Secret
from assay.privilege.catalogue import OPERATION, effective, written
from assay.privilege.postgresql import read_catalogue, read_rights, read_uses
from assay.privilege.rights import NO_ROWS, Rights

pytestmark = pytest.mark.integration


def shown(rights: Rights) -> set[str]:
    return {str(g) for g in rights.grants}


def test_rights_are_named_with_the_roles_they_come_through(server: Secret) -> None:
    rights = read_rights(server, "crm_sync")
    assert shown(rights) == {
        "SELECT on public.customers through editors → readers",
        "SELECT on public.orders through editors → readers",
        "SELECT on public.notes through editors → readers",
        "INSERT on public.customers through editors",
        "UPDATE on public.customers through editors",
        "DELETE on public.customers through editors",
        "TRUNCATE on public.customers through editors",
        "SELECT on sales.leads through PUBLIC",
    }
    assert rights.records["public.customers"] == 500
    assert next(g for g in rights.grants if g.object == "public.orders").rows == "own: (owner = CURRENT_USER)"
    assert next(g for g in rights.grants if g.object == "public.notes").rows == NO_ROWS


@pytest.mark.parametrize(
    ("role", "expected", "powers"),
    [
        ("columns_only", {"SELECT on public.customers(email)"}, set()),
        (
            "by_set",
            {"UPDATE on sales.leads through SET ROLE hidden", "SELECT on sales.leads through SET ROLE hidden → PUBLIC"},
            set(),
        ),
        ("no_way", set(), set()),
        ("closer", {"EXECUTE on public.close_books() through SECURITY DEFINER postgres"}, set()),
        ("viewer", {"SELECT on public.emails"}, set()),
        ("shell", {"pg_execute_server_program on server through pg_execute_server_program"}, set()),
        ("future", {"SELECT on future objects of public.* through DEFAULT PRIVILEGES of postgres"}, set()),
        ("gives", {"SELECT on public.customers", "SELECT WITH GRANT OPTION on public.customers"}, set()),
        ("maker", {"CREATEROLE on roles", "CREATEDB on databases"}, {"createrole", "createdb"}),
    ],
)
def test_each_way_to_a_right_is_found(server: Secret, role: str, expected: set[str], powers: set[str]) -> None:
    rights = read_rights(server, role)
    assert (shown(rights), rights.powers) == (expected, frozenset(powers))


def test_whoever_can_become_a_superuser_is_one(server: Secret) -> None:
    rights = read_rights(server, "becomes_boss")
    assert "superuser" in rights.powers
    assert "SUPERUSER on * through SET ROLE boss" in shown(rights)
    assert "DELETE on closed.secrets through SET ROLE boss → SUPERUSER" in shown(rights)


def test_owners_may_alter_and_give_away(server: Secret) -> None:
    found = shown(read_rights(server, "owner_of"))
    assert {"OWNER on sales.leads through owners", "TRUNCATE on sales.leads through owners → OWNER"} <= found


def test_row_security_is_passed_by_whoever_may_bypass_it(server: Secret) -> None:
    grants = read_rights(server, "above_rows").grants
    assert {g.object: g.rows for g in grants if g.right == "SELECT"} == {
        "public.customers": "",
        "public.orders": "",
        "public.notes": "",
        "sales.leads": "",
    }


def test_what_a_view_shows_is_known(server: Secret) -> None:
    assert read_rights(server, "viewer").behind == {"public.emails": ("public.customers",)}


def test_the_server_agrees_with_every_right_that_was_read(server: Secret) -> None:
    """Asked itself, the server gives the same answer for every role, table and privilege; switching roles aside."""
    _random_rights(server)
    catalogue = read_catalogue(server)
    with psycopg.connect(server.reveal()) as connection:
        tables = connection.execute(
            b"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            b" WHERE c.relkind IN ('r', 'v') AND n.nspname IN ('public', 'sales', 'closed')"
        ).fetchall()
        names = [r for (r,) in connection.execute(b"SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'").fetchall()]
        for role in names:
            rights = effective(catalogue, role)
            own = {(g.object, g.right) for g in rights.grants if not (g.via and g.via[0].startswith("SET ROLE"))}
            for schema, table in tables:
                usable = connection.execute(b"SELECT has_schema_privilege(%s, %s, 'USAGE')", (role, schema)).fetchone()
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                    query = b"SELECT has_table_privilege(%s, format('%%I.%%I', %s::text, %s::text), %s)"
                    answer = connection.execute(query, (role, schema, table, right)).fetchone()
                    assert answer is not None
                    assert usable is not None
                    assert ((f"{schema}.{written(table)}", right) in own) == (answer[0] and usable[0]), (
                        role,
                        table,
                        right,
                    )


def _random_rights(server: Secret) -> None:
    chance = random.Random(3)  # noqa: S311 - repeatable
    with psycopg.connect(server.reveal(), autocommit=True) as connection:
        for number in range(8):
            connection.execute(f"CREATE ROLE r{number} {'LOGIN' if number % 2 else 'NOLOGIN'}".encode())
        for number in range(8):
            for other in range(number):
                if chance.random() < 0.3:
                    options = f"INHERIT {chance.random() < 0.6}, SET {chance.random() < 0.6}"
                    connection.execute(f"GRANT r{other} TO r{number} WITH {options}".encode())
            right = chance.choice(sorted(OPERATION.keys() - {"EXECUTE", "REFERENCES", "TRIGGER", "MAINTAIN"}))
            table = chance.choice(["public.customers", "sales.leads", "closed.secrets", "public.emails"])
            connection.execute(f"GRANT {right} ON {table} TO r{number}".encode())
            if chance.random() < 0.4:
                connection.execute(f"GRANT USAGE ON SCHEMA {table.split('.')[0]} TO r{number}".encode())


def test_what_nobody_used_is_known_since_when(server: Secret) -> None:
    with psycopg.connect(server.reveal(), autocommit=True) as connection:
        connection.execute(b"SELECT count(*) FROM public.customers")
        connection.execute(b"SELECT pg_stat_force_next_flush()")
    uses = read_uses(server, "crm_sync")
    found = {(u.object, u.right) for u in uses.uses}
    assert ("public.customers", "SELECT") in found
    assert not {("sales.leads", right) for right in ("SELECT", "INSERT", "UPDATE", "DELETE")} & found
    assert uses.since is not None and uses.unclear


def test_an_unknown_role_and_an_unreachable_server_are_said_without_the_connection_string(server: Secret) -> None:
    with pytest.raises(IncompleteError) as unknown:
        read_rights(server, "crm_snyc")
    assert "`crm_sync`" in unknown.value.fix
    with pytest.raises(IncompleteError) as gone:
        read_rights(Secret("postgresql://me:hunter2@127.0.0.1:1/x?connect_timeout=1"), "x")
    assert "hunter2" not in gone.value.diagnosis()
    with pytest.raises(IncompleteError):
        read_rights(Secret("no connection string"), "x")


def test_reading_cannot_write(server: Secret) -> None:
    from assay.privilege.postgresql import _connected

    with _connected(server) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute(b"CREATE TABLE public.mine ()")


@pytest.fixture
def recorded(server: Secret) -> Iterator[tuple[psycopg.Connection[Any], Secret]]:
    """A database with tables in the shape of the extension pg_stat_statements, which the wheel does not carry."""
    with psycopg.connect(server.reveal(), autocommit=True) as admin:
        admin.execute(b"CREATE DATABASE recorded")
        dsn = Secret(make_conninfo(server.reveal(), dbname="recorded"))
        with psycopg.connect(dsn.reveal(), autocommit=True) as connection:
            for statement in (
                "CREATE TABLE public.pg_stat_statements (userid oid, query text)",
                "CREATE TABLE public.pg_stat_statements_info (dealloc bigint, stats_reset timestamptz)",
                "INSERT INTO public.pg_stat_statements_info VALUES (0, '2026-01-02')",
                "SET allow_system_table_mods = on",
                "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
                " VALUES (99999, 'pg_stat_statements', 10, 'public'::regnamespace, true, '1.12')",
                "CREATE TABLE public.read_by_me (id int); CREATE TABLE public.read_by_others (id int)",
                "INSERT INTO public.read_by_me VALUES (1)",
                "SELECT * FROM public.read_by_me; SELECT * FROM public.read_by_others",
                "SELECT pg_stat_force_next_flush()",
            ):
                connection.execute(statement.encode())
            yield connection, dsn
        admin.execute(b"DROP DATABASE recorded WITH (FORCE)")


def _record(connection: psycopg.Connection[Any], role: str, *texts: str) -> None:
    for text in texts:
        query = b"INSERT INTO public.pg_stat_statements SELECT oid, %s FROM pg_roles WHERE rolname = %s"
        connection.execute(query, (text, role))
    connection.execute(b"SELECT pg_stat_force_next_flush()")


def test_where_statements_are_recorded_only_the_roles_own_count(
    recorded: tuple[psycopg.Connection[Any], Secret],
) -> None:
    connection, dsn = recorded
    _record(connection, "viewer", 'SELECT * FROM "public"."read_by_me" WHERE id = $1')
    _record(connection, "boss", "SELECT * FROM read_by_others")
    uses = read_uses(dsn, "viewer")
    assert {(u.object, u.right) for u in uses.uses} == {("public.read_by_me", "SELECT")}
    assert (uses.source, uses.complete, uses.since) == ("pg_stat_statements", True, date(2026, 1, 2))


@pytest.mark.parametrize("hiding", ["CALL work()", "DO $$ BEGIN END $$", "<insufficient privilege>", ""])
def test_statements_that_hide_others_decide_nothing(
    recorded: tuple[psycopg.Connection[Any], Secret], hiding: str
) -> None:
    connection, dsn = recorded
    _record(connection, "viewer", "SELECT 1", hiding)
    assert read_uses(dsn, "viewer").source == "pg_stat_user_tables"
