"""Rights from Microsoft Entra: app roles and delegated permissions of service principals, as Microsoft Graph has them.

The file is an object with ``servicePrincipals``: each as ``GET /servicePrincipals/{id}`` answers, with its
``appRoles``, ``appRoleAssignments`` and ``oauth2PermissionGrants`` beside it. Assignments name roles by id; the names
stand with the resource that offers them, which must be in the export as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from assay.domain import Location
from assay.privilege.readers.text import day, json_object, named, no_principal
from assay.privilege.rights import Grant, Operation, Rights, Unclear, distinct

_KNOWN: Final[Mapping[str, tuple[Operation, ...]]] = {
    "RoleManagement.ReadWrite.Directory": ("read", "write", "grant"),
    "AppRoleAssignment.ReadWrite.All": ("read", "write", "grant"),
    "DelegatedPermissionGrant.ReadWrite.All": ("read", "write", "grant"),
    "Application.ReadWrite.All": ("read", "write", "delete", "admin", "impersonate"),
    "Application.ReadWrite.OwnedBy": ("read", "write", "admin"),
    "Directory.ReadWrite.All": ("read", "write", "admin"),
    "Directory.AccessAsUser.All": ("admin", "impersonate"),
    "GroupMember.ReadWrite.All": ("read", "write", "grant"),
    "PrivilegedAccess.ReadWrite.AzureADGroup": ("read", "write", "grant"),
    "full_access_as_app": ("read", "write", "delete", "admin", "impersonate"),
    "Exchange.ManageAsApp": ("admin",),
    "Sites.FullControl.All": ("read", "write", "delete", "admin", "grant"),
    "user_impersonation": ("impersonate",),
}
_VERB: Final[Mapping[str, tuple[Operation, ...]]] = {
    "Read": ("read",),
    "ReadBasic": ("read",),
    "ReadWrite": ("read", "write", "delete"),
    "Write": ("write",),
    "Create": ("write",),
    "Manage": ("read", "write", "delete", "admin"),
    "FullControl": ("read", "write", "delete", "admin"),
    "Send": ("execute",),
    "Invoke": ("execute",),
    "Execute": ("execute",),
    "Export": ("read",),
}
_NO_ROLE: Final = "00000000-0000-0000-0000-000000000000"
_HARMLESS: Final = frozenset({"openid", "profile", "email", "offline_access"})


def read(text: str, file: str, principal: str) -> Rights:
    """What a service principal may do; it is named by its display name, its id or its application's id.

    Raises:
        AssayError: it is no such export, or nobody of this name is in it.
    """
    value = json_object(text, file)
    unclear: list[Unclear] = []
    at = Location(file)
    items = named(value, "servicePrincipals", file, unclear) or named(value, "value", file, unclear)
    mine = [i for i in items if principal in (i.get("displayName"), i.get("id"), i.get("appId"))]
    if not mine:
        names = [str(i["displayName"]) for i in items if isinstance(i.get("displayName"), str)]
        raise no_principal(principal, names, file, "service principal")
    if len(mine) > 1:
        unclear.append(Unclear(f"{len(mine)} service principals are called `{principal}`; give the id", at))
    if any(i.get("accountEnabled") is False for i in mine):
        return Rights(principal, file, (), tuple(unclear), frozenset({"nologin"}))
    resources = {str(i.get("id")): i for i in items}
    if all("appRoleAssignments" not in i for i in mine):
        unclear.append(Unclear("the export holds no `appRoleAssignments` of it, so its app roles are not known", at))
    grants: list[Grant] = []
    for item in mine:
        for assignment in named(item, "appRoleAssignments", file, unclear):
            grants += _assigned(assignment, resources, principal, file, unclear)
        for grant in named(item, "oauth2PermissionGrants", file, unclear):
            grants += _delegated(grant, resources, principal, file, unclear)
    return Rights(principal, file, distinct(grants), tuple(dict.fromkeys(unclear)))


def _assigned(
    assignment: dict[str, Any], resources: Mapping[str, dict[str, Any]], who: str, file: str, unclear: list[Unclear]
) -> Iterator[Grant]:
    at = Location(file)
    resource, role = str(assignment.get("resourceId", "")), str(assignment.get("appRoleId", ""))
    shown = str(assignment.get("resourceDisplayName") or resource or "a resource without a name")
    if role == _NO_ROLE:
        return  # assigned without a role: it may sign in, and nothing else
    offered = resources.get(resource)
    roles = named(offered, "appRoles", file, unclear) if offered else []
    value = next((r.get("value") for r in roles if str(r.get("id")) == role), None)
    if not isinstance(value, str) or not value:
        missing = "the role is not among its `appRoles`" if offered else "the resource is not in the export"
        unclear.append(Unclear(f"which right the app role {role} of {shown} is, is not known: {missing}", at))
        return
    since = day(assignment.get("createdDateTime"), at, unclear)
    for operation in _operations(value, at, unclear):
        yield Grant(who, f"{shown}/{_object(value)}", operation, value, file, since, at=at)


def _delegated(
    grant: dict[str, Any], resources: Mapping[str, dict[str, Any]], who: str, file: str, unclear: list[Unclear]
) -> Iterator[Grant]:
    at = Location(file)
    resource = str(grant.get("resourceId", ""))
    shown = str(resources.get(resource, {}).get("displayName") or resource)
    scopes = grant.get("scope")
    if not isinstance(scopes, str):
        unclear.append(Unclear(f"a permission grant for {shown} has no `scope`", at))
        return
    whose = "of anybody who signs in" if grant.get("consentType") == "AllPrincipals" else "of one user"
    for scope in scopes.split():
        if scope in _HARMLESS:
            continue
        for operation in _operations(scope, at, unclear):
            yield Grant(
                who, f"{shown}/{_object(scope)}", operation, scope, file, rows=f"as far as the rights {whose}", at=at
            )


def _object(value: str) -> str:
    """What a permission is about: ``User`` of ``User.Read.All``; with ``.All`` it is all of them."""
    first, _, rest = value.partition(".")
    return f"{first}*" if rest.endswith(("All", "Directory")) else first


def _operations(value: str, at: Location, unclear: list[Unclear]) -> tuple[Operation, ...]:
    if value in _KNOWN:
        return _KNOWN[value]
    for part in re.split(r"[.]", value)[1:]:
        if part in _VERB:
            return _VERB[part]
    unclear.append(Unclear(f"what the permission `{value[:80]}` allows is not known", at))
    return ()
