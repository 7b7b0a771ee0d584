"""A real PostgreSQL server with rights of every kind, started once for this folder."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from assay.domain import Secret

_MODULE = Path(__file__).resolve().parents[2] / "examples" / "customer-data" / "postgres.py"

SETUP = """
CREATE SCHEMA sales; CREATE SCHEMA closed;
CREATE TABLE public.customers (id int, email text, iban text);
CREATE TABLE public.orders (id int, owner text);
CREATE TABLE public.notes (id int, owner text);
CREATE TABLE sales.leads (id int);
CREATE TABLE closed.secrets (id int);
CREATE TABLE public."odd "" name" (id int);
CREATE VIEW public.emails AS SELECT id, email FROM public.customers;
INSERT INTO public.customers SELECT n, 'x', 'y' FROM generate_series(1, 500) n;
ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.orders FOR SELECT USING (owner = CURRENT_USER);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION public.close_books() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION public.close_books() FROM PUBLIC;
CREATE ROLE readers NOLOGIN; CREATE ROLE editors NOLOGIN; CREATE ROLE owners NOLOGIN; CREATE ROLE hidden NOLOGIN;
GRANT SELECT ON public.customers, public.orders, public.notes TO readers;
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON public.customers TO editors; GRANT readers TO editors;
GRANT ALL ON closed.secrets TO readers;
GRANT USAGE ON SCHEMA sales TO readers; GRANT SELECT ON sales.leads TO PUBLIC;
ALTER TABLE sales.leads OWNER TO owners;
GRANT UPDATE ON sales.leads TO hidden;
CREATE ROLE crm_sync LOGIN; GRANT editors TO crm_sync;
CREATE ROLE columns_only LOGIN; GRANT SELECT (email) ON public.customers TO columns_only;
CREATE ROLE by_set LOGIN;
GRANT hidden TO by_set WITH INHERIT FALSE, SET TRUE;
GRANT USAGE ON SCHEMA sales TO hidden;
CREATE ROLE no_way LOGIN; GRANT hidden TO no_way WITH INHERIT FALSE, SET FALSE;
CREATE ROLE owner_of LOGIN; GRANT owners TO owner_of; GRANT USAGE ON SCHEMA sales TO owners;
CREATE ROLE above_rows LOGIN BYPASSRLS; GRANT readers TO above_rows;
CREATE ROLE boss LOGIN SUPERUSER;
CREATE ROLE becomes_boss LOGIN; GRANT boss TO becomes_boss;
CREATE ROLE maker LOGIN CREATEROLE CREATEDB;
CREATE ROLE closer LOGIN; GRANT EXECUTE ON FUNCTION public.close_books() TO closer;
CREATE ROLE viewer LOGIN; GRANT SELECT ON public.emails TO viewer;
CREATE ROLE reads_all LOGIN; GRANT pg_read_all_data TO reads_all;
CREATE ROLE shell LOGIN; GRANT pg_execute_server_program TO shell;
CREATE ROLE future LOGIN; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO future;
CREATE ROLE gives LOGIN; GRANT SELECT ON public.customers TO gives WITH GRANT OPTION;
ANALYZE public.customers;
"""


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("privilege_postgres", _MODULE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def server() -> Iterator[Secret]:
    """The connection string of a server whose superuser is `postgres`."""
    module = _example()
    with tempfile.TemporaryDirectory(prefix="assay-rights-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        running = module.PostgresServer(Path(folder))
        running.start()
        try:
            import psycopg

            with psycopg.connect(running.dsn, autocommit=True) as connection:
                for statement in SETUP.split(";\n"):
                    if statement.strip():
                        connection.execute(statement.encode())
            yield Secret(running.dsn)
        finally:
            running.stop()
