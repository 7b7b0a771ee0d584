"""The least privilege of a PostgreSQL role as a script: what is needed is granted first, then what is not is revoked.

Nothing is executed here. The script is one transaction: if a statement cannot be made, nothing changes. What would
touch others than the role (rights of PUBLIC, owners of tables) is written as a comment, for somebody to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assay.privilege.rights import Grant, Rights, covers, touches

_ATTRIBUTES = {
    "SUPERUSER": "NOSUPERUSER",
    "CREATEROLE": "NOCREATEROLE",
    "CREATEDB": "NOCREATEDB",
    "REPLICATION": "NOREPLICATION",
}
_RIGHTS = {"read": ("SELECT",), "write": ("INSERT", "UPDATE"), "delete": ("DELETE",), "execute": ("EXECUTE",)}
_PART = re.compile(r'"(?:[^"]|"")*"|[^.()"]+')
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Script:
    """What to run, and what to decide.

    Attributes:
        statements: in this order, in one transaction.
        decisions: statements that concern others too, as text to be looked at.
        notes: what the script cannot do.
    """

    role: str
    statements: tuple[str, ...]
    decisions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The script as a file."""
        lines = [
            f"-- Least privilege for the role {_comment(self.role)}: read it, then run it as the owner or a superuser."
        ]
        lines += [f"-- note: {_comment(n)}" for n in self.notes]
        if self.statements:
            lines += ["BEGIN;", *self.statements, "COMMIT;"]
        else:
            lines.append("-- Nothing of its own is too much.")
        if self.decisions:
            lines += ["", "-- These concern others as well. Decide about each, and run it by hand:"]
            lines += [f"-- {_comment(d)}" for d in self.decisions]
        return "\n".join(lines) + "\n"


def least_privilege(role: str, rights: Rights, needs: Iterable[Grant]) -> Script:
    """The script that leaves a role what it needs of the rights that it has.

    Args:
        rights: as :func:`assay.privilege.postgresql.read_rights` gives them.
        needs: what must still work. What the role has no right to today is not granted, but noted.
    """
    needs = tuple(dict.fromkeys(needs))
    quoted = identifier(role)
    met = [n for n in needs if any(covers(g, n) for g in rights.grants)]
    notes = [f"it needs {n}, which it has no right to" for n in needs if n not in met]
    revoked = dict.fromkeys(_revocations(quoted, rights, met, notes))

    granted = dict.fromkeys(_grants(quoted, rights, met))
    decisions = dict.fromkeys(_decisions(quoted, rights, met))
    return Script(role, (*granted, *revoked), tuple(decisions), tuple(dict.fromkeys(notes)))


def identifier(name: str) -> str:
    """A name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""').replace("\x00", "") + '"'


def _comment(text: str) -> str:
    """Text that cannot end a comment."""
    return _CONTROL.sub(" ", text)


def _parts(object: str) -> tuple[str, str, str]:
    """Schema, name, and what stands in parentheses, of an object's name; the first two not quoted any more."""
    head, bracket, rest = object, "", ""
    inside = False
    for position, character in enumerate(object):
        if character == '"':
            inside = not inside
        elif character == "(" and not inside:
            head, bracket, rest = object[:position], "(", object[position + 1 :]
            break
    found = [_unquoted(p) for p in _PART.findall(head)]
    schema, name = (found[0], found[1]) if len(found) > 1 else ("public", found[0] if found else "")
    return schema, name, rest[:-1] if bracket else ""


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _needed(grant: Grant, needs: Iterable[Grant]) -> bool:
    """Whether a right is needed as it is: not wider than some need."""
    return any(touches(grant, n) and covers(n, grant) for n in needs)


def _is_role(way: str) -> bool:
    return way not in ("PUBLIC", "SUPERUSER", "OWNER") and not way.startswith(
        ("SECURITY DEFINER", "DEFAULT PRIVILEGES")
    )


def _grants(role: str, rights: Rights, met: list[Grant]) -> Iterator[str]:
    """Direct rights for what is needed and comes by a way that is taken."""
    # Held directly, a right stays for itself; a role is left as soon as it brings something that is not needed.
    lost = {g.via[:1] for g in rights.grants if g.via and g.via[0] != "PUBLIC" and not _needed(g, met)}
    for need in met:
        if need.operation not in _RIGHTS:
            continue
        # To administer everything is enough for a need as well, and is what goes.
        own = [g for g in rights.grants if g.operation == need.operation]
        ways = [g for g in own if covers(g, need) or covers(need, g)]
        if any(covers(g, need) and g.via[:1] not in lost for g in ways):
            continue
        for schema in dict.fromkeys(_parts(g.object)[0] for g in ways if "*" not in g.object):
            yield f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {role};"
        words = (need.right,) if need.right else _RIGHTS[need.operation]
        if need.operation == "execute":
            for name in dict.fromkeys(g.object for g in ways if "(" in g.object):
                yield f"GRANT EXECUTE ON FUNCTION {_function(name)} TO {role};"
        elif "*" in need.object:
            for name in dict.fromkeys(g.object for g in ways if "*" not in g.object and "(" not in g.object):
                held = [w for w in words if any(g.object == name and g.right == w for g in ways)]
                if held:
                    yield f"GRANT {', '.join(held)} ON TABLE {_table(name)} TO {role};"
        else:
            held = [w for w in words if any(g.right == w for g in ways)]
            yield f"GRANT {_columns(need.object, held)} ON TABLE {_table(need.object)} TO {role};"


def _table(object: str) -> str:
    schema, name, _ = _parts(object)
    return f"{identifier(schema)}.{identifier(name)}"


def _function(object: str) -> str:
    schema, name, arguments = _parts(object)
    return f"{identifier(schema)}.{identifier(name)}({arguments})"


def _columns(object: str, words: Iterable[str]) -> str:
    column = _parts(object)[2]
    return ", ".join(f"{w} ({identifier(_unquoted(column))})" if column else w for w in words)


def _revocations(role: str, rights: Rights, met: list[Grant], notes: list[str]) -> Iterator[str]:
    own = [g for g in rights.grants if not _needed(g, met)]
    attributes = [_ATTRIBUTES[g.right] for g in own if not g.via and g.right in _ATTRIBUTES]
    if "bypassrls" in rights.powers:
        attributes.append("NOBYPASSRLS")
        notes.append("row security will hold for it: see that a policy admits it to the rows it needs")
    if attributes:
        yield f"ALTER ROLE {role} {' '.join(dict.fromkeys(attributes))};"
    for grant in own:
        way = grant.via[0] if grant.via else ""
        if way.startswith("SET ROLE "):
            yield f"REVOKE {identifier(way.removeprefix('SET ROLE '))} FROM {role};"
        elif way.startswith("DEFAULT PRIVILEGES of "):
            schema = _parts(grant.object)[0] if not grant.object.startswith("*") else ""
            inside = f" IN SCHEMA {identifier(schema)}" if schema else ""
            owner = identifier(way.removeprefix("DEFAULT PRIVILEGES of "))
            yield f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}{inside} REVOKE {grant.right} ON TABLES FROM {role};"
        elif way.startswith("SECURITY DEFINER "):
            yield f"REVOKE EXECUTE ON FUNCTION {_function(grant.object)} FROM {role};"
        elif way and _is_role(way):
            yield f"REVOKE {identifier(way)} FROM {role};"
        elif not way:
            yield from _direct(role, grant)


def _direct(role: str, grant: Grant) -> Iterator[str]:
    """The end of a right that the role holds itself."""
    kind, _, name = grant.object.partition(" ")
    if grant.right == "ADMIN OPTION":
        yield f"REVOKE ADMIN OPTION FOR {identifier(_unquoted(name))} FROM {role};"
    elif grant.right == "SET ROLE":
        yield f"REVOKE {identifier(_unquoted(name))} FROM {role};"
    elif grant.right == "CREATE" and kind in ("schema", "database"):
        yield f"REVOKE CREATE ON {kind.upper()} {identifier(_unquoted(name))} FROM {role};"
    elif grant.right.endswith(" WITH GRANT OPTION"):
        word = grant.right.removesuffix(" WITH GRANT OPTION")
        yield f"REVOKE GRANT OPTION FOR {_columns(grant.object, [word])} ON TABLE {_table(grant.object)} FROM {role};"
    elif grant.operation in ("read", "write", "delete", "admin") and grant.right not in (*_ATTRIBUTES, "OWNER"):
        yield f"REVOKE {_columns(grant.object, [grant.right])} ON TABLE {_table(grant.object)} FROM {role};"


def _decisions(role: str, rights: Rights, met: list[Grant]) -> Iterator[str]:
    for grant in rights.grants:
        if _needed(grant, met):
            continue
        if grant.via[:1] == ("PUBLIC",):
            if grant.operation == "execute":
                yield f"REVOKE EXECUTE ON FUNCTION {_function(grant.object)} FROM PUBLIC;"
            elif grant.object.startswith(("schema ", "database ")):
                kind, _, name = grant.object.partition(" ")
                yield f"REVOKE {grant.right} ON {kind.upper()} {identifier(_unquoted(name))} FROM PUBLIC;"
            elif grant.future:
                yield f"ALTER DEFAULT PRIVILEGES … REVOKE {grant.right} ON TABLES FROM PUBLIC;"
            elif not grant.right.endswith("OPTION"):
                yield f"REVOKE {_columns(grant.object, [grant.right])} ON TABLE {_table(grant.object)} FROM PUBLIC;"
        elif not grant.via and grant.right == "OWNER" and grant.operation == "admin":
            kind, space, name = grant.object.partition(" ")
            what = f"{kind.upper()} {identifier(_unquoted(name))}" if space else f"TABLE {_table(grant.object)}"
            yield f"ALTER {what} OWNER TO …; then grant {role} what it needs, and revoke the rest"
