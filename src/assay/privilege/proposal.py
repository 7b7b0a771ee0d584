"""Less privilege, as something to apply: a policy for AWS, and a patch of the declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from assay.declare.declaration import Declaration
from assay.declare.model import RIGHT_WORDS, Account, RightsFrom
from assay.domain import Edit
from assay.privilege.declared import BY_HAND, granted, grants_of
from assay.privilege.rights import Grant, Rights, covers, matches, touches

_VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "read": ("Get*", "List*", "Describe*"),
    "write": ("Put*", "Create*", "Update*"),
    "delete": ("Delete*",),
    "execute": ("Invoke*", "Start*"),
}


def aws_policy(rights: Rights, needs: Iterable[Grant]) -> dict[str, Any]:
    """A policy document that allows what is needed of what is allowed today, and nothing else.

    Actions stay as they were granted; where a wildcard allowed all of a service, the usual verbs of the operation take
    its place, and are to be looked through. A need that nothing allows today is left out.
    """
    statements: list[dict[str, Any]] = []
    for number, need in enumerate(dict.fromkeys(needs), 1):
        held = [g for g in rights.grants if touches(g, need)]
        actions: dict[str, None] = {}
        for grant in held:
            service, _, verb = grant.right.partition(":")
            if verb and verb != "*":
                actions[grant.right] = None
            else:
                named = service if service not in ("", "*") else need.object.split(":")[2:3]
                prefix = named if isinstance(named, str) else (named[0] if named and named[0] else "*")
                if prefix != "*":
                    actions.update(dict.fromkeys(f"{prefix}:{v}" for v in _VERBS.get(need.operation, ())))
        if actions:
            resources = dict.fromkeys(
                need.object if matches(g.object, need.object) else g.object for g in held if g.object
            )
            statements.append(
                {"Sid": f"Need{number}", "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
            )
    return {"Version": "2012-10-17", "Statement": statements}


def patch(declaration: Declaration, name: str) -> tuple[Edit, ...]:
    """The declaration with an account's rights, written by hand, shrunk to its needs. Empty: nothing to shrink.

    A need that no right covers is not added: a proposal of less privilege gives none.
    """
    account = declaration.model.accounts[name]
    place = declaration.places.at("accounts", name, "rights")
    written = declaration.places.written("accounts", name, "rights")
    if isinstance(account.rights, RightsFrom) or not account.needs or not written or not place.file_path:
        return ()
    wanted = _as_written(declaration, name, account)
    return (Edit(place.value.file, place.file_path, wanted),) if wanted else ()


def _as_written(declaration: Declaration, name: str, account: Account) -> list[dict[str, object]]:
    """Those of an account's needs that it has a right to, as they are written in YAML."""
    rights = account.rights if isinstance(account.rights, tuple) else ()
    held = grants_of(declaration, name, rights, "rights")
    found: list[dict[str, object]] = []
    for need in account.needs:
        item: dict[str, object] = {}
        for word in RIGHT_WORDS:
            objects = [
                written
                for written in getattr(need, word)
                if any(covers(g, granted(name, word, written, account.platform, need, BY_HAND)) for g in held)
            ]
            if objects:
                item[word] = objects[0] if len(objects) == 1 else objects
        if item:
            found.append(item)
    return found
