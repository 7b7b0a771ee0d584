"""The script is applied to a real server: what is needed still works, and what was too much is refused."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from assay.domain import Secret
from assay.privilege.catalogue import written
from assay.privilege.postgresql import read_rights
from assay.privilege.rights import Grant, Operation, Rights
from assay.privilege.sql import identifier, least_privilege

integration = pytest.mark.integration


def need(object: str, operation: Operation, right: str = "") -> Grant:
    return Grant("x", object, operation, right)


@pytest.fixture
def roles(server: Secret) -> Iterator[None]:
    """Roles of their own for each test, gone afterwards."""
    with psycopg.connect(server.reveal(), autocommit=True) as connection:
        for statement in (
            "CREATE ROLE synced LOGIN IN ROLE editors",
            "GRANT UPDATE ON public.orders TO synced",
            'GRANT SELECT, DELETE ON public."odd "" name" TO synced',
            "CREATE ROLE chief LOGIN SUPERUSER CREATEDB BYPASSRLS",
            "CREATE ROLE wide LOGIN",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO wide",
            "GRANT CREATE ON SCHEMA public TO wide",
            "GRANT SELECT ON public.customers TO wide WITH GRANT OPTION",
            "GRANT EXECUTE ON FUNCTION public.close_books() TO wide",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO wide",
            "GRANT hidden TO wide WITH INHERIT FALSE, SET TRUE",
        ):
            connection.execute(statement.encode())
        yield
        for role in ("synced", "chief", "wide"):
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


def applied(server: Secret, role: str, *needs: Grant) -> Rights:
    script = least_privilege(role, read_rights(server, role), needs)
    with psycopg.connect(server.reveal(), autocommit=True) as connection:
        connection.execute(script.text.encode())
    return read_rights(server, role)


def may(server: Secret, role: str, statement: str) -> bool:
    with psycopg.connect(make_conninfo(server.reveal(), user=role)) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True


@integration
def test_what_is_needed_still_works_and_the_rest_is_refused(server: Secret, roles: None) -> None:
    assert may(server, "synced", "DELETE FROM public.customers")
    odd = "public." + written('odd " name')
    applied(server, "synced", need("public.customers", "read"), need(odd, "read", "SELECT"))
    assert may(server, "synced", "SELECT email FROM public.customers")
    assert may(server, "synced", 'SELECT * FROM public."odd "" name"')
    for statement in (
        "DELETE FROM public.customers",
        "UPDATE public.customers SET email = 'x'",
        "TRUNCATE public.customers",
        "SELECT * FROM public.notes",
        "UPDATE public.orders SET owner = 'x'",
        'DELETE FROM public."odd "" name"',
        "SET ROLE editors",
    ):
        assert not may(server, "synced", statement), statement


@integration
def test_a_superuser_becomes_an_ordinary_role_that_still_does_its_work(server: Secret, roles: None) -> None:
    left = applied(
        server, "chief", need("public.customers", "write", "UPDATE"), need("public.customers", "read"),
        need("public.orders(owner)", "read"),
    )  # fmt: skip
    assert not left.powers
    assert may(server, "chief", "UPDATE public.customers SET email = 'y' WHERE id = 1")
    assert may(server, "chief", "SELECT owner FROM public.orders")
    assert not may(server, "chief", "SELECT id FROM public.orders")
    assert not may(server, "chief", "SELECT * FROM closed.secrets")
    assert not may(server, "chief", "CREATE ROLE mine")


@integration
def test_every_kind_of_right_that_is_held_directly_goes(server: Secret, roles: None) -> None:
    left = applied(server, "wide", need("public.emails", "read"))
    shown = {str(g) for g in left.grants if g.via[:1] != ("PUBLIC",)}
    assert shown == {"SELECT on public.emails"}


@integration
def test_applied_twice_it_changes_nothing(server: Secret, roles: None) -> None:
    rights = applied(server, "synced", need("public.customers", "read"))
    assert least_privilege("synced", rights, [need("public.customers", "read")]).statements == ()


@integration
def test_what_concerns_others_too_is_left_to_somebody(server: Secret) -> None:
    script = least_privilege("crm_sync", read_rights(server, "crm_sync"), [need("public.customers", "read")])
    assert script.decisions == ('REVOKE SELECT ON TABLE "sales"."leads" FROM PUBLIC;',)
    assert '\n-- REVOKE SELECT ON TABLE "sales"."leads" FROM PUBLIC;' in script.text
    owner = least_privilege(
        "o", Rights("o", "x", (Grant("o", "public.t", "admin", "OWNER"),)), [need("public.gone", "read")]
    )
    assert "OWNER TO …" in owner.decisions[0]
    assert "which it has no right to" in owner.notes[0]


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_ends_a_comment_or_a_quotation(role: str, table: str) -> None:
    name = f"public.{written(table)}"
    rights = Rights(
        role, "x", (Grant(role, name, "read", "SELECT"), Grant(role, name, "read", "SELECT", via=("PUBLIC",)))
    )
    script = least_privilege(role, rights, [need(f"{name}x", "write")])
    (statement,) = script.statements
    assert statement.endswith(f"FROM {identifier(role)};")
    assert statement.replace(identifier(role), "", 1).count('"') % 2 == 0
    for line in script.text.rpartition("COMMIT;\n")[2].splitlines():
        assert not line or line.startswith("-- ")
