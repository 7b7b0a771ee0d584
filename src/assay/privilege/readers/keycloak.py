"""Rights from a realm export of Keycloak: roles, composites, groups, service accounts.

The roles of the client ``realm-management`` (and the role ``admin`` of the realm ``master``) administer the realm; what
the roles of applications allow is known to the applications alone, so each is one right: to act in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from assay.domain import Location
from assay.privilege.readers.text import json_object, mapping, named, no_principal, texts
from assay.privilege.rights import Grant, Operation, Rights, Unclear, distinct

_MANAGEMENT: Final[Mapping[str, tuple[Operation, ...]]] = {
    "realm-admin": ("read", "write", "delete", "admin", "grant", "impersonate"),
    "impersonation": ("impersonate",),
    "manage-realm": ("admin",),
    "manage-clients": ("admin",),
    "create-client": ("admin",),
    "manage-identity-providers": ("admin", "impersonate"),
    "manage-authorization": ("grant",),
    "manage-users": ("write", "delete", "grant"),
    "manage-events": ("write", "delete"),
}
_ROLE = tuple[str, str]
"""(client, role); the client is empty for roles of the realm."""


def read(text: str, file: str, principal: str) -> Rights:
    """What a user or a service account may do; a service account is named by its client, too.

    Raises:
        AssayError: it is no realm export, or nobody of this name is in it.
    """
    value = json_object(text, file)
    at, unclear = Location(file), list[Unclear]()
    realm = str(value.get("realm") or value.get("id") or "realm")
    users = named(value, "users", file, unclear)
    if "users" not in value:
        unclear.append(Unclear("the export holds no users, so who has which role is not known", at))
    who = next((u for u in users if principal in (u.get("username"), u.get("serviceAccountClientId"))), None)
    clients = {c["clientId"]: c for c in named(value, "clients", file, unclear) if isinstance(c.get("clientId"), str)}
    if who is None and principal not in clients:
        names = {str(u["username"]) for u in users if "username" in u} | clients.keys()
        raise no_principal(principal, names, file, "user or client")
    if who is None:
        said = (
            f"the service account of `{principal}` is not in the export"
            if clients[principal].get("serviceAccountsEnabled") is True
            else f"the client `{principal}` has no service account"
        )
        unclear.append(Unclear(said, at))
        return Rights(principal, file, (), tuple(unclear))
    if who.get("enabled") is False:
        return Rights(principal, file, (), tuple(unclear), frozenset({"nologin"}))
    if who.get("federationLink"):
        unclear.append(Unclear("it comes from another directory, which may give it more roles", at))
    composites = _composites(value, file, unclear)
    held = dict(_held(who, (), file, unclear))
    held |= {r: w for r, w in _of_groups(who, value, file, unclear) if r not in held}
    default = value.get("defaultRole")
    if isinstance(default, dict) and isinstance(default.get("name"), str):
        held.setdefault(("", default["name"]), ())
    grants = list(_closure(held, composites, realm, principal, file, at, unclear))
    return Rights(principal, file, distinct(grants), tuple(dict.fromkeys(unclear)))


def _held(
    item: dict[str, Any], via: tuple[str, ...], file: str, unclear: list[Unclear]
) -> Iterator[tuple[_ROLE, tuple[str, ...]]]:
    for role in texts(item.get("realmRoles")):
        yield ("", role), via
    by_client = mapping(item, "clientRoles", file, unclear)
    for client, roles in by_client.items():
        for role in texts(roles):
            yield (client, role), via


def _of_groups(
    who: dict[str, Any], value: dict[str, Any], file: str, unclear: list[Unclear]
) -> Iterator[tuple[_ROLE, tuple[str, ...]]]:
    """Roles of the groups it is in, and of the groups above them."""
    groups: dict[str, dict[str, Any]] = {}
    waiting = [("", g) for g in named(value, "groups", file, unclear)]
    while waiting:
        above, group = waiting.pop()
        path = f"{above}/{group.get('name', '')}"
        groups[path] = group
        waiting += [(path, g) for g in named(group, "subGroups", file, unclear)]
    for path in texts(who.get("groups")):
        if path not in groups:
            unclear.append(Unclear(f"it is in the group `{path}`, which is not in the export", Location(file)))
        steps = path.strip("/").split("/")
        for length in range(1, len(steps) + 1):
            name = "/" + "/".join(steps[:length])
            if name in groups:
                yield from _held(groups[name], (name,), file, unclear)


def _composites(value: dict[str, Any], file: str, unclear: list[Unclear]) -> dict[_ROLE, tuple[_ROLE, ...]]:
    """Every role of the export, with the roles that come with it."""
    roles = mapping(value, "roles", file, unclear)
    found: dict[_ROLE, tuple[_ROLE, ...]] = {}
    if "roles" not in value:
        unclear.append(Unclear("the export holds no roles, so what composite roles bring is not known", Location(file)))
    by_client = mapping(roles, "client", file, unclear)
    sections = [("", named(roles, "realm", file, unclear))]
    sections += [(client, named(by_client, client, file, unclear)) for client in by_client]
    for client, items in sections:
        for item in items:
            below = mapping(item, "composites", file, unclear)
            brought: list[_ROLE] = [("", role) for role in texts(below.get("realm"))]
            for other, names in mapping(below, "client", file, unclear).items():
                brought += [(other, role) for role in texts(names)]
            if isinstance(item.get("name"), str):
                found[(client, item["name"])] = tuple(brought)
    return found


def _closure(
    held: dict[_ROLE, tuple[str, ...]],
    composites: dict[_ROLE, tuple[_ROLE, ...]],
    realm: str,
    principal: str,
    file: str,
    at: Location,
    unclear: list[Unclear],
) -> Iterator[Grant]:
    ways, waiting = dict(held), list(held)
    while waiting:
        role = waiting.pop(0)
        if composites and role not in composites and role[0] != "realm-management":
            unclear.append(Unclear(f"the role `{_shown(role)}` is held and not in the export", at))
        for brought in composites.get(role, ()):
            if brought not in ways:
                ways[brought] = (*ways[role], _shown(role))
                waiting.append(brought)
    for (client, name), via in ways.items():
        for operation in _operations(client, name, realm):
            what = f"realm {realm}" if client in ("realm-management", "") and operation != "execute" else ""
            yield Grant(principal, what or _shown((client, name)), operation, name, file, None, via, at=at)


def _operations(client: str, role: str, realm: str) -> tuple[Operation, ...]:
    if client == "realm-management" or (realm == "master" and client.endswith("-realm")):
        if role.startswith(("view-", "query-")):
            return ("read",)
        return _MANAGEMENT.get(role, ("admin",))
    if realm == "master" and not client and role in ("admin", "create-realm"):
        return _MANAGEMENT["realm-admin"]
    return ("execute",)


def _shown(role: _ROLE) -> str:
    return f"{role[0]}/{role[1]}" if role[0] else role[1]
