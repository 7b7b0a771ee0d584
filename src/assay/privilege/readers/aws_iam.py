"""Rights from AWS Identity and Access Management, as far as exported policies decide them.

Read are a policy document (``Version``, ``Statement``) and what ``aws iam get-account-authorization-details`` writes:
users and roles with their groups, inline and managed policies. The rules are those of the policy evaluation logic of
the IAM User Guide: what is allowed and not denied. A denial that takes a whole right away is applied; one that may take
part of it, a condition, a permissions boundary and a policy that is not in the export are said, and decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from assay.domain import Location
from assay.privilege.readers.text import json_object, named, no_principal, texts
from assay.privilege.rights import Grant, Operation, Rights, Unclear, distinct, matches

_VERBS: Final[tuple[tuple[Operation, tuple[str, ...]], ...]] = (
    ("read", ("get", "list", "describe", "batchget", "query", "scan", "head", "select", "search", "lookup", "view",
              "receive", "download", "decrypt", "test", "simulate", "read", "batchdescribe", "filter", "check")),
    ("delete", ("delete", "remove", "terminate", "purge", "batchdelete", "destroy", "empty")),
    ("execute", ("invoke", "run", "execute", "start", "send", "publish", "stop", "reboot", "signal", "trigger")),
    ("write", ("put", "create", "update", "write", "add", "set", "modify", "upload", "batchwrite", "copy", "import",
               "tag", "untag", "restore", "encrypt", "generate", "attach", "detach", "associate", "disassociate",
               "enable", "disable", "replace", "register", "change", "batchput", "complete", "abort", "initiate")),
)  # fmt: skip
_IMPERSONATE: Final = ("iam:passrole", "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity",
                       "sts:getfederationtoken", "iam:createaccesskey", "iam:createloginprofile",
                       "iam:updateloginprofile")  # fmt: skip
_GRANT: Final = ("iam:attach*", "iam:put*policy", "iam:createpolicy*", "iam:setdefaultpolicyversion",
                 "iam:addusertogroup", "iam:updateassumerolepolicy", "iam:*permissionsboundary", "s3:putbucketpolicy",
                 "s3:putbucketacl", "s3:putobjectacl", "kms:putkeypolicy", "kms:creategrant", "lambda:addpermission",
                 "organizations:attachpolicy", "sso:*permission*", "sqs:addpermission",
                 "sns:addpermission")  # fmt: skip
_ALL: Final[tuple[Operation, ...]] = ("read", "write", "delete", "execute", "admin", "impersonate", "grant")
_SERVICE: Final[tuple[Operation, ...]] = ("read", "write", "delete", "execute", "admin")


@dataclass(frozen=True, slots=True)
class _Statement:
    effect: str
    actions: tuple[str, ...]
    but_actions: tuple[str, ...]
    resources: tuple[str, ...]
    but_resources: tuple[str, ...]
    conditional: bool
    where: str
    via: tuple[str, ...]


def read(text: str, file: str, principal: str) -> Rights:
    """What a user, role or group, or whoever a policy is attached to, may do.

    Raises:
        AssayError: the file is no such export, or nobody of this name is in it.
    """
    value = json_object(text, file)
    unclear: list[Unclear] = []
    if "Statement" in value:
        statements = list(_statements(value, "", (), file, unclear))
    else:
        statements = list(_of_principal(value, principal, file, unclear))
    grants = tuple(_decided(statements, principal, file, unclear))
    return Rights(principal, file, distinct(grants), tuple(dict.fromkeys(unclear)))


def _of_principal(value: dict[str, Any], principal: str, file: str, unclear: list[Unclear]) -> Iterator[_Statement]:
    kinds = (("UserDetailList", "UserName", "UserPolicyList"), ("RoleDetailList", "RoleName", "RolePolicyList"),
             ("GroupDetailList", "GroupName", "GroupPolicyList"))  # fmt: skip
    people: dict[str, tuple[dict[str, Any], str]] = {}
    groups: dict[str, dict[str, Any]] = {}
    for key, name, inline in kinds:
        for item in named(value, key, file, unclear):
            for known in (item.get(name), item.get("Arn")):
                if isinstance(known, str):
                    if known in people and people[known][0] is not item:
                        unclear.append(Unclear(f"two identities are called `{known}`; give the ARN", Location(file)))
                    people.setdefault(known, (item, inline))
            if key == "GroupDetailList" and isinstance(item.get(name), str):
                groups[item[name]] = item
    if principal not in people:
        raise no_principal(principal, people, file, "user, role or group")
    managed: dict[str, dict[str, Any]] = {}
    for policy in named(value, "Policies", file, unclear):
        if isinstance(policy.get("Arn"), str):
            managed[policy["Arn"]] = policy
    item, inline = people[principal]
    if item.get("PermissionsBoundary"):
        unclear.append(
            Unclear("a permissions boundary may take some of these rights away; it is not evaluated", Location(file))
        )
    yield from _policies(item, inline, managed, (), file, unclear)
    for group in texts(item.get("GroupList")):
        if group in groups:
            yield from _policies(groups[group], "GroupPolicyList", managed, (group,), file, unclear)
        else:
            unclear.append(Unclear(f"it is in the group `{group}`, which is not in the export", Location(file)))


def _policies(
    item: dict[str, Any],
    inline: str,
    managed: Mapping[str, dict[str, Any]],
    via: tuple[str, ...],
    file: str,
    unclear: list[Unclear],
) -> Iterator[_Statement]:
    for policy in named(item, inline, file, unclear):
        name = str(policy.get("PolicyName", "an inline policy"))
        yield from _document(policy.get("PolicyDocument"), name, (*via, name), file, unclear)
    for attached in named(item, "AttachedManagedPolicies", file, unclear):
        name, arn = str(attached.get("PolicyName", "")), attached.get("PolicyArn")
        if not isinstance(arn, str) or arn not in managed:
            unclear.append(Unclear(f"the policy `{name or arn}` is attached and not in the export", Location(file)))
            continue
        versions = named(managed[arn], "PolicyVersionList", file, unclear)
        current = next((v for v in versions if v.get("IsDefaultVersion") is True), None)
        if current is None:
            unclear.append(Unclear(f"the version of `{name}` that is in force is not in the export", Location(file)))
        else:
            yield from _document(current.get("Document"), name, (*via, name), file, unclear)


def _document(
    value: object, name: str, via: tuple[str, ...], file: str, unclear: list[Unclear]
) -> Iterator[_Statement]:
    if isinstance(value, str):  # the API writes documents percent-encoded (RFC 3986)
        value = json_object(unquote(value), file)
    if not isinstance(value, dict):
        unclear.append(Unclear(f"the policy `{name}` has no document in the export", Location(file)))
        return
    yield from _statements(value, name, via, file, unclear)


def _statements(
    value: dict[str, Any], name: str, via: tuple[str, ...], file: str, unclear: list[Unclear]
) -> Iterator[_Statement]:
    found = value.get("Statement")
    items = [found] if isinstance(found, dict) else found if isinstance(found, list) else []
    if not items:
        unclear.append(Unclear(f"{_policy(name)} has no statement", Location(file)))
    for number, item in enumerate(items, 1):
        sid = item.get("Sid") if isinstance(item, dict) else None
        where = f"statement {sid or number} of {_policy(name)}"
        effect = item.get("Effect") if isinstance(item, dict) else None
        if not isinstance(item, dict) or effect not in ("Allow", "Deny"):
            unclear.append(Unclear(f"{where} neither allows nor denies", Location(file)))
            continue
        actions, but = texts(item.get("Action")), texts(item.get("NotAction"))
        resources, but_resources = texts(item.get("Resource")), texts(item.get("NotResource"))
        if bool(actions) == bool(but):
            unclear.append(Unclear(f"{where} names no action, or both `Action` and `NotAction`", Location(file)))
            continue
        if bool(resources) == bool(but_resources):
            unclear.append(Unclear(f"{where} names no resource, or both `Resource` and `NotResource`", Location(file)))
            continue
        yield _Statement(
            effect, tuple(actions), tuple(but), tuple(resources), tuple(but_resources),
            bool(item.get("Condition")), where, via,
        )  # fmt: skip


def _policy(name: str) -> str:
    return f"the policy `{name}`" if name else "the policy"


def _decided(statements: list[_Statement], principal: str, file: str, unclear: list[Unclear]) -> Iterator[Grant]:
    at = Location(file)
    denials = [s for s in statements if s.effect == "Deny"]
    for allowed in (s for s in statements if s.effect == "Allow"):
        if allowed.conditional:
            unclear.append(Unclear(f"{allowed.where} has a condition, which is not evaluated", at))
        if allowed.but_actions or allowed.but_resources:
            unclear.append(
                Unclear(f"{allowed.where} allows everything but what it names; exactly what is not known", at)
            )
        for action in allowed.actions or ("*",):
            for resource in allowed.resources or ("*",):
                if _denied(action, resource, denials, at, unclear):
                    continue
                operations = _operations(action)
                if not operations:
                    unclear.append(Unclear(f"what the action `{action[:80]}` does is not known", at))
                rows = "under a condition" if allowed.conditional else ""
                for operation in operations:
                    yield Grant(principal, resource, operation, action, file, None, allowed.via, rows, at=at)


def _denied(action: str, resource: str, denials: list[_Statement], at: Location, unclear: list[Unclear]) -> bool:
    """Whether a right is denied whole; where it is in part, that is said."""
    for denial in denials:
        all_actions = _within(action, denial.actions) if denial.actions else _outside(action, denial.but_actions)
        all_resources = (
            _within(resource, denial.resources, fold=False)
            if denial.resources
            else _outside(resource, denial.but_resources, fold=False)
        )
        if all_actions and all_resources and not denial.conditional:
            return True
        some = (not denial.actions or _meets(action, denial.actions)) and (
            not denial.resources or _meets(resource, denial.resources, fold=False)
        )
        if some:
            unclear.append(Unclear(f"{denial.where} may take some of `{action}` on `{resource}` away", at))
    return False


def _within(name: str, patterns: tuple[str, ...], *, fold: bool = True) -> bool:
    # A variable in a pattern stands for something that only the call knows.
    return any("${" not in p and matches(_folded(p, fold), _folded(name, fold)) for p in patterns)


def _outside(name: str, patterns: tuple[str, ...], *, fold: bool = True) -> bool:
    return not _meets(name, patterns, fold=fold)


def _meets(name: str, patterns: tuple[str, ...], *, fold: bool = True) -> bool:
    """Whether two patterns may have something in common. When in doubt, yes: only fixed beginnings are compared."""
    return any(_may_overlap(_folded(p, fold), _folded(name, fold)) for p in patterns)


def _may_overlap(one: str, other: str) -> bool:
    first, second = (re.split(r"[*?]|\$\{", text, maxsplit=1)[0] for text in (one, other))
    if first == one and second == other:
        return one == other
    return first.startswith(second) or second.startswith(first)


def _folded(text: str, fold: bool) -> str:
    return text.lower() if fold else text


def _operations(action: str) -> tuple[Operation, ...]:
    """What an action or a pattern of actions does; empty: unknown. Names of actions ignore case."""
    name = action.lower()
    if name in ("*", "*:*"):
        return _ALL
    service, _, verb = name.partition(":")
    if not service or not verb:
        return ()
    if set(verb) == {"*"}:
        wide: tuple[Operation, ...] = ("impersonate", "grant") if service in ("iam", "sts", "organizations") else ()
        return (*_SERVICE, *wide)
    found: list[Operation] = []
    if any(matches(name, known) or matches(known, name) for known in _IMPERSONATE):
        found.append("impersonate")
    if any(matches(pattern, name) or ("*" in name and _may_overlap(pattern, name)) for pattern in _GRANT):
        found.append("grant")
    if not found or "*" in verb:
        for operation, verbs in _VERBS:
            if any(verb.startswith(v) for v in verbs) or (
                "*" in verb and any(v.startswith(verb.partition("*")[0]) for v in verbs)
            ):
                found.append(operation)
    return tuple(dict.fromkeys(found))
