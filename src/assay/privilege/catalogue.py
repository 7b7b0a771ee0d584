"""What PostgreSQL's catalogues say about rights, as values, and what follows from it for one role. Pure.

The rules are those of the server: privileges (PostgreSQL documentation, 5.8), row security (5.9), role membership with
its INHERIT and SET options (22.3, since version 16 each membership has its own), predefined roles (22.5), and
`SECURITY DEFINER` (CREATE FUNCTION). Rights on system catalogues and on sequences are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from assay.privilege.rights import NO_ROWS, Grant, Operation, Rights, distinct

PUBLIC: Final = 0
SOURCE: Final = "PostgreSQL"
OPERATION: Final[Mapping[str, Operation]] = {
    "SELECT": "read",
    "INSERT": "write",
    "UPDATE": "write",
    "DELETE": "delete",
    "TRUNCATE": "delete",
    "REFERENCES": "admin",
    # A trigger runs with the rights of whoever writes to the table.
    "TRIGGER": "admin",
    "MAINTAIN": "write",
    "EXECUTE": "execute",
}
_OWNER: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
_READ_ALL, _WRITE_ALL = "pg_read_all_data", "pg_write_all_data"
_SERVER: Final = ("pg_execute_server_program", "pg_write_server_files", "pg_read_server_files")
_COMMAND: Final = {"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d"}


_PLAIN = re.compile(r"[^\s.()\"*?]+")


def written(name: str) -> str:
    """An identifier as it stands in the names of objects: quoted if it could be taken for something else."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Role:
    """A role and its attributes, which are its own: no membership passes them on."""

    oid: int
    name: str
    superuser: bool = False
    inherit: bool = True
    createrole: bool = False
    createdb: bool = False
    login: bool = True
    replication: bool = False
    bypassrls: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """``member`` is in ``role``. ``inherit``: has its rights; ``set``: can become it; ``admin``: can add others."""

    role: int
    member: int
    admin: bool = False
    inherit: bool = True
    set: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an access control list."""

    grantee: int
    right: str
    grantable: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """A row security policy. ``command``: r, a, w, d or * for all."""

    name: str
    command: str
    permissive: bool
    roles: tuple[int, ...]
    expression: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, materialised view or foreign table."""

    schema: str
    name: str
    owner: int
    entries: tuple[Entry, ...] = ()
    columns: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    row_security: bool = False
    forced: bool = False
    policies: tuple[Policy, ...] = ()
    records: int | None = None
    shows: tuple[str, ...] = ()

    @property
    def object(self) -> str:
        """Its name with its schema's."""
        return f"{written(self.schema)}.{written(self.name)}"


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema."""

    name: str
    owner: int
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Definer:
    """A function that runs with its owner's rights."""

    schema: str
    signature: str
    owner: int
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Default:
    """Rights on tables that ``owner`` will make; ``schema`` empty: in any."""

    owner: int
    schema: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One database of a server."""

    database: str
    owner: int
    entries: tuple[Entry, ...]
    roles: Mapping[int, Role]
    members: tuple[Membership, ...]
    schemas: Mapping[str, Schema]
    relations: tuple[Relation, ...]
    definers: tuple[Definer, ...] = ()
    defaults: tuple[Default, ...] = ()

    def named(self, name: str) -> Role | None:
        """The role of this name."""
        return next((r for r in self.roles.values() if r.name == name), None)


Above = dict[int, list[Membership]]
"""By role, its memberships in others."""


def effective(catalogue: Catalogue, name: str) -> Rights:
    """What a role may do, by every way it comes by it: direct, inherited, as another role, as anybody (PUBLIC).

    A right that is owned is listed although its owner may have revoked it from itself: it can give it back.
    Raises KeyError when there is no such role.
    """
    role = catalogue.named(name)
    if role is None:
        raise KeyError(name)
    powers = set(_powers(role))
    grants: dict[tuple[str, str, str, str, bool], list[Grant]] = {}
    above: Above = defaultdict(list)
    for edge in catalogue.members:
        if edge.role in catalogue.roles:
            above[edge.member].append(edge)
    for acting, through in _actors(catalogue, role, above):
        known = frozenset(grants)
        for grant in _View(catalogue, acting, through, name, above).grants():
            key = (grant.object, grant.operation, grant.right, grant.rows, grant.future)
            whole = (grant.object, grant.operation, grant.right, "", grant.future)
            # Becoming another role is no way to what it has already, nor to nothing.
            if not through or (key not in known and whole not in known and grant.rows != NO_ROWS):
                grants.setdefault(key, []).append(grant)
        if through and acting.superuser:
            powers.add("superuser")
        if through and acting.bypassrls:
            powers.add("bypassrls")
    records = {r.object: r.records for r in catalogue.relations if r.records is not None}
    behind = {r.object: r.shows for r in catalogue.relations if r.shows}
    found = distinct(grant for ways in grants.values() for grant in ways)
    return Rights(name, SOURCE, found, (), frozenset(powers), records, behind)


def _powers(role: Role) -> Iterator[str]:
    for power in ("superuser", "createrole", "createdb", "replication", "bypassrls"):
        if getattr(role, power):
            yield power
    if not role.login:
        yield "nologin"
    if role.expired:
        yield "expired"


def _actors(catalogue: Catalogue, role: Role, above: Above) -> Iterator[tuple[Role, tuple[str, ...]]]:
    """The role itself, and every role that it can become, each with how."""
    yield role, ()
    found, waiting = {role.oid}, deque([role.oid])
    while waiting:
        for edge in above.get(waiting.popleft(), ()):
            if edge.set and edge.role not in found:
                found.add(edge.role)
                yield catalogue.roles[edge.role], (f"SET ROLE {catalogue.roles[edge.role].name}",)
                waiting.append(edge.role)


class _View:
    """What one role may do while it acts as itself."""

    def __init__(
        self, catalogue: Catalogue, role: Role, through: tuple[str, ...], principal: str, above: Above
    ) -> None:
        self._above = above
        self._catalogue, self._role, self._through, self._principal = catalogue, role, through, principal
        self._ways = self._inherited()
        names = {catalogue.roles[oid].name for oid in self._ways if oid in catalogue.roles}
        self._reads_all, self._writes_all = _READ_ALL in names, _WRITE_ALL in names
        self._usable = {s.name for s in catalogue.schemas.values() if self._may_use(s)}

    def _inherited(self) -> dict[int, tuple[str, ...]]:
        """The roles whose rights it has without becoming them, each with the way there."""
        roles = self._catalogue.roles
        ways: dict[int, tuple[str, ...]] = {self._role.oid: ()}
        waiting = deque([self._role.oid])
        owners = next((r.oid for r in roles.values() if r.name == "pg_database_owner"), None)
        while waiting:
            oid = waiting.popleft()
            above = [edge.role for edge in self._above.get(oid, ()) if edge.inherit]
            if owners is not None and oid == self._catalogue.owner:
                above.append(owners)
            for upper in above:
                if upper not in ways:
                    ways[upper] = (*ways[oid], roles[upper].name)
                    waiting.append(upper)
        ways[PUBLIC] = ("PUBLIC",)
        return ways

    def _may_use(self, schema: Schema) -> bool:
        if self._role.superuser or self._reads_all or self._writes_all or schema.owner in self._ways:
            return True
        return any(e.right == "USAGE" and e.grantee in self._ways for e in schema.entries)

    def _grant(self, object: str, operation: Operation, right: str, way: tuple[str, ...] = (), **more: object) -> Grant:
        via = (*self._through, *way)
        return Grant(self._principal, object, operation, right, SOURCE, None, via, **more)  # type: ignore[arg-type]

    def grants(self) -> Iterator[Grant]:
        """Every right."""
        yield from self._attributes()
        yield from self._memberships()
        yield from self._containers()
        for relation in self._catalogue.relations:
            if relation.schema in self._usable:
                yield from self._relation(relation)
        yield from self._functions()
        yield from self._future()

    def _attributes(self) -> Iterator[Grant]:
        role = self._role
        if role.superuser:
            for operation in ("admin", "grant", "impersonate"):
                yield self._grant("*", operation, "SUPERUSER")
        if role.createrole:
            yield self._grant("roles", "grant", "CREATEROLE")
        if role.createdb:
            yield self._grant("databases", "admin", "CREATEDB")
        if role.replication:
            # The write-ahead log holds every row of every database.
            yield self._grant("*", "read", "REPLICATION")

    def _memberships(self) -> Iterator[Grant]:
        for member, way in self._ways.items():
            for edge in self._above.get(member, ()):
                other = self._catalogue.roles[edge.role]
                name = f"role {written(other.name)}"
                if edge.admin:
                    yield self._grant(name, "grant", "ADMIN OPTION", way)
                # A group's rights are listed as such; to become somebody who can log in is to act in their name.
                if edge.set and member == self._role.oid and (other.login or other.superuser):
                    yield self._grant(name, "impersonate", "SET ROLE")
        for oid, way in self._ways.items():
            name = self._catalogue.roles[oid].name if oid in self._catalogue.roles else ""
            if name in _SERVER:
                yield self._grant("server", "admin", name, way)

    def _containers(self) -> Iterator[Grant]:
        database = f"database {written(self._catalogue.database)}"
        if self._catalogue.owner in self._ways:
            yield self._grant(database, "admin", "OWNER", self._ways[self._catalogue.owner])
        for entry in self._catalogue.entries:
            if entry.right == "CREATE" and entry.grantee in self._ways:
                yield self._grant(database, "admin", "CREATE", self._ways[entry.grantee])
        for schema in self._catalogue.schemas.values():
            if schema.owner in self._ways:
                yield self._grant(f"schema {written(schema.name)}", "admin", "OWNER", self._ways[schema.owner])
            for entry in schema.entries:
                if entry.right == "CREATE" and entry.grantee in self._ways and schema.owner not in self._ways:
                    yield self._grant(f"schema {written(schema.name)}", "admin", "CREATE", self._ways[entry.grantee])

    def _relation(self, relation: Relation) -> Iterator[Grant]:
        name, owned = relation.object, relation.owner in self._ways
        if self._role.superuser:
            for right in _OWNER:
                yield self._grant(name, OPERATION[right], right, ("SUPERUSER",))
        if owned:
            way = self._ways[relation.owner]
            for right in _OWNER:
                yield from self._on_rows(relation, name, right, (*way, "OWNER"))
            yield self._grant(name, "admin", "OWNER", way)
            yield self._grant(name, "grant", "OWNER", way)
        if self._reads_all:
            yield from self._on_rows(relation, name, "SELECT", (_READ_ALL,))
        if self._writes_all:
            for right in ("INSERT", "UPDATE", "DELETE"):
                yield from self._on_rows(relation, name, right, (_WRITE_ALL,))
        for entry in relation.entries:
            yield from self._entry(relation, name, entry)
        for column, entries in relation.columns.items():
            for entry in entries:
                yield from self._entry(relation, f"{name}({written(column)})", entry)

    def _entry(self, relation: Relation, name: str, entry: Entry) -> Iterator[Grant]:
        if entry.grantee not in self._ways or entry.right not in OPERATION:
            return
        if entry.grantee == relation.owner:
            return  # listed as the owner's
        way = self._ways[entry.grantee]
        yield from self._on_rows(relation, name, entry.right, way)
        if entry.grantable:
            yield self._grant(name, "grant", f"{entry.right} WITH GRANT OPTION", way)

    def _on_rows(self, relation: Relation, name: str, right: str, way: tuple[str, ...]) -> Iterator[Grant]:
        yield self._grant(name, OPERATION[right], right, way, rows=self._rows(relation, right))

    def _rows(self, relation: Relation, right: str) -> str:
        """Which rows a right reaches; empty for all of them."""
        if not relation.row_security or right not in _COMMAND:
            return ""
        if self._role.superuser or self._role.bypassrls or (relation.owner in self._ways and not relation.forced):
            return ""
        applying = [
            p
            for p in relation.policies
            if p.command in ("*", _COMMAND[right]) and (PUBLIC in p.roles or any(r in self._ways for r in p.roles))
        ]
        permissive = [p for p in applying if p.permissive]
        if not permissive:
            return NO_ROWS
        narrowing = [p for p in applying if not p.permissive and p.expression != "true"]
        if any(p.expression == "true" for p in permissive):
            permissive = []
        return "; ".join(f"{p.name}: {p.expression}" for p in (*permissive, *narrowing))

    def _functions(self) -> Iterator[Grant]:
        for function in self._catalogue.definers:
            if function.schema not in self._usable or function.owner in self._ways:
                continue
            name = f"{written(function.schema)}.{function.signature}"
            owner = self._catalogue.roles.get(function.owner)
            as_owner = f"SECURITY DEFINER {owner.name if owner else '?'}"
            for entry in function.entries:
                if entry.right == "EXECUTE" and entry.grantee in self._ways:
                    yield self._grant(name, "execute", "EXECUTE", (*self._ways[entry.grantee], as_owner))
                    break

    def _future(self) -> Iterator[Grant]:
        for default in self._catalogue.defaults:
            if default.schema and default.schema not in self._usable:
                continue
            owner = self._catalogue.roles.get(default.owner)
            for entry in default.entries:
                if entry.grantee in self._ways and entry.right in OPERATION and entry.grantee != default.owner:
                    way = (*self._ways[entry.grantee], *((f"DEFAULT PRIVILEGES of {owner.name}",) if owner else ()))
                    name = f"{written(default.schema) if default.schema else '*'}.*"
                    yield self._grant(name, OPERATION[entry.right], entry.right, way, future=True)
