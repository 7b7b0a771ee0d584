"""Rights from permission sets and profiles of Salesforce, in the XML of its Metadata API.

`objectPermissions` and `fieldPermissions` are rights on objects; `viewAllRecords` and `modifyAllRecords` pass sharing
rules by; of `userPermissions` those are known that reach all data or other people's rights. Others are listed as what
cannot be decided if their name suggests that they are wide, and else left out: there are hundreds for single features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.parsers import expat

from assay.domain import AssayError, Location
from assay.privilege.rights import Grant, Operation, Rights, Unclear

_OBJECT: Final[Mapping[str, tuple[Operation, ...]]] = {
    "allowRead": ("read",),
    "allowCreate": ("write",),
    "allowEdit": ("write",),
    "allowDelete": ("delete",),
    "viewAllRecords": ("read",),
    "modifyAllRecords": ("read", "write", "delete"),
}
_USER: Final[Mapping[str, tuple[tuple[Operation, str], ...]]] = {
    "ModifyAllData": (("read", "*"), ("write", "*"), ("delete", "*"), ("admin", "*")),
    "ViewAllData": (("read", "*"),),
    "ViewAllUsers": (("read", "User"),),
    "ManageUsers": (("grant", "*"), ("write", "User")),
    "ManageInternalUsers": (("grant", "*"), ("write", "User")),
    "AssignPermissionSets": (("grant", "*"),),
    "ManageProfilesPermissionsets": (("grant", "*"),),
    "ManageRoles": (("grant", "roles"),),
    "ManageSharing": (("grant", "sharing rules"),),
    "ResetPasswords": (("impersonate", "*"),),
    "DelegatedTwoFactor": (("impersonate", "*"),),
    "CustomizeApplication": (("admin", "*"),),
    "ModifyMetadata": (("admin", "*"),),
    "AuthorApex": (("admin", "*"),),
    "BulkApiHardDelete": (("delete", "*"),),
    "DataExport": (("read", "*"),),
    "TransferAnyEntity": (("write", "*"),),
    "ManageEncryptionKeys": (("admin", "encryption keys"),),
    "ManageAuthProviders": (("admin", "sign-in"),),
}
_HARMLESS: Final = frozenset({"ApiEnabled", "ApiUserOnly", "ViewSetup", "RunReports", "LightningExperienceUser"})
_WIDE: Final = ("All", "Manage", "Modify", "Any")
_ROOTS: Final = ("PermissionSet", "Profile", "MutingPermissionSet")
_DEPTH: Final = 16


def read(text: str, file: str, principal: str) -> Rights:
    """What a permission set or profile gives to whoever holds it.

    Raises:
        AssayError: it is no such XML; with the place.
    """
    root, entries = _entries(text, file)
    if root not in _ROOTS[:2]:
        what = "takes rights away, which is read together with its group" if root == _ROOTS[2] else "is something else"
        raise AssayError(
            f"`{file}` holds a `{root}`, which {what}",
            fix="export the permission set or profile that the account holds",
            location=Location(file),
        )
    grants: list[Grant] = []
    unclear: list[Unclear] = []
    for kind, values, at in entries:
        if kind == "objectPermissions":
            grants += _on_object(values, file, principal, at, unclear)
        elif kind == "fieldPermissions":
            grants += _on_field(values, file, principal, at, unclear)
        elif kind == "userPermissions":
            grants += _of_user(values, file, principal, at, unclear)
    if not any(kind.endswith("Permissions") for kind, _, _ in entries):
        unclear.append(Unclear("it holds no permissions at all, as an export without its objects does", Location(file)))
    return Rights(principal, file, tuple(grants), tuple(unclear))


def _yes(values: Mapping[str, str], key: str, at: Location, unclear: list[Unclear]) -> bool:
    text = values.get(key, "false")
    if text not in ("true", "false"):
        unclear.append(Unclear(f"`{key}` is `{text[:40]}`, neither true nor false", at))
    return text == "true"


def _on_object(values: Mapping[str, str], file: str, who: str, at: Location, unclear: list[Unclear]) -> Iterator[Grant]:
    name = values.get("object", "")
    if not name:
        unclear.append(Unclear("permissions on an object that is not named", at))
        return
    for word, operations in _OBJECT.items():
        if _yes(values, word, at, unclear):
            # Only the last two reach records that nobody shared with the account.
            rows = "" if word.endswith("AllRecords") else "by sharing rules"
            for operation in operations:
                yield Grant(who, name, operation, word, file, rows=rows, at=at)


def _on_field(values: Mapping[str, str], file: str, who: str, at: Location, unclear: list[Unclear]) -> Iterator[Grant]:
    name, _, field = values.get("field", "").partition(".")
    if not name or not field:
        unclear.append(Unclear("permissions on a field that is not named", at))
        return
    # A field is reached only with its object, whose rights are listed beside it.
    for word, operation in (("readable", "read"), ("editable", "write")):
        if _yes(values, word, at, unclear):
            made: Operation = "read" if operation == "read" else "write"
            yield Grant(who, f"{name}({field})", made, word, file, rows="by sharing rules", at=at)


def _of_user(values: Mapping[str, str], file: str, who: str, at: Location, unclear: list[Unclear]) -> Iterator[Grant]:
    name = values.get("name", "")
    if not _yes(values, "enabled", at, unclear) or name in _HARMLESS:
        return
    if name in _USER:
        for operation, what in _USER[name]:
            yield Grant(who, what, operation, name, file, at=at)
    elif not name or any(word in name for word in _WIDE):
        unclear.append(Unclear(f"what the permission `{name[:60]}` reaches is not known", at))


def _entries(text: str, file: str) -> tuple[str, list[tuple[str, dict[str, str], Location]]]:
    """The root's name, and its children: name, texts of their own children, place."""
    parser = expat.ParserCreate(namespace_separator="}")
    entries: list[tuple[str, dict[str, str], Location]] = []
    stack: list[str] = []
    state: dict[str, Any] = {"root": "", "text": [], "values": {}, "at": Location(file)}

    def place() -> Location:
        return Location(file, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    def refuse(*_: object) -> None:
        # No export has a document type; one that has could name files and expand without end (XXE).
        raise AssayError(
            f"`{file}` has a document type", fix="export it again; Salesforce writes none", location=place()
        )

    def start(name: str, _: object) -> None:
        stack.append(name.rpartition("}")[2])
        if len(stack) > _DEPTH:
            raise AssayError(f"`{file}` is nested too deeply", fix="export it again", location=place())
        if len(stack) == 1:
            state["root"] = stack[0]
        elif len(stack) == 2:
            state["values"], state["at"] = {}, place()
        state["text"] = []

    def end(_: str) -> None:
        name = stack.pop()
        if len(stack) == 2:
            state["values"][name] = "".join(state["text"]).strip()
        elif len(stack) == 1:
            entries.append((name, state["values"], state["at"]))
        state["text"] = []

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda data: state["text"].append(data)
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise AssayError(
            f"`{file}` is no XML: {expat.ErrorString(error.code)}",
            fix="export it again; half an export is worse than none",
            location=Location(file, error.lineno, error.offset + 1),
        ) from None
    return str(state["root"]), entries
