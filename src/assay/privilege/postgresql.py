"""Reads the catalogues of a real PostgreSQL server: rights of its roles, and what was used of them. Never writes.

Needs psycopg, which is imported when something is read (extra ``postgresql``). Any account that may connect can read
the catalogues; none of the queries looks at data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from assay.domain import IncompleteError, Secret, did_you_mean
from assay.privilege.catalogue import (
    Catalogue,
    Default,
    Definer,
    Entry,
    Membership,
    Policy,
    Relation,
    Role,
    Schema,
    effective,
    written,
)
from assay.privilege.rights import Rights, Unclear, Use, Uses

if TYPE_CHECKING:
    import psycopg

_SECONDS: Final = 5
_SET_OPTION_SINCE: Final = 160000
_MOST_STATEMENTS: Final = 5000
_WATCHED: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
"""The rights that statistics tell about; none counts truncation, references or triggers."""
_KINDS: Final = "c.relkind IN ('r', 'p', 'v', 'm', 'f')"
_OURS: Final = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"


def read_rights(dsn: Secret, role: str) -> Rights:
    """What a role may do in the database that the connection string leads to. Blocking.

    Raises:
        IncompleteError: the server cannot be reached or read, or has no such role. The connection string is not shown.
    """
    return rights_in(read_catalogue(dsn), role)


def rights_in(catalogue: Catalogue, role: str) -> Rights:
    """What a role may do, by catalogues that were read. Raises IncompleteError: there is no such role."""
    try:
        return effective(catalogue, role)
    except KeyError:
        names = [r.name for r in catalogue.roles.values() if not r.name.startswith("pg_")]
        raise IncompleteError(
            f"the PostgreSQL server has no role `{role}`",
            fix=did_you_mean(role, names, what="role") + "; the role of an account is its `login`",
        ) from None


def read_catalogue(dsn: Secret) -> Catalogue:
    """Everything that rights follow from. Blocking. Raises IncompleteError like :func:`read_rights`."""
    with _connected(dsn) as connection:
        return _catalogue(connection)


def read_uses(dsn: Secret, role: str) -> Uses:
    """What was used of the tables since statistics began. Blocking.

    ``pg_stat_user_tables`` counts all roles together: what it does not count, nobody used, but what it counts another
    may have used. Where ``pg_stat_statements`` is installed and shown, statements of the role alone decide, by the
    names of the tables that stand in them.

    Raises:
        IncompleteError: the server cannot be reached or read.
    """
    with _connected(dsn) as connection:
        tables = _rows(
            connection,
            "SELECT schemaname, relname, seq_scan + coalesce(idx_scan, 0), n_tup_ins, n_tup_upd, n_tup_del"
            " FROM pg_stat_user_tables",
        )
        views = _shows(connection)
        begun = _rows(
            connection,
            "SELECT coalesce(stats_reset, pg_postmaster_start_time()) FROM pg_stat_database"
            " WHERE datname = current_database()",
        )
        recorded = _statements(connection, role)
    since = _day(begun[0][0]) if begun else None
    statements: list[str] | None = None
    if recorded is not None:
        statements, since = recorded
    uses: list[Use] = []
    seen: set[str] = set()
    for schema, name, reads, inserted, updated, deleted in tables:
        table = f"{written(schema)}.{written(name)}"
        counted = {"SELECT": reads, "INSERT": inserted, "UPDATE": updated, "DELETE": deleted}
        for right, count in counted.items():
            if count if statements is None else _mentioned(statements, right, name):
                uses.append(_use(table, right))
        if any(counted.values()):
            seen.add(table)
    for view, shown in views.items():
        plain = view.rpartition(".")[2].strip('"').replace('""', '"')
        used = bool(seen & set(shown)) if statements is None else False
        uses += [_use(view, r) for r in _WATCHED if used or (statements and _mentioned(statements, r, plain))]
    if statements is not None:
        return Uses(tuple(uses), since, True, (), "pg_stat_statements", _WATCHED)
    said = "pg_stat_user_tables counts all roles together, so more may be unused than this shows"
    return Uses(tuple(uses), since, True, (Unclear(said),), "pg_stat_user_tables", _WATCHED)


def _use(name: str, right: str) -> Use:
    return Use(name, {"SELECT": "read", "DELETE": "delete"}.get(right, "write"), right)  # type: ignore[arg-type]


@contextmanager
def _connected(dsn: Secret) -> Iterator[psycopg.Connection[Any]]:
    """A connection that can only read, and for no longer than a few seconds a statement."""
    try:
        import psycopg
    except ImportError:
        raise IncompleteError(
            "rights in PostgreSQL are read with psycopg, which is not installed",
            fix="install Assay with its extra `postgresql`",
        ) from None
    try:
        with psycopg.connect(dsn.reveal(), connect_timeout=_SECONDS) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(b"SELECT set_config('statement_timeout', %s, true)", (str(_SECONDS * 1000),))
            # Names in expressions are then written in full, and nothing of the database's own can be meant by them.
            connection.execute(b"SELECT set_config('search_path', 'pg_catalog', true)")
            yield connection
    except (psycopg.Error, ValueError) as error:
        # The message of a failed connection can hold the connection string.
        raise IncompleteError(
            f"rights cannot be read from PostgreSQL: {type(error).__name__}",
            fix="see that the server runs and that the connection string is right; every role may read the catalogues",
        ) from None


def _rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.replace("{ours}", _OURS).replace("{kinds}", _KINDS).encode()).fetchall()


def _day(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else None


def _catalogue(connection: psycopg.Connection[Any]) -> Catalogue:
    database, owner = _rows(
        connection, "SELECT datname, datdba::int8 FROM pg_database WHERE datname = current_database()"
    )[0]
    return Catalogue(
        database=database,
        owner=owner,
        entries=tuple(
            Entry(grantee, right, grantable)
            for grantee, right, grantable in _rows(
                connection,
                "SELECT a.grantee::int8, a.privilege_type, a.is_grantable FROM pg_database d,"
                " aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = current_database()",
            )
        ),
        roles=_roles(connection),
        members=_members(connection),
        schemas=_schemas(connection),
        relations=tuple(_relations(connection)),
        definers=tuple(_definers(connection)),
        defaults=tuple(_defaults(connection)),
    )


def _roles(connection: psycopg.Connection[Any]) -> Mapping[int, Role]:
    rows = _rows(
        connection,
        "SELECT oid::int8, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,"
        " rolbypassrls, coalesce(rolvaliduntil < now(), false) FROM pg_roles",
    )
    return {row[0]: Role(*row) for row in rows}


def _members(connection: psycopg.Connection[Any]) -> tuple[Membership, ...]:
    options = (
        "m.inherit_option, m.set_option"
        if connection.info.server_version >= _SET_OPTION_SINCE
        # Before 16 it was the member's own attribute, and every member could become the role.
        else "u.rolinherit, true"
    )
    rows = _rows(
        connection,
        "SELECT m.roleid::int8, m.member::int8, m.admin_option, {options}"
        " FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member".replace("{options}", options),
    )
    return tuple(Membership(*row) for row in rows)


def _schemas(connection: psycopg.Connection[Any]) -> Mapping[str, Schema]:
    entries = _entries(
        connection,
        "SELECT n.nspname, a.grantee::int8, a.privilege_type, a.is_grantable FROM pg_namespace n,"
        " aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE {ours}",
    )
    rows = _rows(connection, "SELECT n.nspname, n.nspowner::int8 FROM pg_namespace n WHERE {ours}")
    return {name: Schema(name, owner, entries.get(name, ())) for name, owner in rows}


def _entries(connection: psycopg.Connection[Any], query: str) -> Mapping[Any, tuple[Entry, ...]]:
    found: dict[Any, list[Entry]] = defaultdict(list)
    for key, grantee, right, grantable in _rows(connection, query):
        found[key].append(Entry(grantee, right, grantable))
    return {key: tuple(entries) for key, entries in found.items()}


def _relations(connection: psycopg.Connection[Any]) -> Iterator[Relation]:
    entries = _entries(
        connection,
        "SELECT c.oid::int8, a.grantee::int8, a.privilege_type, a.is_grantable"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        ", aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a"
        " WHERE {kinds} AND {ours}",
    )
    columns: dict[int, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for oid, column, grantee, right, grantable in _rows(
        connection,
        "SELECT c.oid::int8, t.attname, a.grantee::int8, a.privilege_type, a.is_grantable"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a"
        " WHERE {kinds} AND {ours} AND t.attacl IS NOT NULL AND NOT t.attisdropped",
    ):
        columns[oid][column].append(Entry(grantee, right, grantable))
    policies: dict[int, list[Policy]] = defaultdict(list)
    for oid, name, command, permissive, roles, using, check in _rows(
        connection,
        "SELECT polrelid::int8, polname, polcmd::text, polpermissive, polroles::int8[],"
        " pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy",
    ):
        expression = using if using is not None else check if check is not None else "true"
        policies[oid].append(Policy(name, command, permissive, tuple(roles), expression))
    shows = _shows(connection)
    for oid, schema, name, owner, secured, forced, estimate in _rows(
        connection,
        "SELECT c.oid::int8, n.nspname, c.relname, c.relowner::int8, c.relrowsecurity, c.relforcerowsecurity,"
        " CASE WHEN c.relkind IN ('v', 'f') THEN NULL WHEN c.reltuples >= 0 THEN c.reltuples::int8"
        " WHEN s.n_live_tup > 0 THEN s.n_live_tup END"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE {kinds} AND {ours} ORDER BY 2, 3",
    ):
        yield Relation(
            schema,
            name,
            owner,
            entries.get(oid, ()),
            {column: tuple(found) for column, found in columns[oid].items()} if oid in columns else {},
            secured,
            forced,
            tuple(policies.get(oid, ())),
            estimate,
            shows.get(f"{written(schema)}.{written(name)}", ()),
        )


def _shows(connection: psycopg.Connection[Any]) -> Mapping[str, tuple[str, ...]]:
    """The tables and views that each view reads."""
    found: dict[str, list[str]] = defaultdict(list)
    for schema, view, below, shown in _rows(
        connection,
        "SELECT DISTINCT vn.nspname, v.relname, tn.nspname, t.relname FROM pg_rewrite r"
        " JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace vn ON vn.oid = v.relnamespace"
        " JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass"
        " AND d.refclassid = 'pg_class'::regclass JOIN pg_class t ON t.oid = d.refobjid"
        " JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE t.oid <> v.oid AND v.relkind IN ('v', 'm')"
        " AND vn.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 3, 4",
    ):
        found[f"{written(schema)}.{written(view)}"].append(f"{written(below)}.{written(shown)}")
    return {view: tuple(shown) for view, shown in found.items()}


def _definers(connection: psycopg.Connection[Any]) -> Iterator[Definer]:
    entries = _entries(
        connection,
        "SELECT p.oid::int8, a.grantee::int8, a.privilege_type, a.is_grantable"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        ", aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.prosecdef AND {ours}",
    )
    for oid, schema, name, arguments, owner in _rows(
        connection,
        "SELECT p.oid::int8, n.nspname, p.proname, '(' || pg_get_function_identity_arguments(p.oid) || ')',"
        " p.proowner::int8 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prosecdef AND {ours} ORDER BY 2, 3",
    ):
        yield Definer(schema, written(name) + arguments, owner, entries.get(oid, ()))


def _defaults(connection: psycopg.Connection[Any]) -> Iterator[Default]:
    entries = _entries(
        connection,
        "SELECT d.oid::int8, a.grantee::int8, a.privilege_type, a.is_grantable FROM pg_default_acl d,"
        " aclexplode(d.defaclacl) a WHERE d.defaclobjtype = 'r'",
    )
    for oid, owner, schema in _rows(
        connection,
        "SELECT d.oid::int8, d.defaclrole::int8, coalesce(n.nspname, '') FROM pg_default_acl d"
        " LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE d.defaclobjtype = 'r' ORDER BY 3, 2",
    ):
        yield Default(owner, schema, entries.get(oid, ()))


def _statements(connection: psycopg.Connection[Any], role: str) -> tuple[list[str], date | None] | None:
    """The role's statements in lower case, and since when they are recorded.

    None: they are not recorded here, or not shown to us, or some were forgotten, or some hide others.
    """
    import psycopg
    from psycopg import sql

    try:
        with connection.transaction():
            place = _rows(
                connection,
                "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
                " WHERE e.extname = 'pg_stat_statements'",
            )
            if not place:
                return None
            # COPY is recorded as a utility, if utilities are.
            tracked = _rows(connection, "SELECT current_setting('pg_stat_statements.track_utility', true)")
            if tracked[0][0] == "off":
                return None
            schema = sql.Identifier(place[0][0])
            info = sql.SQL("SELECT dealloc, stats_reset FROM {}.pg_stat_statements_info").format(schema)
            kept = connection.execute(info).fetchone()
            query = sql.SQL(
                "SELECT s.query FROM {}.pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
                " WHERE r.rolname = %s LIMIT %s"
            ).format(schema)
            found = connection.execute(query, (role, _MOST_STATEMENTS + 1)).fetchall()
    except psycopg.Error:
        return None
    texts = [str(text or "").lower() for (text,) in found]
    hidden = any(not text or "insufficient privilege" in text for text in texts)
    # A function or block runs statements that are not recorded by themselves unless `track` is `all`.
    opaque = any(word in text for text in texts for word in ("call ", "do $", "execute "))
    if hidden or opaque or not texts or len(texts) > _MOST_STATEMENTS or kept is None or kept[0]:
        return None
    return texts, _day(kept[1])


def _mentioned(statements: list[str], right: str, name: str) -> bool:
    """Whether a statement that does this names a table; rather too often than too seldom: comments count too."""
    words = () if right == "SELECT" else (right.lower(), "copy", "merge")
    return any(name.lower() in text and (not words or any(w in text for w in words)) for text in statements)
